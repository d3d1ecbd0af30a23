namespace Codicil;

/// <summary>Why execution trapped; the order is wasmtime's, whose numbers programs know.</summary>
public enum TrapCode
{
    /// <summary>The call stack is exhausted.</summary>
    StackOverflow = 0,

    /// <summary>An access outside a linear memory.</summary>
    MemoryOutOfBounds = 1,

    /// <summary>An atomic access that is not aligned.</summary>
    HeapMisaligned = 2,

    /// <summary>An access outside a table or element segment.</summary>
    TableOutOfBounds = 3,

    /// <summary>call_indirect of a null element.</summary>
    IndirectCallToNull = 4,

    /// <summary>call_indirect of a function of another type.</summary>
    BadSignature = 5,

    /// <summary>An integer operation whose result does not fit.</summary>
    IntegerOverflow = 6,

    /// <summary>Integer division by zero.</summary>
    IntegerDivisionByZero = 7,

    /// <summary>Conversion of NaN to an integer.</summary>
    BadConversionToInteger = 8,

    /// <summary>The unreachable instruction.</summary>
    UnreachableCodeReached = 9,

    /// <summary>Interrupted from outside.</summary>
    Interrupt = 10,

    /// <summary>All fuel consumed.</summary>
    OutOfFuel = 11,

    /// <summary>An access outside an array (garbage collection).</summary>
    ArrayOutOfBounds = 12,

    /// <summary>A null reference where an object is needed.</summary>
    NullReference = 13,

    /// <summary>A reference cast that failed.</summary>
    CastFailure = 14,

    /// <summary>call_indirect or table access beyond the table: an element that does not exist.</summary>
    UndefinedElement = 15,

    /// <summary>atomic.wait on a memory that is not shared.</summary>
    ExpectedSharedMemory = 16,
}

/// <summary>The one table of trap messages: the specification suite's words.</summary>
internal static class TrapMessages
{
    public static string Of(TrapCode code) => code switch
    {
        TrapCode.StackOverflow => "call stack exhausted",
        TrapCode.MemoryOutOfBounds => "out of bounds memory access",
        TrapCode.HeapMisaligned => "unaligned atomic",
        TrapCode.TableOutOfBounds => "out of bounds table access",
        TrapCode.UndefinedElement => "undefined element: out of bounds table access",
        TrapCode.IndirectCallToNull => "uninitialized element",
        TrapCode.BadSignature => "indirect call type mismatch",
        TrapCode.IntegerOverflow => "integer overflow",
        TrapCode.IntegerDivisionByZero => "integer divide by zero",
        TrapCode.BadConversionToInteger => "invalid conversion to integer",
        TrapCode.UnreachableCodeReached => "wasm `unreachable` instruction executed",
        TrapCode.Interrupt => "interrupt",
        TrapCode.OutOfFuel => "all fuel consumed by WebAssembly",
        TrapCode.ArrayOutOfBounds => "out of bounds array access",
        TrapCode.NullReference => "null reference",
        TrapCode.CastFailure => "cast failure",
        TrapCode.ExpectedSharedMemory => "expected shared memory",
        _ => "trap",
    };
}
