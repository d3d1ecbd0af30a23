namespace Codicil.Wasi.Abi;

/// <summary>Which times to set (typenames.witx, <c>fstflags</c>).</summary>
[Flags]
internal enum FstFlags : ushort
{
    None = 0,
    AccessTime = 1 << 0,
    AccessTimeNow = 1 << 1,
    ModificationTime = 1 << 2,
    ModificationTimeNow = 1 << 3,
}

/// <summary>What an offset counts from, in snapshot 1's numbers (typenames.witx, <c>whence</c>).</summary>
internal enum Whence : byte
{
    Set = 0,
    Current = 1,
    End = 2,
}

/// <summary>Clocks (typenames.witx, <c>clockid</c>).</summary>
internal enum ClockId : uint
{
    Realtime = 0,
    Monotonic = 1,
    ProcessCpuTime = 2,
    ThreadCpuTime = 3,
}

/// <summary>What is waited for (typenames.witx, <c>eventtype</c>).</summary>
internal enum EventType : byte
{
    Clock = 0,
    FdRead = 1,
    FdWrite = 2,
}

/// <summary>How to receive (typenames.witx, <c>riflags</c>).</summary>
[Flags]
internal enum ReceiveFlags : ushort
{
    None = 0,
    Peek = 1 << 0,
    WaitAll = 1 << 1,
}

/// <summary>How a path is resolved (typenames.witx, <c>lookupflags</c>).</summary>
[Flags]
internal enum LookupFlags : uint
{
    None = 0,
    SymlinkFollow = 1 << 0,
}
