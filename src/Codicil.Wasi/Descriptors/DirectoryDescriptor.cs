using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Descriptors;

/// <summary>A directory of a file system, pre-opened or opened by the program.</summary>
internal sealed class DirectoryDescriptor(WasiDirectory directory, Rights rightsBase, Rights rightsInheriting, ReadOnlyMemory<byte>? preopenName)
    : Descriptor(FileType.Directory, rightsBase, rightsInheriting)
{
    public WasiDirectory Directory { get; } = directory;

    public override ReadOnlyMemory<byte>? PreopenName { get; } = preopenName;

    public override Errno Sync(bool dataOnly) => Directory.Sync(dataOnly);

    public override Errno GetStatus(out FileStatus status) => Directory.GetStatus(out status);

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => Directory.SetTimes(accessTime, modificationTime);

    public override Errno ReadDirectory(Span<byte> destination, ulong cookie, out int count)
    {
        var writer = new DirectoryEntryWriter(destination);
        Errno errno = Directory.ReadEntries(cookie, ref writer);
        count = writer.Count;
        return errno;
    }

    public override Errno Close()
    {
        Dispose();
        return Errno.Success;
    }

    public override void Dispose()
    {
        Directory.Dispose();
        base.Dispose();
    }
}
