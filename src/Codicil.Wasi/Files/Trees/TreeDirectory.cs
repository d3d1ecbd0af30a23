using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>An open directory of a tree.</summary>
internal sealed class TreeDirectory(FileTree tree, DirectoryNode node) : WasiDirectory
{
    private int _isClosed;

    private bool IsClosed => Volatile.Read(ref _isClosed) != 0;

    public override Errno GetStatus(out FileStatus status)
    {
        status = tree.GetStatus(node);
        return Errno.Success;
    }

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime)
    {
        tree.SetTimes(node, accessTime, modificationTime);
        return Errno.Success;
    }

    public override Errno Sync(bool dataOnly) => Errno.Success;

    public override Errno Open(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle)
    {
        handle = null;
        return IsClosed ? Errno.BadF : tree.Open(node, path, options, out handle);
    }

    public override Errno GetStatus(ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status) => tree.GetStatus(node, path, followSymlink, out status);

    public override Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime) =>
        tree.SetTimes(node, path, followSymlink, accessTime, modificationTime);

    public override Errno CreateDirectory(ReadOnlySpan<byte> path) => tree.CreateDirectory(node, path);

    public override Errno RemoveDirectory(ReadOnlySpan<byte> path) => tree.RemoveDirectory(node, path);

    public override Errno UnlinkFile(ReadOnlySpan<byte> path) => tree.UnlinkFile(node, path);

    public override Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) =>
        newDirectory is TreeDirectory other && other.IsIn(tree) ? tree.Rename(node, oldPath, other.Node, newPath) : Errno.XDev;

    public override Errno Link(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) =>
        newDirectory is TreeDirectory other && other.IsIn(tree) ? tree.Link(node, oldPath, other.Node, newPath) : Errno.XDev;

    public override Errno Symlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path) => tree.Symlink(target, node, path);

    public override Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count) => tree.ReadLink(node, path, destination, out count);

    public override Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer) => tree.ReadEntries(node, cookie, ref writer);

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            tree.Close(file: null);
        }

        base.Dispose(disposing);
    }

    private DirectoryNode Node => node;

    private bool IsIn(FileTree other) => tree == other;
}
