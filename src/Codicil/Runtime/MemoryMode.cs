namespace Codicil.Runtime;

/// <summary>How accesses outside a linear memory are noticed.</summary>
internal enum MemoryMode : byte
{
    /// <summary>
    /// By the processor: every address that 32-bit code can form lies in the reservation and what isn't memory is inaccessible. Emitted code checks nothing.
    /// </summary>
    Guard,

    /// <summary>By a comparison with <see cref="LinearMemory.Length"/> before each access.</summary>
    Checked,
}
