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

    private readonly WasmTools _tools;
    private readonly bool _simd;
    private readonly string _importFile;

    public SmithGenerator(WasmTools tools, bool simd)
    {
        _tools = tools;
        _simd = simd;
        _importFile = Path.GetTempFileName();
        File.WriteAllBytes(_importFile, Wat.ToBinary(ImportShape));
    }

    /// <summary>A module, or null where the seed makes none.</summary>
    public async Task<byte[]?> CreateAsync(ulong seed)
    {
        FuzzRandom random = FuzzRandom.For("smith", seed);
        bool small = random.Chance(75);
        List<string> arguments =
        [
            "smith", "--ensure-termination", "--fuel", "1000", "--canonicalize-nans", "true", "--export-everything", random.Chance(85) ? "true" : "false",
            "--gc-enabled", "false", "--exceptions-enabled", "false", "--memory64-enabled", "false", "--threads-enabled", "false", "--tail-call-enabled", "false",
            "--relaxed-simd-enabled", "false", "--extended-const-enabled", "false", "--wide-arithmetic-enabled", "false", "--custom-page-sizes-enabled", "false",
            "--shared-everything-threads-enabled", "false", "--compact-imports-enabled", "false", "--custom-descriptors-enabled", "false",
            "--acquire-release-atomics-enabled", "false", "--multibyte-array-access-enabled", "false", "--reference-types-enabled", "true",
            "--simd-enabled", _simd ? "true" : "false",
            "--max-memories", "1", "--max-tables", random.Chance(50) ? "1" : "4", "--max-memory32-bytes", random.Chance(90) ? "262144" : "1048576",
            "--memory-max-size-required", "true", "--table-max-size-required", "true", "--max-table-elements", "40",
            "--min-funcs", random.Between(1, 6).ToString(CultureInfo.InvariantCulture), "--max-funcs", small ? "8" : "30",
            "--max-instructions", small ? "100" : "600", "--max-types", "12", "--max-globals", "12", "--max-elements", "20", "--max-data-segments", "6", "--max-element-segments", "6",
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

        // Some seeds make no memory where one is asked for.
        for (int attempt = 0; attempt < 4; attempt++)
        {
            byte[] input = random.Bytes(small ? 200 << random.Below(5) : 4000 << random.Below(3));
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
