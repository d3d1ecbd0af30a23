using System.Runtime.InteropServices;

namespace Codicil.Cli.Running;

/// <summary>Ctrl-C while a guest runs ends the process with 130 instead of the signal, so that the code is the same everywhere.</summary>
internal static class InterruptSignal
{
    public static PosixSignalRegistration Register() => PosixSignalRegistration.Create(PosixSignal.SIGINT, static context =>
    {
        context.Cancel = true;
        Environment.Exit(ExitCodes.Interrupted);
    });
}
