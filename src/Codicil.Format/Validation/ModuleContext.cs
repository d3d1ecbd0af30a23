using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

/// <summary>
/// The specification's context of a module (3.1.2), as far as the module's own lists are not it already. What few modules need is made when first asked for.
/// Shared by the function validators of a module; thread-safe.
/// </summary>
internal sealed class ModuleContext
{
    private readonly Lock _lock = new();
    private volatile TypeContext? _types;
    private volatile bool[]? _declaredFunctions;

    public ModuleContext(WasmModule module)
    {
        Module = module;
        FunctionTypes = new FunctionType?[module.Types.Length];
        for (int i = 0; i < FunctionTypes.Length; i++)
        {
            FunctionTypes[i] = module.Types[i].Composite.Function;
        }
    }

    public WasmModule Module { get; }

    /// <summary>The function type of every type index, null for structures and arrays.</summary>
    public FunctionType?[] FunctionTypes { get; }

    public TypeContext Types
    {
        get
        {
            if (_types is null)
            {
                lock (_lock)
                {
                    _types ??= TypeContext.Create(Module.Types);
                }
            }

            return _types;
        }
    }

    /// <summary>Whether a function occurs outside the functions' bodies, so that ref.func may name it (3.5.1, C.refs).</summary>
    public bool IsDeclared(uint functionIndex)
    {
        if (_declaredFunctions is null)
        {
            lock (_lock)
            {
                _declaredFunctions ??= FindDeclaredFunctions();
            }
        }

        return _declaredFunctions[functionIndex];
    }

    private bool[] FindDeclaredFunctions()
    {
        bool[] declared = new bool[Module.Functions.Length];
        foreach (Export export in Module.Exports)
        {
            if (export.Kind == ExternKind.Function)
            {
                Declare(declared, (uint)export.Index);
            }
        }

        foreach (ByteRange expression in Module.GlobalInitializers)
        {
            DeclareAll(declared, expression);
        }

        foreach (ByteRange expression in Module.TableInitializers)
        {
            DeclareAll(declared, expression);
        }

        foreach (ElementSegment segment in Module.ElementSegments)
        {
            if (segment.Expressions.IsDefault)
            {
                foreach (int index in segment.FunctionIndices)
                {
                    Declare(declared, (uint)index);
                }

                continue;
            }

            foreach (ByteRange expression in segment.Expressions)
            {
                DeclareAll(declared, expression);
            }
        }

        return declared;
    }

    private void DeclareAll(bool[] declared, ByteRange expression)
    {
        InstructionReader reader = new(Module.Bytes.Span, expression.Start, expression.End, Module.Features);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            if (instruction.Opcode == Opcode.RefFunc)
            {
                Declare(declared, instruction.Index);
            }
        }
    }

    private static void Declare(bool[] declared, uint index)
    {
        // An index out of range is an error that the segment or export itself reports.
        if (index < (uint)declared.Length)
        {
            declared[index] = true;
        }
    }
}
