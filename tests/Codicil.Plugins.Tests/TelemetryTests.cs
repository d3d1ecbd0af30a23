using System.Diagnostics;
using System.Diagnostics.Metrics;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Tests that listen to the whole process run after the others: observed calls allocate.</summary>
[CollectionDefinition("Listeners", DisableParallelization = true)]
public sealed class ListenersCollection;

/// <summary>Spans and metrics of the source and the meter named Codicil. Each test has plug-ins of a name of its own and looks at nothing else.</summary>
[Collection("Listeners")]
public sealed class TelemetryTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "host" (func $host (param i64) (result i64)))
          (memory (export "memory") 3)
          (func (export "seven") (result i32) i32.const 7)
          (func (export "host") (drop (call $host (i64.const 1))))
          (func (export "trap") unreachable)
          (func (export "spin") (loop (br 0))))
        """;

    private static readonly HostFunction s_host = HostFunction.Create<long, long>("host", static (_, value) => value + 1);

    [Fact]
    [Trait("Parity", "EXT-25")]
    public void A_call_is_a_span_with_the_names_and_the_exit_code()
    {
        using var observer = new Observer(nameof(A_call_is_a_span_with_the_names_and_the_exit_code));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        plugin.Call("seven");
        Assert.Equal([$"compile {observer.Name}", $"instantiate {observer.Name}", "call seven"], observer.Spans.Select(static span => span.DisplayName));
        Activity call = observer.Spans[2];
        Assert.Equal("seven", call.GetTagItem("codicil.function.name"));
        Assert.Equal(7L, call.GetTagItem("codicil.exit_code"));
        Assert.Equal(ActivityStatusCode.Unset, call.Status);
    }

    [Fact]
    public void A_call_inside_an_activity_is_its_child()
    {
        using var observer = new Observer(nameof(A_call_inside_an_activity_is_its_child));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        using var parent = new Activity("request");
        parent.Start();
        plugin.Call("seven");
        Assert.Same(parent, Activity.Current);
        Assert.Equal(parent.SpanId, observer.Spans[^1].ParentSpanId);
    }

    [Fact]
    public void A_trap_is_an_error_with_its_code_and_is_counted()
    {
        using var observer = new Observer(nameof(A_trap_is_an_error_with_its_code_and_is_counted));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        Assert.Throws<PluginException>(() => plugin.Call("trap"));
        Activity span = observer.Spans[^1];
        Assert.Equal(ActivityStatusCode.Error, span.Status);
        Assert.Equal("trap", span.GetTagItem("error.type"));
        Assert.Equal("UnreachableCodeReached", span.GetTagItem("codicil.trap.code"));
        Assert.Equal(1, observer.Sum("codicil.plugin.traps"));
        Assert.Equal("trap", Assert.Single(observer.Of("codicil.plugin.call.duration")).Tags["error.type"]);
    }

    [Fact]
    public void A_call_of_a_host_function_is_a_span_below_the_call()
    {
        using var observer = new Observer(nameof(A_call_of_a_host_function_is_a_span_below_the_call));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        plugin.Call("host");
        Activity call = observer.Spans[^1];
        Activity host = observer.Spans[^2];
        Assert.Equal(("call host", "host_call host"), (call.DisplayName, host.DisplayName));
        Assert.Equal(call.SpanId, host.ParentSpanId);
        Assert.Equal("host", Assert.Single(observer.Of("codicil.plugin.host_call.duration")).Tags["codicil.function.name"]);

        HostFunction[] failing =
        [
            HostFunction.Create<long, long>("host", static (_, _) => throw new InvalidDataException("host")),
            new HostFunction("host", new Format.Types.FunctionType([Format.Types.ValType.I64], [Format.Types.ValType.I64]), static (_, _) => throw new InvalidDataException("host")),
        ];
        foreach (HostFunction function in failing)
        {
            using Plugin other = Fixtures.FromWat(Guest, observer.Options(function));
            Assert.Throws<InvalidDataException>(() => other.Call("host"));
            Assert.All(observer.Spans[^2..], static span => Assert.Equal("System.IO.InvalidDataException", span.GetTagItem("error.type")));
        }
    }

    [Fact]
    public async Task A_call_of_a_delegate_is_a_span_below_the_call_however_it_returns()
    {
        const string Text = """
            (module
              (import "extism:host/user" "host" (func $host (param i64) (result i64)))
              (import "extism:host/user" "none" (func $none))
              (import "extism:host/user" "both" (func $both (param i32 f64) (result i32 f64)))
              (func (export "host") (result i64) (call $host (i64.const 41)))
              (func (export "none") (call $none))
              (func (export "both") (result i32) (call $both (i32.const 20) (f64.const 1.5)) (drop)))
            """;
        using var observer = new Observer(nameof(A_call_of_a_delegate_is_a_span_below_the_call_however_it_returns));
        Delegate[] hosts =
        [
            static (long value) => value + 1,
            static (Caller caller, long value) => value + (CurrentPlugin.Of(caller) is not null ? 1 : 0),
            static async (long value) =>
            {
                await Task.Yield();
                return Traced(value + 1);
            },
            static async ValueTask<long> (long value) =>
            {
                await Task.Yield();
                return Traced(value + 1);
            },
            static ValueTask<long> (long value) => ValueTask.FromResult(Traced(value + 1)),
        ];
        Delegate[] nones = [static () => { }, static async () => await Task.Yield(), static async ValueTask () => await Task.Yield()];
        for (int i = 0; i < hosts.Length; i++)
        {
            HostFunction[] functions =
            [
                HostFunction.FromDelegate("host", hosts[i]),
                HostFunction.FromDelegate("none", nones[i % nones.Length]),
                HostFunction.FromDelegate("both", static (int a, double b) => (a + 1, b + 1)),
            ];
            using Plugin plugin = Fixtures.FromWat(Text, observer.Options(functions));
            foreach (string name in (string[])["host", "none", "both"])
            {
                PluginResult result = await plugin.CallAsync(name, cancellationToken: TestContext.Current.CancellationToken);
                Assert.Equal(name == "host" ? 42u : name == "both" ? 21u : 0u, result.ExitCode);
                plugin.Call(name);
                Activity call = observer.Spans[^1];
                Activity host = observer.Spans[^2];
                Assert.Equal((i, "call " + name, "host_call " + name), (i, call.DisplayName, host.DisplayName));
                Assert.Equal(call.SpanId, host.ParentSpanId);
                Assert.Equal(observer.Name, host.GetTagItem("codicil.plugin.name"));
                Assert.Null(Activity.Current);
            }
        }

        Assert.Equal(hosts.Length * 3 * 2, observer.Of("codicil.plugin.host_call.duration").Count);

        // What is seen from inside is the span of the host call, before and after it waits.
        static long Traced(long value) => Activity.Current?.DisplayName == "host_call host" ? value : -1;
    }

    [Fact]
    public void A_delegate_that_fails_or_returns_no_task_is_an_error()
    {
        using var observer = new Observer(nameof(A_delegate_that_fails_or_returns_no_task_is_an_error));
        Delegate[] failing =
        [
            long (long _) => throw new InvalidDataException("host"),
            Task<long> (long _) => throw new InvalidDataException("host"),
            static async Task<long> (long _) =>
            {
                await Task.Yield();
                throw new InvalidDataException("host");
            },
            ValueTask<long> (long _) => ValueTask.FromException<long>(new InvalidDataException("host")),
        ];
        foreach (Delegate host in failing)
        {
            using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(HostFunction.FromDelegate("host", host)));
            Assert.Throws<InvalidDataException>(() => plugin.Call("host"));
            Assert.All(observer.Spans[^2..], static span => Assert.Equal("System.IO.InvalidDataException", span.GetTagItem("error.type")));
        }

        using Plugin none = Fixtures.FromWat(Guest, observer.Options(HostFunction.FromDelegate("host", static Task<long> (long _) => null!)));
        Assert.Contains("null instead of a task", Assert.Throws<InvalidOperationException>(() => none.Call("host")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_timeout_is_told_from_other_errors()
    {
        using var observer = new Observer(nameof(A_timeout_is_told_from_other_errors));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        plugin.Timeout = TimeSpan.FromMilliseconds(10);
        Assert.Throws<WasmTimeoutException>(() => plugin.Call("spin"));
        Assert.Equal("timeout", observer.Spans[^1].GetTagItem("error.type"));
    }

    [Fact]
    public void Names_of_functions_that_do_not_exist_make_no_time_series()
    {
        using var observer = new Observer(nameof(Names_of_functions_that_do_not_exist_make_no_time_series));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        Assert.Throws<PluginException>(() => plugin.Call("chosen by an attacker"));
        Assert.DoesNotContain("codicil.function.name", Assert.Single(observer.Of("codicil.plugin.call.duration")).Tags.Keys);
    }

    [Fact]
    public void Durations_are_recorded_in_seconds_by_plugin_and_function()
    {
        using var observer = new Observer(nameof(Durations_are_recorded_in_seconds_by_plugin_and_function));
        using Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        plugin.Call("seven");
        plugin.Call("seven");
        Assert.Single(observer.Of("codicil.plugin.compile.duration"));
        Assert.Single(observer.Of("codicil.plugin.instantiate.duration"));
        List<Observer.Point> calls = observer.Of("codicil.plugin.call.duration");
        Assert.Equal(2, calls.Count);
        Assert.All(calls, static point => Assert.Equal("seven", point.Tags["codicil.function.name"]));
        Assert.All(calls, static point => Assert.InRange(point.Value, 0, 60));
        Assert.Equal(0, observer.Sum("codicil.plugin.active_calls"));
        Assert.Equal(4, observer.Of("codicil.plugin.active_calls").Count);
    }

    [Fact]
    public void Memory_and_instances_are_those_that_live()
    {
        using var observer = new Observer(nameof(Memory_and_instances_are_those_that_live));
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), observer.Options(s_host));
        using Plugin one = compiled.CreateInstance();
        using (Plugin two = compiled.CreateInstance())
        {
            Assert.Equal(2, observer.Observe("codicil.plugin.instances"));
            Assert.InRange(observer.Observe("codicil.plugin.memory.usage"), 2 * 3 * 65536, 3 * 3 * 65536);
        }

        Assert.Equal(1, observer.Observe("codicil.plugin.instances"));
        Assert.InRange(observer.Observe("codicil.plugin.memory.usage"), 3 * 65536, 2 * 3 * 65536);
    }

    [Fact]
    public void Pools_say_who_has_and_who_waits()
    {
        using var observer = new Observer(nameof(Pools_say_who_has_and_who_waits));
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), observer.Options(s_host));
        using var pool = new PluginPool(compiled, new PluginPoolOptions { Name = "pool", MaxSize = 3 });
        pool.WarmUp(2);
        PluginLease lease = pool.Rent();
        observer.Observe("codicil.plugin.pool.count");
        List<Observer.Point> counts = observer.Of("codicil.plugin.pool.count");
        Assert.Equal([("idle", 1d), ("used", 1d)], counts.Select(static point => ((string)point.Tags["codicil.plugin.pool.state"]!, point.Value)));
        Assert.All(counts, static point => Assert.Equal("pool", point.Tags["codicil.plugin.pool.name"]));
        Assert.Equal(3, observer.Observe("codicil.plugin.pool.max"));
        Assert.Equal(0, observer.Observe("codicil.plugin.pool.pending_requests"));
        lease.Dispose();
        Assert.Single(observer.Of("codicil.plugin.pool.wait_time"));
        Assert.Single(observer.Of("codicil.plugin.pool.use_time"));
    }

    [Fact]
    public async Task A_listener_that_throws_takes_no_place_of_a_pool()
    {
        const string Name = nameof(A_listener_that_throws_takes_no_place_of_a_pool);
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), new PluginOptions { Name = Name, HostFunctions = [s_host] });
        using var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 1 });
        string? failing = null;
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == PluginDiagnostics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            if (instrument.Name == failing && tags[0].Value as string == Name)
            {
                throw new InvalidDataException("listener");
            }
        });
        listener.Start();

        // On the way to a new instance and to one that is there, with and without a wait, and on the way back.
        foreach (string instrument in new[] { "codicil.plugin.pool.wait_time", "codicil.plugin.instantiate.duration", "codicil.plugin.pool.wait_time" })
        {
            failing = instrument;
            if (pool.State.Idle == 0 || instrument.EndsWith("wait_time", StringComparison.Ordinal))
            {
                Assert.Throws<InvalidDataException>(() => pool.Rent());
                await Assert.ThrowsAsync<InvalidDataException>(() => pool.RentAsync().AsTask());
            }

            Assert.Equal(0, pool.State.Lent);
            failing = null;
            pool.Rent().Dispose();
            Assert.Equal(1, pool.State.Idle);
        }

        PluginLease held = pool.Rent();
        Task<PluginLease> waiting = pool.RentAsync().AsTask();
        failing = "codicil.plugin.pool.wait_time";
        held.Dispose();
        await Assert.ThrowsAsync<InvalidDataException>(() => waiting);
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
        failing = null;
        held = pool.Rent();
        failing = "codicil.plugin.pool.use_time";
        Assert.Throws<InvalidDataException>(held.Dispose);
        failing = null;
        Assert.Equal(new PluginPoolState(1, 0, 0), pool.State);
        using PluginLease last = pool.Rent();
        Assert.Equal(7u, last.Plugin.Call("seven").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public async Task Names_that_a_closed_plug_in_is_asked_for_make_no_time_series()
    {
        using var observer = new Observer(nameof(Names_that_a_closed_plug_in_is_asked_for_make_no_time_series));
        Plugin plugin = Fixtures.FromWat(Guest, observer.Options(s_host));
        plugin.Dispose();
        for (int i = 0; i < 5; i++)
        {
            Assert.Throws<ObjectDisposedException>(() => { plugin.Call("never heard of " + i); });
            await Assert.ThrowsAsync<ObjectDisposedException>(() => plugin.CallAsync("never heard of " + i, ""));
        }

        List<Observer.Point> points = observer.Of("codicil.plugin.call.duration");
        Assert.Equal(10, points.Count);
        Assert.All(points, static point => Assert.False(point.Tags.ContainsKey("codicil.function.name")));
    }

    [Fact]
    public void Calls_without_listeners_allocate_nothing()
    {
        // Other tests listen to the process's only source: a process of its own.
        ChildProcess.Run(CallWithoutListeners).AssertSucceeded();
    }

    internal static void CallWithoutListeners(string[] arguments)
    {
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { HostFunctions = [s_host] });
        using Plugin other = Fixtures.FromWat(Guest, new PluginOptions { HostFunctions = [HostFunction.FromDelegate("host", static (long value) => value + 1)] });
        for (int i = 0; i < 100; i++)
        {
            plugin.Call("seven");
            plugin.Call("host");
            other.Call("host");
        }

        Assert.Equal(0, Allocations.Least(() =>
        {
            for (int i = 0; i < 1000; i++)
            {
                plugin.Call("seven");
                plugin.Call("host");
                other.Call("host");
            }
        }));
    }

    /// <summary>Listens to plug-ins of one name.</summary>
    internal sealed class Observer : IDisposable
    {
        private readonly ActivityListener _activities;
        private readonly MeterListener _meters = new();
        private readonly Lock _lock = new();
        private readonly List<Activity> _spans = [];
        private readonly List<Point> _points = [];

        public Observer(string name)
        {
            Name = name;
            _activities = new ActivityListener
            {
                ShouldListenTo = static source => source.Name == PluginDiagnostics.ActivitySourceName,
                Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = activity =>
                {
                    if (activity.GetTagItem("codicil.plugin.name") as string == Name)
                    {
                        lock (_lock)
                        {
                            _spans.Add(activity);
                        }
                    }
                },
            };
            ActivitySource.AddActivityListener(_activities);
            _meters.InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == PluginDiagnostics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
            _meters.Start();
        }

        public sealed record Point(string Instrument, double Value, Dictionary<string, object?> Tags);

        public string Name { get; }

        public List<Activity> Spans
        {
            get
            {
                lock (_lock)
                {
                    return [.. _spans];
                }
            }
        }

        public PluginOptions Options(params HostFunction[] functions) => new() { Name = Name, HostFunctions = functions };

        public List<Point> Of(string instrument)
        {
            lock (_lock)
            {
                return [.. _points.Where(point => point.Instrument == instrument)];
            }
        }

        public double Sum(string instrument) => Of(instrument).Sum(static point => point.Value);

        public double Observe(string instrument)
        {
            lock (_lock)
            {
                _points.RemoveAll(point => point.Instrument == instrument);
            }

            _meters.RecordObservableInstruments();
            return Of(instrument)[0].Value;
        }

        public void Dispose()
        {
            _activities.Dispose();
            _meters.Dispose();
        }

        private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var all = new Dictionary<string, object?>(tags.ToArray());
            if (all.GetValueOrDefault("codicil.plugin.name") as string == Name)
            {
                lock (_lock)
                {
                    _points.Add(new Point(instrument.Name, value, all));
                }
            }
        }
    }
}
