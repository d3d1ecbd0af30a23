using Codicil.Plugins.Http;
using Codicil.Wasi;

using Microsoft.Extensions.Logging;

namespace Codicil.Plugins;

/// <summary>How a <see cref="CompiledPlugin"/> is compiled and what its instances get. Immutable and thread-safe.</summary>
public sealed record PluginOptions
{
    /// <summary>The options a plug-in has when none are given.</summary>
    public static PluginOptions Default { get; } = new();

    /// <summary>
    /// The name under which logs, spans and metrics show the plug-in; null for the main module's file name without its ending, or <c>plugin</c> where it has none.
    /// </summary>
    public string? Name { get; init; }

    /// <summary>Whether modules can import WASI preview 1; off by default.</summary>
    public bool Wasi { get; init; }

    /// <summary>
    /// What guests see of the world through WASI. At first the system's clocks and sleep, random bytes, no arguments or environment, and output that is discarded;
    /// with the environment variable <c>EXTISM_ENABLE_WASI_OUTPUT</c> set, output without a stream of its own goes to the console.
    /// </summary>
    public WasiOptions WasiOptions { get; init; } = WasiOptions.Default.WithSystemTime();

    /// <summary>Functions of the host that modules can import. Of two with the same name the last counts.</summary>
    public IReadOnlyList<HostFunction> HostFunctions { get; init; } = [];

    /// <summary>The engine's options. The memory limit is the manifest's; interruption is <see cref="Interruptible"/>.</summary>
    public EngineOptions Engine { get; init; } = EngineOptions.Default;

    /// <summary>
    /// Where modules are looked for before they are compiled, and kept; null, the default, for none. Plug-ins with the same cache, engine options and memory limit share an engine and the code
    /// of modules with the same bytes; nothing else. Disposing a compiled plug-in leaves both to the cache.
    /// </summary>
    public CompilationCache? CompilationCache { get; init; }

    /// <summary>
    /// Whether calls can be stopped: deadlines, tokens, disposal from another thread. On by default. Where it is off, a call with a deadline or a token that can be cancelled is refused.
    /// </summary>
    public bool Interruptible { get; init; } = true;

    /// <summary>The most bytes that a call's output may have; null, the default, for no limit but the kernel's. A larger one is a <see cref="PluginException"/> (<see cref="PluginFailure.Limit"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaxOutputBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
            field = value;
        }
    }

    /// <summary>
    /// What each instance's store may use. <see cref="ResourceLimits.TotalMemoryBytes"/> is for all memories of the instance's modules and the kernel, 64 KiB at first, together:
    /// growing beyond it gives the guest -1, an allocation 0.
    /// </summary>
    public ResourceLimits Limits { get; init; } = ResourceLimits.Default;

    /// <summary>The least level that instances log; null for <see cref="PluginLogDefaults.Level"/>.</summary>
    public PluginLogLevel? LogLevel { get; init; }

    /// <summary>How the plug-in reaches others by HTTP; it may reach those of the manifest's <see cref="PluginManifest.AllowedHosts"/>. The compiled plug-in is a trust group of its own.</summary>
    public PluginHttpOptions Http { get; init; } = PluginHttpOptions.Default;

    /// <summary>The trust group that the plug-in belongs to, in place of one of its own; <see cref="Http"/> is not given then.</summary>
    public PluginHttpGroup? HttpGroup { get; init; }

    /// <summary>Whether the guest sees the headers of HTTP responses; off by default.</summary>
    public bool HttpResponseHeaders { get; init; }

    /// <summary>Where instances log to; null for <see cref="PluginLogDefaults.Sink"/>.</summary>
    public PluginLogSink? LogSink { get; init; }

    /// <summary>What receives traces of guests' functions after each call; null for nothing, which costs nothing.</summary>
    public PluginTracer? Tracer { get; init; }

    /// <summary>
    /// Makes the logger of each plug-in, with the category <see cref="PluginDiagnostics.LogCategoryPrefix"/> and its name; null for none. Where no <see cref="LogLevel"/> is given, the levels
    /// that the logger has enabled count, for guests too. Control characters in messages are escaped, and what the logger throws is ignored.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The bytes of a guest's log message that are kept, 16 at least; the rest is cut off.</summary>
    public int MaxLogMessageBytes { get; init; } = 16 * 1024;

    /// <summary>
    /// The log messages that all instances of a compiled plug-in together may write in a second, so that a pool of them fills no log faster than one; further ones are counted and dropped. 0 for
    /// no limit. Instances that shall not take from each other are of compiled plug-ins of their own, which a <see cref="CompilationCache"/> makes cheap.
    /// </summary>
    public int MaxLogMessagesPerSecond { get; init; } = 1000;
}
