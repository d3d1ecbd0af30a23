using System.Diagnostics.CodeAnalysis;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>Exit, signals and yielding.</summary>
internal sealed class Process(WasiContext context)
{
    private const uint LastSignal = 30;

    /// <summary>Ends the guest, never the host.</summary>
    [DoesNotReturn]
    public void Exit(uint code)
    {
        // The other threads first: one of them may be kept waiting by what it writes.
        var exit = new ExitException(code);
        WasiThreadGroup.Find(context.Store)?.End(exit);
        using (context.Enter())
        {
            context.Descriptors.FlushAll();
        }

        throw exit;
    }

    /// <summary>Does to the guest what the signal's default action is (typenames.witx, <c>signal</c>); nothing outside of it is ever sent a signal.</summary>
    public Errno Raise(uint signal)
    {
        const uint ShellBase = 128;
        switch (signal)
        {
            // None, and those whose action is to be ignored or to go on: pipe, chld, cont, urg, winch.
            case 0 or 13 or 16 or 17 or 22 or 27:
                return Errno.Success;

            // Stop, tstp, ttin, ttou: there is nobody to continue a guest that has stopped.
            case >= 18 and <= 21:
                return Errno.NotSup;
            case <= LastSignal:
                Exit(ShellBase + signal);
                return Errno.Success;
            default:
                return Errno.Inval;
        }
    }

    public Errno Yield()
    {
        context.Options.Yield?.Invoke();
        Interruption.Check(context.Store);
        return Errno.Success;
    }
}
