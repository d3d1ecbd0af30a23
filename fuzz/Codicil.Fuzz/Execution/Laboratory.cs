using Codicil.Format;

namespace Codicil.Fuzz.Execution;

/// <summary>The engine's process, V8's and the toolbox: what a lane of the run works with. Not thread-safe.</summary>
internal sealed class Laboratory : IDisposable
{
    /// <summary>Both processes are replaced from time to time: what they hold on to must not decide later cases.</summary>
    private const int MostAnswers = 4000;

    public Laboratory(WasmTools? tools, bool simd)
    {
        Tools = tools;
        HasSimd = simd;
        TimeSpan timeout = TimeSpan.FromSeconds(60);
        Engine = new LineProcess(
            Path.Combine(AppContext.BaseDirectory, "Codicil.Fuzz" + (OperatingSystem.IsWindows() ? ".exe" : "")), ["worker", simd ? "simd" : "scalar"], timeout);
        Oracle = new LineProcess("node", ["--stack-size=900", Path.Combine(AppContext.BaseDirectory, "oracle.mjs")], timeout);
    }

    public WasmTools? Tools { get; }

    public bool HasSimd { get; }

    public LineProcess Engine { get; }

    public LineProcess Oracle { get; }

    /// <summary>The most resident memory that the engine's process was seen with, in MiB.</summary>
    public int MostMemory { get; private set; }

    /// <summary>The features both sides have.</summary>
    public static WasmFeatures FeaturesOf(bool simd) => simd ? WasmFeatures.Wasm2 : WasmFeatures.Wasm2 & ~WasmFeatures.Simd;

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
