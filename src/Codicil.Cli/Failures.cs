using Codicil.Format;

namespace Codicil.Cli;

/// <summary>What each kind of failure means for the exit code, and how it is said.</summary>
internal static class Failures
{
    /// <summary>The exit code of a failure that the tool expects; null is a bug.</summary>
    public static int? ExitCodeOf(Exception exception) => exception switch
    {
        ExitException exit => (int)(exit.ExitCode & 0xff),
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

    public static void Report(Exception exception)
    {
        switch (exception)
        {
            case ExitException:
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
