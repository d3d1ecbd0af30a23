using System.Diagnostics;
using System.Globalization;

namespace Codicil.Plugins;

/// <summary>Collects the events of an instance's calls and hands them over after each. Not thread-safe: a plug-in has one owner at a time.</summary>
internal sealed class PluginTraceRecorder(PluginTracer tracer, string pluginName, Store store)
{
    /// <summary>The most bytes of a text of the guest's.</summary>
    public const int MaxTextBytes = 64 * 1024;

    /// <summary>The most characters of all texts of the guest's in one trace.</summary>
    public const int MaxTraceTextLength = 4 * 1024 * 1024;

    private readonly List<PluginSpan> _open = [];
    private readonly List<PluginTraceEvent> _events = [];
    private PluginTrace? _trace;
    private long _started;
    private int _count;
    private int _textLength;
    private long _dropped;
    private long _memoryBytes;

    // Spans that were begun when the buffer was full and have not ended.
    private int _unrecorded;

    /// <summary>A call begins.</summary>
    public void Begin(string? functionName, IReadOnlyDictionary<string, object?>? metadata)
    {
        Clear();
        _trace = new PluginTrace(pluginName, functionName, DateTimeOffset.UtcNow, metadata);
        _started = Stopwatch.GetTimestamp();
        _memoryBytes = store.MemoryBytes;
    }

    /// <summary>An exception passes on its way out.</summary>
    /// <returns>False, so that it can be a filter.</returns>
    public bool Fail(Exception exception)
    {
        if (_trace is not null)
        {
            _trace.Exception = exception;
        }

        return false;
    }

    /// <summary>The call has ended: what was collected goes to the tracer.</summary>
    public void End()
    {
        if (_trace is not PluginTrace trace)
        {
            return;
        }

        _trace = null;
        while (_open.Count > 0)
        {
            Close(isAborted: true);
        }

        trace.Duration = Stopwatch.GetElapsedTime(_started);
        trace.Exception = trace.Exception is ExitException { ExitCode: 0 } ? null : trace.Exception;
        trace.Events = [.. _events];
        trace.DroppedEvents = _dropped;
        if (_dropped > 0)
        {
            PluginTelemetry.TraceEventsDropped(pluginName, _dropped);
        }

        bool isEmpty = trace.FunctionName is null && trace.Events.Count == 0;
        Clear();
        if (isEmpty)
        {
            return;
        }

#pragma warning disable CA1031 // A tracer that throws must not break a call.
        try
        {
            tracer.Flush(trace);
        }
        catch (Exception)
        {
        }
#pragma warning restore CA1031
    }

    /// <summary>A span begins.</summary>
    public void Enter(string name, PluginSpanKind kind, int? functionIndex)
    {
        if (_unrecorded > 0 || _count >= tracer.Options.MaxEvents)
        {
            _unrecorded++;
            _dropped++;
            return;
        }

        _count++;
        _open.Add(new PluginSpan(Stopwatch.GetElapsedTime(_started), name, kind, functionIndex));
    }

    /// <summary>The span that began last ends.</summary>
    public void Exit(bool isAborted)
    {
        if (_unrecorded > 0)
        {
            _unrecorded--;
        }
        else if (_open.Count > 0)
        {
            Close(isAborted);
        }
    }

    /// <summary>
    /// A function of an instrumented module ends. Those that began after it and were left by an exception end with it; one that never began is ignored.
    /// </summary>
    public void ExitFunction(int functionIndex)
    {
        if (_unrecorded > 0)
        {
            _unrecorded--;
            return;
        }

        int at = _open.Count - 1;
        while (at >= 0 && (_open[at].Kind != PluginSpanKind.Function || _open[at].FunctionIndex != functionIndex))
        {
            at--;
        }

        while (at >= 0 && _open.Count > at)
        {
            Close(isAborted: _open.Count > at + 1);
        }
    }

    /// <summary>The guest ends a span that it began by name.</summary>
    public void ExitCustom()
    {
        if (_unrecorded > 0 || (_open.Count > 0 && _open[^1].Kind == PluginSpanKind.Custom))
        {
            Exit(isAborted: false);
        }
    }

    /// <summary>Tags for the innermost span, as <c>key:value,key:value</c>.</summary>
    public void Tag(string text)
    {
        if (_unrecorded > 0 || _open.Count == 0)
        {
            return;
        }

        foreach (Range part in text.AsSpan().Split(','))
        {
            ReadOnlySpan<char> tag = text.AsSpan(part).Trim();
            int colon = tag.IndexOf(':');
            if (colon <= 0)
            {
                continue;
            }

            ReadOnlySpan<char> key = tag[..colon].Trim();
            ReadOnlySpan<char> value = tag[(colon + 1)..].Trim();
            if (_count >= tracer.Options.MaxEvents || !TryTakeText(key.Length + value.Length))
            {
                _dropped++;
                continue;
            }

            _count++;
            _open[^1].AddTag(key.ToString(), value.ToString());
        }
    }

    /// <summary>The guest says that a memory grew.</summary>
    public void Grow(long pages) => Add(new PluginMemoryGrowth(Now, pages));

    /// <summary>Looks whether memories have grown since the last look.</summary>
    public void LookAtMemory()
    {
        long bytes = store.MemoryBytes;
        if (bytes != _memoryBytes)
        {
            long grown = bytes - _memoryBytes;
            _memoryBytes = bytes;
            Grow(grown / 65536);
        }
    }

    /// <summary>A metric of the guest's.</summary>
    public void Metric(string format, string text) => Add(new PluginTraceMetric(Now, format, text), text.Length);

    /// <summary>A message of the guest's.</summary>
    public void Message(PluginLogLevel level, string text) => Add(new PluginTraceMessage(Now, level, text), text.Length);

    /// <summary>A function's name for people.</summary>
    public static string NameOf(string? name, int index) => name is null
        ? string.Create(CultureInfo.InvariantCulture, $"function {index}")
        : LogText.Escape(name.Length <= 256 ? name : name[..256]);

    private TimeSpan Now => Stopwatch.GetElapsedTime(_started);

    private void Add(PluginTraceEvent item, int textLength = 0)
    {
        if (_count >= tracer.Options.MaxEvents || !TryTakeText(textLength))
        {
            _dropped++;
            return;
        }

        _count++;
        Keep(item);
    }

    private bool TryTakeText(int length)
    {
        if (length > MaxTraceTextLength - _textLength)
        {
            return false;
        }

        _textLength += length;
        return true;
    }

    private void Keep(PluginTraceEvent item)
    {
        if (_open.Count > 0)
        {
            _open[^1].Add(item);
        }
        else
        {
            _events.Add(item);
        }
    }

    private void Close(bool isAborted)
    {
        PluginSpan span = _open[^1];
        _open.RemoveAt(_open.Count - 1);
        span.Duration = Now - span.Time;
        span.IsAborted = isAborted;
        if (span.Duration >= tracer.Options.MinimumSpanDuration)
        {
            Keep(span);
            return;
        }

        // Spans inside took no longer and are gone already, or were kept for being aborted later.
        _count -= 1 + span.Tags.Count;
        foreach ((string key, string value) in span.Tags)
        {
            _textLength -= key.Length + value.Length;
        }

        foreach (PluginTraceEvent item in span.Events)
        {
            Keep(item);
        }
    }

    private void Clear()
    {
        _open.Clear();
        _events.Clear();
        _count = 0;
        _textLength = 0;
        _dropped = 0;
        _unrecorded = 0;
    }
}
