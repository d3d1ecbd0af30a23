using System.Globalization;

using Codicil.Format;
using Codicil.Format.Text;
using Codicil.Fuzz.Cases;
using Codicil.Fuzz.Execution;
using Codicil.Fuzz.Generators;

namespace Codicil.Fuzz.Targets;

/// <summary>Runs generated modules on both engines. Not thread-safe.</summary>
internal sealed class ExecutionTarget(Laboratory laboratory, Statistics statistics, TimeSpan reduction) : IDisposable
{
    private readonly Operators _operators = new(laboratory.Features & WasmFeatures.Wasm2);
    private readonly SmithGenerator? _smith = laboratory.Tools is null ? null : new SmithGenerator(laboratory.Tools, laboratory.HasSimd, laboratory.HasWasm3);

    /// <summary>The last module that smith made; for targets that change modules.</summary>
    public byte[]? Latest { get; private set; }

    /// <summary>A module of smith.</summary>
    public async Task<Finding?> RunSmithAsync(ulong seed)
    {
        byte[]? module = _smith is null ? null : await _smith.CreateAsync(seed).ConfigureAwait(false);
        if (module is null)
        {
            statistics.Add("smith: no module");
            return null;
        }

        Latest = module;
        return await RunAsync("smith", seed, module, 2).ConfigureAwait(false);
    }

    /// <summary>A program of our own.</summary>
    public async Task<Finding?> RunProgramAsync(ulong seed, ProgramStyle? wanted)
    {
        (string text, ProgramStyle style) = ProgramGenerator.Create(seed, _operators, laboratory.HasSimd, wanted);
        byte[] module;
        try
        {
            module = Wat.ToBinary(text);
        }
        catch (WasmException exception)
        {
            return new Finding(Name("program", seed), "generated text was refused: " + exception.Message, System.Text.Encoding.UTF8.GetBytes(text), "wat", "");
        }

        return await RunAsync("program-" + style.ToString().ToUpperInvariant(), seed, module, 3).ConfigureAwait(false);
    }

    /// <summary>One of the programs of Programs/, about what 3.0 adds; the calls follow from the seed.</summary>
    public async Task<Finding?> RunPremadeAsync(ulong seed)
    {
        string[] files = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Programs"), "*.wat");
        Array.Sort(files, StringComparer.Ordinal);
        string file = files[(int)(seed % (ulong)files.Length)];
        byte[] module = Wat.ToBinary(await File.ReadAllTextAsync(file).ConfigureAwait(false));
        return await RunAsync("premade-" + Path.GetFileNameWithoutExtension(file), seed, module, 2).ConfigureAwait(false);
    }

    private static string Name(string generator, ulong seed) => string.Create(CultureInfo.InvariantCulture, $"{generator}-{seed}");

    private async Task<Finding?> RunAsync(string generator, ulong seed, byte[] module, int rounds)
    {
        FuzzCase? item = CaseMaker.Create(generator, seed, module, rounds, laboratory.Features);
        if (item is null)
        {
            return new Finding(Name(generator, seed), "generated module was refused by the decoder", module, "wasm", "");
        }

        (Verdict verdict, string description) = await ExecutionComparison.CompareAsync(laboratory, item, statistics).ConfigureAwait(false);
        statistics.Add($"{generator}: {(verdict == Verdict.Same ? "same" : verdict == Verdict.Dropped ? "dropped" : "DIFFERENT")}");
        statistics.Add("calls compared", item.Plan.Calls == "-" ? 0 : item.Plan.Calls.Split(',').Length);
        if (verdict != Verdict.Different)
        {
            return null;
        }

        // Once more in new processes: a difference that does not come back is another kind of error.
        laboratory.Engine.Stop();
        laboratory.Oracle.Stop();
        (Verdict again, _) = await ExecutionComparison.CompareAsync(laboratory, item).ConfigureAwait(false);
        string kind = KindOf(description);
        async Task<bool> StillFailsAsync(FuzzCase one)
        {
            (Verdict verdict, string difference) = await ExecutionComparison.CompareAsync(laboratory, one).ConfigureAwait(false);
            return verdict == Verdict.Different && KindOf(difference) == kind;
        }

        var reducer = new CaseReducer(StillFailsAsync, reduction);
        FuzzCase reduced = again == Verdict.Different && reduction > TimeSpan.Zero ? await reducer.ReduceAsync(item).ConfigureAwait(false) : item;
        (_, string last) = await ExecutionComparison.CompareAsync(laboratory, reduced).ConfigureAwait(false);
        string repeated = again == Verdict.Different ? "" : " (NOT REPEATED in new processes)";
        return new Finding(
            Name(generator, seed), $"{description}{repeated}; reduced: {last}", reduced.Module, "wasm",
            $"{reduced.Configurations}\n{reduced.Plan.Imports}\n{reduced.Plan.Calls}\n");
    }

    // A smaller case that hangs says nothing about one that differs.
    private static string KindOf(string description) => description.StartsWith("engine: ", StringComparison.Ordinal) ? description.Split(' ', 3)[1] : "differs";

    public void Dispose() => _smith?.Dispose();
}
