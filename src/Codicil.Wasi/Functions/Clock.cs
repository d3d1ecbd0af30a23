using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>
/// The clocks. The processor-time clocks are the monotonic one: C libraries of older WASI SDKs read them for <c>clock()</c>, and programs that
/// measure themselves by it never end when it fails; the processor time of the host's process is none of a guest's business.
/// </summary>
internal static class Clock
{
    public static Errno GetResolution(InstanceState caller, uint id, uint result) => Answer(caller, id, result, isResolution: true);

    public static Errno GetTime(InstanceState caller, uint id, uint result) => Answer(caller, id, result, isResolution: false);

    /// <summary>The clock of an identifier.</summary>
    public static bool TryGet(InstanceState state, ClockId id, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ClockReader? clock)
    {
        clock = id switch
        {
            ClockId.Realtime => state.WallClock,
            ClockId.Monotonic or ClockId.ProcessCpuTime or ClockId.ThreadCpuTime => state.MonotonicClock,
            _ => null,
        };
        return clock is not null;
    }

    private static Errno Answer(InstanceState caller, uint id, uint result, bool isResolution)
    {
        InstanceState state = caller.Require();
        if (!TryGet(state, (ClockId)id, out ClockReader? clock))
        {
            return Errno.Inval;
        }

        GuestMemory memory = state.GetMemory();
        if (!memory.Contains(result, sizeof(ulong)))
        {
            return Errno.Fault;
        }

        memory.WriteUInt64(result, isResolution ? clock.Resolution : clock.Read());
        return Errno.Success;
    }
}
