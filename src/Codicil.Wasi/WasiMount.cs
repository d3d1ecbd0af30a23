using System.Text;

using Codicil.Wasi.Files;

namespace Codicil.Wasi;

/// <summary>A file system and where guests find it. Immutable and thread-safe.</summary>
public sealed class WasiMount
{
    private readonly string[] _names;

    /// <summary>Mounts a file system.</summary>
    /// <param name="fileSystem">The file system; it stays the caller's.</param>
    /// <param name="guestPath">Where guests find it.</param>
    /// <exception cref="ArgumentException">Guests cannot have that path: it has a NUL, or leads upwards.</exception>
    public WasiMount(WasiFileSystem fileSystem, string guestPath)
    {
        ArgumentNullException.ThrowIfNull(fileSystem);
        ArgumentNullException.ThrowIfNull(guestPath);
        _names = [.. guestPath.Split('/').Where(static name => name is not ("" or "."))];
        if (guestPath.Contains('\0', StringComparison.Ordinal) || _names.Contains("..", StringComparer.Ordinal))
        {
            throw new ArgumentException($"invalid guest path: `{guestPath.Replace("\0", "\\0", StringComparison.Ordinal)}`", nameof(guestPath));
        }

        FileSystem = fileSystem;
        GuestPath = guestPath.Length == 0 ? "/" : guestPath;
    }

    /// <summary>The file system.</summary>
    public WasiFileSystem FileSystem { get; }

    /// <summary>The name of the pre-opened directory, as it was given: programs differ in whether they look for <c>/data</c>, <c>data</c> or <c>./data</c>, which are one path. The empty path is <c>/</c>.</summary>
    public string GuestPath { get; }

    /// <summary>Whether guests may only read.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The guest path as programs read it.</summary>
    internal ReadOnlyMemory<byte> GuestName => Encoding.UTF8.GetBytes(GuestPath);

    /// <summary>The names that lead from the root to it.</summary>
    internal ReadOnlySpan<string> Names => _names;

    /// <summary>Whether two are at the same place.</summary>
    internal bool IsAt(WasiMount other) => _names.AsSpan().SequenceEqual(other._names);
}
