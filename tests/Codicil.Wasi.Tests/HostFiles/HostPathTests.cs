using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>What paths lead to, and what they never lead to. Everything is proven for each way of resolving them.</summary>
public sealed class HostPathTests
{
    public static TheoryData<string> Ways => HostTree.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    public void Files_are_made_written_read_and_removed(string way)
    {
        using var tree = new HostTree(way);
        Assert.Equal(Errno.NoEnt, tree.Open("file"));
        Assert.Equal(Errno.Success, tree.Open("file", out WasiHandle? handle, OFlags.Create, FileAccess.ReadWrite));
        using var file = (WasiFile)handle!;
        Assert.Equal(Errno.Success, file.WriteAt("hello"u8, 2, out int written));
        Assert.Equal(5, written);
        Assert.Equal((Errno.Success, "\0\0hello"), tree.Read("file"));
        Assert.Equal("\0\0hello", File.ReadAllText(tree.At("file")));
        Assert.Equal(Errno.Exist, tree.Open("file", OFlags.Create | OFlags.Exclusive, FileAccess.Write));
        Assert.Equal(Errno.Success, tree.Open("file", OFlags.Create, FileAccess.Write));
        Assert.Equal(Errno.Success, tree.Open("file", OFlags.Truncate, FileAccess.Read));
        Assert.Equal((Errno.Success, ""), tree.Read("file"));
        Assert.Equal(Errno.NotDir, tree.Open("file", OFlags.Directory));
        Assert.Equal(Errno.NotDir, tree.Open("file/"));
        Assert.Equal(Errno.NotDir, tree.Open("file/x"));
        Assert.Equal(Errno.NotDir, tree.Status("file/").Errno);
        Assert.Equal(Errno.NotDir, tree.Unlink("file/"));
        Assert.Equal(Errno.Success, tree.Unlink("file"));
        Assert.Equal(Errno.NoEnt, tree.Unlink("file"));

        // It is still there for those that have it.
        Assert.Equal(Errno.Success, file.GetStatus(out FileStatus status));
        Assert.Equal((0ul, 0ul, FileType.RegularFile), (status.LinkCount, status.Size, status.Type));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Directories_are_made_opened_and_removed(string way)
    {
        using var tree = new HostTree(way);
        Assert.Equal(Errno.Success, tree.MakeDirectoryAsGuest("a"));
        Assert.Equal(Errno.Success, tree.MakeDirectoryAsGuest("a/b/"));
        Assert.Equal(Errno.Exist, tree.MakeDirectoryAsGuest("a"));
        Assert.Equal(Errno.Exist, tree.MakeDirectoryAsGuest("."));
        Assert.Equal(Errno.Exist, tree.MakeDirectoryAsGuest("a/.."));
        Assert.Equal(Errno.NoEnt, tree.MakeDirectoryAsGuest("x/y"));
        Assert.Equal(Errno.IsDir, tree.Open("a", access: FileAccess.ReadWrite));
        Assert.Equal(Errno.IsDir, tree.Open("a", OFlags.Create, FileAccess.Write));
        Assert.Equal(Errno.IsDir, tree.Open("new/", OFlags.Create, FileAccess.Write));
        Assert.Equal(Errno.IsDir, tree.Unlink("a"));
        Assert.Equal(Errno.IsDir, tree.Unlink("a/"));
        Assert.Equal(Errno.NotEmpty, tree.RemoveDirectory("a"));
        Assert.Equal(Errno.NotEmpty, tree.RemoveDirectory("a/.."));
        Assert.Equal(Errno.Inval, tree.RemoveDirectory("a/."));
        Assert.Equal(Errno.Perm, tree.HardLink("a", "c"));

        Assert.Equal(Errno.Success, tree.Open("a", out WasiHandle? handle, OFlags.Directory));
        using var directory = (WasiDirectory)handle!;
        Assert.Equal(Errno.Success, directory.GetStatus("b"u8, true, out FileStatus status));
        Assert.Equal(FileType.Directory, status.Type);
        Assert.Equal(Errno.Success, directory.Sync(dataOnly: false));
        Assert.Equal(Errno.Success, directory.SetTimes(null, 5_000_000_007));
        Assert.Equal(Errno.Success, directory.GetStatus(out status));
        Assert.Equal(5_000_000_007ul, status.ModificationTime);

        // What is above it is above it, although it is beneath the root.
        Assert.Equal(Errno.Perm, directory.GetStatus(".."u8, true, out _));
        Assert.Equal(Errno.Success, tree.RemoveDirectory("a/b/"));
        Assert.Equal(Errno.Success, tree.RemoveDirectory("a/"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-01")]
    public void Paths_that_lead_out_reach_nothing(string way)
    {
        foreach (string path in (string[])["..", "../", "../outside", "../outside/secret", "../root", "../root/own", "d/../..", "d/../../outside/secret", "d/../../root/own", "./../outside/secret", "d//..//..//outside/secret", "d/./../../outside"])
        {
            using var tree = new HostTree(way);
            tree.MakeDirectory("d");
            Assert.All(tree.TryEverything(path), result => Assert.True(result.Value == Errno.Perm, $"{path}: {result.Key}: {result.Value}"));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-01")]
    public void Paths_that_stay_inside_are_found(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d/e");
        tree.Write("d/file", "here");
        foreach (string path in (string[])["d/file", "./d/file", "d//file", "d/./file", "d/e/../file", "d/../d/file", "d/e/../../d/./e/..//file"])
        {
            Assert.Equal((Errno.Success, "here"), tree.Read(path));
            Assert.Equal((Errno.Success, FileType.RegularFile), tree.Status(path));
        }

        foreach (string path in (string[])[".", "./", "d/..", "d/../", "d/e/../..", "d/.", "d/", "d//"])
        {
            Assert.Equal(Errno.Success, tree.Open(path, OFlags.Directory));
            Assert.Equal((Errno.Success, FileType.Directory), tree.Status(path));
        }

        // A name must be there, even if the next one goes back.
        Assert.Equal(Errno.NoEnt, tree.Open("x/../d/file"));
        Assert.Equal(Errno.NotDir, tree.Open("d/file/../file"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-02")]
    public void Names_have_255_bytes_and_paths_4095(string way)
    {
        using var tree = new HostTree(way);
        string longest = new('n', 255);
        Assert.Equal(Errno.Success, tree.Open(longest, OFlags.Create, FileAccess.Write));
        Assert.Equal((Errno.Success, FileType.RegularFile), tree.Status(longest));
        Assert.All(tree.TryEverything(longest + "n"), static result => Assert.Equal(Errno.NameTooLong, result.Value));
        Assert.All(tree.TryEverything("d/" + longest + "n/x"), static result => Assert.True(result.Value is Errno.NameTooLong or Errno.NoEnt, result.ToString()));

        tree.MakeDirectory("d");
        string fits = string.Concat(Enumerable.Repeat("d/../", 818)) + "d/./.";
        Assert.Equal(4095, fits.Length);
        Assert.Equal((Errno.Success, FileType.Directory), tree.Status(fits));
        Assert.Equal(Errno.NameTooLong, tree.Status(fits + "/").Errno);
        Assert.All(tree.TryEverything(new string('/', 0) + string.Concat(Enumerable.Repeat("d/../", 2000)) + "d"), static result => Assert.Equal(Errno.NameTooLong, result.Value));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-02")]
    public void Names_that_are_not_UTF_8_are_hidden(string way)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "macOS has no such names");
        using var tree = new HostTree(way);
        tree.MakeFileWithBadName();
        tree.Write("good", "");
        Assert.Equal([".", "..", "good"], Listing.Names(tree.Root));
        Assert.Equal(Errno.Success, tree.MakeDirectoryAsGuest("d"));
        File.Move(tree.At("good"), tree.At("d/good"));
        Assert.Equal([".", "..", "d"], Listing.Names(tree.Root));

        tree.RemoveFileWithBadName();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-03")]
    public void Links_that_lead_out_reach_nothing(string way)
    {
        foreach (string target in (string[])["../outside", "{outside}", "../outside/secret", "{secret}", "../outside/new", "{outside}/new", "/", "..", "d/../../outside/secret", "/proc/self/root", "/proc/self/cwd"])
        {
            using var tree = new HostTree(way);
            tree.MakeDirectory("d");
            string hostTarget = target.Replace("{outside}", tree.OutsidePath, StringComparison.Ordinal).Replace("{secret}", tree.SecretPath, StringComparison.Ordinal);
            tree.Link(hostTarget, "d/link");
            tree.Link("d/link", "again");
            tree.Link("d", "directory");
            if (target[0] is not ('/' or '{'))
            {
                // These are relative to where they stand.
                File.Delete(tree.At("d/link"));
                tree.Link("../" + hostTarget, "d/link");
            }

            foreach (string path in (string[])["d/link/secret", "d/link/", "d/link/.", "again/secret", "again/", "directory/link/secret", "directory/link/", "d/link/../root/own", "d/link/.."])
            {
                // What removes or moves a link itself, its name before a slash included, finds it no directory, or a name that is taken.
                Assert.All(tree.TryEverything(path), result => Assert.True(result.Value is Errno.Perm or Errno.NotDir or Errno.Exist, $"{target}: {path}: {result.Key}: {result.Value}"));
            }

            foreach (string path in (string[])["d/link", "again", "directory/link"])
            {
                Assert.Equal(Errno.Perm, tree.Open(path));
                Assert.Equal(Errno.Perm, tree.Open(path, OFlags.Create, FileAccess.Write));
                Assert.Equal(Errno.Perm, tree.Open(path, OFlags.Truncate, FileAccess.Write));
                Assert.Equal(Errno.Perm, tree.Open(path, OFlags.Directory));
                Assert.Equal(Errno.Exist, tree.Open(path, OFlags.Create | OFlags.Exclusive, FileAccess.Write));
                Assert.Equal(Errno.Perm, tree.Status(path).Errno);
                Assert.Equal(Errno.Perm, tree.Root.SetTimes(HostTree.Bytes(path), true, 1, 1));
                Assert.Equal(Errno.Exist, tree.MakeDirectoryAsGuest(path));
                Assert.Equal(Errno.Exist, tree.HardLink("own", path));
                Assert.Equal(Errno.Exist, tree.Symlink("own", path));

                // The link itself may be handled: it is the program's.
                Assert.Equal(Errno.Loop, tree.Open(path, follow: false));
                Assert.Equal((Errno.Success, FileType.SymbolicLink), tree.Status(path, follow: false));
                Assert.Equal(Errno.Success, tree.Root.SetTimes(HostTree.Bytes(path), false, 1, 1));
                Assert.Equal(Errno.NotDir, tree.RemoveDirectory(path));
            }

            Assert.Equal((Errno.Success, "d/link"), tree.ReadLink("again"));
            Assert.Equal(Errno.Success, tree.HardLink("again", "copy"));
            Assert.Equal((Errno.Success, FileType.SymbolicLink), tree.Status("copy", follow: false));
            Assert.Equal(Errno.Success, tree.Rename("d/link", "moved"));
            Assert.Equal(Errno.Success, tree.Unlink("moved"));
            tree.AssertOutsideIsUntouched();
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-03")]
    public void Links_that_stay_inside_are_followed(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d/e");
        tree.Write("d/file", "here");
        tree.Link("d/file", "direct");
        tree.Link("../file", "d/e/up");
        tree.Link("d/e", "directory");
        tree.Link("directory/up", "chain");
        tree.Link("d//e/../e/./", "odd");
        foreach (string path in (string[])["direct", "d/e/up", "directory/up", "chain", "directory/../file", "odd/up"])
        {
            Assert.Equal((Errno.Success, "here"), tree.Read(path));
            Assert.Equal((Errno.Success, FileType.RegularFile), tree.Status(path));
            Assert.Equal(Errno.NotDir, tree.Open(path + "/"));
            Assert.Equal(Errno.NotDir, tree.Status(path + "/").Errno);
        }

        // With a slash a link is the directory that it leads to, whether links are followed or not.
        Assert.Equal((Errno.Success, FileType.Directory), tree.Status("directory/", follow: false));
        Assert.Equal(Errno.Success, tree.Open("directory/", OFlags.Directory, follow: false));
        Assert.Equal((Errno.Success, FileType.SymbolicLink), tree.Status("directory", follow: false));
        Assert.Equal(Errno.Loop, tree.Open("directory", OFlags.Directory, follow: false));
        Assert.Equal(Errno.Loop, tree.Open("direct", follow: false));
        Assert.Equal(Errno.Inval, tree.ReadLink("d/file").Errno);
        Assert.Equal(Errno.Inval, tree.ReadLink("d").Errno);
        Assert.Equal(Errno.Inval, tree.ReadLink("directory/").Errno);
        Assert.Equal(Errno.NotDir, tree.ReadLink("direct/").Errno);
        Assert.Equal(Errno.NotDir, tree.RemoveDirectory("directory/"));
        Assert.Equal(Errno.NotDir, tree.Unlink("directory/"));
        Assert.Equal(Errno.NotDir, tree.Rename("directory/", "other"));
        Assert.Equal(Errno.Success, tree.Root.SetTimes("direct"u8, true, null, 3_000_000_000));
        Assert.Equal(3, new DateTimeOffset(File.GetLastWriteTimeUtc(tree.At("d/file"))).ToUnixTimeSeconds());
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-03")]
    public void Creating_through_a_link_makes_what_it_leads_to_inside_only(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d");
        tree.Link("d/new", "dangling");
        tree.Link("../outside/new", "escaping");
        Assert.Equal(Errno.NoEnt, tree.Open("dangling"));
        Assert.Equal(Errno.Exist, tree.Open("dangling", OFlags.Create | OFlags.Exclusive, FileAccess.Write));
        Assert.Equal(Errno.Loop, tree.Open("dangling", OFlags.Create, FileAccess.Write, follow: false));
        Assert.False(File.Exists(tree.At("d/new")));
        Assert.Equal(Errno.Success, tree.Open("dangling", OFlags.Create, FileAccess.Write));
        Assert.True(File.Exists(tree.At("d/new")));
        Assert.Equal(Errno.Perm, tree.Open("escaping", OFlags.Create, FileAccess.Write));
        tree.AssertOutsideIsUntouched();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-03")]
    public void Guests_make_relative_links_only(string way)
    {
        using var tree = new HostTree(way);
        Assert.Equal(Errno.Perm, tree.Symlink(tree.SecretPath, "link"));
        Assert.Equal(Errno.Perm, tree.Symlink("/", "link"));
        Assert.Equal(Errno.NoEnt, tree.Symlink("target", "link/"));
        Assert.Equal(Errno.Perm, tree.Symlink("target", "../outside/link"));

        // Where it leads is seen when it is followed.
        Assert.Equal(Errno.Success, tree.Symlink("../outside/secret", "link"));
        Assert.Equal((Errno.Success, "../outside/secret"), tree.ReadLink("link"));
        Assert.Equal(Errno.Perm, tree.Read("link").Errno);
        Assert.Equal(Errno.Exist, tree.Symlink("target", "link"));
        tree.AssertOutsideIsUntouched();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-04")]
    public void Forty_links_are_followed_and_no_more(string way)
    {
        using var tree = new HostTree(way);
        tree.Write("link0", "end");
        for (int i = 1; i <= 41; i++)
        {
            tree.Link($"link{i - 1}", $"link{i}");
        }

        Assert.Equal((Errno.Success, "end"), tree.Read("link40"));
        Assert.Equal((Errno.Success, FileType.RegularFile), tree.Status("link40"));
        Assert.Equal(Errno.Loop, tree.Read("link41").Errno);
        Assert.Equal(Errno.Loop, tree.Status("link41").Errno);
        Assert.Equal(Errno.Loop, tree.Open("link41", OFlags.Create, FileAccess.Write));
        Assert.Equal((Errno.Success, FileType.SymbolicLink), tree.Status("link41", follow: false));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-04")]
    public void Links_in_a_circle_end(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d");
        tree.Link("self", "self");
        tree.Link("two", "one");
        tree.Link("one", "two");
        tree.Link("../d/deep/x/../x", "d/deep");
        foreach (string path in (string[])["self", "one", "d/deep", "self/x", "one/", "d/deep/x", "self/../d"])
        {
            Assert.Equal(Errno.Loop, tree.Open(path));
            Assert.Equal(Errno.Loop, tree.Open(path, OFlags.Create, FileAccess.Write));
            Assert.Equal(Errno.Loop, tree.Status(path).Errno);
        }

        Assert.Equal(Errno.Success, tree.Unlink("self"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Renaming_replaces_what_is_there(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d/e");
        tree.MakeDirectory("empty");
        tree.Write("a", "a");
        tree.Write("b", "b");
        Assert.Equal(Errno.Success, tree.Rename("a", "b"));
        Assert.Equal((Errno.Success, "a"), tree.Read("b"));
        Assert.Equal(Errno.NoEnt, tree.Rename("a", "b"));
        Assert.Equal(Errno.NotDir, tree.Rename("b/", "c"));
        Assert.Equal(Errno.NotDir, tree.Rename("b", "c/"));
        Assert.Equal(Errno.IsDir, tree.Rename("b", "d"));
        Assert.Equal(Errno.NotDir, tree.Rename("d", "b"));
        Assert.Equal(Errno.NotEmpty, tree.Rename("empty", "d"));
        Assert.Equal(Errno.Inval, tree.Rename("d", "d/e/f"));
        Assert.Equal(Errno.Busy, tree.Rename(".", "x"));
        Assert.Equal(Errno.Success, tree.Rename("d/", "empty/"));
        Assert.Equal((Errno.Success, FileType.Directory), tree.Status("empty/e"));

        using var other = new HostTree(way);
        Assert.Equal(Errno.XDev, tree.Root.Rename("b"u8, other.Root, "b"u8));
        Assert.Equal(Errno.XDev, tree.Root.Link("b"u8, other.Root, "b"u8));
        using WasiDirectory mountedTwice = tree.FileSystem.OpenRoot();
        Assert.Equal(Errno.Success, tree.Root.Link("b"u8, mountedTwice, "c"u8));
        Assert.Equal(Errno.Success, tree.Root.GetStatus("c"u8, true, out FileStatus status));
        Assert.Equal(2ul, status.LinkCount);
        Assert.Equal(Errno.Exist, tree.HardLink("b", "c"));
        Assert.Equal(Errno.Exist, tree.HardLink("b", "c/"));
        Assert.Equal(Errno.NoEnt, tree.HardLink("b", "new/"));
        Assert.Equal(Errno.NotDir, tree.HardLink("b/", "new"));
    }

    [Fact]
    [Trait("Security", "WF-12")]
    public void The_working_directory_does_not_matter_nor_the_root_s_name()
    {
        using var tree = new HostTree("openat2");
        tree.MakeDirectory("d");
        tree.Write("d/file", "here");
        Assert.Equal(Errno.Success, tree.Open("d", out WasiHandle? handle));
        using var directory = (WasiDirectory)handle!;

        // Another directory has the root's name now; the mounted one is what it was.
        string moved = tree.RootPath + "-moved";
        Directory.Move(tree.RootPath, moved);
        try
        {
            Directory.CreateDirectory(tree.At("d"));
            tree.Write("d/file", "another");
            Assert.Equal((Errno.Success, "here"), tree.Read("d/file"));
            Assert.Equal(Errno.Success, directory.Open("file"u8, new WasiOpenOptions(OFlags.Truncate, FileAccess.Write, FdFlags.None, true), out WasiHandle? file));
            file!.Dispose();
            Assert.Equal("another", File.ReadAllText(tree.At("d/file")));
            Assert.Equal("", File.ReadAllText(System.IO.Path.Combine(moved, "d/file")));
        }
        finally
        {
            Directory.Delete(moved, recursive: true);
        }

        // Relative paths are made absolute at once.
        Assert.True(System.IO.Path.IsPathRooted(new HostFileSystem("somewhere").Path));
        Assert.Throws<DirectoryNotFoundException>(() => new HostFileSystem(tree.At("nowhere")).OpenRoot());
        Assert.Throws<IOException>(() => new HostFileSystem(tree.At("d/file")).OpenRoot());
    }
}
