using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

/// <summary>Validates the types of a module (3.2): what they refer to, and that declared subtypes are subtypes.</summary>
internal static class TypeValidator
{
    public static void Validate(ModuleContext context)
    {
        WasmModule module = context.Module;
        bool needsMatching = false;
        for (int i = 0; i < module.Types.Length; i++)
        {
            SubType type = module.Types[i];
            int groupEnd = type.RecursiveGroupStart + type.RecursiveGroupLength;
            CheckFeatures(module, i);
            CheckReferences(module, i, groupEnd);
            foreach (int supertype in type.Supertypes)
            {
                needsMatching = true;
                CheckIndex(module, i, supertype, groupEnd);
                if (supertype >= i)
                {
                    Fail(module, i, $"unknown type: forward use of type {supertype} in sub type definition {i}");
                }

                if (module.Types[supertype].IsFinal)
                {
                    Fail(module, i, $"sub type {i} has final super type {supertype}");
                }
            }
        }

        if (needsMatching)
        {
            CheckSubtypes(context);
        }
    }

    private static void CheckSubtypes(ModuleContext context)
    {
        WasmModule module = context.Module;
        CheckDepths(module);
        for (int i = 0; i < module.Types.Length; i++)
        {
            SubType type = module.Types[i];
            foreach (int supertype in type.Supertypes)
            {
                if (!TypeMatching.CompositeMatches(type.Composite, module.Types[supertype].Composite, context.Types))
                {
                    Fail(module, i, $"sub type {i} does not match super type {supertype}");
                }
            }
        }
    }

    // Before any types are matched: matching walks up the supertypes, also those of later types of the group, and a long way for each of many types would be
    // quadratic.
    private static void CheckDepths(WasmModule module)
    {
        byte[] depths = new byte[module.Types.Length];
        for (int i = 0; i < module.Types.Length; i++)
        {
            foreach (int supertype in module.Types[i].Supertypes)
            {
                int depth = depths[supertype] + 1;
                if (depth > ImplementationLimits.SubtypeDepth)
                {
                    throw new UnsupportedModuleException($"sub type {i} is more than {ImplementationLimits.SubtypeDepth} types deep", WasmFeatures.None, Offset(module, i));
                }

                depths[i] = byte.Max(depths[i], (byte)depth);
            }
        }
    }

    private static void CheckFeatures(WasmModule module, int index)
    {
        SubType type = module.Types[index];
        WasmFeatures needed = type.Composite.Function is FunctionType { Results.Length: > 1 } ? WasmFeatures.MultiValue : WasmFeatures.None;
        if (type.Composite.Kind != CompositeKind.Function || !type.IsFinal || !type.Supertypes.IsEmpty || type.RecursiveGroupLength != 1)
        {
            needed |= WasmFeatures.GarbageCollection;
        }

        Require(module, index, needed);
    }

    private static void CheckReferences(WasmModule module, int index, int groupEnd)
    {
        CompositeType composite = module.Types[index].Composite;
        if (composite.Function is FunctionType function)
        {
            foreach (ValType parameter in function.Parameters)
            {
                CheckType(module, index, parameter, groupEnd);
            }

            foreach (ValType result in function.Results)
            {
                CheckType(module, index, result, groupEnd);
            }
        }
        else
        {
            foreach (FieldType field in composite.Fields)
            {
                CheckType(module, index, field.Type, groupEnd);
            }
        }
    }

    private static void CheckType(WasmModule module, int index, ValType type, int groupEnd)
    {
        if (type.IsReference && type.HeapType.IsConcrete)
        {
            CheckIndex(module, index, type.HeapType.TypeIndex, groupEnd);
        }
    }

    private static void CheckIndex(WasmModule module, int index, int used, int groupEnd)
    {
        if (used >= groupEnd)
        {
            Fail(module, index, $"unknown type {used}: type {index} can refer to those before {groupEnd}");
        }
    }

    private static void Require(WasmModule module, int index, WasmFeatures needed)
    {
        if ((needed & ~module.Features) != 0)
        {
            throw new UnsupportedModuleException($"type {index} needs {needed & ~module.Features}", needed & ~module.Features, Offset(module, index));
        }
    }

    private static int Offset(WasmModule module, int index) => ModuleOffsets.At(module.Offsets.Types, index);

    [DoesNotReturn]
    private static void Fail(WasmModule module, int index, string message) => throw new InvalidModuleException(message, Offset(module, index));
}
