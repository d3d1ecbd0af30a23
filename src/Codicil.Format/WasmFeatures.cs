namespace Codicil.Format;

/// <summary>The proposals beyond the first release of WebAssembly, each of which can be switched off.</summary>
[Flags]
public enum WasmFeatures : uint
{
    /// <summary>WebAssembly 1.0 and nothing else.</summary>
    None = 0,

    /// <summary>Import and export of mutable globals.</summary>
    MutableGlobals = 1 << 0,

    /// <summary>i32.extend8_s and its kin.</summary>
    SignExtension = 1 << 1,

    /// <summary>Non-trapping float-to-int conversions.</summary>
    SaturatingFloatToInt = 1 << 2,

    /// <summary>Several results, block parameters.</summary>
    MultiValue = 1 << 3,

    /// <summary>memory.copy, memory.fill, memory.init, table.copy, table.init, passive segments.</summary>
    BulkMemory = 1 << 4,

    /// <summary>externref, table.get and its kin, several tables, typed select.</summary>
    ReferenceTypes = 1 << 5,

    /// <summary>Fixed-width SIMD.</summary>
    Simd = 1 << 6,

    /// <summary>Integer arithmetic and earlier globals in constant expressions.</summary>
    ExtendedConstants = 1 << 7,

    /// <summary>return_call and return_call_indirect.</summary>
    TailCalls = 1 << 8,

    /// <summary>Typed function references.</summary>
    FunctionReferences = 1 << 9,

    /// <summary>Structures, arrays, i31, recursive types, casts.</summary>
    GarbageCollection = 1 << 10,

    /// <summary>Several memories.</summary>
    MultiMemory = 1 << 11,

    /// <summary>64-bit memories and tables.</summary>
    Memory64 = 1 << 12,

    /// <summary>Exceptions with exnref: try_table, throw, throw_ref, tags.</summary>
    Exceptions = 1 << 13,

    /// <summary>Relaxed SIMD.</summary>
    RelaxedSimd = 1 << 14,

    /// <summary>Shared memories and atomics.</summary>
    Threads = 1 << 15,

    /// <summary>Custom page sizes.</summary>
    CustomPageSizes = 1 << 16,

    /// <summary>i64.add128 and its kin.</summary>
    WideArithmetic = 1 << 17,

    /// <summary>The first exceptions proposal: try, catch, delegate, rethrow.</summary>
    LegacyExceptions = 1 << 18,

    /// <summary>WebAssembly 1.0 with mutable globals.</summary>
    Wasm1 = MutableGlobals,

    /// <summary>WebAssembly 2.0.</summary>
    Wasm2 = Wasm1 | SignExtension | SaturatingFloatToInt | MultiValue | BulkMemory | ReferenceTypes | Simd,

    /// <summary>WebAssembly 3.0.</summary>
    Wasm3 = Wasm2 | ExtendedConstants | TailCalls | FunctionReferences | GarbageCollection | MultiMemory | Memory64 | Exceptions | RelaxedSimd,

    /// <summary>Everything that can be decoded.</summary>
    All = Wasm3 | Threads | CustomPageSizes | WideArithmetic | LegacyExceptions,
}
