using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.Files;

/// <summary>The fourteen places where a program hands over a path, each with the paths that must lead nowhere.</summary>
public sealed class PathTests
{
    private static readonly (string Name, Func<FileGuest, uint, string, Errno> Call)[] s_calls =
    [
        ("path_create_directory", static (guest, fd, path) => guest.CreateDirectory(path, fd)),
        ("path_filestat_get", static (guest, fd, path) => guest.Status(path, fd)),
        ("path_filestat_get without following", static (guest, fd, path) => guest.Status(path, fd, follow: false)),
        ("path_filestat_set_times", static (guest, fd, path) => guest.SetTimes(path, 1, 1, fd)),
        ("path_link from", static (guest, fd, path) => guest.Link(path, "new", fd, fd)),
        ("path_link to", static (guest, fd, path) => guest.Link("file", path, fd, fd)),
        ("path_open", static (guest, fd, path) => guest.Open(path, out _, fd: fd)),
        ("path_open and create", static (guest, fd, path) => guest.Open(path, out _, OFlags.Create | OFlags.Truncate, fd: fd)),
        ("path_readlink", static (guest, fd, path) => guest.ReadLink(path, out _, fd)),
        ("path_remove_directory", static (guest, fd, path) => guest.RemoveDirectory(path, fd)),
        ("path_rename from", static (guest, fd, path) => guest.Rename(path, "new", fd, fd)),
        ("path_rename to", static (guest, fd, path) => guest.Rename("file", path, fd, fd)),
        ("path_symlink", static (guest, fd, path) => guest.Symlink("file", path, fd)),
        ("path_unlink_file", static (guest, fd, path) => guest.Unlink(path, fd)),
    ];

    public static TheoryData<FileStorageKind> Kinds => [.. Enum.GetValues<FileStorageKind>()];

    [Theory]
    [Trait("Security", "WF-01")]
    [MemberData(nameof(Kinds))]
    public void No_path_leads_out_of_its_directory(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        string[] paths =
        [
            "../outside/secret", "..//outside/secret", "a/../../outside/secret", "a/b/../../../outside/secret", "./../outside/secret", "../inside/file", "a/./.././../outside/secret",
            "/outside/secret", "/", "//file", "up/outside/secret", "deep/secret", "a/up/outside/secret", "up/inside/file", "up/../inside/file", "absolute/file", "a/absolute/file",
        ];
        foreach (string path in paths)
        {
            foreach ((string name, Func<FileGuest, uint, string, Errno> call) in s_calls)
            {
                Errno errno = call(guest, inside, path);
                Assert.True(errno == Errno.Perm, $"{name} of {path}: {errno}");
            }
        }

        foreach (string path in (string[])["..", "../", "a/../..", "a/../../", "../.", "up/"])
        {
            foreach ((string name, Func<FileGuest, uint, string, Errno> call) in s_calls)
            {
                Errno errno = call(guest, inside, path);
                bool isOwnName = path == "up/" && errno is Errno.NotDir or Errno.Exist or Errno.IsDir or Errno.NoEnt;
                Assert.True(errno is Errno.Perm || isOwnName, $"{name} of {path}: {errno}");
            }
        }

        Assert.Equal("secret", guest.ReadFile("outside/secret"));
        Assert.Equal(["secret"], guest.Names(guest.OpenDirectory("outside")));
        Assert.Equal(["inside", "outside"], guest.Names(FileGuest.Root).Order(StringComparer.Ordinal));
        Assert.Equal("file", guest.ReadFile("file", inside));
        Assert.Equal(["a", "absolute", "deep", "file", "up"], guest.Names(inside).Order(StringComparer.Ordinal));
    }

    [Theory]
    [Trait("Security", "WF-01")]
    [MemberData(nameof(Kinds))]
    public void The_last_link_leads_nowhere_either(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        Assert.Equal(Errno.Success, guest.Symlink("../outside/new", "out", inside));
        foreach (string link in (string[])["out", "up", "deep", "absolute", "a/up"])
        {
            Assert.Equal(Errno.Perm, guest.Open(link, out _, OFlags.Create, fd: inside));
            Assert.Equal(Errno.Perm, guest.Open(link, out _, fd: inside));
            Assert.Equal(Errno.Perm, guest.Status(link, inside));
            Assert.Equal(Errno.Perm, guest.SetTimes(link, 1, 1, inside));
            Assert.Equal(Errno.Loop, guest.Open(link, out _, fd: inside, follow: false));
            Assert.Equal(Errno.Exist, guest.Open(link, out _, OFlags.Create | OFlags.Exclusive, fd: inside));
            Assert.Equal(FileType.SymbolicLink, guest.GetStatus(link, inside, follow: false).Type);
        }

        Assert.Equal(["secret"], guest.Names(guest.OpenDirectory("outside")));
    }

    [Theory]
    [Trait("Security", "WF-01")]
    [MemberData(nameof(Kinds))]
    public void Paths_are_walked_as_POSIX_has_it(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        foreach (string path in (string[])["file", "./file", "a/../file", "a/b/../../file", "a//..///file", ".//.//file", "a/b/.././../file"])
        {
            Assert.Equal("file", guest.ReadFile(path, inside));
        }

        Assert.Equal(Errno.NotDir, guest.Status("file/", inside));
        Assert.Equal(Errno.NotDir, guest.Status("file/.", inside));
        Assert.Equal(Errno.NotDir, guest.Status("file/../file", inside));
        Assert.Equal(Errno.NoEnt, guest.Status("nothing/../file", inside));
        Assert.Equal(Errno.NoEnt, guest.Status("nothing", inside));
        Assert.Equal(guest.GetStatus(inside).Inode, guest.GetStatus(".", inside).Inode);
        Assert.Equal(guest.GetStatus(inside).Inode, guest.GetStatus("./", inside).Inode);
        Assert.Equal(guest.GetStatus(inside).Inode, guest.GetStatus("a/..", inside).Inode);
        foreach ((string name, Func<FileGuest, uint, string, Errno> call) in s_calls)
        {
            Errno errno = call(guest, inside, "");
            Assert.True(errno == Errno.NoEnt, $"{name}: {errno}");
        }

        Assert.Equal(Errno.Inval, guest.RemoveDirectory(".", inside));
        Assert.Equal(Errno.NotEmpty, guest.RemoveDirectory("a/b/..", inside));
        Assert.Equal(Errno.Busy, guest.Rename("a/.", "c", inside, inside));
        Assert.Equal(Errno.Exist, guest.CreateDirectory(".", inside));
        Assert.Equal(Errno.Success, guest.CreateDirectory("new///", inside));
        Assert.Equal(Errno.Success, guest.RemoveDirectory("new//", inside));
    }

    [Theory]
    [Trait("Security", "WF-02")]
    [MemberData(nameof(Kinds))]
    public void Paths_that_are_no_text_or_too_long_are_refused(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        (string Path, Errno Expected)[] paths =
        [
            ("file\0", Errno.Inval), ("\0", Errno.Inval), ("a\0/../../outside/secret", Errno.Inval),
            ("\xFF", Errno.IlSeq), ("a/\xC3", Errno.IlSeq), ("\xED\xA0\x80", Errno.IlSeq), ("\xC0\xAF", Errno.IlSeq), ("a\xE2\x82", Errno.IlSeq),
            (new string('n', 256), Errno.NameTooLong), ("a/" + new string('n', 256) + "/b", Errno.NameTooLong),
            (string.Concat(Enumerable.Repeat("./", 2048)), Errno.NameTooLong), (new string('/', 1) + new string('p', 8000), Errno.NameTooLong),
        ];
        foreach ((string path, Errno expected) in paths)
        {
            foreach ((string name, Func<FileGuest, uint, string, Errno> call) in s_calls)
            {
                Errno errno = call(guest, inside, path);
                Assert.True(errno == expected, $"{name} of {path.Length} bytes: {errno} instead of {expected}");
            }
        }

        string longest = new('n', 255);
        Assert.Equal(Errno.Success, guest.WriteFile(longest, "x", inside));
        Assert.Equal(Errno.Success, guest.Unlink(longest, inside));
        Assert.Equal("file", guest.ReadFile(string.Concat(Enumerable.Repeat("./", 2045)) + "file", inside));
        string euro = "\xE2\x82\xAC";
        Assert.Equal(Errno.Success, guest.WriteFile(euro, "x", inside));
        Assert.Contains("€", guest.Names(inside));
        Assert.Equal(Errno.Perm, guest.Symlink("/etc/passwd", "link", inside));
        Assert.Equal(Errno.NoEnt, guest.Symlink("", "link", inside));
        Assert.Equal(Errno.IlSeq, guest.Symlink("\xFF", "link", inside));
        Assert.Equal(Errno.Inval, guest.Symlink("a\0", "link", inside));
    }

    [Theory]
    [Trait("Security", "WF-04")]
    [MemberData(nameof(Kinds))]
    public void Forty_links_are_followed_and_no_more(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        Assert.Equal(Errno.Success, guest.Symlink("file", "l1", inside));
        for (int i = 2; i <= 41; i++)
        {
            Assert.Equal(Errno.Success, guest.Symlink($"l{i - 1}", $"l{i}", inside));
        }

        Assert.Equal("file", guest.ReadFile("l40", inside));
        Assert.Equal(Errno.Success, guest.Status("l40", inside));
        Assert.Equal(Errno.Loop, guest.Open("l41", out _, fd: inside));
        Assert.Equal(Errno.Loop, guest.Status("l41", inside));
        Assert.Equal(Errno.Success, guest.Status("l41", inside, follow: false));
        Assert.Equal(Errno.Success, guest.Symlink("self", "self", inside));
        Assert.Equal(Errno.Success, guest.Symlink("ping/x", "pong", inside));
        Assert.Equal(Errno.Success, guest.Symlink("pong/x", "ping", inside));
        foreach (string path in (string[])["self", "self/", "self/x", "ping", "ping/x/y"])
        {
            Assert.Equal(Errno.Loop, guest.Open(path, out _, fd: inside));
            Assert.Equal(Errno.Loop, guest.Status(path, inside));
        }

        Assert.Equal(Errno.Loop, guest.CreateDirectory("self/x", inside));
        Assert.Equal(Errno.Loop, guest.Unlink("self/x", inside));
        Assert.Equal(Errno.Loop, guest.Rename("file", "ping/x", inside, inside));
        Assert.Equal(Errno.Loop, guest.Open("self", out _, OFlags.Create, fd: inside));
    }

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Link_targets_are_cut_to_the_buffer(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage, out uint inside);
        Assert.Equal(Errno.Success, guest.Symlink("\xE2\x82\xACuro", "link", inside));
        Assert.Equal(Errno.Success, guest.ReadLink("link", out string target, inside));
        Assert.Equal("€uro", target);
        for (int size = 0; size <= 6; size++)
        {
            Assert.Equal(Errno.Success, guest.ReadLink("link", out _, inside, size));
            Assert.Equal(size, guest.Guest.Memory.ReadInt32(FileGuest.Result));
        }

        Assert.Equal(Errno.Inval, guest.ReadLink("file", out _, inside));
        Assert.Equal(Errno.Inval, guest.ReadLink("a", out _, inside));
        Assert.Equal(Errno.NoEnt, guest.ReadLink("nothing", out _, inside));
    }

    /// <summary>inside/{file, a/b, up -> .., deep -> a/../../outside, a/up -> ../.., absolute -> /}, outside/secret; the descriptor is that of inside.</summary>
    private static FileGuest CreateGuest(FileStorage storage, out uint inside)
    {
        WasiFileSystem fileSystem = storage.Create();
        var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem));
        Assert.Equal(Errno.Success, guest.CreateDirectory("inside"));
        Assert.Equal(Errno.Success, guest.CreateDirectory("outside"));
        Assert.Equal(Errno.Success, guest.CreateDirectory("inside/a"));
        Assert.Equal(Errno.Success, guest.CreateDirectory("inside/a/b"));
        Assert.Equal(Errno.Success, guest.WriteFile("inside/file", "file"));
        Assert.Equal(Errno.Success, guest.WriteFile("outside/secret", "secret"));
        Assert.Equal(Errno.Success, guest.Symlink("..", "inside/up"));
        Assert.Equal(Errno.Success, guest.Symlink("a/../../outside", "inside/deep"));
        Assert.Equal(Errno.Success, guest.Symlink("../..", "inside/a/up"));

        // Guests cannot make it: it is there already.
        storage.LinkToRoot(fileSystem, "inside", "absolute");
        storage.LinkToRoot(fileSystem, "inside", "a", "absolute");

        inside = guest.OpenDirectory("inside");
        return guest;
    }
}
