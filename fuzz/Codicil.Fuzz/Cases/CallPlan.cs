using System.Globalization;
using System.Text;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Fuzz.Cases;

/// <summary>
/// What is done with a module, written so that every engine can read it: a description of each import, and calls of exports by their position.
/// </summary>
/// <remarks>
/// A value is a letter and hexadecimal bits: <c>i</c> i32, <c>I</c> i64, <c>f</c> f32, <c>F</c> f64, <c>x</c> externref (a token's number),
/// <c>r</c> a function (an export's position), <c>a</c> an internal reference (the bits of an i31); <c>N</c> is null. Imports: <c>f:results</c>, <c>m:min:max:address</c>,
/// <c>t:min:max:type:address</c>, <c>g:mutable:type:value</c>, <c>e:types</c> for tags.
/// </remarks>
/// <param name="Imports">The imports, by commas; <c>-</c> for none.</param>
/// <param name="Calls">The calls, by commas, each <c>export:argument;argument</c>; <c>-</c> for none.</param>
internal sealed record CallPlan(string Imports, string Calls)
{
    private const int MostCalls = 72;

    /// <summary>The tokens that externref values are taken from.</summary>
    public const int Tokens = 4;

    public static CallPlan Create(WasmModule module, FuzzRandom random, int rounds)
    {
        List<string> imports = [];
        foreach (Import import in module.Imports)
        {
            ExternType type = module.GetExternType(import.Kind, import.Index);
            imports.Add(type switch
            {
                FunctionType function when IsPlain(module.Types[module.Functions[import.Index]]) && function.Parameters.All(IsForHost) => "f:" + string.Concat(function.Results.Select(LetterOfHost)),
                MemoryType memory => "m:" + Describe(memory.Limits) + (memory.Is64 ? ":I" : ":i"),
                TableType table => "t:" + Describe(table.Limits) + ":" + LetterOfHost(table.ElementType) + (table.Is64 ? ":I" : ":i"),
                TagType tag => "e:" + string.Concat(tag.FunctionType.Parameters.Select(LetterOfHost)),
                GlobalType global when global.Type.Kind != ValKind.V128 => "g:" + (global.IsMutable ? "1:" : "0:") + LetterOfHost(global.Type) + ":" + Argument(global.Type, module, random, functions: false)!,
                _ => throw new NotSupportedException(type.ToString()),
            });
        }

        List<string> calls = [];
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < module.Exports.Length && calls.Count < MostCalls; i++)
            {
                if (module.Exports[i].Kind != ExternKind.Function)
                {
                    continue;
                }

                FunctionType type = module.GetTypeOfFunction(module.Exports[i].Index);
                string?[] arguments = type.Parameters.Concat(type.Results).All(IsForJavaScript) ? [.. type.Parameters.Select(type => Argument(type, module, random, functions: true))] : [null];
                if (arguments.Contains(null))
                {
                    // JavaScript has no such values, and a call is a TypeError; or nobody outside the module can make one.
                    continue;
                }

                var call = new StringBuilder();
                call.Append(CultureInfo.InvariantCulture, $"{i}:");
                call.AppendJoin(';', arguments);
                calls.Add(call.ToString());
            }
        }

        return new CallPlan(imports.Count == 0 ? "-" : string.Join(',', imports), calls.Count == 0 ? "-" : string.Join(',', calls));
    }

    /// <summary>Whether JavaScript can be given a value of the type: it has no vectors and no references to exceptions.</summary>
    private static bool IsForJavaScript(ValType type) => type.Kind != ValKind.V128 && !(type.IsReference && (type.HeapType == HeapType.Exn || type.HeapType == HeapType.NoExn));

    // JavaScript's function is of whatever type its import has, .NET's of the type that is nobody's supertype and in no group.
    private static bool IsPlain(SubType type) => type is { IsFinal: true, Supertypes.IsEmpty: true, RecursiveGroupLength: 1 };

    // A host function's type has no type indices: there is no module that would say what they mean.
    private static bool IsForHost(ValType type) => IsForJavaScript(type) && !(type.IsReference && type.HeapType.IsConcrete);

    // What a host makes: of references those that every kind of host has.
    public static char LetterOfHost(ValType type) =>
        !type.IsReference || type == ValType.FuncRef || type == ValType.ExternRef || type == ValType.Reference(true, HeapType.Any)
            ? Letter(type)
            : throw new NotSupportedException(type.ToString());

    // A reference's letter is that of its hierarchy.
    private static char Letter(ValType type) => type.Kind switch
    {
        ValKind.I32 => 'i',
        ValKind.I64 => 'I',
        ValKind.F32 => 'f',
        ValKind.F64 => 'F',
        ValKind.V128 => 'v',
        _ when type.HeapType == HeapType.Extern || type.HeapType == HeapType.NoExtern => 'x',
        _ when type.HeapType == HeapType.Func || type.HeapType == HeapType.NoFunc => 'r',
        _ => 'a',
    };

    private static string Describe(Limits limits) =>
        string.Create(CultureInfo.InvariantCulture, $"{limits.Minimum}:{(limits.Maximum is { } maximum ? maximum.ToString(CultureInfo.InvariantCulture) : "-")}");

    private static string? Argument(ValType type, WasmModule module, FuzzRandom random, bool functions)
    {
        bool isFunction = type.IsReference && (type.HeapType.IsConcrete ? module.Types[type.HeapType.TypeIndex].Composite.Kind == CompositeKind.Function : Letter(type) == 'r');
        bool canBeNull = type.IsReference && type.IsNullable;
        switch (isFunction ? 'r' : Letter(type))
        {
            case 'i':
                return string.Create(CultureInfo.InvariantCulture, $"i{EdgeValues.I32(random):x}");
            case 'I':
                return string.Create(CultureInfo.InvariantCulture, $"I{EdgeValues.I64(random):x}");
            case 'f':
                return string.Create(CultureInfo.InvariantCulture, $"f{EdgeValues.F32(random):x}");
            case 'F':
                return string.Create(CultureInfo.InvariantCulture, $"F{EdgeValues.F64(random):x}");
            case 'x':
                return type.HeapType == HeapType.NoExtern ? canBeNull ? "xN" : null : canBeNull && random.Chance(30) ? "xN" : string.Create(CultureInfo.InvariantCulture, $"x{random.Below(Tokens)}");
            case 'a':
                bool isNumber = type.HeapType == HeapType.Any || type.HeapType == HeapType.Eq || type.HeapType == HeapType.I31;
                return canBeNull && (!isNumber || random.Chance(30)) ? "aN" : isNumber ? string.Create(CultureInfo.InvariantCulture, $"a{EdgeValues.I32(random) & 0x7FFF_FFFF:x}") : null;
            default:
                int[] exports = functions ? [.. Enumerable.Range(0, module.Exports.Length).Where(i => IsExportOf(module, i, type.HeapType))] : [];
                return canBeNull && (exports.Length == 0 || random.Chance(30)) ? "rN" : exports.Length == 0 ? null : string.Create(CultureInfo.InvariantCulture, $"r{random.Pick<int>(exports):x}");
        }
    }

    private static bool IsExportOf(WasmModule module, int export, HeapType type) =>
        module.Exports[export].Kind == ExternKind.Function
        && (type == HeapType.Func || (type.IsConcrete && module.Functions[module.Exports[export].Index] == type.TypeIndex));
}
