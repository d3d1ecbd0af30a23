namespace Codicil.Plugins;

/// <summary>How important a plug-in's log message is; the numbers are those that guests see (Extism, <c>get_log_level</c>).</summary>
public enum PluginLogLevel
{
    /// <summary>Steps of the host and the guest.</summary>
    Trace = 0,

    /// <summary>What helps to find a fault.</summary>
    Debug = 1,

    /// <summary>Normal events.</summary>
    Info = 2,

    /// <summary>Something looks wrong.</summary>
    Warn = 3,

    /// <summary>Something failed.</summary>
    Error = 4,

    /// <summary>Nothing is logged; the default.</summary>
    Off = int.MaxValue,
}

/// <summary>Receives log messages of plug-ins and of the host about them. Instances on several threads may call it at the same time.</summary>
/// <param name="level">How important it is.</param>
/// <param name="message">The text as the guest gave it, control characters included: escape it before it goes to a terminal or a line-based file.</param>
public delegate void PluginLogSink(PluginLogLevel level, string message);

/// <summary>What plug-ins log with when their options do not say. Thread-safe.</summary>
public static class PluginLogDefaults
{
    private static volatile PluginLogSink? s_sink;
    private static volatile PluginLogLevel s_level = PluginLogLevel.Off;

    /// <summary>The least level that is logged; <see cref="PluginLogLevel.Off"/> at the start.</summary>
    public static PluginLogLevel Level
    {
        get => s_level;
        set => s_level = value;
    }

    /// <summary>Where messages go; null at the start: nowhere.</summary>
    public static PluginLogSink? Sink
    {
        get => s_sink;
        set => s_sink = value;
    }
}
