using Codicil.Format;

namespace Codicil;

/// <summary>Which engine runs WebAssembly code.</summary>
public enum EngineKind
{
    /// <summary>The best engine that works here.</summary>
    Auto,

    /// <summary>WebAssembly becomes CIL, which the runtime's JIT compiles.</summary>
    Compiler,
}

/// <summary>How accesses to linear memory are kept inside it.</summary>
public enum MemoryProtection
{
    /// <summary>Guard pages where the system allows, else checks. The environment variable <c>CODICIL_MEMORY</c> (<c>guard</c>, <c>checked</c>) decides here.</summary>
    Auto,

    /// <summary>Guard pages; an error where they cannot be had.</summary>
    Guard,

    /// <summary>An explicit check at every access.</summary>
    Checked,
}

/// <summary>Options of an <see cref="Engine"/>. Immutable and thread-safe.</summary>
public sealed record EngineOptions
{
    /// <summary>The options an engine has when none are given.</summary>
    public static EngineOptions Default { get; } = new();

    /// <summary>Which engine; default <see cref="EngineKind.Auto"/>.</summary>
    public EngineKind Kind { get; init; }

    /// <summary>The proposals modules may use; default WebAssembly 3.0. One that builds on another needs that one, too.</summary>
    public WasmFeatures Features { get; init; } = WasmFeatures.Wasm3;

    /// <summary>How accesses to linear memory are kept inside it.</summary>
    public MemoryProtection MemoryProtection { get; init; }

    /// <summary>Whether running code can be stopped from outside (<see cref="Store.Interrupt"/>, tokens, deadlines). Off by default: without it there is no cost.</summary>
    public bool Interruptible { get; init; }

    /// <summary>The stack that WebAssembly code may use in one call, in bytes, counted from the first frame; recursion through the host counts too. Default 512 KiB, at least 16 KiB.</summary>
    public int MaxStackBytes { get; init; } = 512 * 1024;

    /// <summary>The most pages of 64 KiB that any 32-bit memory may have, 0 to 65,536. A declared minimum above it is refused when the module is loaded.</summary>
    public long MemoryPageLimit { get; init; } = 65_536;

    /// <summary>
    /// Whether relaxed SIMD gives the same on every processor (the specification's deterministic profile). Off by default: then it gives what the processor does in one
    /// instruction.
    /// </summary>
    public bool DeterministicRelaxedSimd { get; init; }

    /// <summary>Whether every function is compiled when the module is loaded, on all processors, instead of when it is first called.</summary>
    public bool CompileEagerly { get; init; }

    /// <summary>The threads that carry asynchronous calls; null, the default, for <see cref="Codicil.CallThreads.Shared"/>.</summary>
    public CallThreads? CallThreads { get; init; }

    /// <summary>What hears of every call in the engine's modules that have no listener of their own; null for nothing, which costs nothing.</summary>
    public FunctionListener? Listener { get; init; }

    /// <summary>Whether memories commit their maximum (or <see cref="MemoryPageLimit"/>) at once.</summary>
    public bool CommitMaximumMemory { get; init; }
}
