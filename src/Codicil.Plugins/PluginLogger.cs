using Microsoft.Extensions.Logging;

namespace Codicil.Plugins;

/// <summary>Messages of plug-ins on their way to an <see cref="ILogger"/>.</summary>
/// <remarks>Levels: trace, debug, info (<see cref="LogLevel.Information"/>), warn (<see cref="LogLevel.Warning"/>), error. Nothing of a guest is ever <see cref="LogLevel.Critical"/>.</remarks>
internal static partial class PluginLogger
{
    /// <summary>Writes a message, escaped.</summary>
    public static void Write(ILogger logger, PluginLogLevel level, string message)
    {
        LogLevel mapped = ToLogLevel(level);
        if (logger.IsEnabled(mapped))
        {
            string escaped = LogText.Escape(message);
            Message(logger, mapped, escaped);
        }
    }

    /// <summary>Whether a logger takes messages of a level; one that throws does not.</summary>
    public static bool IsEnabled(ILogger logger, PluginLogLevel level)
    {
#pragma warning disable CA1031 // A logger that throws must not break a call.
        try
        {
            return level != PluginLogLevel.Off && logger.IsEnabled(ToLogLevel(level));
        }
        catch (Exception)
        {
            return false;
        }
#pragma warning restore CA1031
    }

    /// <summary>The least level that a logger takes; off when it takes none.</summary>
    public static PluginLogLevel LeastLevel(ILogger logger)
    {
        for (PluginLogLevel level = PluginLogLevel.Trace; level <= PluginLogLevel.Error; level++)
        {
            if (IsEnabled(logger, level))
            {
                return level;
            }
        }

        return PluginLogLevel.Off;
    }

    private static LogLevel ToLogLevel(PluginLogLevel level) => level switch
    {
        PluginLogLevel.Trace => LogLevel.Trace,
        PluginLogLevel.Debug => LogLevel.Debug,
        PluginLogLevel.Info => LogLevel.Information,
        PluginLogLevel.Warn => LogLevel.Warning,
        PluginLogLevel.Error => LogLevel.Error,
        _ => LogLevel.None,
    };

    [LoggerMessage(EventId = 1, EventName = "PluginMessage", Message = "{Message}", SkipEnabledCheck = true)]
    private static partial void Message(ILogger logger, LogLevel level, string message);
}
