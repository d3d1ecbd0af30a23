using System.Diagnostics.CodeAnalysis;

namespace Codicil.Plugins;

/// <summary>Where a module of a manifest comes from. Derive from it to load modules from elsewhere. Immutable and thread-safe.</summary>
public abstract class PluginWasm
{
    /// <summary>The module's name, for linking and for the choice of the main module; null or empty when it has none.</summary>
    public string? Name { get; init; }

    /// <summary>The SHA-256 of the bytes in hexadecimal, in either case; null or empty for no check.</summary>
    public string? Hash { get; init; }

    /// <summary>Where the bytes come from, for messages; null when that is not a place.</summary>
    public virtual string? Location => null;

    /// <summary>Loads the bytes: the binary or the text format.</summary>
    /// <param name="cancellationToken">Stops the loading.</param>
    /// <exception cref="PluginException">They cannot be had.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public abstract ReadOnlyMemory<byte> Load(CancellationToken cancellationToken);

    /// <summary>Loads the bytes for <see cref="CompiledPlugin.CreateAsync"/>. Unless it is overridden, it calls <see cref="Load"/>.</summary>
    /// <inheritdoc cref="Load"/>
    public virtual ValueTask<ReadOnlyMemory<byte>> LoadAsync(CancellationToken cancellationToken) => ValueTask.FromResult(Load(cancellationToken));

    /// <summary>A module in a file.</summary>
    public static PluginWasm FromFile(string path, string? name = null, string? hash = null) => new PluginWasmFile(path) { Name = name, Hash = hash };

    /// <summary>A module behind a URL.</summary>
    [SuppressMessage("Design", "CA1054:URI-like parameters should not be strings", Justification = "A manifest keeps what was written, so that it round-trips.")]
    public static PluginWasm FromUrl(string url, string? name = null, string? hash = null) => new PluginWasmUrl(url) { Name = name, Hash = hash };

    /// <summary>A module in memory; the bytes must not change until the plug-in is compiled.</summary>
    public static PluginWasm FromBytes(ReadOnlyMemory<byte> data, string? name = null, string? hash = null) => new PluginWasmBytes(data) { Name = name, Hash = hash };
}

/// <summary>A module in a file. Immutable and thread-safe.</summary>
public sealed class PluginWasmFile : PluginWasm
{
    /// <summary>A module in a file.</summary>
    /// <param name="path">The path, relative to the current directory unless it is absolute.</param>
    public PluginWasmFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        Path = path;
    }

    /// <summary>The path.</summary>
    public string Path { get; }

    /// <inheritdoc/>
    public override string Location => Path;

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return File.ReadAllBytes(Path);
    }
}

/// <summary>A module in memory. Immutable and thread-safe as long as the bytes are left alone.</summary>
public sealed class PluginWasmBytes : PluginWasm
{
    /// <summary>A module in memory.</summary>
    /// <param name="data">The bytes.</param>
    public PluginWasmBytes(ReadOnlyMemory<byte> data) => Data = data;

    /// <summary>The bytes.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken) => Data;
}
