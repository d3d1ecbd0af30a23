using System.Buffers;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>The steps of a walk, each of them about one name in an open directory, and none of them following a link. Names end in NUL.</summary>
internal interface IHostSteps<THandle>
    where THandle : class, IDisposable
{
    /// <summary>Opens a directory in a directory. A link, and what is no directory, is <see cref="Errno.NotDir"/> or <see cref="Errno.Loop"/>.</summary>
    Errno OpenDirectory(THandle directory, ReadOnlySpan<byte> name, out THandle? next);

    /// <summary>The target of a link, with <c>/</c> between its names. What is no link is <see cref="Errno.Inval"/>, one that cannot be followed another error.</summary>
    Errno ReadLink(THandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length);
}

/// <summary>
/// Walks a path beneath a directory, name by name, each opened in the directory before it, links never by the system: they are read and put into the path. <c>..</c> goes
/// back to a directory that this walk has come through, by walking there again: the system's own <c>..</c> would lead elsewhere when the directory was moved meanwhile. Whatever others rename, what is found
/// was beneath the directory at some moment of the walk.
/// </summary>
internal static class HostWalk
{
    /// <summary>The longest path, with its NUL, as on Linux.</summary>
    public const int LongestPath = 4096;

    /// <summary>The longest name, with its NUL.</summary>
    public const int LongestName = 256;

    private const int MostLinks = 40;

    // A path of 4,096 bytes has at most 2,048 names. Only going up costs more than one step each.
    private const int MostSteps = 16_384;

    /// <summary>What is wrong with a path before it is looked at. It is the caller's copy: a path may lie in a memory that others write to.</summary>
    public static Errno Check(ReadOnlySpan<byte> path) =>
        path.IsEmpty ? Errno.NoEnt
        : path.Length >= LongestPath ? Errno.NameTooLong
        : path.Contains((byte)0) ? Errno.Inval
        : path[0] == (byte)'/' ? Errno.Perm
        : Errno.Success;

    /// <summary>A name with a NUL at its end; empty when it is too long.</summary>
    public static ReadOnlySpan<byte> Terminate(scoped ReadOnlySpan<byte> name, Span<byte> buffer)
    {
        if (name.Length >= LongestName)
        {
            return default;
        }

        name.CopyTo(buffer);
        buffer[name.Length] = 0;
        return buffer[..(name.Length + 1)];
    }

    /// <summary>Finds the directory and the name that a path leads to. The name need not be there.</summary>
    /// <param name="steps">The system.</param>
    /// <param name="root">What the path is beneath.</param>
    /// <param name="path">The path, which was checked.</param>
    /// <param name="followLast">Whether a link at the end is followed. One with a slash behind it is not, unless this is set.</param>
    /// <param name="nameBuffer">Room for a name, <see cref="LongestName"/> bytes.</param>
    /// <param name="location">What was found.</param>
    public static Errno Find<THandle>(
        IHostSteps<THandle> steps, THandle root, scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<THandle> location)
        where THandle : class, IDisposable
    {
        location = default;
        byte[] rented = ArrayPool<byte>.Shared.Rent(LongestPath * 2);
        var names = new List<byte[]>();
        THandle current = root;
        int links = 0;
        int taken = 0;
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
                        taken += names.Count + 1;
                        Errno errno = taken > MostSteps ? Errno.NameTooLong : Return(steps, root, names, ref current);
                        if (errno != Errno.Success)
                        {
                            return errno;
                        }
                    }

                    if (isLast)
                    {
                        location = new HostLocation<THandle>(current, !ReferenceEquals(current, root), default, mustBeDirectory: true) { IsParent = isParent };
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

                if (!isLast)
                {
                    Errno errno = steps.OpenDirectory(current, terminated, out THandle? next);
                    if (errno == Errno.Success)
                    {
                        Replace(ref current, root, next!);
                        names.Add(terminated.ToArray());
                        if (++taken > MostSteps)
                        {
                            return Errno.NameTooLong;
                        }

                        continue;
                    }

                    // Which error a link makes differs between systems, and from what else is no directory it does not differ at all.
                    if (errno is not (Errno.NotDir or Errno.Loop))
                    {
                        return errno;
                    }
                }

                if (isLast && !followLast)
                {
                    location = new HostLocation<THandle>(current, !ReferenceEquals(current, root), terminated, hasSlash);
                    current = root;
                    return Errno.Success;
                }

                Errno linkError = Expand(steps, current, terminated, rented, ref rest);
                if (linkError == Errno.Success)
                {
                    if (++links > MostLinks)
                    {
                        return Errno.Loop;
                    }
                }
                else if (isLast && linkError is Errno.Inval or Errno.NoEnt)
                {
                    location = new HostLocation<THandle>(current, !ReferenceEquals(current, root), terminated, hasSlash);
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
    private static Errno Expand<THandle>(IHostSteps<THandle> steps, THandle directory, scoped ReadOnlySpan<byte> terminatedName, byte[] buffer, ref Span<byte> rest)
        where THandle : class, IDisposable
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(LongestPath);
        try
        {
            Errno errno = steps.ReadLink(directory, terminatedName, rented.AsSpan(0, LongestPath), out int length);
            if (errno != Errno.Success)
            {
                return errno;
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

    private static Errno Return<THandle>(IHostSteps<THandle> steps, THandle root, List<byte[]> names, ref THandle current)
        where THandle : class, IDisposable
    {
        Replace(ref current, root, root);
        foreach (byte[] name in names)
        {
            Errno errno = steps.OpenDirectory(current, name, out THandle? next);
            if (errno != Errno.Success)
            {
                // A link now, where a directory was a moment ago: no path leads there any more.
                return errno == Errno.Loop ? Errno.NotDir : errno;
            }

            Replace(ref current, root, next!);
        }

        return Errno.Success;
    }

    private static void Replace<THandle>(ref THandle current, THandle root, THandle next)
        where THandle : class, IDisposable
    {
        if (!ReferenceEquals(current, root))
        {
            current.Dispose();
        }

        current = next;
    }
}
