namespace Codicil.Plugins;

/// <summary>The <c>memory</c> part of a manifest. Immutable and thread-safe.</summary>
public sealed record PluginMemoryLimits
{
    /// <summary>The limit of variables when none is given: 1 MiB.</summary>
    public const long DefaultMaxVarBytes = 1024 * 1024;

    /// <summary>The limit of HTTP responses when none is given: 50 MiB.</summary>
    public const long DefaultMaxHttpResponseBytes = 50 * 1024 * 1024;

    /// <summary>The most pages of 64 KiB for each memory of the plug-in and for the kernel's data; null or 0 for no limit.</summary>
    public long? MaxPages { get; init; }

    /// <summary>The largest HTTP response in bytes, after decompression; null or negative for the default, 0 for empty bodies only.</summary>
    public long? MaxHttpResponseBytes { get; init; }

    /// <summary>What the variables may take in bytes (see <see cref="PluginVariables"/>); null or negative for the default, 0 to disable them.</summary>
    public long? MaxVarBytes { get; init; }

    internal long EffectiveMaxHttpResponseBytes => MaxHttpResponseBytes is long limit and >= 0 ? limit : DefaultMaxHttpResponseBytes;

    internal long EffectiveMaxVarBytes => MaxVarBytes is long limit and >= 0 ? limit : DefaultMaxVarBytes;
}
