using System.Buffers;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// Finds what a path names beneath a directory. No step follows a link that was not read and checked here, or by the system under the rule that everything stays beneath;
/// whatever others rename meanwhile, what is found was beneath the directory at some moment of the search. Two ways lead there: <c>openat2</c>, and a walk name by name (<see cref="HostWalk"/>).
/// </summary>
internal static class UnixResolver
{
    // Somebody renames something, anywhere on the machine: then a path with `..` cannot be vouched for.
    private const int MostAttempts = 16;

    private static readonly SearchValues<byte> s_slash = SearchValues.Create((byte)'/');

    /// <summary>Opens what a path names, in one system call; null and <see cref="UnixNumbers.ErrorAgain"/> when it has to be walked.</summary>
    public static UnixHandle? OpenBeneath(UnixHandle root, scoped ReadOnlySpan<byte> path, int flags, out int error)
    {
        if (path.Length >= HostWalk.LongestPath)
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
    /// <param name="nameBuffer">Room for a name, <see cref="HostWalk.LongestName"/> bytes.</param>
    /// <param name="location">What was found.</param>
    public static Errno Resolve(UnixFeatures features, UnixHandle root, scoped ReadOnlySpan<byte> path, bool followLast, Span<byte> nameBuffer, out HostLocation<UnixHandle> location)
    {
        location = default;
        if (path.Length >= HostWalk.LongestPath)
        {
            return Errno.NameTooLong;
        }

        // A path may lie in a memory that others write to: what is checked must be what is used.
        Span<byte> copy = stackalloc byte[path.Length];
        path.CopyTo(copy);
        path = copy;
        Errno errno = HostWalk.Check(path);
        if (errno != Errno.Success)
        {
            return errno;
        }

        ReadOnlySpan<byte> trimmed = path.TrimEnd((byte)'/');
        int last = trimmed.LastIndexOfAny(s_slash) + 1;
        ReadOnlySpan<byte> name = trimmed[last..];
        bool isDots = name is [(byte)'.'] or [(byte)'.', (byte)'.'];
        if (last != 0 || isDots)
        {
            if (!features.OpensBeneath)
            {
                return HostWalk.Find(features, root, path, followLast, nameBuffer, out location);
            }

            UnixHandle? directory = OpenBeneath(root, isDots ? trimmed : trimmed[..last], features.DirectoryFlags & ~UnixNumbers.OpenNoFollow, out int error);
            if (directory is null)
            {
                return error == UnixNumbers.ErrorAgain ? HostWalk.Find(features, root, path, followLast, nameBuffer, out location) : Translate(error);
            }

            location = isDots
                ? new HostLocation<UnixHandle>(directory, isOwned: true, default, mustBeDirectory: true) { IsParent = name.Length == 2 }
                : new HostLocation<UnixHandle>(directory, isOwned: true, HostWalk.Terminate(name, nameBuffer), trimmed.Length != path.Length);
        }
        else
        {
            location = new HostLocation<UnixHandle>(root, isOwned: false, HostWalk.Terminate(name, nameBuffer), trimmed.Length != path.Length);
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
            return HostWalk.Find(features, root, path, followLast, nameBuffer, out location);
        }

        return Errno.Success;
    }

    private static bool IsLink(in HostLocation<UnixHandle> location)
    {
        Span<byte> first = stackalloc byte[1];
        return UnixCalls.ReadLinkAt(location.Directory, location.Name, first, out _) == 0;
    }
}
