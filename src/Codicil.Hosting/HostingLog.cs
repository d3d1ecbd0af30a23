using Codicil.Format;
using Codicil.Plugins;

using Microsoft.Extensions.Logging;

namespace Codicil.Hosting;

/// <summary>What the application's log says of its plug-ins.</summary>
internal static partial class HostingLog
{
    [LoggerMessage(EventId = 1, EventName = "PluginLoaded", Level = LogLevel.Information, Message = "Plug-in {Plugin} was loaded (generation {Generation}) in {Milliseconds:F1} ms")]
    public static partial void Loaded(ILogger logger, string plugin, int generation, double milliseconds);

    /// <summary>A plug-in cannot be loaded. What exceptions about modules say is the modules' text in part, with line ends if they like: it goes into the message, escaped, and not as the exception.</summary>
    public static void Failed(ILogger logger, string plugin, string inUse, Exception exception)
    {
        bool isOfModule = exception is WasmException;
        string reason = LogText.Escape(exception.Message);
        Failed(logger, plugin, inUse, exception.GetType().Name, reason, isOfModule ? null : exception);
    }

    [LoggerMessage(EventId = 3, EventName = "PluginDrained", Level = LogLevel.Information, Message = "Plug-in {Plugin}: generation {Generation} has ended its last call")]
    public static partial void Drained(ILogger logger, string plugin, int generation);

    [LoggerMessage(EventId = 2, EventName = "PluginLoadFailed", Level = LogLevel.Error, Message = "Plug-in {Plugin} cannot be loaded; in use is {InUse}: {Failure}: {Reason}")]
    private static partial void Failed(ILogger logger, string plugin, string inUse, string failure, string reason, Exception? exception);
}
