namespace Codicil.Plugins;

/// <summary>
/// Receives what happened inside guests, call by call: spans of functions, growth of memory, and what instrumented modules report. One tracer serves any number of plug-ins
/// (<see cref="PluginOptions.Tracer"/>). Derive from it to write traces elsewhere; then it must be thread-safe.
/// </summary>
/// <remarks>
/// Modules instrumented for observation report through their imports of <c>dylibso_observe</c>, <c>dylibso:observe/instrument</c> and <c>dylibso:observe/api</c>, which do nothing without a tracer.
/// With <see cref="PluginTracerOptions.AllFunctions"/> functions of other modules are spans, too.
/// </remarks>
public abstract class PluginTracer
{
    /// <summary>A tracer.</summary>
    protected PluginTracer(PluginTracerOptions? options = null) => Options = options ?? PluginTracerOptions.Default;

    /// <summary>Its options.</summary>
    public PluginTracerOptions Options { get; }

    /// <summary>A tracer that hands each trace to a delegate.</summary>
    public static PluginTracer Create(Action<PluginTrace> flush, PluginTracerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(flush);
        return new DelegateTracer(flush, options);
    }

    /// <summary>A tracer that makes each span of a guest a span of the <see cref="System.Diagnostics.ActivitySource"/> named Codicil, below that of the call.</summary>
    public static PluginTracer ToActivities(PluginTracerOptions? options = null) => new ActivityTracer(options);

    /// <summary>A call has ended, well or not. Runs on the call's thread before the call returns; what it throws is ignored.</summary>
    /// <param name="trace">What happened; it is not used again, so it may be kept.</param>
    public abstract void Flush(PluginTrace trace);

    private sealed class DelegateTracer(Action<PluginTrace> flush, PluginTracerOptions? options) : PluginTracer(options)
    {
        public override void Flush(PluginTrace trace) => flush(trace);
    }
}

/// <summary>Options of a <see cref="PluginTracer"/>. Immutable and thread-safe.</summary>
public sealed record PluginTracerOptions
{
    /// <summary>The options of a tracer when none are given.</summary>
    public static PluginTracerOptions Default { get; } = new();

    /// <summary>Spans that took less are left out; what they contain beside spans goes to the span around. Zero, the default, keeps all; there is no largest.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan MinimumSpanDuration
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    }

    /// <summary>
    /// The events of one call that are kept, open spans included, with no more than 4 Mi characters of guests' texts together; further ones are counted (<see cref="PluginTrace.DroppedEvents"/>).
    /// </summary>
    public int MaxEvents { get; init; } = 10_000;

    /// <summary>
    /// Whether every function of modules that are not instrumented is a span, and every host function they call but those that only read and write kernel memory. Compiled in: every call then costs some 50 ns more.
    /// </summary>
    public bool AllFunctions { get; init; }

    /// <summary>With <see cref="AllFunctions"/>: which functions; null for all. Asked when the plug-in is compiled.</summary>
    public Func<FunctionDefinition, bool>? Filter { get; init; }
}
