using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files.Trees;

namespace Codicil.Wasi.Files;

/// <summary>A place in the tree of guest paths that has a mount, or leads to one.</summary>
internal sealed class MountPoint
{
    private readonly Dictionary<byte[], MountPoint> _byName = new(NameComparer.Instance);
    private readonly List<(byte[] Name, MountPoint Point)> _children = [];
    private WasiMount? _mount;

    /// <summary>Whether there are mounts beneath it.</summary>
    public bool HasChildren => _children.Count != 0;

    /// <summary>The names beneath it, in the order of the mounts.</summary>
    public IReadOnlyList<(byte[] Name, MountPoint Point)> Children => _children;

    /// <summary>Whether a file system is mounted here; otherwise it is a directory on the way to one.</summary>
    public bool HasMount => _mount is not null;

    /// <summary>The tree of all mounts.</summary>
    public static MountPoint Build(IReadOnlyList<WasiMount> mounts)
    {
        var root = new MountPoint();
        foreach (WasiMount mount in mounts)
        {
            root.At(mount)._mount = mount;
        }

        return root;
    }

    /// <summary>Where a mount is.</summary>
    public MountPoint At(WasiMount mount)
    {
        MountPoint point = this;
        foreach (string name in mount.Names)
        {
            byte[] key = Encoding.UTF8.GetBytes(name);
            if (!point._byName.TryGetValue(key, out MountPoint? child))
            {
                child = new MountPoint();
                point._byName.Add(key, child);
                point._children.Add((key, child));
            }

            point = child;
        }

        return point;
    }

    /// <summary>What a name leads to; null when to no mount.</summary>
    public MountPoint? Find(ReadOnlySpan<byte> name) => _byName.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out MountPoint? child) ? child : null;

    /// <summary>Opens what is mounted here, without what is mounted beneath it.</summary>
    /// <exception cref="IOException">It cannot be opened.</exception>
    public WasiDirectory OpenRoot()
    {
        WasiDirectory root = _mount!.FileSystem.OpenRoot() ?? throw new InvalidOperationException($"the file system of `{_mount.GuestPath}` opened no root");
        return _mount.IsReadOnly ? new ReadOnlyDirectory(root) : root;
    }

    /// <summary>Opens what is mounted here for a program that walks by.</summary>
    public Errno TryOpenRoot(out WasiDirectory? root)
    {
        try
        {
            root = OpenRoot();
            return Errno.Success;
        }
        catch (IOException)
        {
            root = null;
            return Errno.Io;
        }
    }
}
