using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;
using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

public sealed class HostFileTests
{
    public static TheoryData<string> Ways => HostTree.Ways;

    [Fact]
    public void Appending_and_writing_at_offsets_mix()
    {
        using var tree = new HostTree("openat2");
        tree.Write("file", "0123");
        using WasiFile file = Open(tree, "file");
        using WasiFile other = Open(tree, "file");
        Assert.Equal(Errno.Success, file.Append("ab"u8, out ulong position, out int count));
        Assert.Equal((6ul, 2), (position, count));
        Assert.Equal(Errno.Success, other.Append("cd"u8, out position, out count));
        Assert.Equal((8ul, 2), (position, count));
        Assert.Equal(Errno.Success, file.WriteAt("X"u8, 1, out count));
        Assert.Equal(Errno.Success, file.Append("e"u8, out position, out count));
        Assert.Equal((9ul, 1), (position, count));
        Assert.Equal(Errno.Success, file.Append(default, out _, out count));
        Assert.Equal(0, count);
        Assert.Equal("0X23abcde", File.ReadAllText(tree.At("file")));
    }

    [Fact]
    public async Task Appends_of_two_do_not_overwrite_each_other()
    {
        using var tree = new HostTree("openat2");
        tree.Write("file", "");
        const int Count = 2000;
        await Task.WhenAll(Enumerable.Range(0, 2).Select(number => Task.Run(() =>
        {
            using WasiFile file = Open(tree, "file");
            byte[] line = [(byte)('a' + number), (byte)'\n'];
            for (int i = 0; i < Count; i++)
            {
                Assert.Equal(Errno.Success, file.Append(line, out _, out int count));
                Assert.Equal(2, count);
            }
        })));
        Assert.Equal(Count * 4, new FileInfo(tree.At("file")).Length);
        Assert.Equal(Count, File.ReadLines(tree.At("file")).Count(static line => line == "a"));
    }

    [Fact]
    [Trait("Security", "WF-12")]
    public void Offsets_and_sizes_may_be_any_number()
    {
        using var tree = new HostTree("openat2");
        tree.Write("file", "0123");
        using WasiFile file = Open(tree, "file");
        byte[] buffer = new byte[8];
        foreach (ulong offset in (ulong[])[4, 1ul << 62, long.MaxValue - 4, long.MaxValue, 1ul << 63, ulong.MaxValue])
        {
            Assert.Equal(Errno.Success, file.ReadAt(buffer, offset, out int count));
            Assert.Equal(0, count);
        }

        foreach (ulong offset in (ulong[])[long.MaxValue, 1ul << 63, ulong.MaxValue])
        {
            Assert.Equal(Errno.FBig, file.WriteAt(buffer, offset, out int count));
            Assert.Equal(0, count);
            Assert.Equal(Errno.Success, file.WriteAt(default, offset, out count));
            Assert.True(file.SetSize(offset) is Errno.FBig or Errno.Inval);
            Assert.Equal(Errno.FBig, file.Allocate(offset, 1));
            Assert.Equal(Errno.Success, file.Advise(offset, 1, Advice.WillNeed));
        }

        Assert.Equal("0123", File.ReadAllText(tree.At("file")));
        foreach (Advice advice in Enum.GetValues<Advice>())
        {
            Assert.Equal(Errno.Success, file.Advise(0, 0, advice));
        }

        Assert.Equal(Errno.Success, file.SetSize(2));
        Assert.Equal(Errno.Success, file.SetSize(6));
        Assert.Equal("01\0\0\0\0", File.ReadAllText(tree.At("file")));
        Errno allocated = file.Allocate(4, 8);
        Assert.True(allocated is Errno.Success or Errno.NotSup);
        Assert.Equal(allocated == Errno.Success ? 12 : 6, new FileInfo(tree.At("file")).Length);
        Assert.Equal(Errno.Success, file.Sync(dataOnly: true));
        Assert.Equal(Errno.Success, file.Sync(dataOnly: false));
        Assert.Equal(Errno.Success, file.SetTimes(1_000_000_002, 3_000_000_004));
        Assert.Equal(Errno.Success, file.GetStatus(out FileStatus status));
        Assert.Equal((1_000_000_002ul, 3_000_000_004ul), (status.AccessTime, status.ModificationTime));
    }

    [Theory]
    [Trait("Security", "WF-12")]
    [InlineData(0, 1L << 60)]
    [InlineData(1L << 41, 1L << 46)]
    [InlineData(0, 0)]
    public void Storage_that_there_is_no_room_for_is_not_begun(long offset, long length)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "storage is reserved on Linux only");
        using var tree = new HostTree("openat2");
        tree.Write("file", "0123");
        Assert.Equal(Errno.Success, tree.Open("file", out WasiHandle? handle, access: FileAccess.ReadWrite));
        using var file = (WasiFile)handle!;
        if (length == 0)
        {
            length = new DriveInfo(tree.RootPath).AvailableFreeSpace + (4L << 30);
        }

        Assert.Equal(Errno.Success, file.GetStatus(out FileStatus before));
        Assert.Equal(Errno.NoSpc, file.Allocate((ulong)offset, (ulong)length));

        // The time of the last change shows that it was not even tried.
        Assert.Equal(Errno.Success, file.GetStatus(out FileStatus after));
        Assert.Equal(before, after);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_file_that_was_opened_for_one_thing_does_not_do_another(string way)
    {
        using var tree = new HostTree(way);
        tree.Write("file", "0123");
        Assert.Equal(Errno.Success, tree.Open("file", out WasiHandle? handle));
        using (var file = (WasiFile)handle!)
        {
            Assert.Equal(Errno.BadF, file.WriteAt("x"u8, 0, out _));
        }

        Assert.Equal(Errno.Success, tree.Open("file", out handle, access: FileAccess.Write, fdFlags: FdFlags.Sync));
        using (var file = (WasiFile)handle!)
        {
            Assert.Equal(Errno.BadF, file.ReadAt(new byte[1], 0, out _));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-10")]
    public void Everything_is_closed_again(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d/e");
        tree.Write("file", "0123");
        tree.Write("d/file", "0123");
        tree.Link("d/e/../file", "link");
        tree.Link("../outside", "out");
        tree.MakeFifo("pipe");
        int before = tree.CountOpenDescriptors();
        foreach (string path in (string[])["file", "d", "d/e", "d/file", "link", "link/", "out", "out/x", "pipe", "none", "d/none", "d/../file", "..", "d/file/x", new string('n', 300), "d/" + new string('n', 300), "d/e/.."])
        {
            foreach (OFlags flags in (OFlags[])[OFlags.None, OFlags.Directory, OFlags.Truncate, OFlags.Create | OFlags.Exclusive])
            {
                tree.Open(path, flags, FileAccess.Read);
                tree.Open(path, flags, FileAccess.Write, follow: false);
            }

            tree.Status(path);
            tree.Status(path, follow: false);
            tree.ReadLink(path);
            tree.Root.SetTimes(HostTree.Bytes(path), true, 1, 1);
            tree.Rename(path, "none/x");
            tree.Rename("none/x", path);
            tree.HardLink(path, "d/e/link");
            tree.HardLink("file", path);
            tree.Symlink("x", path);
            tree.MakeDirectoryAsGuest(path);
            tree.RemoveDirectory(path);
            tree.Unlink(path);
        }

        Assert.Equal(before, tree.CountOpenDescriptors());
        tree.MakeDirectory("d");
        Assert.Equal(Errno.Success, tree.Open("d", out WasiHandle? handle));
        Listing.Read((WasiDirectory)handle!);
        Assert.Equal(before + 2, tree.CountOpenDescriptors());
        handle!.Dispose();
        handle.Dispose();
        Assert.Equal(before, tree.CountOpenDescriptors());
        tree.Root.Dispose();
        Assert.Equal(0, tree.CountOpenDescriptors());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "CL-02")]
    public void What_is_disposed_says_so_and_reaches_nothing(string way)
    {
        using var tree = new HostTree(way);
        tree.Write("file", "0123");
        WasiFile file = Open(tree, "file");
        file.Dispose();
        tree.Root.Dispose();
        Assert.Equal(Errno.BadF, file.ReadAt(new byte[4], 0, out _));
        Assert.Equal(Errno.BadF, file.WriteAt(new byte[4], 0, out _));
        Assert.Equal(Errno.BadF, file.Append(new byte[4], out _, out _));
        Assert.Equal(Errno.BadF, file.SetSize(0));
        Assert.Equal(Errno.BadF, file.Allocate(0, 1));
        Assert.Equal(Errno.BadF, file.Sync(true));
        Assert.Equal(Errno.BadF, file.GetStatus(out _));
        Assert.Equal(Errno.BadF, file.SetTimes(1, 1));
        foreach (string path in (string[])["file", "d/file", ".", "d/.."])
        {
            Assert.All(tree.TryEverything(path), static result => Assert.True(
                result.Value is Errno.BadF || (result.Value is Errno.Exist or Errno.IsDir or Errno.Inval or Errno.Busy or Errno.NotEmpty), result.ToString()));
        }

        var writer = new DirectoryEntryWriter(new byte[100]);
        Assert.Equal(Errno.BadF, tree.Root.ReadEntries(0, ref writer));
        Assert.Equal(Errno.BadF, tree.Root.GetStatus(out _));
        Assert.Equal(0, writer.Count);
        Assert.Equal("own", File.ReadAllText(tree.At("own")));
        Assert.Equal("0123", File.ReadAllText(tree.At("file")));
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task Disposal_on_another_thread_ends_calls_and_leaves_nothing_open()
    {
        for (int round = 0; round < 20; round++)
        {
            using var tree = new HostTree("openat2");
            tree.MakeDirectory("d");
            tree.Write("d/file", "0123");
            using var started = new ManualResetEventSlim();
            Task<Errno> guest = Task.Run(() =>
            {
                byte[] buffer = new byte[4];
                while (true)
                {
                    Errno errno = tree.Open("d/file", out WasiHandle? handle);
                    started.Set();
                    if (errno != Errno.Success)
                    {
                        return errno;
                    }

                    ((WasiFile)handle!).ReadAt(buffer, 0, out int count);
                    Assert.Equal(4, count);
                    handle.Dispose();
                    var writer = new DirectoryEntryWriter(buffer);
                    tree.Root.ReadEntries(0, ref writer);
                }
            });
            started.Wait(TimeSpan.FromMinutes(1));
            tree.Root.Dispose();
            Assert.Equal(Errno.BadF, await guest.WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.Equal(0, tree.CountOpenDescriptors());
        }
    }

    [Fact]
    public void Errors_have_the_same_names_on_both_systems()
    {
        Errno[] linux = UnixErrors.Create(isApple: false);
        Errno[] apple = UnixErrors.Create(isApple: true);
        Assert.Equal((Errno.Again, Errno.DeadLk), (linux[11], apple[11]));
        Assert.Equal((Errno.DeadLk, Errno.Again), (linux[35], apple[35]));
        Assert.Equal((Errno.NameTooLong, Errno.NameTooLong), (linux[36], apple[63]));
        Assert.Equal((Errno.NotEmpty, Errno.NotEmpty), (linux[39], apple[66]));
        Assert.Equal((Errno.Loop, Errno.Loop), (linux[40], apple[62]));
        Assert.Equal((Errno.DQuot, Errno.DQuot), (linux[122], apple[69]));
        Assert.Equal((Errno.NotSup, Errno.NotSup), (linux[95], apple[45]));
        Assert.Equal(Errno.Io, UnixErrors.Translate(5000));
        Assert.Equal(Errno.Io, UnixErrors.Translate(-1));

        // Every name that files can bring about is reached on both.
        foreach (Errno errno in (Errno[])[Errno.Perm, Errno.NoEnt, Errno.Intr, Errno.Io, Errno.NxIo, Errno.BadF, Errno.NoMem, Errno.Acces, Errno.Fault, Errno.Busy, Errno.Exist, Errno.XDev, Errno.NoDev, Errno.NotDir, Errno.IsDir, Errno.Inval, Errno.NFile, Errno.MFile, Errno.TxtBsy, Errno.FBig, Errno.NoSpc, Errno.SPipe, Errno.RoFs, Errno.MLink, Errno.Pipe, Errno.Overflow, Errno.Stale])
        {
            Assert.Contains(errno, linux);
            Assert.Contains(errno, apple);
        }
    }

    private static WasiFile Open(HostTree tree, string path)
    {
        Assert.Equal(Errno.Success, tree.Open(path, out WasiHandle? handle, access: FileAccess.ReadWrite));
        return (WasiFile)handle!;
    }
}
