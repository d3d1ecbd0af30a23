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
/// <c>r</c> funcref (an export's position); <c>N</c> is null. Imports: <c>f:results</c>, <c>m:min:max</c>, <c>t:min:max:type</c>, <c>g:mutable:type:value</c>.
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
                FunctionType function => "f:" + string.Concat(function.Results.Select(Letter)),
                MemoryType memory => "m:" + Describe(memory.Limits),
                TableType table => "t:" + Describe(table.Limits) + ":" + Letter(table.ElementType),
                GlobalType global => "g:" + (global.IsMutable ? "1:" : "0:") + Letter(global.Type) + ":" + Argument(global.Type, module, random, functions: false),
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
                if (type.Parameters.Concat(type.Results).Any(static type => type.Kind == ValKind.V128))
                {
                    // JavaScript has no such values: a call is a TypeError.
                    continue;
                }

                var call = new StringBuilder();
                call.Append(CultureInfo.InvariantCulture, $"{i}:");
                call.AppendJoin(';', type.Parameters.Select(type => Argument(type, module, random, functions: true)));
                calls.Add(call.ToString());
            }
        }

        return new CallPlan(imports.Count == 0 ? "-" : string.Join(',', imports), calls.Count == 0 ? "-" : string.Join(',', calls));
    }

    public static char Letter(ValType type) => type.Kind switch
    {
        ValKind.I32 => 'i',
        ValKind.I64 => 'I',
        ValKind.F32 => 'f',
        ValKind.F64 => 'F',
        ValKind.V128 => 'v',
        _ => type == ValType.ExternRef ? 'x' : 'r',
    };

    private static string Describe(Limits limits) =>
        string.Create(CultureInfo.InvariantCulture, $"{limits.Minimum}:{(limits.Maximum is { } maximum ? maximum.ToString(CultureInfo.InvariantCulture) : "-")}");

    private static string Argument(ValType type, WasmModule module, FuzzRandom random, bool functions)
    {
        switch (Letter(type))
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
                return random.Chance(30) ? "xN" : string.Create(CultureInfo.InvariantCulture, $"x{random.Below(Tokens)}");
            default:
                int[] exports = functions ? [.. Enumerable.Range(0, module.Exports.Length).Where(i => module.Exports[i].Kind == ExternKind.Function)] : [];
                return exports.Length == 0 || random.Chance(30) ? "rN" : string.Create(CultureInfo.InvariantCulture, $"r{random.Pick<int>(exports):x}");
        }
    }
}
