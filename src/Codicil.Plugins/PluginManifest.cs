using System.Collections.Immutable;

namespace Codicil.Plugins;

/// <summary>What a plug-in consists of and what it may do. Immutable and thread-safe.</summary>
/// <remarks>Extism, "Manifest". In JSON, unknown keys are ignored and the case of keys does not matter; a key given twice is an error.</remarks>
public sealed record PluginManifest
{
    /// <summary>The modules. The main one is the one named <c>main</c>, else the first without a name, else the last.</summary>
    public IReadOnlyList<PluginWasm> Wasm { get; init; } = [];

    /// <summary>Limits of memory.</summary>
    public PluginMemoryLimits Memory { get; init; } = new();

    /// <summary>Values that the guest can read by key.</summary>
    public IReadOnlyDictionary<string, string> Config { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Patterns of the hosts that the guest may reach by HTTP (see <see cref="Http.HostPattern"/>); none when empty.</summary>
    public IReadOnlyList<string> AllowedHosts { get; init; } = [];

    /// <summary>Directories of the host, each with the path under which the guest sees it; the prefix <c>ro:</c> makes one read-only.</summary>
    public IReadOnlyDictionary<string, string> AllowedPaths { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>What each call may take, in whole milliseconds in JSON; null or zero for no deadline. There is no longest: what the clock cannot count to does not pass.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan? Timeout
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value ?? TimeSpan.Zero, TimeSpan.Zero, nameof(value));
            field = value;
        }
    }

    /// <summary>A manifest of one module in a file.</summary>
    public static PluginManifest FromWasmFile(string path) => new() { Wasm = [new PluginWasmFile(path)] };

    /// <summary>A manifest of one module in memory.</summary>
    public static PluginManifest FromWasm(ReadOnlyMemory<byte> data) => new() { Wasm = [new PluginWasmBytes(data)] };

    /// <summary>A manifest from JSON text.</summary>
    /// <exception cref="PluginException">The text is no manifest (<see cref="PluginFailure.Manifest"/>).</exception>
    public static PluginManifest FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return ManifestJson.Parse(System.Text.Encoding.UTF8.GetBytes(json));
    }

    /// <summary>A manifest from JSON in UTF-8, with or without a byte order mark.</summary>
    /// <exception cref="PluginException">The text is no manifest (<see cref="PluginFailure.Manifest"/>).</exception>
    public static PluginManifest FromJson(ReadOnlySpan<byte> json) => ManifestJson.Parse(json);

    /// <summary>A manifest from a JSON file. Relative paths in it are relative to the current directory, as in Extism.</summary>
    /// <exception cref="PluginException">The text is no manifest (<see cref="PluginFailure.Manifest"/>).</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static PluginManifest FromJsonFile(string path) => ManifestJson.Parse(File.ReadAllBytes(path));

    /// <summary>The manifest as JSON.</summary>
    /// <exception cref="NotSupportedException">A module comes from a source that JSON has no form for.</exception>
    public string ToJson() => ManifestJson.Write(this);
}
