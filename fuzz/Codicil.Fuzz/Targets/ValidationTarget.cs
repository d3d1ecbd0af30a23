using System.Globalization;
using System.Text.RegularExpressions;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Validation;
using Codicil.Fuzz.Cases;
using Codicil.Fuzz.Execution;
using Codicil.Fuzz.Generators;

namespace Codicil.Fuzz.Targets;

/// <summary>
/// Changed modules and texts: the verdict is that of V8 and of wasm-tools, errors have a type, and texts that two parsers take become the same module.
/// Not thread-safe.
/// </summary>
internal sealed partial class ValidationTarget(Laboratory laboratory, Statistics statistics, WasmTools tools, Corpus corpus)
{
    private const int MutantsOfASeed = 40;
    private const int TextsOfASeed = 8;

    /// <summary>Mutants of a module of the suite, and of a generated one.</summary>
    public async Task<List<Finding>> RunMutantsAsync(ulong seed, byte[]? generated)
    {
        FuzzRandom random = FuzzRandom.For("mutants", seed);
        List<Finding> findings = [];
        for (int i = 0; i < MutantsOfASeed; i++)
        {
            byte[] source = generated is not null && random.Chance(40) ? generated : corpus.Modules[random.Below(corpus.Modules.Count)];
            byte[] mutant = Mutator.Mutate(source, random);
            string request = "verdict " + Convert.ToBase64String(mutant);
            Task<string> oracle = laboratory.Oracle.AskAsync(request);
            string verdict = await laboratory.Engine.AskAsync(request).ConfigureAwait(false);
            string expected = await oracle.ConfigureAwait(false);
            string name = string.Create(CultureInfo.InvariantCulture, $"mutant-{seed}-{i}");
            if (ExecutionComparison.IsBroken(verdict))
            {
                findings.Add(new Finding(name, verdict, mutant, "wasm", ""));
            }
            else if (verdict.StartsWith("unsupported ", StringComparison.Ordinal))
            {
                statistics.Add("mutants: need what is off or exceed a limit");
            }
            else if ((verdict == "valid") == (expected == "valid"))
            {
                statistics.Add(verdict == "valid" ? "mutants: valid" : "mutants: invalid");
                if (verdict == "valid" && await RunAsync(name, seed + (ulong)i, mutant).ConfigureAwait(false) is Finding finding)
                {
                    findings.Add(finding);
                }
            }
            else if (await ThirdOpinionAsync(mutant).ConfigureAwait(false) == (verdict == "valid"))
            {
                string reason = await laboratory.Oracle.AskAsync($"run {Convert.ToBase64String(mutant)} - -").ConfigureAwait(false);
                statistics.Add("mutants: V8 alone says otherwise: " + Numbers().Replace(reason[..Math.Min(reason.Length, 110)], "0"));
            }
            else
            {
                findings.Add(new Finding(name, $"engine {verdict}, V8 and wasm-tools {expected}", mutant, "wasm", ""));
            }
        }

        return findings;
    }

    // What is still a module is run, if it ends.
    private async Task<Finding?> RunAsync(string name, ulong seed, byte[] mutant)
    {
        // JavaScript has one value for a name.
        WasmModule module = ModuleDecoder.Decode(mutant, laboratory.Features);
        if (module.Imports.DistinctBy(static import => (import.ModuleName, import.Name)).Count() != module.Imports.Length)
        {
            statistics.Add("mutants: import one name twice");
            return null;
        }

        FuzzCase? item;
        try
        {
            item = CaseMaker.Create("mutant", seed, mutant, 1, laboratory.Features);
        }
        catch (NotSupportedException)
        {
            item = null;
        }

        if (item is null)
        {
            statistics.Add("mutants: no plan of calls");
            return null;
        }

        string answer = await laboratory.Engine.AskAsync($"ends {Convert.ToBase64String(mutant)} {item.Plan.Imports} {item.Plan.Calls}").ConfigureAwait(false);
        if (ExecutionComparison.IsBroken(answer))
        {
            return new Finding(name, answer, mutant, "wasm", $"{item.Configurations}\n{item.Plan.Imports}\n{item.Plan.Calls}\n");
        }

        if (answer != "yes")
        {
            statistics.Add(answer == "no" ? "mutants: do not end" : "mutants: meet a limit of ours");
            return null;
        }

        (Verdict verdict, string description) = await ExecutionComparison.CompareAsync(laboratory, item, statistics).ConfigureAwait(false);
        statistics.Add($"mutants: {(verdict == Verdict.Same ? "run the same" : verdict == Verdict.Dropped ? "run, dropped" : "run, DIFFERENT")}");
        return verdict == Verdict.Different ? new Finding(name, description, mutant, "wasm", $"{item.Configurations}\n{item.Plan.Imports}\n{item.Plan.Calls}\n") : null;
    }

    /// <summary>Mutants of texts.</summary>
    public async Task<List<Finding>> RunTextsAsync(ulong seed)
    {
        FuzzRandom random = FuzzRandom.For("texts", seed);
        List<Finding> findings = [];
        for (int i = 0; i < TextsOfASeed; i++)
        {
            byte[] mutant = Mutator.MutateText(corpus.Texts[random.Below(corpus.Texts.Count)], random);
            string name = string.Create(CultureInfo.InvariantCulture, $"text-{seed}-{i}");
            string answer = await laboratory.Engine.AskAsync("parse " + Convert.ToBase64String(mutant)).ConfigureAwait(false);
            (int exitCode, byte[] output, string errors) = await tools.RunAsync(mutant, "parse").ConfigureAwait(false);
            bool accepted = answer.StartsWith("module ", StringComparison.Ordinal);
            if (ExecutionComparison.IsBroken(answer))
            {
                findings.Add(new Finding(name, answer, mutant, "wat", ""));
            }
            else if (!accepted && exitCode == 0)
            {
                // It takes more than the grammar does: plain instructions inside folded ones, for example.
                statistics.Add("texts: wasm-tools alone parses it");
            }
            else if (accepted && exitCode != 0 && (System.Text.Encoding.UTF8.GetString(mutant).Contains("(@", StringComparison.Ordinal) || answer.Length == "module ".Length + 12))
            {
                // Annotations may stand wherever space may, and a text without a field is the empty module: the suite says so, wasm-tools refuses both.
                statistics.Add("texts: wasm-tools alone refuses it");
            }
            else if (accepted && exitCode != 0 && HasTooLargeAlignment(Convert.FromBase64String(answer[7..])))
            {
                // Any power of two below 2^64 is an alignment in the text, and whether it is too large for the instruction a question of validity. wasm-tools
                // writes it into a byte whose upper bits mean other things to it, and reads it back.
                statistics.Add("texts: wasm-tools alone refuses it");
            }
            else if (accepted && exitCode != 0)
            {
                findings.Add(new Finding(name, "engine parses it, wasm-tools: " + errors.ReplaceLineEndings(" "), mutant, "wat", ""));
            }
            else if (!accepted)
            {
                statistics.Add("texts: malformed");
            }
            else if (ModuleBytes.WithoutCustomSections(Convert.FromBase64String(answer[7..])).AsSpan().SequenceEqual(ModuleBytes.WithoutCustomSections(output)))
            {
                statistics.Add("texts: same module");
            }
            else if (System.Text.Encoding.UTF8.GetString(mutant) is var text && (text.Contains("(rec", StringComparison.Ordinal) || text.Contains("(sub", StringComparison.Ordinal)))
            {
                // Where a function's type is not named, wasm-tools takes the first that looks alike, or makes another; the specification's is the first that is equal.
                statistics.Add("texts: another choice among types");
            }
            else if (await AreEquivalentAsync(Convert.FromBase64String(answer[7..]), output).ConfigureAwait(false))
            {
                statistics.Add("texts: equivalent module");
            }
            else
            {
                findings.Add(new Finding(name, "engine and wasm-tools make different modules", mutant, "wat", ""));
            }
        }

        return findings;
    }

    private static bool HasTooLargeAlignment(byte[] module)
    {
        try
        {
            ModuleValidator.Validate(ModuleDecoder.Decode(module));
            return false;
        }
        catch (InvalidModuleException exception)
        {
            return exception.Message.StartsWith("alignment must not be larger than natural", StringComparison.Ordinal);
        }
    }

    /// <summary>A module through our printer and both parsers, and through the other printer and our parser.</summary>
    public async Task<Finding?> RunRoundTripAsync(ulong seed, byte[] module)
    {
        string name = string.Create(CultureInfo.InvariantCulture, $"roundtrip-{seed}");
        string printed = await laboratory.Engine.AskAsync("print " + Convert.ToBase64String(module)).ConfigureAwait(false);
        if (!printed.StartsWith("text ", StringComparison.Ordinal))
        {
            return new Finding(name, "print: " + printed, module, "wasm", "");
        }

        byte[] text = Convert.FromBase64String(printed[5..]);

        // The toolbox's way back and forth is what the bytes are measured by: a module may have longer numbers than a text can say.
        (_, byte[] theirText, string errors) = await tools.RunAsync(module, "print").ConfigureAwait(false);
        (int theirs, byte[] expected, string parseErrors) = await tools.RunAsync(theirText, "parse").ConfigureAwait(false);
        if (theirs != 0)
        {
            statistics.Add("round trips: wasm-tools refuses its own text");
            return null;
        }

        (int ours, byte[] output, parseErrors) = await tools.RunAsync(text, "parse").ConfigureAwait(false);
        if (ours != 0 || !await AreEquivalentAsync(output, expected).ConfigureAwait(false))
        {
            return new Finding(name, "wasm-tools reads our text differently: " + parseErrors + errors, module, "wasm", "");
        }

        foreach ((string whose, byte[] one) in ((string, byte[])[])[("our", text), ("wasm-tools'", theirText)])
        {
            string answer = await laboratory.Engine.AskAsync("parse " + Convert.ToBase64String(one)).ConfigureAwait(false);
            if (!answer.StartsWith("module ", StringComparison.Ordinal) || !await AreEquivalentAsync(Convert.FromBase64String(answer[7..]), expected).ConfigureAwait(false))
            {
                return new Finding(name, $"we read {whose} text differently: {answer[..Math.Min(answer.Length, 200)]}", module, "wasm", "");
            }
        }

        statistics.Add("round trips: same module");
        return null;
    }

    // The same bytes but for custom sections, or the same text: a segment may name table 0 or mean it. An empty recursion group defines nothing and is not kept.
    private async Task<bool> AreEquivalentAsync(byte[] one, byte[] other)
    {
        byte[] first = ModuleBytes.WithoutCustomSections(one);
        byte[] second = ModuleBytes.WithoutCustomSections(other);
        return first.AsSpan().SequenceEqual(second) || await PrintAsync(first).ConfigureAwait(false) == await PrintAsync(second).ConfigureAwait(false);
    }

    private async Task<string> PrintAsync(byte[] module) =>
        System.Text.Encoding.UTF8.GetString((await tools.RunAsync(module, "print").ConfigureAwait(false)).Output)
            .Replace("(table 0) ", "", StringComparison.Ordinal)
            .Replace("  (rec)\n", "", StringComparison.Ordinal);

    private async Task<bool> ThirdOpinionAsync(byte[] module)
    {
        string features = laboratory.HasWasm3 ? "wasm3,-relaxed-simd" : "mvp,mutable-global,saturating-float-to-int,sign-extension,multi-value,bulk-memory,reference-types" + (laboratory.HasSimd ? ",simd" : "");
        (int exitCode, _, _) = await tools.RunAsync(module, "validate", "--features", features).ConfigureAwait(false);
        return exitCode == 0;
    }

    [GeneratedRegex("[0-9]+|\"[^\"]*\"")]
    private static partial Regex Numbers();
}
