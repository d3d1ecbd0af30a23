namespace Codicil.Cli.Wast;

/// <summary>Which traps the suite's words mean. The words are advisory, the class is not.</summary>
internal static class TrapClasses
{
    // The longest beginning that fits decides.
    private static readonly (string Words, TrapCode[] Codes)[] s_classes =
    [
        ("out of bounds memory access", [TrapCode.MemoryOutOfBounds]),
        ("out of bounds table access", [TrapCode.TableOutOfBounds, TrapCode.UndefinedElement]),
        ("out of bounds array access", [TrapCode.ArrayOutOfBounds]),
        ("undefined", [TrapCode.UndefinedElement, TrapCode.TableOutOfBounds]),
        ("uninitialized", [TrapCode.IndirectCallToNull]),
        ("indirect call type mismatch", [TrapCode.BadSignature]),
        ("indirect call", [TrapCode.BadSignature]),
        ("integer overflow", [TrapCode.IntegerOverflow]),
        ("integer divide by zero", [TrapCode.IntegerDivisionByZero]),
        ("invalid conversion to integer", [TrapCode.BadConversionToInteger]),
        ("unreachable", [TrapCode.UnreachableCodeReached]),
        ("call stack exhausted", [TrapCode.StackOverflow]),
        ("null", [TrapCode.NullReference, TrapCode.IndirectCallToNull]),
        ("cast", [TrapCode.CastFailure]),
        ("unaligned atomic", [TrapCode.HeapMisaligned]),
        ("expected shared memory", [TrapCode.ExpectedSharedMemory]),
    ];

    /// <summary>Whether a trap is one that the words mean; words that mean no class allow any.</summary>
    public static bool Match(string words, TrapCode? code)
    {
        TrapCode[]? codes = null;
        int longest = -1;
        foreach ((string beginning, TrapCode[] candidates) in s_classes)
        {
            if (words.StartsWith(beginning, StringComparison.Ordinal) && beginning.Length > longest)
            {
                (codes, longest) = (candidates, beginning.Length);
            }
        }

        return codes is null || (code is TrapCode known && codes.Contains(known));
    }
}
