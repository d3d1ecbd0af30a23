using System.Globalization;

using Codicil.Format.Text;
using Codicil.Fuzz.Execution;

namespace Codicil.Fuzz.Generators;

/// <summary>Modules of <c>wasm-tools smith</c>: valid modules from any bytes. They end by a counter, and make NaNs canonical.</summary>
internal sealed class SmithGenerator : IDisposable
{
    private const string ImportShape = """
        (module
          (import "host" "a" (func (param i32) (result i32)))
          (import "host" "b" (func (param f64 i64) (result f32)))
          (import "host" "c" (func (param f32 i32 i64 f64) (result i64)))
          (import "host" "d" (func))
          (import "host" "e" (func (param externref) (result externref)))
          (import "host" "g" (func (param i64) (result f64 i32 i64)))
          (import "host" "h" (func (param funcref i32)))
          (import "host" "memory" (memory 1 3))
          (import "host" "table" (table 10 20 funcref))
          (import "host" "references" (table 5 9 externref))
          (import "host" "i" (global i32))
          (import "host" "mi" (global (mut i64)))
          (import "host" "mf" (global (mut f32)))
          (import "host" "mx" (global (mut externref))))
        """;

    // The same and what 3.0 adds; host functions throw the first tag now and then.
    private const string ImportShape3 = """
          (import "host" "any" (func (param anyref) (result anyref)))
          (import "host" "eq" (func (param i32 eqref structref) (result i32)))
          (import "host" "i31" (func (param i31ref arrayref) (result anyref i64)))
          (import "host" "tag" (tag (param i32 i64)))
          (import "host" "empty" (tag))
          (import "host" "values" (tag (param externref f64 anyref)))
          (import "host" "memory64" (memory i64 1 3))
          (import "host" "second" (memory 0 2))
          (import "host" "table64" (table i64 5 9 externref))
          (import "host" "ma" (global (mut anyref))))
        """;

    private readonly WasmTools _tools;
    private readonly bool _simd;
    private readonly bool _wasm3;
    private readonly string _importFile;

    public SmithGenerator(WasmTools tools, bool simd, bool wasm3)
    {
        _tools = tools;
        _simd = simd;
        _wasm3 = wasm3;
        _importFile = Path.GetTempFileName();
        File.WriteAllBytes(_importFile, Wat.ToBinary(wasm3 ? ImportShape[..^1] + "\n" + ImportShape3 : ImportShape));
    }

    /// <summary>A module, or null where the seed makes none.</summary>
    public async Task<byte[]?> CreateAsync(ulong seed)
    {
        FuzzRandom random = FuzzRandom.For("smith", seed);
        bool small = random.Chance(75);
        string on = _wasm3 ? "true" : "false";
        string memories = "1";
        if (_wasm3)
        {
            // Beyond the first memory other code is emitted; one in three keeps to what the first has.
            memories = random.Chance(35) ? "1" : "4";
        }

        List<string> arguments =
        [
            "smith", "--ensure-termination", "--fuel", "1000", "--canonicalize-nans", "true", "--export-everything", random.Chance(85) ? "true" : "false",
            "--gc-enabled", on, "--exceptions-enabled", on, "--memory64-enabled", on, "--threads-enabled", "false", "--tail-call-enabled", on,
            "--relaxed-simd-enabled", "false", "--extended-const-enabled", on, "--limit-arrays-in-const-exprs", on, "--wide-arithmetic-enabled", "false", "--custom-page-sizes-enabled", "false",
            "--shared-everything-threads-enabled", "false", "--compact-imports-enabled", "false", "--custom-descriptors-enabled", "false",
            "--acquire-release-atomics-enabled", "false", "--multibyte-array-access-enabled", "false", "--reference-types-enabled", "true",
            "--simd-enabled", _simd ? "true" : "false",
            "--max-memories", memories, "--max-tables", random.Chance(50) ? "1" : "4", "--max-memory32-bytes", random.Chance(90) ? "262144" : "1048576",
            "--max-memory64-bytes", "262144", "--memory-max-size-required", "true", "--table-max-size-required", "true", "--max-table-elements", "40",
            "--min-funcs", random.Between(1, 6).ToString(CultureInfo.InvariantCulture), "--max-funcs", small ? "8" : "30",
            "--max-instructions", small ? "100" : "600", "--max-types", _wasm3 ? "24" : "12", "--max-tags", "6", "--max-type-size", _wasm3 ? "200" : "1000", "--max-globals", "12", "--max-elements", "20", "--max-data-segments", "6", "--max-element-segments", "6",
            "--max-nesting-depth", small ? "12" : "60",
            "--min-memories", random.Chance(85) ? "1" : "0", "--generate-custom-sections", random.Chance(10) ? "true" : "false",
        ];
        if (random.Chance(30))
        {
            arguments.AddRange(["--min-uleb-size", random.Between(1, 6).ToString(CultureInfo.InvariantCulture)]);
        }

        if (random.Chance(60))
        {
            arguments.AddRange(["--available-imports", _importFile]);
        }
        else
        {
            arguments.AddRange(["--max-imports", "0"]);
        }

        if (random.Chance(30))
        {
            arguments.AddRange(["--disallow-traps", "true"]);
        }

        if (_wasm3 && random.Chance(50))
        {
            // Half of the modules keep to what 3.0 is about: else most instructions are those of vectors.
            arguments.AddRange(["--allowed-instructions", random.Chance(50) ? "control,reference,aggregate,variable,parametric,table,numeric" : "control,reference,aggregate,variable,parametric,memory"]);
        }

        // Some seeds make no memory where one is asked for.
        for (int attempt = 0; attempt < 4; attempt++)
        {
            byte[] input = random.Bytes((small ? 200 << random.Below(5) : 4000 << random.Below(3)) << (_wasm3 ? 1 : 0));
            (int exitCode, byte[] output, string errors) = await _tools.RunAsync(input, arguments).ConfigureAwait(false);
            switch (exitCode)
            {
                case 0:
                    return output;
                case 2 or 1 when errors.Contains("failed to generate", StringComparison.Ordinal):
                    break;
                default:
                    throw new InvalidOperationException("wasm-tools smith: " + errors);
            }
        }

        return null;
    }

    public void Dispose() => File.Delete(_importFile);
}
