using System.Diagnostics;

using Codicil;
using Codicil.Plugins;
using Codicil.Plugins.Tests.Documents;

namespace DocumentSnippets;

// snippet: observability-listener-type
public sealed class Printer(Action<string> print) : FunctionListener
{
    public override bool ListensTo(FunctionDefinition function) => function.Import is null;

    public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters) =>
        print($"{new string('-', call.Depth)} {call.Function.Name}");
}
// end

/// <summary>The snippets of docs/observability.md, in their order. One of them listens to the whole process.</summary>
[Collection("Listeners")]
public sealed class ObservabilitySnippets
{
    static ObservabilitySnippets() => Environment.CurrentDirectory = AppContext.BaseDirectory;

    private SnippetConsole Console { get; } = new();

    [Fact]
    public void Spans()
    {
        // snippet: observability-spans
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == PluginDiagnostics.ActivitySourceName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span => Console.WriteLine(span.DisplayName),
        };
        ActivitySource.AddActivityListener(listener);
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("count_vowels.wasm"));
        plugin.Call("count_vowels", "a");
        // => compile count_vowels
        // => instantiate count_vowels
        // => call count_vowels
        // end
        Console.AssertShown("observability-spans");
    }

    [Fact]
    public void Traces()
    {
        // snippet: observability-traces
        PluginTracer tracer = PluginTracer.Create(
            trace => Console.WriteLine($"{trace.FunctionName}, {trace.Metadata!["http.route"]}: {trace.Events.OfType<PluginSpan>().Count()} span"),
            new PluginTracerOptions
            {
                AllFunctions = true,                                  // or instrumented modules only
                MinimumSpanDuration = TimeSpan.Zero,                  // or without spans that took less
                MaxEvents = 10_000,
            });
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("count_vowels.wasm"), new PluginOptions { Tracer = tracer });
        plugin.TraceMetadata = new Dictionary<string, object?> { ["http.route"] = "/greet" };
        plugin.Call("count_vowels", "a");
        // => count_vowels, /greet: 1 span
        // end
        Console.AssertShown("observability-traces");
    }

    [Fact]
    public void Listener()
    {
        // snippet: observability-listener
        using Engine engine = Engine.Create();
        using Module module = Module.FromText(
            engine,
            """
            (module
              (func $inner)
              (func (export "outer") (call $inner)))
            """,
            new ModuleOptions { Listener = new Printer(Console.WriteLine) });
        using Store store = engine.CreateStore();
        store.Instantiate(module).GetFunction("outer")!.Invoke();
        // => - outer
        // => -- inner
        // end
        Console.AssertShown("observability-listener");
    }
}
