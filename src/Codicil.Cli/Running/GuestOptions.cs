using System.CommandLine;
using System.Net;

using Codicil.Cli.Options;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.Cli.Running;

/// <summary>The options that <c>run</c> and <c>call</c> share, and what they mean for engine and store.</summary>
internal sealed class GuestOptions(bool withThreads)
{
    private readonly Option<string> _engine = EngineChoice.Option();

    private readonly Option<string?> _features = new("--features") { Description = "The proposals that modules may use, such as wasm2 or wasm3,threads; default WebAssembly 3.0.", HelpName = "F" };

    private readonly Option<string[]> _directories = new("--dir") { Description = "A directory that the guest sees, at GUEST or under the same name; with :ro it may only read.", HelpName = "HOST[::GUEST][:ro]" };

    private readonly Option<string[]> _environment = new("--env") { Description = "A variable of the guest's environment.", HelpName = "K=V" };

    private readonly Option<bool> _inheritEnvironment = new("--inherit-env") { Description = "Give the guest this process's environment." };

    private readonly Option<string[]> _listeners = new("--listen") { Description = "A TCP listener that the guest accepts connections from; with port 0 its address is printed.", HelpName = "HOST:PORT" };

    private readonly Option<string?> _timeout = new("--timeout") { Description = "A deadline for everything the guest does, such as 500ms or 2s.", HelpName = "DURATION" };

    private readonly Option<string?> _fuel = new("--fuel") { Description = "Fuel; not available yet.", HelpName = "N" };

    private readonly Option<string?> _maximumMemory = new("--max-memory") { Description = "The most that all memories may have together, such as 64MiB.", HelpName = "SIZE" };

    private readonly Option<string?> _maximumStack = new("--max-stack") { Description = "The stack of WebAssembly code; default 512KiB.", HelpName = "SIZE" };

    private readonly Option<string?> _cache = new("--cache") { Description = "A compilation cache; not available yet.", HelpName = "DIR" };

    private readonly Option<bool> _noCache = new("--no-cache") { Description = "No compilation cache; there is none yet." };

    private readonly Option<int?> _threads = new("--threads") { Description = "Let the guest have N threads besides the main one (wasi-threads).", HelpName = "N" };

    private readonly Option<int> _repeat = new("--repeat") { Description = "Make the call N times.", DefaultValueFactory = static _ => 1, HelpName = "N" };

    private readonly Option<bool> _time = new("--time") { Description = "Print what each phase took to standard error, as one JSON line." };

    private readonly Option<bool> _bench = new("--bench") { Description = "Offer bench.start and bench.end to the module and print the time between them." };

    private readonly Option<bool> _deterministic = new("--deterministic") { Description = "Fake clocks, sleep and random bytes." };

    public void AddTo(Command command)
    {
        // A plug-in is one thread.
        if (withThreads)
        {
            command.Options.Add(_threads);
        }

        foreach (Option option in (Option[])[
            _engine, _features, _directories, _environment, _inheritEnvironment, _listeners, _timeout, _fuel, _maximumMemory, _maximumStack,
            _cache, _noCache, _repeat, _time, _bench, _deterministic])
        {
            command.Options.Add(option);
        }
    }

    /// <summary>The options' values.</summary>
    /// <exception cref="UsageException">A value makes no sense, or belongs to a feature that is not built yet.</exception>
    public Values Read(ParseResult parse)
    {
        RefuseLater(parse, _fuel, _cache);
        int repeat = parse.GetValue(_repeat);
        if (repeat < 1)
        {
            throw new UsageException("--repeat: at least 1");
        }

        int? threads = withThreads ? parse.GetValue(_threads) : null;
        if (threads < 0)
        {
            throw new UsageException("--threads: at least 0");
        }

        WasmFeatures features = parse.GetValue(_features) is string names ? FeatureNames.ParseForEngine(names) : EngineOptions.Default.Features;
        return new Values
        {
            Features = threads is null ? features : features | WasmFeatures.Threads,
            Threads = threads,
            Engine = EngineChoice.Parse(parse.GetValue(_engine)!),
            Environment = [.. (parse.GetValue(_environment) ?? []).Select(ParseVariable)],
            InheritEnvironment = parse.GetValue(_inheritEnvironment),
            Directories = [.. (parse.GetValue(_directories) ?? []).Select(static text => GuestDirectory.Parse("--dir", text))],
            Listeners = [.. (parse.GetValue(_listeners) ?? []).Select(GuestListeners.Parse)],
            Timeout = parse.GetValue(_timeout) is string timeout ? Quantity.ParseDuration("--timeout", timeout) : null,
            MaximumMemory = parse.GetValue(_maximumMemory) is string memory ? Quantity.ParseSize("--max-memory", memory) : null,
            MaximumStack = parse.GetValue(_maximumStack) is string stack ? ParseStack(stack) : null,
            Repeat = repeat,
            Time = parse.GetValue(_time),
            Bench = parse.GetValue(_bench),
            Deterministic = parse.GetValue(_deterministic),
        };
    }

    /// <summary>Refuses options of the contract whose features are not built yet.</summary>
    public static void RefuseLater(ParseResult parse, params ReadOnlySpan<Option> options)
    {
        foreach (Option option in options)
        {
            if (parse.GetResult(option) is { Implicit: false })
            {
                throw UsageException.NotBuilt(option.Name);
            }
        }
    }

    /// <summary><c>NAME=VALUE</c>.</summary>
    public static KeyValuePair<string, string> ParsePair(string option, string text)
    {
        int equals = text.IndexOf('=', StringComparison.Ordinal);
        return equals > 0
            ? new KeyValuePair<string, string>(text[..equals], text[(equals + 1)..])
            : throw new UsageException($"{option}: `{text}` is not of the form NAME=VALUE");
    }

    private static KeyValuePair<string, string> ParseVariable(string text) => ParsePair("--env", text);

    private static int ParseStack(string text)
    {
        const int Least = 16 * 1024;
        const int Most = 256 * 1024 * 1024;
        long size = Quantity.ParseSize("--max-stack", text);
        return size is >= Least and <= Most ? (int)size : throw new UsageException("--max-stack: 16KiB to 256MiB");
    }

    /// <summary>What was asked for.</summary>
    public sealed record Values
    {
        public EngineKind Engine { get; init; }

        public WasmFeatures Features { get; init; } = EngineOptions.Default.Features;

        public IReadOnlyList<KeyValuePair<string, string>> Environment { get; init; } = [];

        public bool InheritEnvironment { get; init; }

        public IReadOnlyList<GuestDirectory> Directories { get; init; } = [];

        public IReadOnlyList<EndPoint> Listeners { get; init; } = [];

        public TimeSpan? Timeout { get; init; }

        public long? MaximumMemory { get; init; }

        public int? MaximumStack { get; init; }

        /// <summary>The most threads besides the main one; null for the default where modules may have threads at all.</summary>
        public int? Threads { get; init; }

        public bool AllowsThreads => Features.HasFlag(WasmFeatures.Threads);

        public int Repeat { get; init; } = 1;

        public bool Time { get; init; }

        public bool Bench { get; init; }

        public bool Deterministic { get; init; }

        /// <summary>Whether something was asked for that only WASI can give.</summary>
        public bool NeedsWasi => Directories.Count > 0 || Environment.Count > 0 || InheritEnvironment || Listeners.Count > 0 || Deterministic;

        /// <summary>An engine that can be interrupted only where that is needed: the check has its price.</summary>
        public EngineOptions ToEngineOptions() => new()
        {
            Kind = Engine,
            Features = Features,
            Interruptible = Timeout is not null || AllowsThreads,
            MaxStackBytes = MaximumStack ?? EngineOptions.Default.MaxStackBytes,
        };

        public ResourceLimits ToLimits() => new() { TotalMemoryBytes = MaximumMemory };
    }
}
