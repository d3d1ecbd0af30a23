using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Codicil.Plugins;

/// <summary>What is observed as an operation: a span and a duration.</summary>
internal enum PluginOperationKind
{
    /// <summary>Loading and compiling.</summary>
    Compile,

    /// <summary>Making an instance.</summary>
    Instantiate,

    /// <summary>A call of an exported function.</summary>
    Call,

    /// <summary>A call of a host function of the user's.</summary>
    HostCall,

    /// <summary>A request of a guest; with its redirects it is one.</summary>
    Http,
}

/// <summary>An operation that is being observed; the default value is one that is not.</summary>
internal readonly record struct PluginOperation(PluginOperationKind Kind, string Plugin, string? Name, Activity? Activity, long Started, bool IsCounted = false)
{
    /// <summary>Whether anybody listens.</summary>
    public bool IsObserved => Started != 0;
}

/// <summary>
/// The <see cref="ActivitySource"/> and the <see cref="Meter"/>. Whoever has something to observe calls Begin and, however it ends, End; while nobody
/// listens, Begin is a few loads and End a compare. Thread-safe.
/// </summary>
/// <remarks>Names, units and attributes are documented in docs/observability.md and held by a test.</remarks>
internal static class PluginTelemetry
{
    private static readonly string? s_version = typeof(PluginTelemetry).Assembly.GetName().Version?.ToString(3);
    private static readonly ActivitySource s_source = new(PluginDiagnostics.ActivitySourceName, s_version);
    private static readonly Meter s_meter = new(PluginDiagnostics.MeterName, s_version);

    // A call of a plug-in takes from tens of nanoseconds to whole seconds.
    private static readonly InstrumentAdvice<double> s_seconds = new()
    {
        HistogramBucketBoundaries = [1e-7, 1e-6, 1e-5, 1e-4, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    };

    private static readonly Histogram<double> s_compile = Duration("codicil.plugin.compile.duration", "Loading and compiling a plug-in.");
    private static readonly Histogram<double> s_instantiate = Duration("codicil.plugin.instantiate.duration", "Making an instance of a plug-in.");
    private static readonly Histogram<double> s_call = Duration("codicil.plugin.call.duration", "A call of a function that a plug-in exports.");
    private static readonly Histogram<double> s_hostCall = Duration("codicil.plugin.host_call.duration", "A call of a host function by a plug-in.");
    private static readonly Histogram<double> s_http = Duration("codicil.plugin.http.request.duration", "An HTTP request of a plug-in, redirects included.");
    private static readonly UpDownCounter<long> s_activeCalls = s_meter.CreateUpDownCounter<long>("codicil.plugin.active_calls", "{call}", "Calls that are running.");
    private static readonly Counter<long> s_traps = s_meter.CreateCounter<long>("codicil.plugin.traps", "{trap}", "Calls that ended with a trap.");
    private static readonly Counter<long> s_logsDropped = s_meter.CreateCounter<long>("codicil.plugin.log.dropped", "{message}", "Log messages of plug-ins beyond their rate.");
    private static readonly Counter<long> s_spansDropped = s_meter.CreateCounter<long>("codicil.plugin.trace.dropped", "{event}", "Events of guests beyond a trace's buffer.");

    private static readonly Histogram<double> s_poolWait = Duration("codicil.plugin.pool.wait_time", "From asking a pool for an instance to getting one, its making excluded.");
    private static readonly Histogram<double> s_poolUse = Duration("codicil.plugin.pool.use_time", "From getting an instance of a pool to giving it back.");

    private static readonly Lock s_lock = new();
    private static readonly LinkedList<WeakReference<PluginPool>> s_pools = new();
    private static readonly LinkedList<WeakReference<CompiledPlugin>> s_live = new();

    static PluginTelemetry()
    {
        s_meter.CreateObservableUpDownCounter("codicil.plugin.instances", static () => Observe(static compiled => compiled.LiveInstances), "{instance}", "Live instances of plug-ins.");
        s_meter.CreateObservableUpDownCounter(
            "codicil.plugin.memory.usage", static () => Observe(static compiled => compiled.LiveMemoryBytes), "By", "Linear memories and kernel data of live instances.");
        s_meter.CreateObservableUpDownCounter("codicil.plugin.pool.count", ObservePoolCounts, "{instance}", "Instances of pools by state.");
        s_meter.CreateObservableUpDownCounter("codicil.plugin.pool.max", static () => ObservePools(static pool => pool.Options.MaxSize), "{instance}", "The most instances that pools may have.");
        s_meter.CreateObservableUpDownCounter(
            "codicil.plugin.pool.pending_requests", static () => ObservePools(static pool => pool.State.Waiting), "{request}", "Those who wait for an instance.");
    }

    /// <summary>The source of spans.</summary>
    public static ActivitySource Source => s_source;

    /// <summary>The meter.</summary>
    public static Meter Meter => s_meter;

    /// <summary>Whether anybody listens to calls: spans, durations, running calls or traps.</summary>
    public static bool ObservesCalls
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_call.Enabled || s_source.HasListeners() || s_traps.Enabled || s_activeCalls.Enabled;
    }

    /// <summary>Whether anybody listens to calls of host functions.</summary>
    public static bool ObservesHostCalls
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_hostCall.Enabled || s_source.HasListeners();
    }

    /// <summary>A plug-in is loaded and compiled.</summary>
    public static PluginOperation BeginCompile(string plugin) =>
        s_compile.Enabled || s_source.HasListeners() ? Begin(PluginOperationKind.Compile, "compile", plugin, null, ActivityKind.Internal) : default;

    /// <summary>An instance is made.</summary>
    public static PluginOperation BeginInstantiate(string plugin) =>
        s_instantiate.Enabled || s_source.HasListeners() ? Begin(PluginOperationKind.Instantiate, "instantiate", plugin, null, ActivityKind.Internal) : default;

    /// <summary>An exported function is called.</summary>
    public static PluginOperation BeginCall(string plugin, string function)
    {
        if (!ObservesCalls)
        {
            return default;
        }

        bool isCounted = s_activeCalls.Enabled;
        if (isCounted)
        {
            s_activeCalls.Add(1, new KeyValuePair<string, object?>("codicil.plugin.name", plugin));
        }

        return Begin(PluginOperationKind.Call, "call", plugin, function, ActivityKind.Internal) with { IsCounted = isCounted };
    }

    /// <summary>A host function is called.</summary>
    public static PluginOperation BeginHostCall(string plugin, string function) =>
        ObservesHostCalls ? Begin(PluginOperationKind.HostCall, "host_call", plugin, function, ActivityKind.Internal) : default;

    /// <summary>Calls a host function as an operation.</summary>
    public static TResult ObserveHostCall<TResult>(string function, string plugin, Func<TResult> call)
    {
        PluginOperation operation = BeginHostCall(plugin, function);
        try
        {
            TResult result = call();
            End(operation);
            return result;
        }
        catch (Exception exception)
        {
            End(operation, exception);
            throw;
        }
    }

    /// <summary>A guest's HTTP request begins that is allowed to be sent. The URL's user information, path and query are not recorded: they may hold secrets.</summary>
    public static PluginOperation BeginHttp(string plugin, string method, Uri url)
    {
        if (!s_http.Enabled && !s_source.HasListeners())
        {
            return default;
        }

        PluginOperation operation = Begin(PluginOperationKind.Http, KnownMethod(method), plugin, KnownMethod(method), ActivityKind.Client);
        operation.Activity?.SetTag("server.address", url.IdnHost);
        operation.Activity?.SetTag("server.port", url.Port);
        operation.Activity?.SetTag("url.scheme", url.Scheme);
        return operation;
    }

    /// <summary>An operation has ended, well or with an exception.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="exception">What ended it; null when it ended well.</param>
    /// <param name="exitCode">For calls: what the guest returned or exited with.</param>
    public static void End(in PluginOperation operation, Exception? exception = null, uint? exitCode = null)
    {
        if (!operation.IsObserved)
        {
            return;
        }

        double seconds = Stopwatch.GetElapsedTime(operation.Started).TotalSeconds;
        string? error = exception is null ? null : ErrorType(exception);
        TagList tags = default;
        tags.Add("codicil.plugin.name", operation.Plugin);
        // None where there is no such function: a name may be anything then, and every one of them would be a time series.
        if (operation.Kind is PluginOperationKind.Call or PluginOperationKind.HostCall && operation.Name is not null)
        {
            tags.Add("codicil.function.name", operation.Name);
        }

        if (error is not null)
        {
            tags.Add("error.type", error);
        }

        if (operation.Kind == PluginOperationKind.Call)
        {
            EndCall(operation, exception, exitCode);
        }

        Histogram(operation.Kind).Record(seconds, tags);
        Stop(operation.Activity, exception, error);
    }

    /// <summary>A guest's HTTP request has ended.</summary>
    /// <param name="operation">The operation.</param>
    /// <param name="statusCode">The status; 0 when there was no response.</param>
    /// <param name="exception">What ended it; null when there was a response.</param>
    public static void EndHttp(in PluginOperation operation, int statusCode, Exception? exception = null)
    {
        if (!operation.IsObserved)
        {
            return;
        }

        string? error = exception is not null ? ErrorType(exception) : statusCode >= 400 ? statusCode.ToString(CultureInfo.InvariantCulture) : null;
        TagList tags = default;
        tags.Add("codicil.plugin.name", operation.Plugin);
        tags.Add("http.request.method", operation.Name);
        if (statusCode != 0)
        {
            tags.Add("http.response.status_code", statusCode);
            operation.Activity?.SetTag("http.response.status_code", statusCode);
        }

        if (error is not null)
        {
            tags.Add("error.type", error);
        }

        s_http.Record(Stopwatch.GetElapsedTime(operation.Started).TotalSeconds, tags);
        Stop(operation.Activity, exception, error);
    }

    /// <summary>Log messages of a plug-in were left out.</summary>
    public static void LogsDropped(string plugin, long count) => s_logsDropped.Add(count, new KeyValuePair<string, object?>("codicil.plugin.name", plugin));

    /// <summary>Events of a guest were left out of a trace.</summary>
    public static void TraceEventsDropped(string plugin, long count) => s_spansDropped.Add(count, new KeyValuePair<string, object?>("codicil.plugin.name", plugin));

    /// <summary>Somebody got an instance of a pool.</summary>
    public static void PoolWaited(PluginPool pool, TimeSpan time)
    {
        if (s_poolWait.Enabled)
        {
            s_poolWait.Record(time.TotalSeconds, TagsOf(pool));
        }
    }

    /// <summary>An instance came back.</summary>
    public static void PoolUsed(PluginPool pool, TimeSpan time)
    {
        if (s_poolUse.Enabled)
        {
            s_poolUse.Record(time.TotalSeconds, TagsOf(pool));
        }
    }

    /// <summary>A pool that is counted until it is taken off.</summary>
    public static LinkedListNode<WeakReference<PluginPool>> Add(PluginPool pool) => Add(s_pools, pool);

    /// <summary>A pool ends.</summary>
    public static void Remove(LinkedListNode<WeakReference<PluginPool>> node) => Remove<PluginPool>(node);

    /// <summary>A compiled plug-in whose instances are counted until it is taken off.</summary>
    public static LinkedListNode<WeakReference<CompiledPlugin>> Add(CompiledPlugin compiled) => Add(s_live, compiled);

    /// <summary>A compiled plug-in ends.</summary>
    public static void Remove(LinkedListNode<WeakReference<CompiledPlugin>> node) => Remove<CompiledPlugin>(node);

    /// <summary>What kind of failure an exception is: a word for those of plug-ins, the type's name for others.</summary>
    public static string ErrorType(Exception exception) => exception switch
    {
        PluginException plugin => plugin.Failure switch
        {
            PluginFailure.GuestError => "guest_error",
            PluginFailure.Trap => "trap",
            PluginFailure.Exit => "exit",
            PluginFailure.UnknownFunction => "unknown_function",
            PluginFailure.UnsuitableFunction => "unsuitable_function",
            PluginFailure.Initialization => "initialization",
            PluginFailure.Closed => "closed",
            PluginFailure.NotAllowed => "not_allowed",
            PluginFailure.Limit => "limit",
            PluginFailure.Manifest => "manifest",
            PluginFailure.Load => "load",
            PluginFailure.HashMismatch => "hash_mismatch",
            PluginFailure.InvalidRequest => "invalid_request",
            PluginFailure.Http => "http",
            _ => "_OTHER",
        },
        WasmTimeoutException => "timeout",
        OperationCanceledException => "cancelled",
        ResourceLimitException => "limit",
        TrapException => "trap",
        ObjectDisposedException => "disposed",
        _ => exception.GetType().FullName ?? exception.GetType().Name,
    };

    private static LinkedListNode<WeakReference<T>> Add<T>(LinkedList<WeakReference<T>> list, T item)
        where T : class
    {
        lock (s_lock)
        {
            // Those that were dropped without Dispose: each new one sweeps two, so they cannot pile up.
            for (int i = 0; i < 2 && list.First is { } oldest; i++)
            {
                list.RemoveFirst();
                if (oldest.Value.TryGetTarget(out _))
                {
                    list.AddLast(oldest);
                }
            }

            return list.AddLast(new WeakReference<T>(item));
        }
    }

    private static void Remove<T>(LinkedListNode<WeakReference<T>> node)
        where T : class
    {
        lock (s_lock)
        {
            node.List?.Remove(node);
        }
    }

    private static List<T> Live<T>(LinkedList<WeakReference<T>> list)
        where T : class
    {
        var live = new List<T>();
        lock (s_lock)
        {
            foreach (WeakReference<T> reference in list)
            {
                if (reference.TryGetTarget(out T? item))
                {
                    live.Add(item);
                }
            }
        }

        return live;
    }

    private static string NameOf(PluginPool pool) => pool.Options.Name ?? pool.Compiled.Name;

    private static TagList TagsOf(PluginPool pool) => new() { { "codicil.plugin.name", pool.Compiled.Name }, { "codicil.plugin.pool.name", NameOf(pool) } };

    private static List<Measurement<long>> ObservePools(Func<PluginPool, long> value) =>
        [.. Live(s_pools).GroupBy(static pool => (pool.Compiled.Name, NameOf(pool))).Select(group => new Measurement<long>(group.Sum(value), TagsOf(group.First())))];

    private static List<Measurement<long>> ObservePoolCounts()
    {
        var measurements = new List<Measurement<long>>();
        foreach (IGrouping<(string, string), PluginPool> group in Live(s_pools).GroupBy(static pool => (pool.Compiled.Name, NameOf(pool))))
        {
            TagList tags = TagsOf(group.First());
            List<PluginPoolState> states = [.. group.Select(static pool => pool.State)];
            measurements.Add(new Measurement<long>(states.Sum(static state => (long)state.Idle), [.. tags, KeyValuePair.Create("codicil.plugin.pool.state", (object?)"idle")]));
            measurements.Add(new Measurement<long>(states.Sum(static state => (long)state.Lent), [.. tags, KeyValuePair.Create("codicil.plugin.pool.state", (object?)"used")]));
        }

        return measurements;
    }

    private static Histogram<double> Duration(string name, string description) => s_meter.CreateHistogram(name, "s", description, null, s_seconds);

    private static Histogram<double> Histogram(PluginOperationKind kind) => kind switch
    {
        PluginOperationKind.Compile => s_compile,
        PluginOperationKind.Instantiate => s_instantiate,
        PluginOperationKind.Call => s_call,
        PluginOperationKind.HostCall => s_hostCall,
        _ => s_http,
    };

    // Low in cardinality: the plug-in and the function are names of the host's choice, or of functions that were asked for.
    private static PluginOperation Begin(PluginOperationKind kind, string verb, string plugin, string? name, ActivityKind activityKind)
    {
        Activity? activity = null;
        if (s_source.HasListeners())
        {
            string title = kind == PluginOperationKind.Http ? verb : name is null ? $"{verb} {plugin}" : $"{verb} {name}";
            activity = s_source.StartActivity(title, activityKind);
            if (activity is { IsAllDataRequested: true })
            {
                activity.SetTag("codicil.plugin.name", plugin);
                if (name is not null)
                {
                    activity.SetTag(kind == PluginOperationKind.Http ? "http.request.method" : "codicil.function.name", name);
                }
            }
        }

        return new PluginOperation(kind, plugin, name, activity, Math.Max(Stopwatch.GetTimestamp(), 1));
    }

    private static void EndCall(in PluginOperation operation, Exception? exception, uint? exitCode)
    {
        if (operation.IsCounted)
        {
            s_activeCalls.Add(-1, new KeyValuePair<string, object?>("codicil.plugin.name", operation.Plugin));
        }

        if (exitCode is uint code)
        {
            operation.Activity?.SetTag("codicil.exit_code", (long)code);
        }

        if ((exception as PluginException)?.Trap is TrapException trap)
        {
            string kind = trap.Code?.ToString() ?? "host";
            operation.Activity?.SetTag("codicil.trap.code", kind);
            s_traps.Add(1, new KeyValuePair<string, object?>("codicil.plugin.name", operation.Plugin), new KeyValuePair<string, object?>("codicil.trap.code", kind));
        }
    }

    // The message stays out: it may hold the guest's data.
    private static void Stop(Activity? activity, Exception? exception, string? error)
    {
        if (activity is null)
        {
            return;
        }

        if (error is not null)
        {
            activity.SetTag("error.type", error);
            activity.SetStatus(ActivityStatusCode.Error, exception is PluginException { Failure: PluginFailure.Trap } ? exception.Message : null);
        }

        activity.Dispose();
    }

    private static List<Measurement<long>> Observe(Func<CompiledPlugin, long> value)
    {
        // One measurement a name: two of the same attributes would replace each other.
        var sums = new SortedDictionary<string, long>(StringComparer.Ordinal);
        foreach (CompiledPlugin compiled in Live(s_live))
        {
            sums[compiled.Name] = sums.GetValueOrDefault(compiled.Name) + value(compiled);
        }

        return [.. sums.Select(static pair => new Measurement<long>(pair.Value, new KeyValuePair<string, object?>("codicil.plugin.name", pair.Key)))];
    }

    private static string KnownMethod(string method) => method switch
    {
        "GET" or "HEAD" or "POST" or "PUT" or "DELETE" or "CONNECT" or "OPTIONS" or "TRACE" or "PATCH" => method,
        _ => "_OTHER",
    };
}
