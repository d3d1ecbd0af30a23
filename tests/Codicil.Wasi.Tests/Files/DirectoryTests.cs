using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

public sealed class DirectoryTests
{
    public static TheoryData<FileStorageKind> Kinds => [.. Enum.GetValues<FileStorageKind>()];

    [Theory]
    [Trait("Security", "WF-09")]
    [MemberData(nameof(Kinds))]
    public void A_listing_is_cut_where_the_buffer_ends(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        foreach (string name in (string[])["a", "bb", new string('c', 100), "d€"])
        {
            Assert.Equal(Errno.Success, guest.WriteFile(name, name));
        }

        uint directory = guest.OpenDirectory(".");
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_readdir", directory, FileGuest.Buffer, FileGuest.BufferSize, 0L, FileGuest.Result));
        int used = guest.Guest.Memory.ReadInt32(FileGuest.Result);
        byte[] all = guest.Guest.Memory.GetSpan(FileGuest.Buffer, used).ToArray();
        Assert.Equal((6 * 24) + 1 + 2 + 1 + 2 + 100 + 4, used);
        for (int size = 0; size < used + 2; size++)
        {
            guest.Guest.Memory.GetSpan(FileGuest.Buffer, used + 2).Fill(0xEE);
            Assert.Equal(Errno.Success, guest.Guest.Call("fd_readdir", directory, FileGuest.Buffer, size, 0L, FileGuest.Result));
            Assert.Equal(Math.Min(size, used), guest.Guest.Memory.ReadInt32(FileGuest.Result));
            Assert.True(guest.Guest.Memory.GetSpan(FileGuest.Buffer, Math.Min(size, used)).SequenceEqual(all.AsSpan(0, Math.Min(size, used))));
            Assert.False(guest.Guest.Memory.GetSpan((ulong)(FileGuest.Buffer + Math.Min(size, used)), 2).ContainsAnyExcept((byte)0xEE));
        }

        foreach (int size in (int[])[124, 125, 126, 150, 200, 300])
        {
            Assert.Equal(["a", "bb", new string('c', 100), "d€"], guest.Names(directory, size).Order(StringComparer.Ordinal));
        }
    }

    [Theory]
    [Trait("Security", "WF-09")]
    [MemberData(nameof(Kinds))]
    public void What_stays_is_listed_once_whatever_else_happens(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()));
        Assert.Equal(Errno.Success, guest.CreateDirectory("d"));
        for (int i = 0; i < 300; i++)
        {
            Assert.Equal(Errno.Success, guest.WriteFile($"d/{(i % 3 == 0 ? "keep" : "drop")}{i}", ""));
        }

        uint directory = guest.OpenDirectory("d");
        var seen = new List<string>();
        ulong cookie = 0;
        int round = 0;
        while (true)
        {
            (List<(string Name, ulong Next, ulong Inode, FileType Type)> entries, bool isFull) = guest.List(directory, cookie, 500);
            seen.AddRange(entries.Select(static entry => entry.Name));
            if (!isFull)
            {
                break;
            }

            cookie = entries[^1].Next;
            for (int i = 0; i < 6; i++)
            {
                int victim = (round * 7) + (i * 31);
                guest.Unlink($"d/drop{victim % 300}");
                guest.WriteFile($"d/new{round}.{i}", "");
            }

            round++;
            Assert.True(round < 1000);
        }

        Assert.True(round > 5);
        Assert.Equal(Enumerable.Range(0, 100).Select(static i => $"keep{i * 3}").Order(StringComparer.Ordinal), seen.Where(static name => name.StartsWith("keep", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal([".", ".."], seen.Where(static name => name is "." or "..").Order(StringComparer.Ordinal));
        Assert.All(seen.GroupBy(static name => name), static group => Assert.Single(group));
        (List<(string Name, ulong Next, ulong Inode, FileType Type)> again, _) = guest.List(directory);
        Assert.Equal(guest.GetStatus(directory).Inode, again.Single(static entry => entry.Name == ".").Inode);
        Assert.Equal(guest.GetStatus("d/keep0").Inode, again.Single(static entry => entry.Name == "keep0").Inode);
    }

    [Fact]
    [Trait("Security", "WF-09")]
    public void Two_hundred_thousand_entries_are_listed_in_pieces()
    {
        const int Count = 200_000;
        var fileSystem = new InMemoryFileSystem();
        using (WasiDirectory root = fileSystem.OpenRoot())
        {
            Span<byte> name = stackalloc byte[8];
            for (int i = 0; i < Count; i++)
            {
                Assert.True(System.Buffers.Text.Utf8Formatter.TryFormat(i, name, out int length));
                Assert.Equal(Errno.Success, root.Symlink("x"u8, name[..length]));
            }
        }

        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem));
        List<string> names = guest.Names(FileGuest.Root);
        Assert.Equal(Count, names.Count);
        Assert.Equal(Count, names.Distinct(StringComparer.Ordinal).Count());

        // A program that removes what it lists.
        uint directory = guest.OpenDirectory(".");
        ulong cookie = 0;
        int removed = 0;
        while (removed < 2000)
        {
            foreach ((string entry, ulong next, _, _) in guest.List(directory, cookie).Entries)
            {
                cookie = next;
                removed += entry is "." or ".." ? 0 : guest.Unlink(entry) == Errno.Success ? 1 : throw new InvalidOperationException(entry);
            }
        }

        Assert.Equal(Count - removed, guest.Names(FileGuest.Root).Count);
    }

    [Theory]
    [Trait("Security", "WF-09")]
    [MemberData(nameof(Kinds))]
    public void Any_cookie_is_harmless(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()).WithFileSystem(new InMemoryFileSystem(), "/inner/most"));
        Assert.Equal(Errno.Success, guest.WriteFile("a", ""));
        foreach (ulong cookie in (ulong[])[1, 2, 3, 4, 5, 100, int.MaxValue, uint.MaxValue, long.MaxValue, 1UL << 63, (1UL << 63) + 1, ulong.MaxValue])
        {
            Errno errno = guest.Guest.Call("fd_readdir", FileGuest.Root, FileGuest.Buffer, FileGuest.BufferSize, (long)cookie, FileGuest.Result);
            Assert.True(errno is Errno.Success or Errno.Inval or Errno.NoEnt, errno.ToString());
        }

        Assert.Equal(["a", "inner"], guest.Names(FileGuest.Root).Order(StringComparer.Ordinal));
        Assert.Equal(Errno.NotDir, guest.Guest.Call("fd_readdir", guest.Open("a"), FileGuest.Buffer, 100, 0L, FileGuest.Result));
    }

    [Theory]
    [Trait("Security", "WF-10")]
    [MemberData(nameof(Kinds))]
    public void The_table_of_descriptors_has_an_end(FileStorageKind kind)
    {
        const int Most = 64;
        using var storage = new FileStorage(kind);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()) with { MaximumDescriptors = Most });
        Assert.Equal(Errno.Success, guest.WriteFile("file", "x"));
        for (uint expected = FileGuest.Root + 1; expected < Most; expected++)
        {
            Assert.Equal(expected, guest.Open("file"));
        }

        int length = guest.Put("file");
        Function open = guest.Guest.Instance.GetFunction("path_open")!;
        object?[] arguments = [3, 1, 1024, length, 0, (long)Rights.FdRead, 0L, 0, FileGuest.Result];
        for (int i = 0; i < (kind == FileStorageKind.Memory ? 1_000_000 : 1000); i++)
        {
            if ((int)open.Invoke(arguments)! != (int)Errno.NFile)
            {
                Assert.Fail("a descriptor too many");
            }
        }

        Assert.Equal(Errno.NFile, guest.Open("new", out _, OFlags.Create));
        Assert.Equal(Errno.NFile, guest.Open("file", out _, OFlags.Truncate));
        Assert.Equal(Errno.NoEnt, guest.Status("new"));
        Assert.Equal(1UL, guest.GetStatus("file").Size);
        Assert.Equal(Errno.Success, guest.Close(17));
        Assert.Equal(17u, guest.Open("file"));
    }

    [Theory]
    [Trait("Security", "WF-10")]
    [MemberData(nameof(Kinds))]
    public void Any_open_number_can_be_given_to_another(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using var output = new MemoryStream();
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(storage.Create()) with { StandardOutput = output });
        Assert.Equal(Errno.Success, guest.WriteFile("file", "contents"));
        uint file = guest.Open("file");
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_renumber", file, file));
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_renumber", file, 1));
        Assert.Equal(Errno.BadF, guest.Read(file, out _));
        Assert.Equal(Errno.Success, guest.Write(1, "printed "));
        Assert.Equal(0, output.Length);
        Assert.Equal("printed ", guest.ReadFile("file"));
        Assert.Equal(Errno.BadF, guest.Guest.Call("fd_renumber", 1, 40));
        uint sub = guest.OpenDirectory(".");
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_renumber", sub, FileGuest.Root));
        Assert.Equal(Errno.BadF, guest.Guest.Call("fd_prestat_get", FileGuest.Root, FileGuest.Result));
        Assert.Equal(Errno.Success, guest.Status("file"));
        Assert.Equal(Errno.Success, guest.Close(FileGuest.Root));
        Assert.Equal(Errno.BadF, guest.Status("file"));
        Assert.Equal(Errno.Success, guest.Close(1));
        Assert.Equal(Errno.BadF, guest.Write(1, "x"));
    }

    [Fact]
    [Trait("Security", "WF-10")]
    public void Everything_is_closed_with_the_store()
    {
        var fileSystem = new InMemoryFileSystem();
        using (var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem)))
        {
            for (int i = 0; i < 100; i++)
            {
                uint file = guest.Open("file", OFlags.Create | OFlags.Exclusive);
                Assert.Equal(Errno.Success, guest.Write(file, "contents of a file without a name"));
                Assert.Equal(Errno.Success, guest.Unlink("file"));
                Assert.Equal(Errno.Success, guest.Read(file, out string text, offset: 12));
                Assert.Equal("a file without a name", text);
            }

            Assert.True(fileSystem.UsedBytes > 100 * 33);
        }

        Assert.Equal(0, fileSystem.UsedBytes);
    }

    [Fact]
    [Trait("Security", "WF-10")]
    public void The_processs_handles_are_given_back()
    {
        if (!OperatingSystem.IsLinux())
        {
            Assert.Skip("counts the entries of /proc/self/fd");
        }

        using var folder = new FileStorage(FileStorageKind.Host);
        var fileSystem = (HostFileSystem)folder.Create();
        int Count() => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(path => Target(path)?.StartsWith(fileSystem.Path, StringComparison.Ordinal) == true);
        using (var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem)))
        {
            for (int i = 0; i < 20; i++)
            {
                guest.Open($"file{i}", OFlags.Create);
                guest.OpenDirectory(".");
            }

            Assert.Equal(41, Count());
            Assert.Equal(Errno.Success, guest.Close(10));
            Assert.Equal(Errno.Success, guest.Guest.Call("fd_renumber", 11, 12));
            Assert.Equal(39, Count());
        }

        Assert.Equal(0, Count());
    }

    // Other tests open and close files meanwhile: an entry that was listed may be gone.
    private static string? Target(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, returnFinalTarget: false)?.FullName;
        }
        catch (IOException)
        {
            return null;
        }
    }
}
