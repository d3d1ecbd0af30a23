using System.Diagnostics;
using System.Globalization;
using System.Text;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Text;
using Codicil.Fuzz.Cases;
using Codicil.Fuzz.Execution;
using Codicil.Fuzz.Generators;
using Codicil.Fuzz.Targets;

namespace Codicil.Fuzz;

/// <summary>The command line.</summary>
internal static class FuzzCommand
{
    private const string Usage = """
        Codicil.Fuzz run [options]             runs cases from seeds; exit code 1 when something was found
          --start N       the first seed (1)
          --count N       how many seeds (1000)
          --targets LIST  of smith, program, premade (with --wasm3), mutants, text, roundtrip (all)
          --seconds N     stop after that time, whatever the count (no limit)
          --lanes N       work on so many seeds at a time (1)
          --simd          with vectors
          --wasm3         with WebAssembly 3.0; CODICIL_FUZZ_NODE names a node that has it (26)
          --style NAME    programs of one style only (Generators/ProgramStyle.cs)
          --findings DIR  where findings are saved (findings)
          --reduce N      seconds for making a finding small (120)
          --progress N    a line of progress each N seeds (0: none)
        Codicil.Fuzz replay FILE... [--simd|--wasm3]   runs saved findings (FILE.wasm with FILE.plan) again
        Codicil.Fuzz show SEED [--simd]        prints the program of a seed
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        Options options;
        try
        {
            options = Options.Parse(args);
        }
        catch (FormatException exception)
        {
            await Console.Error.WriteLineAsync(exception.Message + "\n" + Usage).ConfigureAwait(false);
            return 2;
        }

        switch (options.Verb)
        {
            case "run":
                return await new FuzzRun(options, Console.Out).ExecuteAsync().ConfigureAwait(false);
            case "replay":
                return await ReplayAsync(options).ConfigureAwait(false);
            case "show" when options.Files is [var seed]:
                Console.Write(ProgramGenerator.Create(
                    ulong.Parse(seed, CultureInfo.InvariantCulture), new Operators(options.Features), options.Simd, options.Style).Text);
                return 0;
            default:
                await Console.Error.WriteLineAsync(Usage).ConfigureAwait(false);
                return 2;
        }
    }

    private static async Task<int> ReplayAsync(Options options)
    {
        int different = 0;
        using var laboratory = new Laboratory(WasmTools.Find(), options.Features);
        foreach (string file in options.Files)
        {
            byte[] bytes = await File.ReadAllBytesAsync(file).ConfigureAwait(false);
            byte[] module = bytes.AsSpan().StartsWith("\0asm"u8) ? bytes : Wat.ToBinary(Encoding.UTF8.GetString(bytes));
            string plan = Path.ChangeExtension(file, ".plan");
            FuzzCase item;
            if (File.Exists(plan))
            {
                string[] lines = await File.ReadAllLinesAsync(plan).ConfigureAwait(false);
                item = new FuzzCase("replay", 0, module, new CallPlan(lines[1], lines[2]), lines[0]);
            }
            else
            {
                CallPlan calls = CallPlan.Create(ModuleDecoder.Decode(module, WasmFeatures.All), new FuzzRandom(0), 3);
                item = new FuzzCase("replay", 0, module, calls, "gnl,gie,cil,cne");
            }

            (Verdict verdict, string description) = await ExecutionComparison.CompareAsync(laboratory, item).ConfigureAwait(false);
            different += verdict == Verdict.Different ? 1 : 0;
            Console.WriteLine($"{file}: {verdict} {description}");
        }

        return different == 0 ? 0 : 1;
    }
}

/// <summary>The options of the command line.</summary>
internal sealed record Options
{
    public string Verb { get; private init; } = "";

    public List<string> Files { get; } = [];

    public ulong Start { get; private set; } = 1;

    public int Count { get; private set; } = 1000;

    public int Lanes { get; private set; } = 1;

    public int Progress { get; private set; }

    public bool Simd { get; private set; }

    public bool Wasm3 { get; private set; }

    /// <summary>What modules may use.</summary>
    public WasmFeatures Features => Laboratory.FeaturesOf(Simd, Wasm3);

    /// <summary>The style of programs; null lets the seed choose.</summary>
    public ProgramStyle? Style { get; private set; }

    public string Findings { get; private set; } = "findings";

    public TimeSpan Time { get; private set; } = TimeSpan.MaxValue;

    public TimeSpan Reduction { get; private set; } = TimeSpan.FromSeconds(120);

    public HashSet<string> Targets { get; private set; } = ["smith", "program", "premade", "mutants", "text", "roundtrip"];

    public static Options Parse(string[] args)
    {
        var options = new Options { Verb = args.Length > 0 ? args[0] : "" };
        for (int i = 1; i < args.Length; i++)
        {
            string Value() => ++i < args.Length ? args[i] : throw new FormatException(args[^1] + " needs a value");
            switch (args[i])
            {
                case "--start": options.Start = ulong.Parse(Value(), CultureInfo.InvariantCulture); break;
                case "--count": options.Count = int.Parse(Value(), CultureInfo.InvariantCulture); break;
                case "--lanes": options.Lanes = int.Parse(Value(), CultureInfo.InvariantCulture); break;
                case "--progress": options.Progress = int.Parse(Value(), CultureInfo.InvariantCulture); break;
                case "--seconds": options.Time = TimeSpan.FromSeconds(int.Parse(Value(), CultureInfo.InvariantCulture)); break;
                case "--reduce": options.Reduction = TimeSpan.FromSeconds(int.Parse(Value(), CultureInfo.InvariantCulture)); break;
                case "--findings": options.Findings = Value(); break;
                case "--targets": options.Targets = [.. Value().Split(',')]; break;
                case "--style": options.Style = Enum.TryParse(Value(), ignoreCase: true, out ProgramStyle style) ? style : throw new FormatException("no such style"); break;
                case "--simd": options.Simd = true; break;
                case "--wasm3": options.Wasm3 = options.Simd = true; break;
                case ['-', ..]: throw new FormatException("unknown option " + args[i]);
                default: options.Files.Add(args[i]); break;
            }
        }

        return options;
    }
}

/// <summary>A run over a range of seeds.</summary>
internal sealed class FuzzRun(Options options, TextWriter output)
{
    private readonly Statistics _statistics = new();
    private readonly Stopwatch _watch = Stopwatch.StartNew();
    private readonly Lock _lock = new();
    private readonly Lazy<Corpus> _corpus = new(() => Corpus.Load(WasmTools.Find()!.Shared, options.Features));
    private int _next;
    private int _findings;
    private int _mostMemory;

    public async Task<int> ExecuteAsync()
    {
        WasmTools? tools = WasmTools.Find();
        if (tools is null)
        {
            await output.WriteLineAsync("wasm-tools is not here: only programs of our own are run").ConfigureAwait(false);
        }

        await Task.WhenAll(Enumerable.Range(0, options.Lanes).Select(_ => Task.Run(() => RunLaneAsync(tools)))).ConfigureAwait(false);
        int seeds = Math.Min(_next, options.Count);
        string range = string.Create(CultureInfo.InvariantCulture, $"seeds {options.Start} to {options.Start + (ulong)seeds - 1}");
        await output.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{range}{(seeds < options.Count ? $" of {options.Count}: time is up" : "")}, {_findings} findings\n{_statistics}")).ConfigureAwait(false);
        if (options.Progress > 0)
        {
            await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds:F0} s, the engine's process at most {_mostMemory} MiB")).ConfigureAwait(false);
        }

        return _findings == 0 ? 0 : 1;
    }

    private async Task RunLaneAsync(WasmTools? tools)
    {
        using var laboratory = new Laboratory(tools, options.Features);
        using var execution = new ExecutionTarget(laboratory, _statistics, options.Reduction);
        ValidationTarget? validation = tools is null ? null : new ValidationTarget(laboratory, _statistics, tools, _corpus.Value);
        while (_watch.Elapsed < options.Time)
        {
            int index = Interlocked.Increment(ref _next) - 1;
            if (index >= options.Count)
            {
                break;
            }

            ulong seed = options.Start + (ulong)index;
            if (tools is not null && options.Targets.Contains("smith"))
            {
                Report(await execution.RunSmithAsync(seed).ConfigureAwait(false));
            }

            if (options.Wasm3 && options.Targets.Contains("premade"))
            {
                Report(await execution.RunPremadeAsync(seed).ConfigureAwait(false));
            }

            if (options.Targets.Contains("program"))
            {
                Report(await execution.RunProgramAsync(seed, options.Style).ConfigureAwait(false));
            }

            // The others make many cases of a seed.
            if (validation is not null && seed % 4 == 0)
            {
                await RunValidationAsync(validation, seed, execution.Latest).ConfigureAwait(false);
            }

            await laboratory.RefreshAsync().ConfigureAwait(false);
            _mostMemory = Math.Max(_mostMemory, laboratory.MostMemory);
            if (options.Progress > 0 && (index + 1) % options.Progress == 0)
            {
                await Console.Error.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{_watch.Elapsed.TotalSeconds:F0} s: {index + 1} seeds, {_findings} findings")).ConfigureAwait(false);
            }
        }
    }

    private async Task RunValidationAsync(ValidationTarget validation, ulong seed, byte[]? generated)
    {
        if (options.Targets.Contains("mutants"))
        {
            (await validation.RunMutantsAsync(seed, generated).ConfigureAwait(false)).ForEach(Report);
        }

        if (options.Targets.Contains("text"))
        {
            (await validation.RunTextsAsync(seed).ConfigureAwait(false)).ForEach(Report);
        }

        if (options.Targets.Contains("roundtrip") && generated is not null)
        {
            Report(await validation.RunRoundTripAsync(seed, generated).ConfigureAwait(false));
        }
    }

    private void Report(Finding? finding)
    {
        if (finding is null)
        {
            return;
        }

        lock (_lock)
        {
            _findings++;
            Directory.CreateDirectory(options.Findings);
            string path = Path.Combine(options.Findings, finding.Name + (options.Wasm3 ? "-wasm3" : options.Simd ? "-simd" : ""));
            File.WriteAllBytes(path + "." + finding.Extension, finding.Input);
            if (finding.Details.Length > 0)
            {
                File.WriteAllText(path + ".plan", finding.Details);
            }

            File.WriteAllText(path + ".txt", finding.Description + "\n");
            if (finding.Extension == "wasm")
            {
                try
                {
                    File.WriteAllText(path + ".wat", ModulePrinter.Print(ModuleDecoder.Decode(finding.Input, WasmFeatures.All)));
                }
                catch (WasmException)
                {
                    // No module: the bytes say it all.
                }
            }

            output.WriteLine($"FOUND {path}.{finding.Extension}: {finding.Description}");
        }
    }
}
