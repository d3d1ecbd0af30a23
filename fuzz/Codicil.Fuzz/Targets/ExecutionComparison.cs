using Codicil.Fuzz.Cases;
using Codicil.Fuzz.Execution;

namespace Codicil.Fuzz.Targets;

/// <summary>How two engines' accounts of one case compare.</summary>
internal enum Verdict
{
    /// <summary>All accounts are equal.</summary>
    Same,

    /// <summary>Nothing could be compared: a limit of one side, or the stack was exhausted, which happens at another depth.</summary>
    Dropped,

    /// <summary>They differ.</summary>
    Different,
}

/// <summary>Runs a case on both sides and compares their accounts.</summary>
internal static class ExecutionComparison
{
    public static async Task<(Verdict Verdict, string Description)> CompareAsync(Laboratory laboratory, FuzzCase item, Statistics? statistics = null)
    {
        string data = Convert.ToBase64String(item.Module);
        Task<string> oracle = laboratory.Oracle.AskAsync($"run {data} {item.Plan.Imports} {item.Plan.Calls}");
        string answer = await laboratory.Engine.AskAsync($"run {data} {item.Plan.Imports} {item.Plan.Calls} {item.Configurations}").ConfigureAwait(false);
        string expected = await oracle.ConfigureAwait(false);
        if (IsBroken(expected))
        {
            // V8's own end is no news about this engine.
            return IsBroken(answer) ? (Verdict.Different, "engine: " + answer) : (Verdict.Dropped, "oracle: " + expected);
        }

        if (IsBroken(answer))
        {
            return (Verdict.Different, "engine: " + answer);
        }

        foreach (string step in expected.Split(' '))
        {
            int trap = step.IndexOf('!', StringComparison.Ordinal);
            if (trap > 0 && step[trap - 1] is not 'x' and not 'r')
            {
                statistics?.Add("trap " + Cause(step[(trap + 1)..]));
            }
            else if (step.Contains('=', StringComparison.Ordinal))
            {
                statistics?.Add("returned");
            }
        }

        var verdict = Verdict.Same;
        string[] accounts = answer.Split('\t');
        string[] configurations = item.Configurations.Split(',');
        for (int i = 0; i < accounts.Length; i++)
        {
            Verdict one = Compare(accounts[i], expected, out string description);
            if (one == Verdict.Different)
            {
                return (one, $"{configurations[i]}: {description}");
            }

            verdict = one > verdict ? one : verdict;
        }

        return (verdict, "");
    }

    /// <summary>Whether an answer is no account.</summary>
    public static bool IsBroken(string answer) =>
        answer == "hung" || answer.StartsWith("died ", StringComparison.Ordinal) || answer.StartsWith("untyped ", StringComparison.Ordinal);

    private static Verdict Compare(string actual, string expected, out string description)
    {
        description = "";
        if (actual == expected)
        {
            return Verdict.Same;
        }

        if (actual.StartsWith("unsupported ", StringComparison.Ordinal) || actual.StartsWith("limit ", StringComparison.Ordinal))
        {
            return Verdict.Dropped;
        }

        if (expected.StartsWith("old ", StringComparison.Ordinal))
        {
            // The machine's own node may not have what the module needs.
            return Verdict.Dropped;
        }

        if (FirstWord(actual) is "invalid" or "link" && FirstWord(actual) == FirstWord(expected))
        {
            return Verdict.Same;
        }

        string[] mine = actual.Split(' ');
        string[] theirs = expected.Split(' ');
        for (int i = 0; i < Math.Min(mine.Length, theirs.Length); i++)
        {
            if (IsLimit(mine[i]) || IsLimit(theirs[i]))
            {
                if ((IsRefusal(mine[i]) || IsRefusal(theirs[i])) && IsTrap(mine[i]) && IsTrap(theirs[i]))
                {
                    // One has a limit on what it allocates where the other traps: either way nothing has happened.
                    continue;
                }

                return Verdict.Dropped;
            }

            if (mine[i] != theirs[i] && !IsSameRange(mine[i], theirs[i]))
            {
                description = $"step {i}: engine {mine[i]}, V8 {theirs[i]}";
                return Verdict.Different;
            }
        }

        if (mine.Length == theirs.Length)
        {
            return Verdict.Same;
        }

        description = $"engine: {actual[..Math.Min(300, actual.Length)]}, V8: {expected[..Math.Min(300, expected.Length)]}";
        return Verdict.Different;
    }

    // array.init_* beyond the array and beyond the segment: the specification does not say which of the two is told.
    private static bool IsSameRange(string mine, string theirs) =>
        mine.EndsWith("!array", StringComparison.Ordinal) && (theirs == mine[..^5] + "table" || theirs == mine[..^5] + "memory");

    // From here on the states may differ.
    private static bool IsLimit(string step) => step.EndsWith("!stack", StringComparison.Ordinal) || step.EndsWith("!limit", StringComparison.Ordinal);

    // An exception's values are no class of their own.
    private static string Cause(string trap) => trap.Split(['(', ':'])[0];

    // Not of the stack, which ends anywhere.
    private static bool IsTrap(string step) => step.Contains('!', StringComparison.Ordinal) && !step.EndsWith("!stack", StringComparison.Ordinal);

    private static bool IsRefusal(string step) => step.EndsWith("!limit", StringComparison.Ordinal);

    private static string FirstWord(string text)
    {
        int end = text.IndexOf(' ', StringComparison.Ordinal);
        return end < 0 ? text : text[..end];
    }
}
