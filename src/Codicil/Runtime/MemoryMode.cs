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

/// <summary>What the host asks for.</summary>
internal enum MemorySetting : byte
{
    /// <summary>Guard memory where it is proven, checked memory elsewhere and where guard memory runs out.</summary>
    Auto,

    /// <summary>Guard memory, or an error where it cannot be had. Memories that it does not suit (64-bit, custom page sizes) are checked.</summary>
    Guard,

    /// <summary>Checked memory.</summary>
    Checked,
}
