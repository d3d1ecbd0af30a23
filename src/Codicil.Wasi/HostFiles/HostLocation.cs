namespace Codicil.Wasi.HostFiles;

/// <summary>Where a path leads: a directory that is open, and a name in it, which is not followed by what uses it.</summary>
internal ref struct HostLocation<THandle>
    where THandle : class, IDisposable
{
    private readonly bool _isOwned;

    public HostLocation(THandle directory, bool isOwned, ReadOnlySpan<byte> terminatedName, bool mustBeDirectory)
    {
        Directory = directory;
        _isOwned = isOwned;
        Name = terminatedName;
        MustBeDirectory = mustBeDirectory;
    }

    /// <summary>The directory.</summary>
    public THandle Directory { get; }

    /// <summary>The name, with a NUL at its end; empty when the path ends in <c>.</c> or <c>..</c> and leads to <see cref="Directory"/> itself.</summary>
    public ReadOnlySpan<byte> Name { get; }

    /// <summary>Whether the path ends in a slash.</summary>
    public bool MustBeDirectory { get; }

    /// <summary>Whether it is <see cref="Directory"/> itself.</summary>
    public readonly bool IsDirectoryItself => Name.IsEmpty;

    /// <summary>Whether the path ended in <c>..</c>.</summary>
    public bool IsParent { get; init; }

    /// <summary>Closes the directory if it was opened on the way.</summary>
    public readonly void Dispose()
    {
        // An empty location, of an error, has none.
        if (_isOwned)
        {
            Directory.Dispose();
        }
    }
}
