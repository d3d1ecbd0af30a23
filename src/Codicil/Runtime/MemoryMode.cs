namespace Codicil.Runtime;

/// <summary>How accesses outside a linear memory are noticed.</summary>
internal enum MemoryMode : byte
{
    /// <summary>
    /// By the processor: every address that 32 bits of index and 32 of offset can form lies in the reservation, and what isn't memory is inaccessible. Emitted code checks nothing, but
    /// for the upper half of a 64-bit index.
    /// </summary>
    Guard,

    /// <summary>The same for a 64-bit memory that may grow beyond 4 GiB: 34 bits of index.</summary>
    WideGuard,

    /// <summary>By a comparison with <see cref="LinearMemory.Length"/> before each access.</summary>
    Checked,
}
