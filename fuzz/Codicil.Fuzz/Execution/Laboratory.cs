using System.Globalization;

using Codicil.Format;

namespace Codicil.Fuzz.Execution;

/// <summary>The engine's process, V8's and the toolbox: what a lane of the run works with. Not thread-safe.</summary>
internal sealed class Laboratory : IDisposable
{
    /// <summary>Both processes are replaced from time to time: what they hold on to must not decide later cases.</summary>
    private const int MostAnswers = 4000;

    /// <summary>The environment variable that names a node whose V8 has WebAssembly 3.0; else it is the machine's node.</summary>
    public const string NodeVariable = "CODICIL_FUZZ_NODE";

    public Laboratory(WasmTools? tools, WasmFeatures features)
    {
        Tools = tools;
        Features = features;
        TimeSpan timeout = TimeSpan.FromSeconds(60);
        Engine = new LineProcess(
            Path.Combine(AppContext.BaseDirectory, "Codicil.Fuzz" + (OperatingSystem.IsWindows() ? ".exe" : "")), ["worker", ((uint)features).ToString("x", CultureInfo.InvariantCulture)], timeout);
        Oracle = new LineProcess(Environment.GetEnvironmentVariable(NodeVariable) is { Length: > 0 } node ? node : "node", ["--stack-size=900", Path.Combine(AppContext.BaseDirectory, "oracle.mjs")], timeout);
    }

    public WasmTools? Tools { get; }

    /// <summary>The features both sides have.</summary>
    public WasmFeatures Features { get; }

    public bool HasSimd => Features.HasFlag(WasmFeatures.Simd);

    /// <summary>Whether modules use WebAssembly 3.0.</summary>
    public bool HasWasm3 => Features.HasFlag(WasmFeatures.GarbageCollection);

    public LineProcess Engine { get; }

    public LineProcess Oracle { get; }

    /// <summary>The most resident memory that the engine's process was seen with, in MiB.</summary>
    public int MostMemory { get; private set; }

    /// <summary>The features of a run. Relaxed instructions are left out: which of the allowed results comes is each engine's own.</summary>
    public static WasmFeatures FeaturesOf(bool simd, bool wasm3) =>
        wasm3 ? WasmFeatures.Wasm3 & ~WasmFeatures.RelaxedSimd : simd ? WasmFeatures.Wasm2 : WasmFeatures.Wasm2 & ~WasmFeatures.Simd;

    public async Task RefreshAsync()
    {
        if (Engine.Answers >= MostAnswers)
        {
            if (int.TryParse(await Engine.AskAsync("memory").ConfigureAwait(false), out int memory))
            {
                MostMemory = Math.Max(MostMemory, memory);
            }

            Engine.Stop();
        }

        if (Oracle.Answers >= MostAnswers)
        {
            Oracle.Stop();
        }
    }

    public void Dispose()
    {
        Engine.Dispose();
        Oracle.Dispose();
    }
}
