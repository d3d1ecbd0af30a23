using Microsoft.Extensions.Logging;

namespace Codicil.Plugins;

// What is said about the plug-in: calls to whoever observes them, messages to the sink and the logger.
public sealed partial class Plugin
{
    /// <summary>What a trace of the next calls says beside what happened in them (<see cref="PluginTrace.Metadata"/>); null for nothing. It is handed on as it is.</summary>
    public IReadOnlyDictionary<string, object?>? TraceMetadata { get; set; }

    internal string Name => _compiled.Name;

    /// <summary>Whether a call was left by an exception, so that the guest may be in a state that it never expects.</summary>
    internal bool HasFailed { get; private set; }

    /// <summary>The lease that it is out on: alive as long as this is used.</summary>
    internal object? Holder { get; set; }

    internal bool IsInCall => Volatile.Read(ref _state) == Busy;

    /// <summary>What collects events for the tracer; null without one.</summary>
    internal PluginTraceRecorder? Recorder { get; private set; }

    internal PluginLogLevel EffectiveLogLevel => LogLevel ?? (_compiled.Logger is ILogger logger ? PluginLogger.LeastLevel(logger) : PluginLogDefaults.Level);

    /// <summary>What linear memories and the kernel hold; may be asked from any thread.</summary>
    internal long MemoryBytes => IsClosed ? 0 : _store.MemoryBytes + Kernel.MemoryBytes(Kernel);

    internal bool IsLogged(PluginLogLevel level)
    {
        PluginLogLevel? own = LogLevel;
        if (own is null && _compiled.Logger is ILogger logger)
        {
            return PluginLogger.IsEnabled(logger, level);
        }

        PluginLogLevel least = own ?? PluginLogDefaults.Level;
        return level >= least && least != PluginLogLevel.Off && level != PluginLogLevel.Off;
    }

    /// <summary>Logs a message of the host's about the plug-in, or of a host function.</summary>
    internal void Log(PluginLogLevel level, string message)
    {
        if (IsLogged(level) && MayLog())
        {
            WriteLog(level, LogText.Cut(message, _compiled.Options.MaxLogMessageBytes));
        }
    }

    /// <summary>Logs a guest's message; it is not even decoded where it is not wanted or beyond what may be written.</summary>
    internal void Log(PluginLogLevel level, ReadOnlySpan<byte> utf8)
    {
        if (IsLogged(level) && MayLog())
        {
            WriteLog(level, LogText.Decode(utf8, _compiled.Options.MaxLogMessageBytes));
        }
    }

    private PluginOutput CallObserved(string name, ReadOnlySpan<byte> input, CancellationToken cancellationToken)
    {
        PluginOperation operation = PluginTelemetry.BeginCall(Name, name);
        try
        {
            PluginOutput output = CallCore(name, input, cancellationToken);
            PluginTelemetry.End(operation, null, output.ExitCode);
            return output;
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(WithKnownName(operation, name), exception, (exception as PluginException)?.ExitCode);
            throw;
        }
    }

    // Names are the caller's, who may have them from anybody: where a call did not come so far as to look for its function, this does.
    private PluginOperation WithKnownName(in PluginOperation operation, string name) => !operation.IsObserved || FunctionExists(name) ? operation : operation with { Name = null };

    // What the rate kept from this instance's log and its sink does not know yet.
    private long _lostMessages;

    private bool MayLog()
    {
        bool may = _compiled.LogRate.TryTake(out long dropped);
        _lostMessages += may ? 0 : 1;
        if (dropped > 0)
        {
            ReportDropped(dropped);
        }

        return may;
    }

    // The logger belongs to all instances of the plug-in and hears what all lost; a sink may belong to one of many, and hears what this one did.
    private void ReportDropped(long dropped)
    {
        PluginTelemetry.LogsDropped(Name, dropped);
        WriteToLogger(PluginLogLevel.Warn, Notice(dropped));
        if (_lostMessages > 0)
        {
            WriteToSink(PluginLogLevel.Warn, Notice(_lostMessages));
            _lostMessages = 0;
        }

        string Notice(long count) => string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"{count} log messages were dropped: more than {_compiled.Options.MaxLogMessagesPerSecond} in a second");
    }

    // A filter that catches nothing: what ends a call is known here before it is translated.
    private bool NoteFailure(Exception exception)
    {
        HasFailed |= exception is not PluginException { Failure: PluginFailure.GuestError or PluginFailure.UnknownFunction or PluginFailure.UnsuitableFunction };
        return Recorder is not null && Recorder.Fail(exception);
    }

    // Almost never; so the call is spared.
    private bool HasToEndObserving => Recorder is not null || _compiled.LogRate.HasDropped;

    // While the call is still the owner's. What it lost of its log is said, since the next call may never come.
    private void EndObserving()
    {
        Recorder?.End();
        if (_compiled.LogRate.TakeDroppedAtEnd() is > 0 and long dropped)
        {
            ReportDropped(dropped);
        }
    }

    // A sink or a logger that throws is the host's affair: the guest that logged must neither notice nor be able to use it.
    private void WriteLog(PluginLogLevel level, string message)
    {
        WriteToSink(level, message);
        WriteToLogger(level, message);
    }

#pragma warning disable CA1031
    private void WriteToSink(PluginLogLevel level, string message)
    {
        try
        {
            (LogSink ?? PluginLogDefaults.Sink)?.Invoke(level, message);
        }
        catch (Exception)
        {
        }
    }

    private void WriteToLogger(PluginLogLevel level, string message)
    {
        try
        {
            if (_compiled.Logger is ILogger logger)
            {
                PluginLogger.Write(logger, level, message);
            }
        }
        catch (Exception)
        {
        }
    }
#pragma warning restore CA1031
}

/// <summary>What a compiled plug-in's instances may log in a second, all together: instances come and go, with each lease of a pool, and the log stays. Thread-safe.</summary>
internal sealed class LogRate(int perSecond, TimeProvider time)
{
    private readonly Lock _lock = new();
    private long _windowStart;
    private int _taken;
    private long _dropped;
    private bool _hasReported;
    private long _reportedAt;

    /// <summary>Whether one more message may be written.</summary>
    /// <param name="dropped">When a new second has begun: what was dropped in those before, not yet reported.</param>
    public bool TryTake(out long dropped)
    {
        dropped = 0;
        if (perSecond <= 0)
        {
            return true;
        }

        lock (_lock)
        {
            if (_taken >= perSecond || _taken == 0)
            {
                long now = time.GetTimestamp();
                if (_taken == 0 || time.GetElapsedTime(_windowStart, now) >= TimeSpan.FromSeconds(1))
                {
                    _windowStart = now;
                    _taken = 0;
                    dropped = Take();
                }
                else
                {
                    Volatile.Write(ref _dropped, _dropped + 1);
                    return false;
                }
            }

            _taken++;
            return true;
        }
    }

    /// <summary>Whether something was dropped and not reported yet.</summary>
    public bool HasDropped => Volatile.Read(ref _dropped) != 0;

    /// <summary>What was dropped and not reported yet, at the end of a call; nothing where that was asked less than a second ago: many short calls must not make of each message lost another one.</summary>
    public long TakeDroppedAtEnd()
    {
        if (!HasDropped)
        {
            return 0;
        }

        lock (_lock)
        {
            if (_hasReported && time.GetElapsedTime(_reportedAt) < TimeSpan.FromSeconds(1))
            {
                return 0;
            }

            _hasReported = true;
            _reportedAt = time.GetTimestamp();
            return Take();
        }
    }

    /// <summary>What was dropped and not reported yet.</summary>
    public long TakeDropped()
    {
        lock (_lock)
        {
            return Take();
        }
    }

    private long Take()
    {
        long dropped = _dropped;
        Volatile.Write(ref _dropped, 0);
        return dropped;
    }
}
