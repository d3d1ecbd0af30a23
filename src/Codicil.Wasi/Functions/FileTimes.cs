using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>How a program says which times of a file to set.</summary>
internal static class FileTimes
{
    /// <summary>The times to set; null for those that stay.</summary>
    public static Errno Choose(InstanceState caller, ulong accessTime, ulong modificationTime, uint flags, out ulong? access, out ulong? modification)
    {
        const uint AllFlags = 0xF;
        access = modification = null;
        var chosen = (FstFlags)flags;
        if (flags > AllFlags ||
            (chosen & (FstFlags.AccessTime | FstFlags.AccessTimeNow)) == (FstFlags.AccessTime | FstFlags.AccessTimeNow) ||
            (chosen & (FstFlags.ModificationTime | FstFlags.ModificationTimeNow)) == (FstFlags.ModificationTime | FstFlags.ModificationTimeNow))
        {
            return Errno.Inval;
        }

        ulong? now = (chosen & (FstFlags.AccessTimeNow | FstFlags.ModificationTimeNow)) != 0 ? caller.Require().WallClock.Read() : null;
        access = (chosen & FstFlags.AccessTime) != 0 ? accessTime : (chosen & FstFlags.AccessTimeNow) != 0 ? now : null;
        modification = (chosen & FstFlags.ModificationTime) != 0 ? modificationTime : (chosen & FstFlags.ModificationTimeNow) != 0 ? now : null;
        return Errno.Success;
    }
}
