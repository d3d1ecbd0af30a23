using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

public sealed class MountTests
{
    [Fact]
    [Trait("Parity", "WAZ-12")]
    public void Mounts_are_pre_opened_in_order_and_a_later_one_takes_the_place_of_an_earlier()
    {
        var first = new InMemoryFileSystem();
        var second = new InMemoryFileSystem();
        WasiOptions options = WasiOptions.Default.WithFileSystem(first).WithFileSystem(first, "data").WithFileSystem(second, "./more/");
        Assert.Equal(["/", "data", "./more/"], Names(options));
        options = options.WithFileSystem(second, "/data/");
        Assert.Equal(["/", "/data/", "./more/"], Names(options));
        Assert.Same(second, options.Mounts[1].FileSystem);
        foreach (string root in (string[])["", ".", "/", "./", "//"])
        {
            WasiOptions replaced = options.WithFileSystem(second, root);
            Assert.Equal(3, replaced.Mounts.Count);
            Assert.Same(second, replaced.Mounts[0].FileSystem);
            Assert.Equal(root.Length == 0 ? "/" : root, Names(replaced)[0]);
        }

        Assert.Empty(options.WithFileSystem(null).Mounts);
        Assert.Empty(Names(options.WithFileSystem(null)));
        Assert.Empty(Names(WasiOptions.Default));
    }

    [Fact]
    [Trait("Parity", "WAZ-12")]
    public void Paths_that_guests_cannot_have_are_refused()
    {
        var fileSystem = new InMemoryFileSystem();
        Assert.Throws<ArgumentException>(() => WasiOptions.Default.WithFileSystem(fileSystem, "a/../b"));
        Assert.Throws<ArgumentException>(() => WasiOptions.Default.WithFileSystem(fileSystem, ".."));
        Assert.Throws<ArgumentException>(() => WasiOptions.Default.WithFileSystem(fileSystem, "a\0"));
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default.WithFileSystem(fileSystem, null!));
    }

    [Fact]
    [Trait("Parity", "WTG-21")]
    [Trait("Parity", "PGW-06")]
    public void A_directory_that_is_not_there_is_seen_when_it_is_set()
    {
        Assert.Throws<DirectoryNotFoundException>(() => WasiOptions.Default.WithDirectory(Path.Combine(Path.GetTempPath(), "codicil-is-not-here", "neither")));
        using var storage = new FileStorage(FileStorageKind.Host);
        string folder = ((HostFileSystem)storage.Create()).Path;
        File.WriteAllText(Path.Combine(folder, "file"), "from the host");
        Assert.ThrowsAny<IOException>(() => WasiOptions.Default.WithDirectory(Path.Combine(folder, "file")));
        using var guest = new FileGuest(WasiOptions.Default.WithDirectory(folder, "/data").WithDirectory(folder, "/fixed", readOnly: true));
        Assert.Equal("from the host", guest.ReadFile("file"));
        Assert.Equal(Errno.Success, guest.WriteFile("new", "from the guest"));
        Assert.Equal("from the guest", File.ReadAllText(Path.Combine(folder, "new")));
        Assert.Equal("from the guest", guest.ReadFile("new", fd: 4));
        Assert.Equal(Errno.RoFs, guest.WriteFile("new", "x", fd: 4));
        Assert.Equal(Errno.RoFs, guest.Unlink("new", fd: 4));
    }

    [Fact]
    public void More_mounts_than_descriptors_are_refused()
    {
        WasiOptions options = WasiOptions.Default with { MaximumDescriptors = 4, Mounts = [.. Enumerable.Range(0, 2).Select(static i => new WasiMount(new InMemoryFileSystem(), $"/{i}"))] };
        Assert.Contains("the directories alone are 2", Assert.Throws<ArgumentException>(() => new FileGuest(options)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WAZ-12")]
    public void A_path_through_the_outer_mount_reaches_the_inner_one()
    {
        using FileGuest guest = CreateNested();
        Assert.Equal("inner", guest.ReadFile("data/inner/file"));
        Assert.Equal("inner", guest.ReadFile("./data//inner/./file"));
        Assert.Equal("inner", guest.ReadFile("data/inner/sub/../file"));
        Assert.Equal("outer", guest.ReadFile("data/inner/../../file"));
        Assert.Equal("inner", guest.ReadFile("to inner/file"));
        Assert.Equal("inner", guest.ReadFile("plain/up/data/inner/file"));
        Assert.Equal("inner", guest.ReadFile("inner/file", guest.OpenDirectory("data")));
        Assert.Equal("inner", guest.ReadFile("file", guest.OpenDirectory("to inner")));
        Assert.Equal("deep", guest.ReadFile("absent/only/here/file"));
        Assert.Equal(guest.GetStatus(4).Inode, guest.GetStatus("data/inner").Inode);
        Assert.Equal(guest.GetStatus(4).Device, guest.GetStatus("data/inner/").Device);
        Assert.Equal(Errno.Success, guest.WriteFile("data/inner/new", "made outside"));
        Assert.Equal("made outside", guest.ReadFile("new", fd: 4));
        Assert.Equal(Errno.Perm, guest.Status("data/inner/../../.."));
        Assert.Equal(Errno.Perm, guest.Status("..", fd: 4));
        Assert.Equal(Errno.Perm, guest.Status("../..", guest.OpenDirectory("data")));
        Assert.Equal(Errno.NoEnt, guest.Status("absent/other"));
        Assert.Equal(Errno.NoEnt, guest.Status("data/inner/hidden"));
        Assert.Equal(Errno.NotDir, guest.Status("file/x"));
        Assert.Equal(Errno.Loop, guest.Status("loop"));
    }

    [Fact]
    [Trait("Parity", "WAZ-12")]
    public void Mounts_are_listed_and_cannot_be_removed()
    {
        using FileGuest guest = CreateNested();
        Assert.Equal(["absent", "data", "file", "loop", "plain", "to inner"], guest.Names(FileGuest.Root).Order(StringComparer.Ordinal));
        Assert.Equal(["absent", "data", "file", "loop", "plain", "to inner"], guest.Names(FileGuest.Root, 40).Order(StringComparer.Ordinal));
        Assert.Equal(["inner", "own"], guest.Names(guest.OpenDirectory("data")).Order(StringComparer.Ordinal));
        Assert.Equal(["only"], guest.Names(guest.OpenDirectory("absent")));
        Assert.Equal(["here"], guest.Names(guest.OpenDirectory("absent/only")));
        Assert.Equal(["file", "sub"], guest.Names(guest.OpenDirectory("data/inner")).Order(StringComparer.Ordinal));
        foreach (string path in (string[])["data", "data/inner", "absent", "absent/only"])
        {
            Assert.Equal(Errno.Busy, guest.RemoveDirectory(path));
            Assert.Equal(Errno.IsDir, guest.Unlink(path));
            Assert.Equal(Errno.Busy, guest.Rename(path, "elsewhere"));
            Assert.Equal(Errno.Busy, guest.Rename("plain", path));
            Assert.Equal(Errno.Exist, guest.CreateDirectory(path));
            Assert.Equal(Errno.Exist, guest.Symlink("x", path));
            Assert.Equal(Errno.Exist, guest.Link("file", path));
            Assert.Equal(Errno.Perm, guest.Link(path, "elsewhere"));
            Assert.Equal(Errno.Inval, guest.ReadLink(path, out _));
            Assert.Equal(Errno.IsDir, guest.Open(path, out _, OFlags.Create));
            Assert.Equal(Errno.Exist, guest.Open(path, out _, OFlags.Create | OFlags.Exclusive));
        }

        Assert.Equal(Errno.RoFs, guest.CreateDirectory("absent/new"));
        Assert.Equal(Errno.RoFs, guest.Open("absent/new", out _, OFlags.Create));
        Assert.Equal(Errno.NoEnt, guest.Unlink("absent/new"));
    }

    [Fact]
    [Trait("Security", "WF-06")]
    public void Renaming_stays_within_a_file_system_and_read_only_stays_read_only()
    {
        using FileGuest guest = CreateNested(readOnly: true);
        Assert.Equal(Errno.XDev, guest.Rename("file", "absent/only/here/file"));
        Assert.Equal(Errno.XDev, guest.Link("file", "absent/only/here/new"));
        Assert.Equal(Errno.RoFs, guest.Rename("data/inner/file", "stolen"));
        Assert.Equal(Errno.RoFs, guest.WriteFile("data/inner/new", "x"));
        Assert.Equal(Errno.RoFs, guest.Unlink("to inner/file"));
        Assert.Equal(Errno.RoFs, guest.Open("file", out _, fd: guest.OpenDirectory("data/inner")));
        uint plain = guest.OpenDirectory("plain");
        Assert.Equal(Errno.Success, guest.Rename("file", "moved", FileGuest.Root, plain));
        Assert.Equal(Errno.Success, guest.Rename("moved", "data/own/file", plain, FileGuest.Root));
        Assert.Equal("outer", guest.ReadFile("data/own/file"));
        Assert.Equal(Errno.Success, guest.Link("data/own/file", "again"));
        Assert.Equal(2UL, guest.GetStatus("again").LinkCount);
    }

    /// <summary>/ {file, data/own, data/inner/hidden, plain/up, links} with /data/inner {file, sub} and /absent/only/here {file} mounted in it.</summary>
    private static FileGuest CreateNested(bool readOnly = false)
    {
        var outer = new InMemoryFileSystem();
        var inner = new InMemoryFileSystem();
        var deep = new InMemoryFileSystem();
        outer.WriteAllText("file", "outer");
        outer.CreateDirectory("data/own");
        outer.WriteAllText("data/inner/hidden", "hidden");
        outer.CreateDirectory("plain");
        using (WasiDirectory root = outer.OpenRoot())
        {
            root.Symlink("data/inner"u8, "to inner"u8);
            root.Symlink(".."u8, "plain/up"u8);
            root.Symlink("loop"u8, "loop"u8);
        }

        inner.WriteAllText("file", "inner");
        inner.CreateDirectory("sub");
        deep.WriteAllText("file", "deep");
        return new FileGuest(WasiOptions.Default.WithFileSystem(outer).WithFileSystem(inner, "/data/inner", readOnly).WithFileSystem(deep, "absent/only/here"));
    }

    private static List<string> Names(WasiOptions options)
    {
        using var guest = new FileGuest(options);
        var names = new List<string>();
        for (uint fd = FileGuest.Root; guest.Guest.Call("fd_prestat_get", fd, FileGuest.Result) == Errno.Success; fd++)
        {
            Assert.Equal(0, guest.Guest.Memory.ReadInt32(FileGuest.Result));
            int length = guest.Guest.Memory.ReadInt32(FileGuest.Result + 4);
            Assert.Equal(Errno.NameTooLong, guest.Guest.Call("fd_prestat_dir_name", fd, FileGuest.Buffer, length - 1));
            Assert.Equal(Errno.Success, guest.Guest.Call("fd_prestat_dir_name", fd, FileGuest.Buffer, length));
            names.Add(guest.Guest.Memory.ReadString(FileGuest.Buffer, length));
        }

        return names;
    }
}
