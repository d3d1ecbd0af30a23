using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>An open file of a tree.</summary>
internal sealed class TreeFile(FileTree tree, FileNode node) : WasiFile
{
    private int _isClosed;

    public override Errno GetStatus(out FileStatus status)
    {
        status = node.GetStatus();
        return Errno.Success;
    }

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime)
    {
        node.SetTimes(accessTime, modificationTime);
        return Errno.Success;
    }

    public override Errno Sync(bool dataOnly) => Errno.Success;

    public override Errno ReadAt(Span<byte> destination, ulong offset, out int count) => node.Read(destination, offset, out count);

    public override Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count) => node.Write(source, offset, out count);

    public override Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count) => node.Append(source, out position, out count);

    public override Errno SetSize(ulong size) => node.SetSize(size);

    public override Errno Allocate(ulong offset, ulong length) => node.Allocate(offset, length);

    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _isClosed, 1) == 0)
        {
            tree.Close(node);
        }

        base.Dispose(disposing);
    }
}
