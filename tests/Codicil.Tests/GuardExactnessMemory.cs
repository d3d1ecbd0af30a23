using System.Text;

namespace Codicil.Tests;

/// <summary>The memory that a function's accesses are made to.</summary>
internal enum AccessedMemory
{
    /// <summary>The module's only one.</summary>
    First,

    /// <summary>The second of two.</summary>
    Second,

    /// <summary>The only one, with 64-bit addresses.</summary>
    Wide,

    /// <summary>The only one, with 64-bit addresses, that may grow beyond 4 GiB.</summary>
    Huge,
}

/// <summary>Rewrites folded instructions that are written for the first memory, with 32-bit addresses, so that they access another.</summary>
internal static class GuardExactnessMemory
{
    /// <summary>The declaration, of one page and at most two, exported as <c>m</c>.</summary>
    public static string Declare(AccessedMemory memory) => memory switch
    {
        AccessedMemory.Second => "(memory 1 1) (memory (export \"m\") 1 2)",
        AccessedMemory.Wide => "(memory (export \"m\") i64 1 2)",
        AccessedMemory.Huge => "(memory (export \"m\") i64 1) (global $high (mut i64) (i64.const 0))",
        _ => "(memory (export \"m\") 1 2)",
    };

    /// <summary>Rewrites fields or instructions.</summary>
    public static string Rewrite(string text, AccessedMemory memory)
    {
        if (memory == AccessedMemory.First)
        {
            return text;
        }

        var result = new StringBuilder();
        int at = 0;
        RewriteList(text, ref at, memory, result);
        return result.ToString();
    }

    // Up to the end of the text or the parenthesis that closes.
    private static void RewriteList(string text, ref int at, AccessedMemory memory, StringBuilder result)
    {
        while (at < text.Length && text[at] != ')')
        {
            if (text[at] != '(')
            {
                result.Append(text[at++]);
                continue;
            }

            int end = at + 1 + text.AsSpan(at + 1).IndexOfAny(" ()\n");
            string name = text[(at + 1)..end];
            int addresses = AddressOperands(name);
            bool narrows = memory >= AccessedMemory.Wide && name == "memory.grow";
            at = end;
            result.Append(narrows ? "(i32.wrap_i64 (" : "(").Append(name);
            if (addresses == 0)
            {
                RewriteList(text, ref at, memory, result);
            }
            else
            {
                result.Append(memory != AccessedMemory.Second ? "" : name == "memory.copy" ? " 1 1" : " 1");
                RewriteOperands(text, ref at, memory, addresses, result);
            }

            at++;
            result.Append(narrows ? "))" : ")");
        }
    }

    private static void RewriteOperands(string text, ref int at, AccessedMemory memory, int addresses, StringBuilder result)
    {
        for (int operand = 0; ; operand++)
        {
            // Offsets and lanes, then an operand in parentheses.
            int start = at;
            at += text.AsSpan(at).IndexOfAny('(', ')');
            result.Append(text, start, at - start);
            if (text[at] == ')')
            {
                Assert.True(operand > 0, text);
                return;
            }

            start = at;
            at = EndOf(text, start);
            bool widens = memory >= AccessedMemory.Wide && ((addresses >> operand) & 1) != 0;
            string rewritten = Rewrite(text[start..at], memory);
            result.Append(widens ? Widen(rewritten, memory) : rewritten);
        }
    }

    // Sums and differences are made of 64 bits; what they are made of is extended, and in the larger memory the JIT does not know that.
    private static string Widen(string operand, AccessedMemory memory)
    {
        foreach (string operation in (string[])["(i32.add ", "(i32.sub "])
        {
            if (operand.StartsWith(operation, StringComparison.Ordinal))
            {
                int end = EndOf(operand, operation.Length);
                string second = operand[end..^1].Trim();
                return $"(i64{operation[4..]}{Widen(operand[operation.Length..end], memory)} {Widen(second, memory)})";
            }
        }

        return operand.StartsWith("(i32.const ", StringComparison.Ordinal) ? operand.Replace("i32", "i64", StringComparison.Ordinal)
            : memory == AccessedMemory.Huge ? $"(i64.or (i64.extend_i32_u {operand}) (global.get $high))"
            : $"(i64.extend_i32_u {operand})";
    }

    private static int EndOf(string text, int start)
    {
        int depth = 0;
        int at = start;
        do
        {
            depth += text[at] == '(' ? 1 : text[at] == ')' ? -1 : 0;
            at++;
        }
        while (depth > 0);
        return at;
    }

    // A bit for each operand that is an address or a length; 0 for what is no access.
    private static int AddressOperands(string name) => name switch
    {
        "memory.fill" => 0b101,
        "memory.copy" => 0b111,
        "memory.grow" => 1,
        _ when name.Contains(".load", StringComparison.Ordinal) || name.Contains(".store", StringComparison.Ordinal) => 1,
        _ => 0,
    };
}
