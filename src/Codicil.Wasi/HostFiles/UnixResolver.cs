using System.Buffers;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// Finds what a path names beneath a directory. No step follows a link that was not read and checked here, or by the system under the rule that everything stays beneath;
/// whatever others rename meanwhile, what is found was beneath the directory at some moment of the search. Two ways lead there: <c>openat2</c>, and a walk name by name.
/// </summary>
internal static class UnixResolver
{
    /// <summary>The longest path, with its NUL, as on Linux.</summary>
    public const int LongestPath = 4096;

    private const int MostLinks = 40;

    // A path of 4,096 bytes has at most 2,048 names. Only going up costs more than one step each.
    private const int MostSteps = 16_384;

    // Somebody renames something, anywhere on the machine: then a path with `..` cannot be vouched for.
    private const int MostAttempts = 16;

    private static readonly SearchValues<byte> s_slash = SearchValues.Create((byte)'/');

    /// <summary>Opens what a path names, in one system call; null and <see cref="UnixNumbers.ErrorAgain"/> when it has to be walked.</summary>
    public static UnixHandle? OpenBeneath(UnixHandle root, scoped ReadOnlySpan<byte> path, int flags, out int error)
    {
        if (path.Length >= LongestPath)
        {
            error = UnixNumbers.ErrorNameTooLong;
            return null;
        }

        Span<byte> terminated = stackalloc byte[path.Length + 1];
        path.CopyTo(terminated);
        terminated[^1] = 0;
        if (terminated[..^1].Contains((byte)0))
        {
            error = UnixNumbers.ErrorInvalid;
            return null;
        }

        int attempts = 0;
        UnixHandle? handle;
        do
        {
            handle = UnixCalls.OpenBeneath(root, terminated, flags | UnixNumbers.OpenCloseOnExec, out error);
        }
        while (handle is null && error == UnixNumbers.ErrorAgain && ++attempts < MostAttempts);
        return handle;
    }

    /// <summary>WASI's name of an error of <see cref="OpenBeneath"/>: leaving the directory is no device's concern.</summary>
    public static Errno Translate(int error) => error == UnixNumbers.ErrorCrossDevice ? Errno.Perm : UnixErrors.Translate(error);

    /// <summary>Finds the directory and the name that a path leads to. The name need not be there.</summary>
    /// <param name="features">What the system offers.</param>
    /// <param name="root">What the path is beneath.</param>
    /// <param name="path">The path.</param>
    /// <param name="followLast">Whether a link at the end is followed. One with a slash behind it is not, unless this is set.</param>
    /// <param name="nameBuffer">Room for a name, <see cref="UnixLocation.LongestName"/> bytes.</param>
    /// <param name="location">What was found.</param>
    public static Errno Resolve(UnixFeatures features, UnixHandle root, scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out UnixLocation location)
    {
        location = default;
        if (path.IsEmpty)
        {
            return Errno.NoEnt;
        }

        if (path.Length >= LongestPath)
        {
            return Errno.NameTooLong;
        }

        // A path may lie in a memory that others write to: what is checked must be what is used.
        Span<byte> copy = stackalloc byte[path.Length];
        path.CopyTo(copy);
        path = copy;
        if (path.Contains((byte)0))
        {
            return Errno.Inval;
        }

        if (path[0] == (byte)'/')
        {
            return Errno.Perm;
        }

        ReadOnlySpan<byte> trimmed = path.TrimEnd((byte)'/');
        int last = trimmed.LastIndexOfAny(s_slash) + 1;
        ReadOnlySpan<byte> name = trimmed[last..];
        bool isDots = name is [(byte)'.'] or [(byte)'.', (byte)'.'];
        if (last != 0 || isDots)
        {
            if (!features.OpensBeneath)
            {
                return Walk(features, root, path, followLast, nameBuffer, out location);
            }

            UnixHandle? directory = OpenBeneath(root, isDots ? trimmed : trimmed[..last], features.DirectoryFlags & ~UnixNumbers.OpenNoFollow, out int error);
            if (directory is null)
            {
                return error == UnixNumbers.ErrorAgain ? Walk(features, root, path, followLast, nameBuffer, out location) : Translate(error);
            }

            location = isDots
                ? new UnixLocation(directory, isOwned: true, default, mustBeDirectory: true) { IsParent = name.Length == 2 }
                : new UnixLocation(directory, isOwned: true, Terminate(name, nameBuffer), trimmed.Length != path.Length);
        }
        else
        {
            location = new UnixLocation(root, isOwned: false, Terminate(name, nameBuffer), trimmed.Length != path.Length);
        }

        if (isDots)
        {
            return Errno.Success;
        }

        if (location.IsDirectoryItself)
        {
            location.Dispose();
            return Errno.NameTooLong;
        }

        if (followLast && IsLink(location))
        {
            location.Dispose();
            return Walk(features, root, path, followLast, nameBuffer, out location);
        }

        return Errno.Success;
    }

    private static bool IsLink(in UnixLocation location)
    {
        Span<byte> first = stackalloc byte[1];
        return UnixCalls.ReadLinkAt(location.Directory, location.Name, first, out _) == 0;
    }

    // Name by name, each opened in the directory before it, links never by the system. `..` goes back to a directory that this walk has come through, by
    // walking there again: the system's own `..` would lead elsewhere when the directory was moved meanwhile.
    private static Errno Walk(UnixFeatures features, UnixHandle root, scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out UnixLocation location)
    {
        location = default;
        byte[] rented = ArrayPool<byte>.Shared.Rent(LongestPath * 2);
        var names = new List<byte[]>();
        UnixHandle current = root;
        int links = 0;
        int steps = 0;
        Span<byte> rest = rented.AsSpan(0, path.Length);
        path.CopyTo(rest);
        try
        {
            while (true)
            {
                if (!TakeName(ref rest, out ReadOnlySpan<byte> name, out bool isLast, out bool hasSlash))
                {
                    return Errno.NoEnt;
                }

                if (name is [(byte)'.'] or [(byte)'.', (byte)'.'])
                {
                    bool isParent = name.Length == 2;
                    if (isParent)
                    {
                        if (names.Count == 0)
                        {
                            return Errno.Perm;
                        }

                        names.RemoveAt(names.Count - 1);
                        steps += names.Count + 1;
                        Errno errno = steps > MostSteps ? Errno.NameTooLong : Return(features, root, names, ref current);
                        if (errno != Errno.Success)
                        {
                            return errno;
                        }
                    }

                    if (isLast)
                    {
                        location = new UnixLocation(current, !ReferenceEquals(current, root), default, mustBeDirectory: true) { IsParent = isParent };
                        current = root;
                        return Errno.Success;
                    }

                    continue;
                }

                ReadOnlySpan<byte> terminated = Terminate(name, nameBuffer);
                if (terminated.IsEmpty)
                {
                    return Errno.NameTooLong;
                }

                int error;
                if (!isLast)
                {
                    UnixHandle? next = UnixCalls.OpenAt(current, terminated, features.DirectoryFlags, 0, out error);
                    if (next is not null)
                    {
                        Replace(ref current, root, next);
                        names.Add(terminated.ToArray());
                        if (++steps > MostSteps)
                        {
                            return Errno.NameTooLong;
                        }

                        continue;
                    }

                    // Which error a link makes differs between systems, and from what else is no directory it does not differ at all.
                    if (error != UnixNumbers.ErrorNotDirectory && error != UnixNumbers.ErrorLoop)
                    {
                        return UnixErrors.Translate(error);
                    }
                }

                if (isLast && !followLast)
                {
                    location = new UnixLocation(current, !ReferenceEquals(current, root), terminated, hasSlash);
                    current = root;
                    return Errno.Success;
                }

                Errno linkError = Expand(current, terminated, isLast, rented, ref rest);
                if (linkError == Errno.Success)
                {
                    if (++links > MostLinks)
                    {
                        return Errno.Loop;
                    }
                }
                else if (isLast && linkError is Errno.Inval or Errno.NoEnt)
                {
                    location = new UnixLocation(current, !ReferenceEquals(current, root), terminated, hasSlash);
                    current = root;
                    return Errno.Success;
                }
                else
                {
                    return linkError == Errno.Inval ? Errno.NotDir : linkError;
                }
            }
        }
        finally
        {
            Replace(ref current, root, root);
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Puts the target of a link in the place of its name.
    private static Errno Expand(UnixHandle directory, scoped ReadOnlySpan<byte> terminatedName, bool isLast, byte[] buffer, ref Span<byte> rest)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(LongestPath);
        try
        {
            int error = UnixCalls.ReadLinkAt(directory, terminatedName, rented.AsSpan(0, LongestPath), out int length);
            if (error != 0)
            {
                return UnixErrors.Translate(error);
            }

            if (length == 0)
            {
                return Errno.NoEnt;
            }

            if (rented[0] == (byte)'/')
            {
                return Errno.Perm;
            }

            // What follows begins with its slash, if it is there at all.
            int total = length + rest.Length;
            if (length == LongestPath || total >= LongestPath)
            {
                return Errno.NameTooLong;
            }

            rest.CopyTo(buffer.AsSpan(length));
            rented.AsSpan(0, length).CopyTo(buffer);
            rest = buffer.AsSpan(0, total);
            return Errno.Success;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // Cuts a name off; what follows keeps its slashes, so that a link's target can be put before it.
    private static bool TakeName(ref Span<byte> rest, out ReadOnlySpan<byte> name, out bool isLast, out bool hasSlash)
    {
        Span<byte> start = rest.TrimStart((byte)'/');
        int end = start.IndexOf((byte)'/');
        name = end < 0 ? start : start[..end];
        rest = end < 0 ? [] : start[end..];
        hasSlash = !rest.IsEmpty;
        isLast = rest.TrimStart((byte)'/').IsEmpty;
        return !name.IsEmpty;
    }

    private static Errno Return(UnixFeatures features, UnixHandle root, List<byte[]> names, ref UnixHandle current)
    {
        Replace(ref current, root, root);
        foreach (byte[] name in names)
        {
            UnixHandle? next = UnixCalls.OpenAt(current, name, features.DirectoryFlags, 0, out int error);
            if (next is null)
            {
                // A link now, where a directory was a moment ago: no path leads there any more.
                return error == UnixNumbers.ErrorLoop ? Errno.NotDir : UnixErrors.Translate(error);
            }

            Replace(ref current, root, next);
        }

        return Errno.Success;
    }

    private static void Replace(ref UnixHandle current, UnixHandle root, UnixHandle next)
    {
        if (!ReferenceEquals(current, root))
        {
            current.Dispose();
        }

        current = next;
    }

    private static ReadOnlySpan<byte> Terminate(scoped ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        if (name.Length >= UnixLocation.LongestName)
        {
            return default;
        }

        name.CopyTo(buffer);
        buffer[name.Length] = 0;
        return buffer[..(name.Length + 1)];
    }
}
