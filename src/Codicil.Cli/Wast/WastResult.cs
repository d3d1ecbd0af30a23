using Codicil.Format;

namespace Codicil.Cli.Wast;

/// <summary>A command of a script that did not go as the script says.</summary>
/// <param name="File">The script.</param>
/// <param name="Line">The line of the command.</param>
/// <param name="Kind">The command's word: <c>assert_return</c>, <c>module</c>.</param>
/// <param name="Expected">What was expected.</param>
/// <param name="Came">What came.</param>
/// <param name="MissingFeature">The feature the module itself asked for and did not get, from its own error; else null.</param>
internal sealed record WastFailure(string File, int Line, string Kind, string Expected, string Came, WasmFeatures? MissingFeature)
{
    /// <summary><c>file:line: what was expected, what came</c>.</summary>
    public override string ToString() => Messages.Printable(string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{File}:{Line}: {Kind}: expected {Expected}, came {(MissingFeature is WasmFeatures feature ? $"want of {FeatureNames.Format(feature)}" : Came)}"));
}

/// <summary>What a script came to. Assertions are counted, and every other command that fails.</summary>
internal sealed class WastResult(string file)
{
    public string File { get; } = file;

    public int Passed { get; set; }

    public List<WastFailure> Failures { get; } = [];

    public int Failed => Failures.Count;

    /// <summary>Commands that were not run, by reason.</summary>
    public Dictionary<string, int> Skips { get; } = [];

    public int Skipped => Skips.Values.Sum();
}
