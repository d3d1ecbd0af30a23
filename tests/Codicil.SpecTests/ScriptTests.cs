using Codicil.Cli.Wast;

namespace Codicil.SpecTests;

/// <summary>Every script of the specification's suite, on memory behind guard pages.</summary>
public sealed class GuardMemoryScriptTests
{
    public static TheoryData<string> Scripts => [.. ScriptRun.Scripts];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Scripts))]
    public void Script_passes(string script) => ScriptAssert.Passes(script, MemoryProtection.Guard);
}

/// <summary>Every script of the specification's suite, on memory with explicit checks.</summary>
public sealed class CheckedMemoryScriptTests
{
    public static TheoryData<string> Scripts => [.. ScriptRun.Scripts];

    [Theory(SkipTestWithoutData = true)]
    [MemberData(nameof(Scripts))]
    public void Script_passes(string script) => ScriptAssert.Passes(script, MemoryProtection.Checked);
}

/// <summary>What makes the suite's figures mean something.</summary>
public sealed class SuiteTests
{
    /// <summary>The number of files in the suite: a missing one must not go unnoticed.</summary>
    private const int ScriptCount = 258;

    [Fact]
    public void The_whole_suite_is_there()
    {
        _ = ScriptRun.Folder;
        Assert.Equal(ScriptCount, ScriptRun.Scripts.Count);
    }

    [Fact]
    public void The_files_that_need_nothing_beyond_2_0_have_no_expected_failures()
    {
        Assert.Equal(64, ScriptRun.CoreScripts.Count);
        Assert.All(ScriptRun.CoreScripts, file => Assert.Contains(file, ScriptRun.Scripts));
        Assert.Empty(ScriptRun.CoreScripts.Intersect(ExpectedFailures.Scripts));
    }

    [Fact]
    public void Every_expected_failure_belongs_to_a_script()
    {
        _ = ScriptRun.Folder;
        Assert.Empty(ExpectedFailures.Scripts.Except(ScriptRun.Scripts));
    }

    [Fact]
    public void Expected_failures_are_written_on_demand()
    {
        Assert.SkipUnless(ExpectedFailures.IsUpdating, "CODICIL_UPDATE_EXPECTED_FAILURES is not set");
        _ = ScriptRun.Folder;
        (string Script, WastResult Result)[] results = [.. ScriptRun.Scripts.Select(script => (script, ScriptRun.Run(script, MemoryProtection.Checked)))];
        (string Script, WastResult Result)[] guarded = [.. ScriptRun.Scripts.Select(script => (script, ScriptRun.Run(script, MemoryProtection.Guard)))];
        ExpectedFailures.Write(results.SelectMany(result => ExpectedFailures.LinesOf(result.Script, result.Result)));
        CoverageDocument.Write(guarded, results, ScriptRun.CoreScripts);
    }

    [Fact]
    public void The_document_of_coverage_agrees_with_the_expected_failures()
    {
        Assert.SkipWhen(ExpectedFailures.IsUpdating, "the document is being written");
        Assert.EndsWith(CoverageDocument.FailureTable(ExpectedFailures.Lines), CoverageDocument.Read(), StringComparison.Ordinal);
    }
}

internal static class ScriptAssert
{
    public static void Passes(string script, MemoryProtection memory)
    {
        Assert.SkipWhen(ExpectedFailures.IsUpdating, "the expected failures are being written");
        WastResult result = ScriptRun.Run(script, memory);
        string[] others = [.. result.Failures.Where(failure => !ExpectedFailures.IsWantOfFeature(failure)).Select(failure => failure.ToString())];
        Assert.True(others.Length == 0, $"{others.Length} failures:\n{string.Join('\n', others.Take(25))}");
        Assert.Equal(ExpectedFailures.Of(script), ExpectedFailures.LinesOf(script, result));
        Assert.Equal(0, result.Skipped);
    }
}
