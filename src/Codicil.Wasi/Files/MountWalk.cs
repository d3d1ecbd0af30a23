using Codicil.Wasi.Abi;
using Codicil.Wasi.Files.Trees;

namespace Codicil.Wasi.Files;

/// <summary>
/// The way along a path in a directory that has mounts beneath it. It is walked name by name, with a handle for each directory on it: where a name is a mount's, it goes on there, and <c>..</c> comes back. What
/// others do meanwhile cannot lead out, since no directory is looked for by more than a name.
/// </summary>
internal sealed class MountWalk : IDisposable
{
    private const int MostLinks = 40;
    private const int LongestTarget = 4095;

    private readonly List<Frame> _frames = [];
    private int _links;

    private MountWalk(WasiDirectory? directory, MountPoint point) => _frames.Add(new Frame(directory, point));

    /// <summary>The directory that was reached; null when it is only there because of the mounts beneath it.</summary>
    public WasiDirectory? Directory => _frames[^1].Directory;

    /// <summary>The mounts beneath the directory that was reached; null when there are none.</summary>
    public MountPoint? Point => _frames[^1].Point;

    /// <summary>The last name, with a slash when the path ends in one; empty when it names the directory that was reached.</summary>
    public byte[] Name { get; private set; } = [];

    /// <summary>Whether the path ends in <c>..</c>.</summary>
    public bool EndsInParent { get; private set; }

    /// <summary>Where the last name leads to when it is a mount's, or on the way to one.</summary>
    public MountPoint? Child { get; private set; }

    /// <summary>Walks along a path up to its last name.</summary>
    public static Errno To(WasiDirectory? directory, MountPoint point, ReadOnlySpan<byte> path, LastLink lastLink, out MountWalk walk)
    {
        walk = new MountWalk(directory, point);
        return walk.Run(path.ToArray(), lastLink);
    }

    /// <summary>Goes into what the last name leads to (<see cref="Child"/>).</summary>
    public Errno EnterChild()
    {
        MountPoint child = Child!;
        Child = null;
        return Enter(Name.AsSpan().TrimEnd((byte)'/'), child);
    }

    public void Dispose()
    {
        // The first is the one that the walk began in.
        var disposal = default(Disposal);
        for (int i = _frames.Count - 1; i > 0; i--)
        {
            disposal.Dispose(_frames[i].Directory);
        }

        disposal.End();
    }

    private Errno Run(ReadOnlySpan<byte> rest, LastLink lastLink)
    {
        while (true)
        {
            rest = rest.TrimStart((byte)'/');
            if (rest.IsEmpty)
            {
                return Errno.Success;
            }

            int length = rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = length < 0 ? rest : rest[..length];
            rest = rest[name.Length..];
            bool isLast = rest.Trim((byte)'/').IsEmpty;
            bool hasSlash = !rest.IsEmpty;
            if (name.SequenceEqual("."u8))
            {
                continue;
            }

            if (name.SequenceEqual(".."u8))
            {
                if (_frames.Count == 1)
                {
                    return Errno.Perm;
                }

                Leave();
                EndsInParent = isLast;
                continue;
            }

            if (Point?.Find(name) is MountPoint child)
            {
                if (isLast)
                {
                    Child = child;
                    return End(name, hasSlash);
                }

                Errno entered = Enter(name, child);
                if (entered != Errno.Success)
                {
                    return entered;
                }

                continue;
            }

            if (isLast && (lastLink == LastLink.Keep || (lastLink == LastLink.FollowBeforeSlash && !hasSlash)))
            {
                return End(name, hasSlash);
            }

            if (Directory is not WasiDirectory directory)
            {
                return isLast ? End(name, hasSlash) : Errno.NoEnt;
            }

            if (!isLast)
            {
                Errno opened = directory.Open(name, new WasiOpenOptions(OFlags.Directory, FileAccess.Read, FdFlags.None, FollowSymlink: false), out WasiHandle? handle);
                if (opened == Errno.Success)
                {
                    _frames.Add(new Frame((WasiDirectory)handle!, null));
                    continue;
                }

                if (opened is not (Errno.Loop or Errno.NotDir))
                {
                    return opened;
                }
            }

            Errno errno = Follow(directory, name, ref rest);
            if (errno == Errno.Success)
            {
                continue;
            }

            // It is no link, or not there: the function that is asked for will say.
            return isLast && errno is Errno.Inval or Errno.NoEnt ? End(name, hasSlash) : errno == Errno.Inval ? Errno.NotDir : errno;
        }
    }

    private Errno End(ReadOnlySpan<byte> name, bool hasSlash)
    {
        EndsInParent = false;
        Name = hasSlash ? [.. name, (byte)'/'] : name.ToArray();
        return Errno.Success;
    }

    private Errno Follow(WasiDirectory directory, ReadOnlySpan<byte> name, ref ReadOnlySpan<byte> rest)
    {
        byte[] target = new byte[LongestTarget];
        Errno errno = directory.ReadLink(name, target, out int count);
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (++_links > MostLinks)
        {
            return Errno.Loop;
        }

        if (count == 0)
        {
            return Errno.NoEnt;
        }

        if (target[0] == '/')
        {
            return Errno.Perm;
        }

        rest = (byte[])[.. target.AsSpan(0, count), .. rest];
        return Errno.Success;
    }

    private Errno Enter(ReadOnlySpan<byte> name, MountPoint child)
    {
        WasiDirectory? directory = null;
        if (child.HasMount)
        {
            Errno errno = child.TryOpenRoot(out directory);
            if (errno != Errno.Success)
            {
                return errno;
            }
        }
        else if (Directory is not null)
        {
            // Where there is no such directory it is there nevertheless, with nothing but the mounts in it.
            Directory.Open(name, new WasiOpenOptions(OFlags.Directory, FileAccess.Read, FdFlags.None, FollowSymlink: false), out WasiHandle? handle);
            directory = handle as WasiDirectory;
        }

        _frames.Add(new Frame(directory, child.HasChildren ? child : null));
        return Errno.Success;
    }

    private void Leave()
    {
        WasiDirectory? directory = _frames[^1].Directory;
        _frames.RemoveAt(_frames.Count - 1);
        directory?.Dispose();
    }

    private readonly record struct Frame(WasiDirectory? Directory, MountPoint? Point);
}
