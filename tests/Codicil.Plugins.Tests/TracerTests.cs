using System.Diagnostics;

using Codicil.Wasi;

namespace Codicil.Plugins.Tests;

/// <summary>Traces of guests: instrumented modules, and any module on request.</summary>
[Collection("Listeners")]
public sealed class TracerTests
{
    private const string Plain = """
        (module
          (import "extism:host/user" "host" (func $host (param i64) (result i64)))
          (import "extism:host/env" "input_length" (func $length (result i64)))
          (memory (export "memory") 1)
          (func $three (drop (call $host (call $length))) (drop (memory.grow (i32.const 2))))
          (func $two (call $three))
          (func $one (call $two) (call $two))
          (func (export "run") (call $one))
          (func $bad unreachable)
          (func (export "fail") (call $bad))
          (func $recurse (param i32) (if (local.get 0) (then (call $recurse (i32.sub (local.get 0) (i32.const 1))))))
          (func (export "deep") (call $recurse (i32.const 1000))))
        """;

    private const string Instrumented = """
        (module
          (import "NS" "ENTER" (func $enter (param i32)))
          (import "NS" "EXIT" (func $exit (param i32)))
          (import "NS" "GROW" (func $grow (param i32)))
          (import "API" "SPAN_ENTER" (func $span_enter (param PTR i32)))
          (import "API" "SPAN_EXIT" (func $span_exit))
          (import "API" "SPAN_TAGS" (func $span_tags (param PTR i32)))
          (import "API" "metric" (func $metric (param i32 PTR i32)))
          (import "API" "log" (func $log (param i32 PTR i32)))
          (memory (export "memory") 1)
          (data (i32.const 8) "workcolor:red,size: 7,requests:1|cwritten\n")
          (func $outer
            (call $enter (i32.const 8))
            (call $inner)
            (call $exit (i32.const 8)))
          (func $inner
            (call $enter (i32.const 9))
            (call $grow (i32.const 3))
            (call $span_enter (PTR.const 8) (i32.const 4))
            (call $span_tags (PTR.const 12) (i32.const 18))
            (call $metric (i32.const STATSD) (PTR.const 30) (i32.const 12))
            (call $log (i32.const WARN) (PTR.const 42) (i32.const 8))
            (call $log (i32.const WARN) (PTR.const 65530) (i32.const 100))
            (call $span_exit)
            (call $exit (i32.const 9)))
          (func (export "run") (call $outer))
          (func (export "fail") (call $enter (i32.const 8)) (call $enter (i32.const 9)) unreachable))
        """;

    private static readonly HostFunction s_host = HostFunction.Create<long, long>("host", static (_, value) => value);

    [Fact]
    [Trait("Parity", "EXT-25")]
    public void The_instrumented_fixture_gives_its_chain()
    {
        var traces = new List<PluginTrace>();
        using Plugin plugin = Plugin.Create(
            PluginManifest.FromWasmFile(Fixtures.Go("nested.c.instr.wasm")),
            new PluginOptions { Wasi = true, Tracer = PluginTracer.Create(traces.Add), WasiOptions = WasiOptions.Default.WithSystemTime() });
        plugin.TraceMetadata = new Dictionary<string, object?> { ["http.status_code"] = "200" };
        plugin.Call("_start", "hello world");
        PluginTrace trace = Assert.Single(traces);
        Assert.Equal("_start", trace.FunctionName);
        Assert.Equal("nested.c.instr", trace.PluginName);
        Assert.Equal("200", trace.Metadata!["http.status_code"]);
        var chain = new List<string>();
        IReadOnlyList<PluginTraceEvent> events = trace.Events;
        while (Descend(events) is PluginSpan span)
        {
            chain.Add(span.Name);
            events = span.Events;
        }

        Assert.Equal(["_start", "__main_void", "main", "one", "two", "three", "printf"], chain.Take(7));
        Assert.All(Spans(trace.Events), static span => Assert.False(span.IsAborted));

        // Of several spans, the one with the most below it is on the chain.
        static PluginSpan? Descend(IReadOnlyList<PluginTraceEvent> events) => events.OfType<PluginSpan>().MaxBy(static span => Spans(span.Events).Count());
    }

    [Fact]
    [Trait("Security", "CL-06")]
    public void A_module_that_nobody_has_any_more_is_not_kept_for_its_tracer()
    {
        using Engine engine = Engine.Create();
        var listener = new TracingListener(PluginTracer.Create(static _ => { }, new PluginTracerOptions { AllFunctions = true }), new Deaf());
        WeakReference module = Compile(engine, listener);
        for (int i = 0; i < 20 && module.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(module.IsAlive);
        GC.KeepAlive(listener);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        static WeakReference Compile(Engine engine, TracingListener listener)
        {
            using Module module = Module.FromText(engine, """(module (func (export "f")))""", new ModuleOptions { Listener = listener });
            using Store store = engine.CreateStore();
            store.Instantiate(module).GetFunction("f")!.Invoke();
            return new WeakReference(module);
        }
    }

    private sealed class Deaf : FunctionListener;

    [Theory]
    [Trait("Parity", "EXT-25")]
    [InlineData("dylibso_observe", "instrument_enter", "instrument_exit", "instrument_memory_grow", "dylibso_observe", "span_enter", "span_exit", "span_tags", "i32", 1, 2)]
    [InlineData("dylibso_observe", "instrument_enter", "instrument_exit", "instrument_memory_grow", "dylibso_observe", "span_enter", "span_exit", "span_tags", "i64", 1, 2)]
    [InlineData("dylibso:observe/instrument", "enter", "exit", "memory-grow", "dylibso:observe/api", "span-enter", "span-exit", "span-tags", "i32", 0, 1)]
    public void Instrumented_modules_report_in_every_namespace(
        string instrument, string enter, string exit, string grow, string api, string spanEnter, string spanExit, string spanTags, string pointer, int statsd, int warn)
    {
        string text = Instrumented.Replace("NS", instrument, StringComparison.Ordinal).Replace("\"ENTER", "\"" + enter, StringComparison.Ordinal)
            .Replace("\"EXIT", "\"" + exit, StringComparison.Ordinal).Replace("GROW", grow, StringComparison.Ordinal).Replace("API", api, StringComparison.Ordinal)
            .Replace("SPAN_ENTER", spanEnter, StringComparison.Ordinal).Replace("SPAN_EXIT", spanExit, StringComparison.Ordinal).Replace("SPAN_TAGS", spanTags, StringComparison.Ordinal)
            .Replace("PTR", pointer, StringComparison.Ordinal).Replace("STATSD", $"{statsd}", StringComparison.Ordinal).Replace("WARN", $"{warn}", StringComparison.Ordinal);
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(text, new PluginOptions { Tracer = PluginTracer.Create(traces.Add) });
        plugin.Call("run");
        PluginSpan outer = Assert.IsType<PluginSpan>(Assert.Single(traces[0].Events));
        Assert.Equal(("outer", 8, PluginSpanKind.Function), (outer.Name, outer.FunctionIndex, outer.Kind));
        PluginSpan inner = Assert.IsType<PluginSpan>(Assert.Single(outer.Events));
        Assert.Equal("inner", inner.Name);
        Assert.Equal(3, Assert.IsType<PluginMemoryGrowth>(inner.Events[0]).Pages);
        PluginSpan custom = Assert.IsType<PluginSpan>(inner.Events[1]);
        Assert.Equal(("work", PluginSpanKind.Custom), (custom.Name, custom.Kind));
        Assert.Equal([KeyValuePair.Create("color", "red"), KeyValuePair.Create("size", "7")], custom.Tags);
        Assert.Equal(("statsd", "requests:1|c"), (((PluginTraceMetric)custom.Events[0]).Format, ((PluginTraceMetric)custom.Events[0]).Text));
        Assert.Equal((PluginLogLevel.Warn, "written\n"), (((PluginTraceMessage)custom.Events[1]).Level, ((PluginTraceMessage)custom.Events[1]).Message));
        Assert.Equal(2, custom.Events.Count);

        Assert.Throws<PluginException>(() => plugin.Call("fail"));
        Assert.IsType<TrapException>(traces[1].Exception);
        outer = Assert.IsType<PluginSpan>(Assert.Single(traces[1].Events));
        Assert.True(outer.IsAborted);
        Assert.True(Assert.IsType<PluginSpan>(Assert.Single(outer.Events)).IsAborted);

        // The next call begins with nothing left of it.
        plugin.Call("run");
        Assert.Equal("outer", Assert.IsType<PluginSpan>(Assert.Single(traces[2].Events)).Name);
        Assert.Null(traces[2].Exception);
    }

    [Fact]
    [Trait("Parity", "EXT-25")]
    public void Every_function_of_a_module_that_is_not_instrumented_is_a_span_on_request()
    {
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions
        {
            HostFunctions = [s_host],
            Tracer = PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true }),
        });
        plugin.Call("run");
        Assert.Equal("run(one(two(three(host()))two(three(host()))))", Tree(traces[0].Events));
        PluginSpan[] spans = [.. Spans(traces[0].Events)];
        Assert.Equal(2, spans.Count(static span => span.Kind == PluginSpanKind.HostFunction));
        Assert.Equal(2, spans.Where(static span => span.Name == "three").Sum(static span => span.Events.OfType<PluginMemoryGrowth>().Count(static growth => growth.Pages == 2)));
        Assert.All(spans, static span => Assert.True(span.Duration >= TimeSpan.Zero));
        Assert.True(spans[0].Duration >= spans[^1].Duration);

        Assert.Throws<PluginException>(() => plugin.Call("fail"));
        Assert.Equal("fail(bad())", Tree(traces[1].Events));
        Assert.All(Spans(traces[1].Events), static span => Assert.True(span.IsAborted));
    }

    [Fact]
    public void A_filter_chooses_the_functions()
    {
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions
        {
            HostFunctions = [s_host],
            Tracer = PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true, Filter = static function => function.Name is "one" or "three" }),
        });
        plugin.Call("run");
        Assert.Equal("one(three()three())", Tree(traces[0].Events));
    }

    [Fact]
    public void Short_spans_are_left_out_and_their_growth_kept()
    {
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions
        {
            HostFunctions = [s_host],
            Tracer = PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true, MinimumSpanDuration = TimeSpan.FromHours(1) }),
        });
        plugin.Call("run");
        Assert.Equal([2, 2], traces[0].Events.Cast<PluginMemoryGrowth>().Select(static growth => growth.Pages));
    }

    [Fact]
    public void The_buffer_is_bounded_and_what_is_lost_is_counted()
    {
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions
        {
            HostFunctions = [s_host],
            Tracer = PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true, MaxEvents = 10 }),
        });
        plugin.Call("deep");
        Assert.Equal(10, Spans(traces[0].Events).Count());
        Assert.Equal(1002 - 10, traces[0].DroppedEvents);
        plugin.Call("deep");
        Assert.Equal(10, Spans(traces[1].Events).Count());
    }

    [Theory]
    [Trait("Security", "KH-08")]
    [InlineData("tags")]
    [InlineData("metric")]
    [InlineData("log")]
    public void The_text_that_a_guest_leaves_in_a_trace_is_bounded(string function)
    {
        const string Guest = """
            (module
              (import "dylibso:observe/api" "span-enter" (func $span_enter (param i32 i32)))
              (import "dylibso:observe/api" "span-tags" (func $span_tags (param i32 i32)))
              (import "dylibso:observe/api" "metric" (func $metric (param i32 i32 i32)))
              (import "dylibso:observe/api" "log" (func $log (param i32 i32 i32)))
              (memory (export "memory") 2)
              (data (i32.const 0) "k:")
              (func (export "tags") (local $n i32)
                (memory.fill (i32.const 2) (i32.const 97) (i32.const 65533))
                (call $span_enter (i32.const 0) (i32.const 1))
                (loop $l (call $span_tags (i32.const 0) (i32.const 65535)) (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))))
              (func (export "metric") (local $n i32)
                (loop $l (call $metric (i32.const 0) (i32.const 0) (i32.const 65535)) (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000)))))
              (func (export "log") (local $n i32)
                (loop $l (call $log (i32.const 0) (i32.const 0) (i32.const 65535)) (br_if $l (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000))))))
            """;
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { Tracer = PluginTracer.Create(traces.Add) });
        plugin.Call(function);
        PluginTrace trace = Assert.Single(traces);
        PluginSpan? span = trace.Events.OfType<PluginSpan>().SingleOrDefault();
        int kept = span?.Tags.Count ?? trace.Events.Count;
        Assert.InRange(kept, 1, PluginTraceRecorder.MaxTraceTextLength / 65_533);
        Assert.Equal(1000 - kept, trace.DroppedEvents);

        // The next call has all of it again.
        plugin.Call(function);
        Assert.Equal(trace.DroppedEvents, traces[1].DroppedEvents);
    }

    [Fact]
    public void One_tracer_serves_many_plugins_at_once_and_mixes_nothing()
    {
        var traces = new System.Collections.Concurrent.ConcurrentQueue<PluginTrace>();
        PluginTracer tracer = PluginTracer.Create(traces.Enqueue, new PluginTracerOptions { AllFunctions = true });
        Parallel.For(0, 8, i =>
        {
            using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions { Name = $"plugin{i}", HostFunctions = [s_host], Tracer = tracer });
            for (int call = 0; call < 20; call++)
            {
                plugin.Call("run");
            }
        });
        Assert.Equal(160, traces.Count);
        Assert.All(traces, static trace => Assert.Equal("run(one(two(three(host()))two(three(host()))))", Tree(trace.Events)));
        Assert.All(traces.GroupBy(static trace => trace.PluginName), static group => Assert.Equal(20, group.Count()));
    }

    [Fact]
    public void Plugins_share_compiled_modules_where_they_share_the_tracer_and_no_traces()
    {
        var cache = new CompilationCache();
        var one = new List<PluginTrace>();
        var two = new List<PluginTrace>();
        PluginTracerOptions all = new() { AllFunctions = true };
        PluginTracer first = PluginTracer.Create(one.Add, all);
        PluginTracer second = PluginTracer.Create(two.Add, all);
        foreach ((string name, PluginTracer? tracer, int modules) in new[] { ("a", first, 1), ("b", first, 1), ("c", second, 2), ("d", null, 3) })
        {
            using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions { Name = name, HostFunctions = [s_host], Tracer = tracer, CompilationCache = cache });
            plugin.Call("run");
            Assert.Equal(modules, cache.Count);
        }

        Assert.Equal(["a", "b"], one.Select(static trace => trace.PluginName));
        Assert.Equal("c", Assert.Single(two).PluginName);
        Assert.All(one.Concat(two), static trace => Assert.Equal("run(one(two(three(host()))two(three(host()))))", Tree(trace.Events)));
    }

    [Fact]
    public void A_tracer_that_throws_is_not_noticed()
    {
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions { HostFunctions = [s_host], Tracer = PluginTracer.Create(static _ => throw new InvalidOperationException("tracer")) });
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    public void A_listener_of_the_caller_hears_as_before()
    {
        var heard = new List<string?>();
        var traces = new List<PluginTrace>();
        using Plugin plugin = Fixtures.FromWat(Plain, new PluginOptions
        {
            HostFunctions = [s_host],
            Engine = EngineOptions.Default with { Listener = new Names(heard) },
            Tracer = PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true, Filter = static function => function.Name == "two" }),
        });
        plugin.Call("run");
        Assert.Equal(["run", "one", "two", "three", "length", "host", "two", "three", "length", "host"], heard);
        Assert.Equal("two()two()", Tree(traces[0].Events));
    }

    [Fact]
    public void Spans_of_guests_are_below_the_span_of_the_call()
    {
        using var observer = new TelemetryTests.Observer(nameof(Spans_of_guests_are_below_the_span_of_the_call));
        using Plugin plugin = Fixtures.FromWat(Plain, observer.Options(s_host) with { Tracer = PluginTracer.ToActivities(new PluginTracerOptions { AllFunctions = true }) });
        plugin.Call("run");
        Activity call = observer.Spans.Single(static span => span.DisplayName == "call run");
        Activity run = observer.Spans.Single(static span => span.DisplayName == "run");
        Activity one = observer.Spans.Single(static span => span.DisplayName == "one");
        Activity three = observer.Spans.First(static span => span.DisplayName == "three");
        Assert.Equal(call.SpanId, run.ParentSpanId);
        Assert.Equal(run.SpanId, one.ParentSpanId);
        Assert.Equal(call.TraceId, three.TraceId);
        Assert.Equal("codicil.memory.grow", Assert.Single(three.Events).Name);
        Assert.Equal("function", three.GetTagItem("codicil.span.kind"));
        Assert.InRange(one.Duration, TimeSpan.Zero, run.Duration);
    }

    private static IEnumerable<PluginSpan> Spans(IReadOnlyList<PluginTraceEvent> events) => events.OfType<PluginSpan>().SelectMany(static span => Spans(span.Events).Prepend(span));

    private static string Tree(IReadOnlyList<PluginTraceEvent> events) => string.Concat(events.OfType<PluginSpan>().Select(static span => $"{span.Name}({Tree(span.Events)})"));

    private sealed class Names(List<string?> heard) : FunctionListener
    {
        public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters) => heard.Add(call.Function.Name);
    }
}
