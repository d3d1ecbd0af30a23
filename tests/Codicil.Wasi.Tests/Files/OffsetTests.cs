using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

[Trait("Security", "WF-12")]
public sealed class OffsetTests
{
    public static TheoryData<FileStorageKind> Kinds => [.. Enum.GetValues<FileStorageKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Offsets_and_sizes_beyond_reason_are_refused(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        Assert.Equal(Errno.Success, guest.WriteFile("file", "contents"));
        uint file = guest.Open("file");
        foreach (ulong huge in (ulong[])[1UL << 63, (1UL << 63) + 1, ulong.MaxValue - 1, ulong.MaxValue])
        {
            Assert.Equal(Errno.Inval, guest.Read(file, out _, offset: (long)huge));
            Assert.Equal(Errno.Inval, guest.Write(file, "x", offset: (long)huge));
            Assert.Equal(Errno.Inval, guest.Guest.Call("fd_filestat_set_size", file, (long)huge));
            Assert.Equal(Errno.Inval, guest.Guest.Call("fd_allocate", file, (long)huge, 1L));
            Assert.Equal(Errno.Inval, guest.Guest.Call("fd_allocate", file, 0L, (long)huge));
            Assert.Equal(Errno.Inval, guest.Guest.Call("fd_advise", file, (long)huge, 1L, 0));
            Assert.Equal(Errno.Inval, guest.Guest.Call("fd_advise", file, 0L, (long)huge, 0));
            Assert.Equal(Errno.Inval, guest.Seek(file, (long)huge, Whence.Set, out _));
        }

        Assert.Equal(Errno.Inval, guest.Guest.Call("fd_allocate", file, 0L, 0L));
        Assert.Equal(Errno.FBig, guest.Guest.Call("fd_allocate", file, long.MaxValue, 1L));
        foreach (long large in (long[])[1L << 62, (1L << 62) + 1, long.MaxValue - 1, long.MaxValue])
        {
            Assert.Equal(Errno.Success, guest.Read(file, out string text, offset: large));
            Assert.Equal("", text);
            Assert.Equal(Errno.Success, guest.Seek(file, large, Whence.Set, out long position));
            Assert.Equal(large, position);
            Assert.Equal(Errno.Success, guest.Read(file, out text));
            Assert.Equal("", text);
            if (kind != FileStorageKind.Host || OperatingSystem.IsLinux())
            {
                Assert.Equal(Errno.NoSpc, guest.Guest.Call("fd_allocate", file, 0L, large));
            }

            Assert.Equal(Errno.Success, guest.Guest.Call("fd_advise", file, 0L, large, 3));
        }

        Assert.Equal(8UL, guest.GetStatus("file").Size);
        Assert.Equal("contents", guest.ReadFile("file"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Seeking_before_the_beginning_and_beyond_all_numbers_changes_nothing(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        Assert.Equal(Errno.Success, guest.WriteFile("file", "contents"));
        uint file = guest.Open("file");
        Assert.Equal(Errno.Success, guest.Seek(file, 3, Whence.Set, out _));
        foreach ((long offset, Whence whence, Errno expected) in (IEnumerable<(long, Whence, Errno)>)
        [
            (-1, Whence.Set, Errno.Inval), (long.MinValue, Whence.Set, Errno.Inval), (-4, Whence.Current, Errno.Inval), (long.MinValue, Whence.Current, Errno.Inval),
            (-9, Whence.End, Errno.Inval), (long.MinValue, Whence.End, Errno.Inval), (long.MaxValue, Whence.Current, Errno.Overflow), (long.MaxValue, Whence.End, Errno.Overflow),
            (long.MaxValue - 2, Whence.Current, Errno.Overflow),
        ])
        {
            Assert.Equal(expected, guest.Seek(file, offset, whence, out _));
            Assert.Equal(Errno.Success, guest.Seek(file, 0, Whence.Current, out long position));
            Assert.Equal(3, position);
        }

        Assert.Equal(Errno.Inval, guest.Guest.Call("fd_seek", file, 0L, 3, FileGuest.Result));
        Assert.Equal(Errno.Success, guest.Seek(file, -8, Whence.End, out long start));
        Assert.Equal(0, start);
        Assert.Equal(Errno.Success, guest.Seek(file, long.MaxValue, Whence.Current, out long last));
        Assert.Equal(long.MaxValue, last);
        Assert.Equal(Errno.FBig, guest.Write(file, "x"));
        Assert.Equal(Errno.Success, guest.Write(file, ""));
        Assert.Equal(8UL, guest.GetStatus("file").Size);
    }

    [Theory]
    [InlineData(FileStorageKind.Memory)]
    [InlineData(FileStorageKind.Overlay)]
    public void Holes_cost_nothing_and_the_budget_holds(FileStorageKind kind)
    {
        var memory = new InMemoryFileSystem(maximumSizeInBytes: 1 << 20);
        WasiFileSystem fileSystem = kind == FileStorageKind.Memory ? memory : new OverlayFileSystem(new InMemoryFileSystem(), maximumSizeInBytes: 1 << 20);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem));
        uint file = guest.Open("file", OFlags.Create);
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", file, long.MaxValue));
        Assert.Equal((ulong)long.MaxValue, guest.GetStatus("file").Size);
        Assert.Equal(Errno.Success, guest.Write(file, "far", offset: 1L << 62));
        Assert.Equal(Errno.Success, guest.Read(file, out string text, 5, offset: (1L << 62) - 1));
        Assert.Equal("\0far\0", text);
        Assert.Equal(Errno.NoSpc, guest.Guest.Call("fd_allocate", file, 0L, 1L << 40));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", file, 0L));
        Errno errno;
        int written = 0;
        do
        {
            guest.Guest.WriteVector(512, 1024, 30_000);
            errno = guest.Guest.Call("fd_write", file, 512, 1, FileGuest.Result);
            written += errno == Errno.Success ? guest.Guest.Memory.ReadInt32(FileGuest.Result) : 0;
        }
        while (errno == Errno.Success && written < 2 << 20);
        Assert.Equal(Errno.NoSpc, errno);
        Assert.InRange(written, 800_000, 1 << 20);
        Assert.Equal((ulong)written, guest.GetStatus("file").Size);

        // Neither many names, nor long links, nor renaming, nor opening and removing is a way around it.
        for (int i = 0; errno != Errno.NoSpc || i == 0; i++)
        {
            errno = guest.CreateDirectory($"directory {i}");
        }

        Assert.Equal(Errno.NoSpc, guest.Symlink(new string('t', 4000), "link"));
        Assert.Equal(Errno.Success, guest.Close(file));
        Assert.Equal(Errno.Success, guest.Unlink("file"));
        for (int i = 0; i < 10_000; i++)
        {
            Assert.Equal(Errno.Success, guest.WriteFile("again", "contents"));
            Assert.Equal(Errno.Success, guest.Rename("again", "other"));
            Assert.Equal(Errno.Success, guest.Link("other", "third"));
            Assert.Equal(Errno.Success, guest.Unlink("other"));
            Assert.Equal(Errno.Success, guest.Unlink("third"));
        }

    }
}
