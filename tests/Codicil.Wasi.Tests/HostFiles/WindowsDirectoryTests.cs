using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;
using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>
/// What is Windows's own in directories of the host, on any system: behind its calls is a model of NTFS. What all file systems have to do, the tests in <c>Files/</c> and wasi-testsuite ask of this one, too.
/// </summary>
public sealed class WindowsDirectoryTests
{
    private static readonly (string Name, Func<WasiDirectory, byte[], Errno> Call)[] s_calls =
    [
        ("open", static (root, path) => Close(root.Open(path, Options(), out WasiHandle? handle), handle)),
        ("create", static (root, path) => Close(root.Open(path, Options(OFlags.Create, FileAccess.ReadWrite), out WasiHandle? handle), handle)),
        ("create alone", static (root, path) => Close(root.Open(path, Options(OFlags.Create | OFlags.Exclusive, FileAccess.ReadWrite), out WasiHandle? handle), handle)),
        ("cut", static (root, path) => Close(root.Open(path, Options(OFlags.Truncate, FileAccess.ReadWrite), out WasiHandle? handle), handle)),
        ("open a directory", static (root, path) => Close(root.Open(path, Options(OFlags.Directory), out WasiHandle? handle), handle)),
        ("status", static (root, path) => root.GetStatus(path, followSymlink: true, out _)),
        ("status of a link", static (root, path) => root.GetStatus(path, followSymlink: false, out _)),
        ("times", static (root, path) => root.SetTimes(path, followSymlink: true, 1, 1)),
        ("times of a link", static (root, path) => root.SetTimes(path, followSymlink: false, 1, 1)),
        ("make a directory", static (root, path) => root.CreateDirectory(path)),
        ("remove a directory", static (root, path) => root.RemoveDirectory(path)),
        ("unlink", static (root, path) => root.UnlinkFile(path)),
        ("rename", static (root, path) => root.Rename(path, root, "renamed"u8)),
        ("rename to", static (root, path) => root.Rename("file"u8, root, path)),
        ("link", static (root, path) => root.Link(path, root, "linked"u8)),
        ("link to", static (root, path) => root.Link("file"u8, root, path)),
        ("symlink", static (root, path) => root.Symlink("file"u8, path)),
        ("readlink", static (root, path) => root.ReadLink(path, new byte[100], out _)),
    ];

    private readonly NtfsModel _model = new();
    private readonly WasiDirectory _root;

    public WindowsDirectoryTests()
    {
        _model.Root.Children["file"] = _model.NewNode(0, "inside"u8.ToArray());
        NtfsNode directory = _model.NewNode(Nt.AttributeDirectory);
        directory.Children[NtfsModel.SecretName] = _model.NewNode(0, "inside"u8.ToArray());
        _model.Root.Children["d"] = directory;
        _root = new HostFileSystem("root", _model).OpenRoot();
    }

    public static TheoryData<string> BadNames => new(
        "CON", "nul.txt", "COM1", "LPT\u00B3", "file:stream", "file::$DATA", "C:", "a\\b", "..\\x", "trailing.", "trailing ", "...", "a*", "a?", "a\u0001", "\\\\?\\C:\\x", "\\\\.\\NUL", "d:$INDEX_ALLOCATION");

    [Theory]
    [Trait("Security", "WF-11")]
    [Trait("Parity", "WAZ-19")]
    [MemberData(nameof(BadNames))]
    public void A_name_that_means_something_else_to_Windows_never_reaches_it(string name)
    {
        // The model throws when it is given one.
        foreach (string path in (string[])[name, $"d/{name}", $"{name}/{NtfsModel.SecretName}", $"d/../{name}", $"{name}/"])
        {
            foreach ((string what, Func<WasiDirectory, byte[], Errno> call) in s_calls)
            {
                Errno errno = call(_root, Encoding.UTF8.GetBytes(path));
                Assert.True(errno == Errno.Inval || (path.EndsWith('/') && errno is Errno.IsDir or Errno.NotDir or Errno.NoEnt), $"{what} of {path}: {errno}");
            }
        }

        // Neither as the target of a link, be it made here or by others.
        Assert.Equal(Errno.Inval, _root.Symlink(Encoding.UTF8.GetBytes($"d/{name}"), "new"u8));
        _model.Root.Children["link"] = _model.NewLink(name);
        Assert.Contains(_root.Open("link"u8, Options(), out _), (Errno[])[Errno.Inval, Errno.Perm, Errno.NoEnt]);
        Assert.Equal(["d", "file", "link"], Names(_root));
        AssertNothingLeft();
    }

    [Fact]
    [Trait("Security", "WF-11")]
    public void Names_that_programs_cannot_use_are_not_listed()
    {
        _model.Root.Children["a:b"] = _model.NewNode(0);
        _model.Root.Children["trailing."] = _model.NewNode(0);
        _model.Root.Children["half \uD800"] = _model.NewNode(0);
        _model.Root.Children["\U0001F600"] = _model.NewNode(0);
        Assert.Equal(["d", "file", "\U0001F600"], Names(_root));
    }

    [Theory]
    [Trait("Security", "WF-03")]
    [InlineData(Nt.TagMountPoint, @"\??\C:\outside")]
    [InlineData(Nt.TagSymbolicLink, @"\??\C:\outside")]
    [InlineData(0xA000_001D, "outside")]
    [InlineData(0xA000_0010, "outside")]
    public void What_stands_for_another_place_is_seen_and_not_passed(uint tag, string target)
    {
        _model.Root.Children["away"] = _model.NewLink(target, isRelative: false, tag, isDirectory: true);
        foreach (string path in (string[])["away", "away/", "away/" + NtfsModel.SecretName, "d/../away/" + NtfsModel.SecretName, "away/.."])
        {
            foreach ((string what, Func<WasiDirectory, byte[], Errno> call) in s_calls.Where(static call => call.Name is "open" or "create" or "cut" or "open a directory" or "status" or "times"))
            {
                Errno errno = call(_root, Encoding.UTF8.GetBytes(path));
                Assert.True(errno == Errno.Perm || (path == "away/" && errno is Errno.IsDir or Errno.NotDir), $"{what} of {path}: {errno}");
            }
        }

        Assert.Equal(Errno.Success, _root.GetStatus("away"u8, followSymlink: false, out FileStatus status));
        Assert.Equal(FileType.SymbolicLink, status.Type);
        Assert.Equal(Errno.Perm, _root.ReadLink("away"u8, new byte[100], out _));
        Assert.Equal(Errno.NotDir, _root.RemoveDirectory("away"u8));
        Assert.Equal(Errno.Success, _root.Rename("away"u8, _root, "gone"u8));
        Assert.Equal(Errno.Success, _root.UnlinkFile("gone"u8));
        AssertNothingLeft();
    }

    [Theory]
    [Trait("Security", "WF-08")]
    [InlineData(Nt.TagUnixSocket, FileType.SocketStream)]
    [InlineData(Nt.TagFifo, FileType.Unknown)]
    public void Special_files_are_seen_and_not_opened(uint tag, FileType type)
    {
        NtfsNode node = _model.NewNode(Nt.AttributeReparsePoint);
        node.Tag = tag;
        node.Reparse = new byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(node.Reparse, tag);
        _model.Root.Children["special"] = node;
        Assert.Equal(Errno.NxIo, _root.Open("special"u8, Options(), out _));
        Assert.Equal(Errno.NxIo, _root.Open("special"u8, Options(OFlags.Create, FileAccess.ReadWrite), out _));
        Assert.Equal(Errno.Success, _root.GetStatus("special"u8, followSymlink: true, out FileStatus status));
        Assert.Equal(type, status.Type);
        Assert.Equal(Errno.Inval, _root.ReadLink("special"u8, new byte[10], out _));
        Assert.Equal(Errno.Success, _root.UnlinkFile("special"u8));
    }

    [Fact]
    public void A_file_of_the_cloud_is_a_file()
    {
        NtfsNode node = _model.NewNode(Nt.AttributeReparsePoint, "cloud"u8.ToArray());
        node.Tag = 0x9000_001A;
        _model.Root.Children["file"] = node;
        Assert.Equal("cloud", Read("file"));
    }

    [Fact]
    [Trait("Security", "WF-05")]
    public void Nothing_outside_is_reached_whenever_others_put_a_link_in_the_way()
    {
        NtfsNode[] ways = [_model.NewLink(@"\??\C:\outside", isRelative: false, Nt.TagMountPoint, isDirectory: true), _model.NewLink(@"..\outside", isDirectory: true), _model.NewLink(@"..\outside\secret")];
        foreach (NtfsNode evil in ways)
        {
            foreach (string name in (string[])["d", "file"])
            {
                NtfsNode good = _model.Root.Children[name];
                foreach ((string what, Func<WasiDirectory, byte[], Errno> call) in s_calls)
                {
                    foreach (string path in name == "d" ? ["d/secret", "d/secret/", "d/new", "d", "d/", "d/../file", "d/."] : (string[])["file", "d/../file", "./file"])
                    {
                        // At each call of the system in turn, and back again some calls later.
                        for (int at = 1, calls = int.MaxValue; at <= calls; at++)
                        {
                            for (int back = 1; back <= 3; back++)
                            {
                                int count = 0;
                                _model.Meanwhile = () =>
                                {
                                    count++;
                                    if (count == at)
                                    {
                                        _model.Root.Children[name] = evil;
                                    }
                                    else if (count == at + back)
                                    {
                                        _model.Root.Children[name] = good;
                                    }
                                };
                                call(_root, Encoding.UTF8.GetBytes(path));
                                string seen = Read(path);
                                _model.Meanwhile = null;
                                calls = count;
                                Assert.True(seen != NtfsModel.Secret && _model.Followed == 0, $"{what} of {path} at {at}");
                                NtfsNode secret = Assert.Single(_model.Outside.Children).Value;
                                Assert.True(secret.Data.AsSpan(0, (int)secret.Size).SequenceEqual(Encoding.UTF8.GetBytes(NtfsModel.Secret)) && secret.Links == 1 && secret.Written == secret.Created, $"{what} of {path} at {at}");
                                Restore(name, good);
                            }
                        }
                    }
                }
            }
        }

        AssertNothingLeft();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Renaming_and_removing_work_without_the_newer_ways(bool hasPosixSemantics)
    {
        _model.HasPosixSemantics = hasPosixSemantics;
        Assert.Equal(Errno.Success, _root.CreateDirectory("empty"u8));
        Assert.Equal(Errno.Success, _root.Rename("d"u8, _root, "empty"u8));
        Assert.Equal("inside", Read("empty/secret"));
        Assert.Equal(Errno.Success, _root.CreateDirectory("other"u8));
        Assert.Equal(Errno.NotEmpty, _root.Rename("other"u8, _root, "empty"u8));
        Assert.Equal(Errno.NotDir, _root.Rename("other"u8, _root, "file"u8));
        Assert.Equal(Errno.IsDir, _root.Rename("file"u8, _root, "other"u8));
        Assert.Equal(Errno.Success, _root.Rename("file"u8, _root, "empty/secret"u8));
        Assert.Equal(Errno.NotEmpty, _root.RemoveDirectory("empty"u8));
        Assert.Equal(Errno.Success, _root.UnlinkFile("empty/secret"u8));
        Assert.Equal(Errno.Success, _root.RemoveDirectory("empty"u8));
        Assert.Equal(Errno.IsDir, _root.UnlinkFile("other"u8));
        Assert.Equal(Errno.Success, _root.RemoveDirectory("other"u8));
        Assert.Equal([], Names(_root));
        AssertNothingLeft();
    }

    [Fact]
    public void Names_differ_by_case_alone_and_are_one()
    {
        Assert.Equal(Errno.Exist, _root.CreateDirectory("FILE"u8));
        Assert.Equal(Errno.Success, _root.Rename("file"u8, _root, "FILE"u8));
        Assert.Equal(["d", "FILE"], Names(_root));
        Assert.Equal(Errno.Success, _root.Rename("d"u8, _root, "D"u8));
        Assert.Equal(["D", "FILE"], Names(_root));

        // Two names of one file: nothing happens.
        Assert.Equal(Errno.Success, _root.Link("FILE"u8, _root, "other"u8));
        Assert.Equal(Errno.Success, _root.Rename("FILE"u8, _root, "other"u8));
        Assert.Equal(["D", "FILE", "other"], Names(_root));
    }

    [Fact]
    public void A_link_is_one_to_a_directory_where_it_leads_to_one()
    {
        Assert.Equal(Errno.Success, _root.Symlink("d/"u8, "to-directory"u8));
        Assert.Equal(Errno.Success, _root.Symlink("d/secret"u8, "to-file"u8));
        Assert.Equal(Errno.Success, _root.Symlink("nowhere"u8, "to-nothing"u8));
        Assert.Equal(
            [Nt.AttributeDirectory, 0u, 0u],
            ((string[])["to-directory", "to-file", "to-nothing"]).Select(name => _model.Root.Children[name].Attributes & Nt.AttributeDirectory));
        Assert.Equal("inside", Read("to-directory/secret"));
        Assert.Equal("inside", Read("to-file"));
        var target = new byte[20];
        Assert.Equal(Errno.Success, _root.ReadLink("to-file"u8, target, out int count));
        Assert.Equal("d/secret", Encoding.UTF8.GetString(target, 0, count));
        Assert.Equal(Errno.Success, _root.GetStatus("to-file"u8, followSymlink: false, out FileStatus status));
        Assert.Equal(8u, status.Size);
        AssertNothingLeft();
    }

    [Fact]
    [Trait("Security", "WF-12")]
    public void Storage_that_there_is_no_room_for_is_not_reserved()
    {
        Assert.Equal(Errno.Success, _root.Open("file"u8, Options(OFlags.None, FileAccess.ReadWrite), out WasiHandle? handle));
        using var file = (WasiFile)handle!;
        Assert.Equal(Errno.NoSpc, file.Allocate(0, (ulong)_model.FreeBytes + 100));
        Assert.Equal(6, _model.Root.Children["file"].Size);
        Assert.Equal(Errno.FBig, file.Allocate(long.MaxValue, 1));
        Assert.Equal(Errno.Success, file.Allocate(2, 2));
        Assert.Equal(6, _model.Root.Children["file"].Size);
        Assert.Equal(Errno.Success, file.Allocate(2, 1000));
        Assert.Equal(1002, _model.Root.Children["file"].Size);
        Assert.Equal(Errno.FBig, file.WriteAt("x"u8, 1UL << 60, out _));
        Assert.Equal(Errno.FBig, file.SetSize(1UL << 60));
    }

    [Fact]
    public void A_handle_asks_for_no_more_than_it_needs_and_times_can_be_set_all_the_same()
    {
        Assert.Equal(Errno.Success, _root.Open("file"u8, Options(), out WasiHandle? handle));
        using (var file = (WasiFile)handle!)
        {
            Assert.Equal(Errno.Acces, file.WriteAt("x"u8, 0, out _));
            Assert.Equal(Errno.Success, file.SetTimes(1_000_000_100, 2_000_000_200));
            Assert.Equal(Errno.Success, file.Sync(dataOnly: false));
            Assert.Equal(Errno.Success, file.GetStatus(out FileStatus status));
            Assert.Equal((1_000_000_100UL, 2_000_000_200UL, 6UL, 1UL, 0x1234_5678UL), (status.AccessTime, status.ModificationTime, status.Size, status.LinkCount, status.Device));
        }

        AssertNothingLeft();
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public void What_was_closed_is_a_bad_descriptor()
    {
        Assert.Equal(Errno.Success, _root.Open("file"u8, Options(), out WasiHandle? handle));
        handle!.Dispose();
        Assert.Equal(Errno.BadF, ((WasiFile)handle).ReadAt(new byte[1], 0, out _));
        _root.Dispose();
        foreach ((string what, Func<WasiDirectory, byte[], Errno> call) in s_calls.Where(static call => call.Name is not ("rename" or "link")))
        {
            Assert.True(call(_root, "file"u8.ToArray()) == Errno.BadF, what);
        }

        Assert.Equal(0, _model.OpenHandles);
    }

    [Theory]
    [InlineData(@"C:\data", @"\??\C:\data")]
    [InlineData(@"\\server\share\data", @"\??\UNC\server\share\data")]
    [InlineData(@"\\?\C:\data", @"\??\C:\data")]
    [InlineData(@"\\?\UNC\server\share", @"\??\UNC\server\share")]
    [InlineData(@"\\.\C:\data", @"\??\C:\data")]
    public void Full_paths_are_those_of_the_system(string path, string expected) => Assert.Equal(expected, WindowsDirectory.ToNativePath(path));

    [Fact]
    public void Structures_are_laid_out_as_on_64_bit_Windows()
    {
        Assert.Equal(16, Marshal.SizeOf<NativeMethods.StatusBlock>());
        Assert.Equal(16, Marshal.SizeOf<NativeMethods.UnicodeString>());
        Assert.Equal(48, Marshal.SizeOf<NativeMethods.ObjectAttributes>());
        Assert.Equal((8, 16, 24), (Offset(nameof(NativeMethods.ObjectAttributes.RootDirectory)), Offset(nameof(NativeMethods.ObjectAttributes.ObjectName)), Offset(nameof(NativeMethods.ObjectAttributes.Attributes))));

        static int Offset(string field) => (int)Marshal.OffsetOf<NativeMethods.ObjectAttributes>(field);
    }

    [Fact]
    public void Status_codes_have_one_meaning()
    {
        Assert.Equal(WindowsErrors.All.Length, WindowsErrors.All.Select(static row => row.Status).Distinct().Count());
        Assert.Equal(WindowsErrors.All.Length, WindowsErrors.All.Select(static row => row.Name).Distinct().Count());
        foreach ((uint status, string name, Errno error) in WindowsErrors.All)
        {
            Assert.True(status >> 28 == 0xC && error != Errno.Success && WindowsErrors.Translate(status) == error, name);
        }

        Assert.Equal(Errno.Success, WindowsErrors.Translate(Nt.StatusSuccess));
        Assert.Equal(Errno.Success, WindowsErrors.Translate(Nt.StatusBufferOverflow));
        Assert.Equal(Errno.Io, WindowsErrors.Translate(0xC000_FFFF));
    }

    [Fact]
    public void Damaged_links_are_errors_and_nothing_more()
    {
        byte[] link = _model.NewLink(@"a\b").Reparse;
        var target = new byte[100];
        Assert.Equal(Errno.Success, WindowsReparsePoint.ReadTarget(link, target, out int length));
        Assert.Equal("a/b", Encoding.UTF8.GetString(target, 0, length));
        for (int end = 0; end < link.Length; end++)
        {
            Errno errno = WindowsReparsePoint.ReadTarget(link.AsSpan(0, end), target, out length);
            Assert.True(errno is Errno.Io or Errno.Inval or Errno.Success, $"{end}: {errno}");
        }

        for (int offset = 8; offset < 20; offset++)
        {
            byte[] damaged = [.. link];
            damaged[offset] = 0xFF;
            Assert.NotEqual(Errno.Fault, WindowsReparsePoint.ReadTarget(damaged, target, out length));
        }

        Assert.Equal(Errno.NameTooLong, WindowsReparsePoint.ReadTarget(_model.NewLink(new string('a', 5000)).Reparse, new byte[4096], out _));
        Assert.Equal(Errno.IlSeq, WindowsReparsePoint.ReadTarget(_model.NewLink("\uD800").Reparse, target, out _));
        Assert.Equal(Errno.Success, WindowsReparsePoint.Create("../a/./b/"u8, out byte[] made));
        Assert.Equal(Errno.Success, WindowsReparsePoint.ReadTarget(made, target, out length));
        Assert.Equal("../a/./b/", Encoding.UTF8.GetString(target, 0, length));
        Assert.Equal(Errno.IlSeq, WindowsReparsePoint.Create([0xFF], out _));
    }

    private static WasiOpenOptions Options(OFlags flags = OFlags.None, FileAccess access = FileAccess.Read) => new(flags, access, FdFlags.None, FollowSymlink: true);

    private static Errno Close(Errno errno, WasiHandle? handle)
    {
        (handle as WasiFile)?.Append("written"u8, out _, out _);
        handle?.Dispose();
        return errno;
    }

    private static string[] Names(WasiDirectory directory)
    {
        var buffer = new byte[4096];
        var writer = new DirectoryEntryWriter(buffer);
        Assert.Equal(Errno.Success, directory.ReadEntries(2, ref writer));
        var names = new List<string>();
        for (int at = 0; at < writer.Count;)
        {
            int length = BinaryPrimitives.ReadInt32LittleEndian(buffer.AsSpan(at + 16));
            names.Add(Encoding.UTF8.GetString(buffer, at + 24, length));
            at += 24 + length;
        }

        return [.. names];
    }

    private string Read(string path)
    {
        if (_root.Open(Encoding.UTF8.GetBytes(path), Options(), out WasiHandle? handle) != Errno.Success)
        {
            return "";
        }

        using (handle)
        {
            var buffer = new byte[100];
            return handle is WasiFile file && file.ReadAt(buffer, 0, out int count) == Errno.Success ? Encoding.UTF8.GetString(buffer, 0, count) : "";
        }
    }

    // As it was, whatever a call has done to it.
    private void Restore(string name, NtfsNode good)
    {
        foreach (string other in _model.Root.Children.Keys.ToArray())
        {
            if (other is not ("d" or "file"))
            {
                _model.Root.Children.Remove(other);
            }
        }

        _model.Root.Children[name] = good;
        _model.Root.Children.TryAdd("file", _model.NewNode(0, "inside"u8.ToArray()));
        if (!_model.Root.Children.TryGetValue("d", out NtfsNode? directory) || !directory.IsRealDirectory)
        {
            directory = _model.Root.Children["d"] = _model.NewNode(Nt.AttributeDirectory);
        }

        directory.IsRemoved = false;
        directory.Children.Clear();
        directory.Children[NtfsModel.SecretName] = _model.NewNode(0, "inside"u8.ToArray());
        good.IsRemoved = false;
        good.Links = 1;
    }

    private void AssertNothingLeft()
    {
        // The root, and the handle of its listing.
        Assert.InRange(_model.OpenHandles, 1, 2);
        Assert.Equal(0, _model.Followed);
    }
}
