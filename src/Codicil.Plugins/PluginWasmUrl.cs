using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

using Codicil.Plugins.Http;

namespace Codicil.Plugins;

/// <summary>
/// A module behind a URL, http or https. Immutable and thread-safe. It is loaded under the rules of <see cref="PluginOptions.Http"/>: size, time and redirects are limited, blocked addresses are not
/// connected to. Redirects to another host or port are refused (but from http to https on their own ports) unless <see cref="PluginHttpOptions.WasmRedirectHosts"/> names it. The status must be 200.
/// </summary>
public sealed class PluginWasmUrl : PluginWasm
{
    /// <summary>A module behind a URL.</summary>
    /// <param name="url">The URL as written in the manifest.</param>
    [SuppressMessage("Design", "CA1054:URI-like parameters should not be strings", Justification = "A manifest keeps what was written, so that it round-trips.")]
    public PluginWasmUrl(string url)
    {
        ArgumentException.ThrowIfNullOrEmpty(url);
        Url = url;
    }

    /// <summary>The URL as written.</summary>
    [SuppressMessage("Design", "CA1056:URI-like properties should not be strings", Justification = "A manifest keeps what was written, so that it round-trips.")]
    public string Url { get; }

    /// <summary>The request's method; null for GET.</summary>
    public string? Method { get; init; }

    /// <summary>The request's headers, with the rules of a guest's request.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <inheritdoc/>
    public override string Location => Url;

    /// <summary>Loads the bytes with a connection of its own and the default options; a <see cref="CompiledPlugin"/> uses its own options.</summary>
    /// <inheritdoc/>
    public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken)
    {
        using var group = new PluginHttpGroup();
        return Load(group, cancellationToken);
    }

    /// <summary>Loads the bytes with a connection of its own and the default options.</summary>
    /// <inheritdoc/>
    public override async ValueTask<ReadOnlyMemory<byte>> LoadAsync(CancellationToken cancellationToken)
    {
        using var group = new PluginHttpGroup();
        return await LoadAsync(group, cancellationToken).ConfigureAwait(false);
    }

    internal async Task<ReadOnlyMemory<byte>> LoadAsync(PluginHttpGroup group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await new WasmFetch(group, this).LoadAsync(cancellationToken).ConfigureAwait(false);
    }

    internal ReadOnlyMemory<byte> Load(PluginHttpGroup group, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new WasmFetch(group, this).Load(cancellationToken);
    }
}
