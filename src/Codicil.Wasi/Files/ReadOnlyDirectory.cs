using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>A directory of any file system, of which nothing can be changed. What would change something is <see cref="Errno.RoFs"/>, but for errors that it would have anyway.</summary>
internal sealed class ReadOnlyDirectory(WasiDirectory directory) : WasiDirectory
{
    public override Errno GetStatus(out FileStatus status) => directory.GetStatus(out status);

    public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => Errno.RoFs;

    public override Errno Sync(bool dataOnly) => Errno.Success;

    public override Errno Open(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle)
    {
        WasiOpenOptions reading = options with { OpenFlags = options.OpenFlags & OFlags.Directory, Access = FileAccess.Read };
        Errno errno = directory.Open(path, reading, out handle);
        if (errno == Errno.NoEnt && options.Has(OFlags.Create))
        {
            return Errno.RoFs;
        }

        if (errno != Errno.Success)
        {
            return errno;
        }

        bool changes = options.CanWrite || options.Has(OFlags.Truncate);
        errno = options.Has(OFlags.Create) && options.Has(OFlags.Exclusive) ? Errno.Exist :
            !changes ? Errno.Success :
            handle is WasiDirectory ? Errno.IsDir : Errno.RoFs;
        if (errno != Errno.Success)
        {
            handle!.Dispose();
            handle = null;
            return errno;
        }

        handle = handle switch
        {
            WasiDirectory opened => new ReadOnlyDirectory(opened),
            WasiFile file => new ReadOnlyFile(file),
            _ => handle,
        };
        return Errno.Success;
    }

    public override Errno GetStatus(ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status) => directory.GetStatus(path, followSymlink, out status);

    public override Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime) => Refuse(path, followSymlink);

    public override Errno CreateDirectory(ReadOnlySpan<byte> path) => RefuseToCreate(path);

    public override Errno RemoveDirectory(ReadOnlySpan<byte> path)
    {
        Errno errno = directory.GetStatus(path, followSymlink: false, out FileStatus status);
        return errno != Errno.Success ? errno : status.Type == FileType.Directory ? Errno.RoFs : Errno.NotDir;
    }

    public override Errno UnlinkFile(ReadOnlySpan<byte> path)
    {
        Errno errno = directory.GetStatus(path, followSymlink: false, out FileStatus status);
        return errno != Errno.Success ? errno : status.Type == FileType.Directory ? Errno.IsDir : Errno.RoFs;
    }

    public override Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) => Refuse(oldPath, followSymlink: false);

    public override Errno Link(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath) => Refuse(oldPath, followSymlink: false);

    public override Errno Symlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path) => RefuseToCreate(path);

    public override Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count) => directory.ReadLink(path, destination, out count);

    public override Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer) => directory.ReadEntries(cookie, ref writer);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            directory.Dispose();
        }

        base.Dispose(disposing);
    }

    private Errno Refuse(ReadOnlySpan<byte> path, bool followSymlink)
    {
        Errno errno = directory.GetStatus(path, followSymlink, out _);
        return errno != Errno.Success ? errno : Errno.RoFs;
    }

    // mkdir -p is satisfied with what is there.
    private Errno RefuseToCreate(ReadOnlySpan<byte> path)
    {
        Errno errno = directory.GetStatus(path, followSymlink: false, out _);
        return errno == Errno.Success ? Errno.Exist : errno == Errno.NoEnt ? Errno.RoFs : errno;
    }

    private sealed class ReadOnlyFile(WasiFile file) : WasiFile
    {
        public override FileType Type => file.Type;

        public override bool CanSeek => file.CanSeek;

        public override Errno GetStatus(out FileStatus status) => file.GetStatus(out status);

        public override Errno SetTimes(ulong? accessTime, ulong? modificationTime) => Errno.RoFs;

        public override Errno Sync(bool dataOnly) => Errno.Success;

        public override Errno Read(Span<byte> destination, out int count) => file.Read(destination, out count);

        public override Errno ReadAt(Span<byte> destination, ulong offset, out int count) => file.ReadAt(destination, offset, out count);

        public override Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count)
        {
            count = 0;
            return Errno.RoFs;
        }

        public override Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count)
        {
            position = 0;
            count = 0;
            return Errno.RoFs;
        }

        public override Errno SetSize(ulong size) => Errno.RoFs;

        public override Errno Allocate(ulong offset, ulong length) => Errno.RoFs;

        public override Errno Advise(ulong offset, ulong length, Advice advice) => file.Advise(offset, length, advice);

        public override Errno Write(ReadOnlySpan<byte> source, out int count)
        {
            count = 0;
            return Errno.RoFs;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                file.Dispose();
            }

            base.Dispose(disposing);
        }
    }
}
