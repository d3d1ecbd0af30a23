using Codicil.Format;
using Codicil.Plugins;

namespace Codicil.Cli;

/// <summary>What each kind of failure means for the exit code, and how it is said.</summary>
internal static class Failures
{
    /// <summary>The exit code of a failure that the tool expects; null is a bug.</summary>
    public static int? ExitCodeOf(Exception exception) => exception switch
    {
        ExitException exit => (int)(exit.ExitCode & 0xff),
        PluginException plugin => ExitCodeOf(plugin),
        TrapException { Code: TrapCode.OutOfFuel } => ExitCodes.OutOfFuel,
        TrapException => ExitCodes.Trap,
        LinkException => ExitCodes.Unlinkable,
        MalformedModuleException or InvalidModuleException or UnsupportedModuleException => ExitCodes.BadModule,
        TimeoutException => ExitCodes.Timeout,
        OperationCanceledException => ExitCodes.Interrupted,
        UsageException => ExitCodes.Usage,
        IOException or UnauthorizedAccessException => ExitCodes.NoInput,

        // A limit that the user set or the machine has ends the guest as a trap does.
        ResourceLimitException => ExitCodes.Trap,
        PlatformNotSupportedException => ExitCodes.Usage,
        _ => null,
    };

    // A plug-in's own code where there is one; what cannot be called is wrong usage, what cannot be loaded a bad module.
    private static int ExitCodeOf(PluginException exception) => exception.Failure switch
    {
        PluginFailure.Trap => ExitCodes.Trap,
        PluginFailure.UnknownFunction or PluginFailure.UnsuitableFunction => ExitCodes.Usage,
        PluginFailure.Manifest or PluginFailure.HashMismatch => ExitCodes.BadModule,
        PluginFailure.Load => ExitCodes.NoInput,
        PluginFailure.Initialization when exception.InnerException is Exception inner => ExitCodeOf(inner) ?? ExitCodes.Failure,
        PluginFailure.Limit => ExitCodes.Trap,
        _ => (exception.ExitCode & 0xff) is uint code and not 0 ? (int)code : ExitCodes.Failure,
    };

    public static void Report(Exception exception)
    {
        switch (exception)
        {
            case ExitException:
                return;
            case PluginException { Trap: TrapException inner }:
                Report(inner);
                return;
            case TrapException trap:
                Messages.Error(trap.Message);
                foreach (WasmFrame frame in trap.Frames)
                {
                    Messages.Note($"    at {frame}");
                }

                return;
            default:
                Messages.Error(exception.Message);
                return;
        }
    }
}
