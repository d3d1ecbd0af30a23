using System.Globalization;
using System.Security.Cryptography;

using Codicil.Plugins;

namespace Codicil.Hosting;

/// <summary>What a plug-in's files held at a moment: all of them read, and none changed meanwhile.</summary>
/// <param name="Manifest">The manifest, its modules in memory.</param>
/// <param name="Files">The files that it was read from.</param>
/// <param name="Stamp">What the files looked like.</param>
/// <param name="Fingerprint">A hash of what was read; equal contents have equal ones.</param>
internal sealed record HostedPluginSource(PluginManifest Manifest, IReadOnlyList<string> Files, string Stamp, string Fingerprint)
{
    private const int MostAttempts = 50;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Reads a plug-in's files until none changes while it is read.</summary>
    /// <param name="options">Which files.</param>
    /// <param name="root">What paths are relative to.</param>
    /// <param name="seen">Gets the files and how they looked before they were read, also when that fails: the next change of one of them is worth another try.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="IOException">A file cannot be read, or does not come to rest.</exception>
    /// <exception cref="PluginException">The manifest is none.</exception>
    public static async Task<HostedPluginSource> ReadAsync(HostedPluginOptions options, string root, SeenFiles seen, CancellationToken cancellationToken)
    {
        if (options.GetManifest() is PluginManifest manifest)
        {
            return new HostedPluginSource(manifest, [], "", "");
        }

        for (int attempt = 1; ; attempt++)
        {
            HostedPluginSource source = await ReadOnceAsync(options, root, seen, cancellationToken).ConfigureAwait(false);
            if (StampOf(source.Files) == source.Stamp)
            {
                return source;
            }

            if (attempt == MostAttempts)
            {
                throw new IOException("the plug-in's files change faster than they are read");
            }

            await Task.Delay(s_pause, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>What files look like: equal as long as nothing was written or replaced.</summary>
    public static string StampOf(IReadOnlyList<string> files) => string.Join('|', files.Select(static file =>
    {
        try
        {
            // Through links: what they lead to counts, and where that is.
            var info = new FileInfo(file);
            string target = info.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? file;
            info = new FileInfo(target);
            return info.Exists ? string.Create(CultureInfo.InvariantCulture, $"{target}:{info.Length}:{info.LastWriteTimeUtc.Ticks}") : "absent";
        }
        catch (IOException)
        {
            return "unreadable";
        }
        catch (UnauthorizedAccessException)
        {
            return "unreadable";
        }
    }));

    private static async Task<HostedPluginSource> ReadOnceAsync(HostedPluginOptions options, string root, SeenFiles seen, CancellationToken cancellationToken)
    {
        seen.Clear();
        string main = Path.GetFullPath((string.IsNullOrEmpty(options.ManifestPath) ? options.Path : options.ManifestPath)!, root);
        byte[] first = await ReadFileAsync(main, seen, cancellationToken).ConfigureAwait(false);
        PluginManifest manifest;
        if (string.IsNullOrEmpty(options.ManifestPath))
        {
            manifest = new PluginManifest { Wasm = [PluginWasm.FromBytes(first, hash: options.Hash)] };
        }
        else
        {
            manifest = PluginManifest.FromJson(first);
            var modules = new List<PluginWasm>();
            foreach (PluginWasm wasm in manifest.Wasm)
            {
                modules.Add(wasm is PluginWasmFile file
                    ? PluginWasm.FromBytes(await ReadFileAsync(Path.GetFullPath(file.Path, Path.GetDirectoryName(main)!), seen, cancellationToken).ConfigureAwait(false), wasm.Name, wasm.Hash)
                    : wasm);
            }

            manifest = manifest with { Wasm = modules };
        }

        return new HostedPluginSource(manifest, seen.Files, seen.Stamp, seen.Fingerprint);
    }

    private static async Task<byte[]> ReadFileAsync(string path, SeenFiles seen, CancellationToken cancellationToken)
    {
        seen.Add(path, StampOf([path]), File.GetLastWriteTimeUtc(path));
        byte[] bytes = await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false);
        seen.Append(bytes);

        // Somebody has begun to write it, in place. As text, nothing would be a module: one that exports nothing.
        return bytes.Length != 0 ? bytes : throw new IOException($"{path} is empty");
    }
}

/// <summary>The files that were looked at, and how they looked.</summary>
internal sealed class SeenFiles : IDisposable
{
    // File systems count time in steps of up to two seconds.
    private static readonly TimeSpan s_young = TimeSpan.FromSeconds(2);

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<string> _files = [];
    private readonly List<string> _stamps = [];

    public IReadOnlyList<string> Files => [.. _files];

    /// <summary>As <see cref="HostedPluginSource.StampOf"/> gives it for <see cref="Files"/>.</summary>
    public string Stamp => string.Join('|', _stamps);

    /// <summary>
    /// Whether a file had been written so shortly before that another write may leave it looking the same: same length, same time. Then only its contents tell, until it is older.
    /// </summary>
    public bool AreYoung { get; private set; }

    /// <summary>A hash of what was read.</summary>
    public string Fingerprint => Convert.ToHexString(_hash.GetCurrentHash());

    public void Add(string file, string stamp, DateTime written)
    {
        _files.Add(file);
        _stamps.Add(stamp);
        AreYoung |= DateTime.UtcNow - written < s_young;
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    public void Dispose() => _hash.Dispose();

    public void Clear()
    {
        _ = _hash.GetHashAndReset();
        AreYoung = false;
        _files.Clear();
        _stamps.Clear();
    }
}
