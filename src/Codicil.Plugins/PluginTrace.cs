namespace Codicil.Plugins;

/// <summary>What happened in one call of a plug-in.</summary>
public sealed class PluginTrace
{
    internal PluginTrace(string pluginName, string? functionName, DateTimeOffset start, IReadOnlyDictionary<string, object?>? metadata)
    {
        PluginName = pluginName;
        FunctionName = functionName;
        Start = start;
        Metadata = metadata;
    }

    /// <summary>The plug-in's name.</summary>
    public string PluginName { get; }

    /// <summary>The function that was called; null while the plug-in was being instantiated.</summary>
    public string? FunctionName { get; }

    /// <summary>When the call began.</summary>
    public DateTimeOffset Start { get; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; internal set; }

    /// <summary>What ended it, as it was thrown inside; null when it ended well.</summary>
    public Exception? Exception { get; internal set; }

    /// <summary>What the host said about the call (<see cref="Plugin.TraceMetadata"/>).</summary>
    public IReadOnlyDictionary<string, object?>? Metadata { get; }

    /// <summary>The outermost events in the order in which they ended.</summary>
    public IReadOnlyList<PluginTraceEvent> Events { get; internal set; } = [];

    /// <summary>The events beyond <see cref="PluginTracerOptions.MaxEvents"/>.</summary>
    public long DroppedEvents { get; internal set; }
}

/// <summary>Something that happened during a call.</summary>
/// <param name="Time">When, since the call's beginning.</param>
public abstract record PluginTraceEvent(TimeSpan Time);

/// <summary>What a span stands for.</summary>
public enum PluginSpanKind
{
    /// <summary>A function of a guest.</summary>
    Function,

    /// <summary>A host function.</summary>
    HostFunction,

    /// <summary>A span that the guest asked for by name.</summary>
    Custom,
}

/// <summary>Something that took time, and what happened in it.</summary>
public sealed record PluginSpan : PluginTraceEvent
{
    private readonly List<PluginTraceEvent> _events = [];
    private readonly List<KeyValuePair<string, string>> _tags = [];

    internal PluginSpan(TimeSpan time, string name, PluginSpanKind kind, int? functionIndex)
        : base(time)
    {
        Name = name;
        Kind = kind;
        FunctionIndex = functionIndex;
    }

    /// <summary>The function's name, or its index where it has none; or the name that the guest gave.</summary>
    public string Name { get; }

    /// <summary>What it stands for.</summary>
    public PluginSpanKind Kind { get; }

    /// <summary>The function's index in its module; null for spans that the guest asked for.</summary>
    public int? FunctionIndex { get; }

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; internal set; }

    /// <summary>Whether it ended with an exception, or was open when the call ended.</summary>
    public bool IsAborted { get; internal set; }

    /// <summary>What the guest said about it.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Tags => _tags;

    /// <summary>What happened in it, in the order in which it ended.</summary>
    public IReadOnlyList<PluginTraceEvent> Events => _events;

    internal void Add(PluginTraceEvent item) => _events.Add(item);

    internal void AddTag(string key, string value) => _tags.Add(KeyValuePair.Create(key, value));
}

/// <summary>A memory grew, or was asked to.</summary>
/// <param name="Time">When.</param>
/// <param name="Pages">By how many pages of 64 KiB.</param>
public sealed record PluginMemoryGrowth(TimeSpan Time, long Pages) : PluginTraceEvent(Time);

/// <summary>A metric that the guest reported.</summary>
/// <param name="Time">When.</param>
/// <param name="Format">Its format: <c>statsd</c>, or a number that is not known.</param>
/// <param name="Text">The text as the guest gave it.</param>
public sealed record PluginTraceMetric(TimeSpan Time, string Format, string Text) : PluginTraceEvent(Time);

/// <summary>A message that the guest wrote to its trace.</summary>
/// <param name="Time">When.</param>
/// <param name="Level">How important it is.</param>
/// <param name="Message">The text as the guest gave it.</param>
public sealed record PluginTraceMessage(TimeSpan Time, PluginLogLevel Level, string Message) : PluginTraceEvent(Time);
