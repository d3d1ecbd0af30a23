using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

/// <summary>What POSIX says of files, on each kind of file system; and what is only true of those in memory.</summary>
public sealed class FileSystemTests
{
    public static TheoryData<FileStorageKind> Kinds => [.. Enum.GetValues<FileStorageKind>()];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Renaming_replaces_as_POSIX_has_it(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        guest.WriteFile("a", "a");
        guest.WriteFile("b", "b");
        guest.CreateDirectory("empty");
        guest.CreateDirectory("full");
        guest.CreateDirectory("full/sub");
        guest.WriteFile("full/x", "x");
        Assert.Equal(Errno.Success, guest.Rename("a", "b"));
        Assert.Equal("a", guest.ReadFile("b"));
        Assert.Equal(Errno.NoEnt, guest.Status("a"));
        Assert.Equal(Errno.IsDir, guest.Rename("b", "empty"));
        Assert.Equal(Errno.NotDir, guest.Rename("full", "b"));
        Assert.Equal(Errno.NotDir, guest.Rename("b", "c/"));
        Assert.Equal(Errno.NotEmpty, guest.Rename("empty", "full"));
        Assert.Equal(Errno.Inval, guest.Rename("full", "full/sub/y"));
        Assert.Equal(Errno.NotEmpty, guest.Rename("full/sub", "full"));
        Assert.Equal(Errno.NoEnt, guest.Rename("nothing", "b"));
        Assert.Equal(Errno.NoEnt, guest.Rename("b", "nowhere/b"));
        Assert.Equal(Errno.Success, guest.Rename("full", "empty/"));
        Assert.Equal("x", guest.ReadFile("empty/x"));
        Assert.Equal(Errno.Success, guest.Rename("empty", "empty"));
        Assert.Equal(Errno.Success, guest.Link("b", "c"));
        Assert.Equal(Errno.Success, guest.Rename("b", "c"));
        Assert.Equal(["b", "c", "empty"], guest.Names(FileGuest.Root).Order(StringComparer.Ordinal));
        Assert.Equal(Errno.Success, guest.Symlink("empty", "link"));
        Assert.Equal(Errno.Success, guest.Rename("link", "moved"));
        Assert.Equal(FileType.SymbolicLink, guest.GetStatus("moved", follow: false).Type);
        Assert.Equal(Errno.NotEmpty, guest.RemoveDirectory("empty"));
        Assert.Equal(Errno.NotDir, guest.RemoveDirectory("moved"));
        Assert.Equal(Errno.IsDir, guest.Unlink("empty"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_file_lives_as_long_as_a_name_or_a_descriptor(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        guest.WriteFile("a", "contents");
        Assert.Equal(Errno.Success, guest.Link("a", "b"));
        Assert.Equal(2UL, guest.GetStatus("a").LinkCount);
        Assert.Equal(guest.GetStatus("a").Inode, guest.GetStatus("b").Inode);
        uint first = guest.Open("a");
        uint second = guest.Open("b");
        Assert.Equal(Errno.Success, guest.Unlink("a"));
        Assert.Equal(Errno.Success, guest.Unlink("b"));
        Assert.Equal(0UL, guest.GetStatus(first).LinkCount);
        Assert.Equal(Errno.Success, guest.Write(first, "CON"));
        Assert.Equal(Errno.Success, guest.Read(second, out string text));
        Assert.Equal("CONtents", text);
        Assert.Equal(Errno.Success, guest.Read(first, out text));
        Assert.Equal("tents", text);
        Assert.Equal(Errno.NoEnt, guest.Open("a", out _));
        guest.CreateDirectory("d");
        uint directory = guest.OpenDirectory("d");
        Assert.Equal(Errno.Success, guest.RemoveDirectory("d"));
        Assert.Equal(Errno.NoEnt, guest.WriteFile("x", "x", directory));
        Assert.Equal(Errno.NoEnt, guest.CreateDirectory("x", directory));
        Assert.Empty(guest.Names(directory));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Appending_goes_to_the_end_and_positions_are_the_descriptors(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        uint first = guest.Open("log", OFlags.Create, fdFlags: FdFlags.Append);
        uint second = guest.Open("log", fdFlags: FdFlags.Append);
        uint third = guest.Open("log");
        Assert.Equal(Errno.Success, guest.Write(first, "one "));
        Assert.Equal(Errno.Success, guest.Write(second, "two "));
        Assert.Equal(Errno.Success, guest.Seek(first, 0, Whence.Set, out _));
        Assert.Equal(Errno.Success, guest.Write(first, "three "));
        Assert.Equal(Errno.Success, guest.Seek(first, 0, Whence.Current, out long position));
        Assert.Equal(14, position);
        Assert.Equal(Errno.Success, guest.Write(third, "ONE"));
        Assert.Equal("ONE two three ", guest.ReadFile("log"));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_fdstat_set_flags", first, 0));
        Assert.Equal(Errno.Success, guest.Seek(first, 4, Whence.Set, out _));
        Assert.Equal(Errno.Success, guest.Write(first, "TWO"));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_fdstat_set_flags", third, (int)FdFlags.Append));
        Assert.Equal(Errno.Success, guest.Write(third, "four"));
        Assert.Equal("ONE TWO three four", guest.ReadFile("log"));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", first, 3L));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", first, 5L));
        Assert.Equal("ONE\0\0", guest.ReadFile("log"));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Large_files_with_holes_read_as_they_were_written(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        WasiFileSystem fileSystem = storage.Create();
        using WasiDirectory root = fileSystem.OpenRoot();
        Assert.Equal(Errno.Success, root.Open("f"u8, new WasiOpenOptions(OFlags.Create, FileAccess.ReadWrite, FdFlags.None, FollowSymlink: false), out WasiHandle? handle));
        using var file = (WasiFile)handle!;
        var expected = new byte[1_000_000];
        var random = new Random(1);
        int size = 0;
        for (int i = 0; i < 400; i++)
        {
            int offset = random.Next(expected.Length);
            int length = Math.Min(random.Next(i % 3 == 0 ? 100_000 : 100), expected.Length - offset);
            if (i % 37 == 36)
            {
                Assert.Equal(Errno.Success, file.SetSize((ulong)offset));
                expected.AsSpan(offset).Clear();
                size = offset;
            }
            else
            {
                random.NextBytes(expected.AsSpan(offset, length));
                Assert.Equal(Errno.Success, file.WriteAt(expected.AsSpan(offset, length), (ulong)offset, out int written));
                Assert.Equal(length, written);
                size = length == 0 ? size : Math.Max(size, offset + length);
            }

            int start = random.Next(expected.Length);
            var actual = new byte[random.Next(200_000)];
            Assert.Equal(Errno.Success, file.ReadAt(actual, (ulong)start, out int count));
            Assert.Equal(Math.Clamp(size - start, 0, actual.Length), count);
            Assert.True(actual.AsSpan(0, count).SequenceEqual(expected.AsSpan(start, count)));
        }

        Assert.True(expected.AsSpan(0, size).SequenceEqual(fileSystem.ReadAllBytes("f")));
    }

    [Fact]
    public void Times_are_kept_and_set()
    {
        var time = new ManualTimeProvider();
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(new InMemoryFileSystem(timeProvider: time)));
        guest.WriteFile("file", "x");
        FileStatus before = guest.GetStatus("file");
        Assert.Equal(before.ModificationTime, before.ChangeTime);
        time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Errno.Success, guest.SetTimes("file", null, 42));
        FileStatus after = guest.GetStatus("file");
        Assert.Equal((before.AccessTime, 42UL, before.ChangeTime + 10_000_000_000), (after.AccessTime, after.ModificationTime, after.ChangeTime));
        time.Advance(TimeSpan.FromSeconds(10));
        guest.WriteFile("file", "y");
        Assert.Equal(before.ModificationTime + 20_000_000_000, guest.GetStatus("file").ModificationTime);
        Assert.Equal(Errno.Success, guest.Symlink("file", "link"));
        Assert.Equal(Errno.Success, guest.SetTimes("link", 1, 2, follow: false));
        Assert.Equal(2UL, guest.GetStatus("link", follow: false).ModificationTime);
        Assert.NotEqual(2UL, guest.GetStatus("link").ModificationTime);
    }

    [Fact]
    public void An_overlay_keeps_changes_to_itself()
    {
        var lower = new InMemoryFileSystem();
        lower.WriteAllText("dir/file", "lower contents");
        lower.WriteAllText("dir/other", "other");
        lower.WriteAllText("top", "top");
        lower.WriteAllBytes("large", new byte[200_000]);
        using (WasiDirectory root = lower.OpenRoot())
        {
            root.Link("top"u8, root, "same"u8);
            root.Symlink("dir/file"u8, "link"u8);
        }

        long used = lower.UsedBytes;
        var overlay = new OverlayFileSystem(lower);
        using (var guest = new FileGuest(WasiOptions.Default.WithFileSystem(overlay)))
        {
            Assert.Equal(["dir", "large", "link", "same", "top"], guest.Names(FileGuest.Root).Order(StringComparer.Ordinal));
            Assert.Equal("lower contents", guest.ReadFile("link"));
            uint file = guest.Open("dir/file");
            Assert.Equal(Errno.Success, guest.Write(file, "UPPER", offset: 0));
            Assert.Equal("UPPER contents", guest.ReadFile("dir/file"));
            Assert.Equal(Errno.Success, guest.Rename("dir", "moved"));
            Assert.Equal("other", guest.ReadFile("moved/other"));
            Assert.Equal(Errno.NoEnt, guest.Status("dir"));
            Assert.Equal(Errno.Success, guest.CreateDirectory("dir"));
            Assert.Empty(guest.Names(guest.OpenDirectory("dir")));
            Assert.Equal(Errno.Success, guest.Unlink("moved/other"));
            Assert.Equal(Errno.NoEnt, guest.Status("moved/other"));
            Assert.Equal(["file"], guest.Names(guest.OpenDirectory("moved")));

            // Two names of one file stay so.
            Assert.Equal(Errno.Success, guest.WriteFile("same", "changed"));
            Assert.Equal("changed", guest.ReadFile("top"));

            // One page of the large file is kept, not all of it.
            uint large = guest.Open("large");
            long before = overlay.UsedBytes;
            Assert.Equal(Errno.Success, guest.Write(large, "x", offset: 150_000));
            Assert.InRange(overlay.UsedBytes - before, 1, 70_000);
            Assert.Equal(Errno.Success, guest.Read(large, out string text, 3, offset: 149_999));
            Assert.Equal("\0x\0", text);
            Assert.Equal(200_000UL, guest.GetStatus("large").Size);
            Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", large, 10L));
            Assert.Equal(Errno.Success, guest.Guest.Call("fd_filestat_set_size", large, 200_000L));
            Assert.Equal(Errno.NotEmpty, guest.RemoveDirectory("moved"));
            Assert.Equal(Errno.Success, guest.Unlink("moved/file"));
            Assert.Equal(Errno.Success, guest.RemoveDirectory("moved"));
        }

        using (var again = new FileGuest(WasiOptions.Default.WithFileSystem(overlay)))
        {
            Assert.Equal(["dir", "large", "link", "same", "top"], again.Names(FileGuest.Root).Order(StringComparer.Ordinal));
            Assert.Equal("changed", again.ReadFile("top"));
            Assert.Equal(Errno.NoEnt, again.Status("link"));
            Assert.Empty(again.Names(again.OpenDirectory("dir")));
        }

        Assert.Equal(used, lower.UsedBytes);
        Assert.Equal("lower contents", lower.ReadAllText("dir/file"));
        Assert.Equal("other", lower.ReadAllText("dir/other"));
        Assert.Equal("top", lower.ReadAllText("same"));
        Assert.Equal(new byte[200_000], lower.ReadAllBytes("large"));
    }

    [Fact]
    public void An_overlay_over_a_directory_of_the_host_leaves_it_alone()
    {
        using var storage = new FileStorage(FileStorageKind.Host);
        var host = (HostFileSystem)storage.Create();
        Directory.CreateDirectory(Path.Combine(host.Path, "d", "e"));
        File.WriteAllText(Path.Combine(host.Path, "d", "file"), "host");
        File.CreateSymbolicLink(Path.Combine(host.Path, "out"), "/etc");
        var overlay = new OverlayFileSystem(host);
        using (var guest = new FileGuest(WasiOptions.Default.WithFileSystem(overlay)))
        {
            Assert.Equal(Errno.Success, guest.WriteFile("d/file", "guest"));
            Assert.Equal(Errno.Success, guest.Rename("d/file", "d/e/file"));
            Assert.Equal(Errno.Success, guest.Rename("d", "z"));
            Assert.Equal("guest", guest.ReadFile("z/e/file"));
            Assert.Equal(Errno.Perm, guest.Status("out/passwd"));
            Assert.Equal(Errno.Success, guest.Unlink("out"));
        }

        Assert.Equal("host", File.ReadAllText(Path.Combine(host.Path, "d", "file")));
        Assert.True(Directory.Exists(Path.Combine(host.Path, "d", "e")));
        Assert.Equal("guest", overlay.ReadAllText("/z/e/file"));
    }

    [Theory]
    [InlineData(FileStorageKind.Memory)]
    [InlineData(FileStorageKind.Overlay)]
    public async Task Several_threads_may_use_one_file_system(FileStorageKind kind)
    {
        var memory = new InMemoryFileSystem();
        WasiFileSystem fileSystem = kind == FileStorageKind.Memory ? memory : new OverlayFileSystem(memory);
        fileSystem.WriteAllText("log", "");
        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem));
            uint log = guest.Open("log", fdFlags: FdFlags.Append);
            for (int i = 0; i < 500; i++)
            {
                Assert.Equal(Errno.Success, guest.Write(log, $"{thread}:{i:000};"));
                Assert.Equal(Errno.Success, guest.WriteFile($"own {thread}", "x"));
                Assert.Equal(Errno.Success, guest.Rename($"own {thread}", "shared"));
                Assert.True(guest.Unlink("shared") is Errno.Success or Errno.NoEnt);
            }
        })));
        string[] lines = fileSystem.ReadAllText("log").Split(';', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2000, lines.Length);
        Assert.Equal(2000, lines.Distinct(StringComparer.Ordinal).Count());
        Assert.False(fileSystem.Exists("shared"));
    }

    [Fact]
    public void The_hosts_side_names_what_is_wrong()
    {
        var fileSystem = new InMemoryFileSystem(maximumSizeInBytes: 1000);
        fileSystem.WriteAllText("/a/b/c", "x");
        Assert.Equal("x", fileSystem.ReadAllText("a/b/c"));
        Assert.True(fileSystem.Exists("/a/b"));
        Assert.Throws<FileNotFoundException>(() => fileSystem.ReadAllBytes("a/x"));
        Assert.Contains("IsDir", Assert.Throws<IOException>(() => fileSystem.ReadAllBytes("a")).Message, StringComparison.Ordinal);
        Assert.Contains("NoSpc", Assert.Throws<IOException>(() => fileSystem.WriteAllBytes("large", new byte[10_000])).Message, StringComparison.Ordinal);
        Assert.Contains("Perm", Assert.Throws<IOException>(() => fileSystem.ReadAllBytes("../x")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => fileSystem.ReadAllBytes("a\0"));
        Assert.Throws<ArgumentOutOfRangeException>(() => new InMemoryFileSystem(-1));
    }
}
