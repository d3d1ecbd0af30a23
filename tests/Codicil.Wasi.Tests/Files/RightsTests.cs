using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests.Files;

public sealed class RightsTests
{
    private static readonly (Rights Right, Func<FileGuest, uint, Errno> Call)[] s_directoryCalls =
    [
        (Rights.FdDataSync, static (guest, fd) => guest.Guest.Call("fd_datasync", fd)),
        (Rights.FdSync, static (guest, fd) => guest.Guest.Call("fd_sync", fd)),
        (Rights.FdFdStatSetFlags, static (guest, fd) => guest.Guest.Call("fd_fdstat_set_flags", fd, 0)),
        (Rights.PathCreateDirectory, static (guest, fd) => guest.CreateDirectory("made", fd)),
        (Rights.PathCreateFile, static (guest, fd) => guest.Open("created", out _, OFlags.Create, fd: fd)),
        (Rights.PathLinkSource, static (guest, fd) => guest.Link("file", "linked", fd, FileGuest.Root)),
        (Rights.PathLinkTarget, static (guest, fd) => guest.Link("file", "linked too", FileGuest.Root, fd)),
        (Rights.PathOpen, static (guest, fd) => guest.Open("file", out _, fd: fd)),
        (Rights.FdReadDir, static (guest, fd) => guest.Guest.Call("fd_readdir", fd, FileGuest.Buffer, 100, 0L, FileGuest.Result)),
        (Rights.PathReadLink, static (guest, fd) => guest.ReadLink("link", out _, fd)),
        (Rights.PathRenameSource, static (guest, fd) => guest.Rename("file", "file", fd, FileGuest.Root)),
        (Rights.PathRenameTarget, static (guest, fd) => guest.Rename("file", "file", FileGuest.Root, fd)),
        (Rights.PathFileStatGet, static (guest, fd) => guest.Status("file", fd)),
        (Rights.PathFileStatSetSize, static (guest, fd) => guest.Open("file", out _, OFlags.Truncate, fd: fd)),
        (Rights.PathFileStatSetTimes, static (guest, fd) => guest.SetTimes("file", 1, 1, fd)),
        (Rights.FdFileStatGet, static (guest, fd) => guest.Guest.Call("fd_filestat_get", fd, FileGuest.Result)),
        (Rights.FdFileStatSetTimes, static (guest, fd) => guest.Guest.Call("fd_filestat_set_times", fd, 0L, 1L, 4)),
        (Rights.PathSymlink, static (guest, fd) => guest.Symlink("file", "symlink", fd)),
        (Rights.PathRemoveDirectory, static (guest, fd) => guest.RemoveDirectory("empty", fd)),
        (Rights.PathUnlinkFile, static (guest, fd) => guest.Unlink("victim", fd)),
    ];

    private static readonly (Rights Right, Func<FileGuest, uint, Errno> Call)[] s_fileCalls =
    [
        (Rights.FdDataSync, static (guest, fd) => guest.Guest.Call("fd_datasync", fd)),
        (Rights.FdRead, static (guest, fd) => guest.Read(fd, out _)),
        (Rights.FdRead, static (guest, fd) => guest.Read(fd, out _, offset: 0)),
        (Rights.FdSeek, static (guest, fd) => guest.Seek(fd, 1, Whence.Set, out _)),
        (Rights.FdSeek, static (guest, fd) => guest.Read(fd, out _, offset: 0)),
        (Rights.FdSeek, static (guest, fd) => guest.Write(fd, "x", offset: 0)),
        (Rights.FdFdStatSetFlags, static (guest, fd) => guest.Guest.Call("fd_fdstat_set_flags", fd, 0)),
        (Rights.FdSync, static (guest, fd) => guest.Guest.Call("fd_sync", fd)),

        // The right to seek includes that to tell.
        (Rights.FdTell | Rights.FdSeek, static (guest, fd) => guest.Guest.Call("fd_tell", fd, FileGuest.Result)),
        (Rights.FdWrite, static (guest, fd) => guest.Write(fd, "x")),
        (Rights.FdWrite, static (guest, fd) => guest.Write(fd, "x", offset: 0)),
        (Rights.FdAdvise, static (guest, fd) => guest.Guest.Call("fd_advise", fd, 0L, 0L, 0)),
        (Rights.FdAllocate, static (guest, fd) => guest.Guest.Call("fd_allocate", fd, 0L, 1L)),
        (Rights.FdFileStatGet, static (guest, fd) => guest.Guest.Call("fd_filestat_get", fd, FileGuest.Result)),
        (Rights.FdFileStatSetSize, static (guest, fd) => guest.Guest.Call("fd_filestat_set_size", fd, 5L)),
        (Rights.FdFileStatSetTimes, static (guest, fd) => guest.Guest.Call("fd_filestat_set_times", fd, 0L, 1L, 4)),
        (Rights.PollFdReadWrite, static (guest, fd) => Poll(guest, fd)),
    ];

    public static TheoryData<FileStorageKind> Kinds => [.. Enum.GetValues<FileStorageKind>()];

    [Theory]
    [Trait("Security", "WF-07")]
    [MemberData(nameof(Kinds))]
    public void Without_its_right_nothing_works(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage);
        Rights tested = Rights.None;
        foreach ((Rights right, Func<FileGuest, uint, Errno> call) in s_directoryCalls)
        {
            uint fd = guest.OpenDirectory(".");
            Reduce(guest, fd, Rights.Directory & ~right, Rights.Directory | Rights.File);
            Errno errno = call(guest, fd);
            Assert.True(errno == Errno.NotCapable, $"without {right}: {errno}");
            tested |= right;
        }

        foreach ((Rights right, Func<FileGuest, uint, Errno> call) in s_fileCalls)
        {
            uint fd = guest.Open("file");
            Reduce(guest, fd, Rights.File & ~right, Rights.None);
            Errno errno = call(guest, fd);
            Assert.True(errno == Errno.NotCapable, $"without {right}: {errno}");
            tested |= right;
        }

        Assert.Equal("contents", guest.ReadFile("file"));
        Assert.Equal(Rights.Directory | Rights.File, tested);

        // And with it all of them do something.
        foreach ((Rights right, Func<FileGuest, uint, Errno> call) in s_directoryCalls)
        {
            Assert.True(call(guest, guest.OpenDirectory(".")) == Errno.Success, right.ToString());
        }

        foreach ((Rights right, Func<FileGuest, uint, Errno> call) in s_fileCalls)
        {
            Assert.True(call(guest, guest.Open("file")) == Errno.Success, right.ToString());
        }
    }

    [Theory]
    [Trait("Security", "WF-06")]
    [MemberData(nameof(Kinds))]
    public void Rights_are_handed_down_and_never_widened(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage);
        uint reader = guest.OpenDirectory("sub");
        Rights kept = Rights.Directory | (Rights.File & ~(Rights.FdWrite | Rights.FdAllocate | Rights.FdFileStatSetSize));
        Reduce(guest, reader, Rights.Directory & ~Rights.PathFileStatSetSize, kept & ~Rights.PathFileStatSetSize);
        Assert.Equal(Errno.NotCapable, guest.Guest.Call("fd_fdstat_set_rights", reader, (long)Rights.Directory, (long)kept));
        Assert.Equal(Errno.NotCapable, guest.Guest.Call("fd_fdstat_set_rights", reader, 0L, (long)Rights.FdWrite));
        Assert.Equal(Errno.NotCapable, guest.Open("inner", out _, fd: reader));
        Assert.Equal(Errno.NotCapable, guest.Open("inner", out _, rights: Rights.FdWrite, fd: reader));
        Assert.Equal(Errno.NotCapable, guest.Open(".", out _, OFlags.Directory, Rights.FdReadDir, Rights.FdWrite, fd: reader));
        Assert.Equal(Errno.NotCapable, guest.Open(".", out _, OFlags.Directory, Rights.PathFileStatSetSize, fd: reader));

        // O_TRUNC is a way to write.
        Assert.Equal(Errno.NotCapable, guest.Open("inner", out _, OFlags.Truncate, Rights.FdRead, Rights.None, fd: reader));
        Assert.Equal(Errno.NotCapable, guest.Open("inner", out _, OFlags.Truncate, Rights.None, Rights.None, fd: reader));

        // Another name is not a way to more rights.
        Assert.Equal(Errno.NotCapable, guest.Link("inner", "stolen", reader, FileGuest.Root));
        Assert.Equal(Errno.NotCapable, guest.Rename("inner", "stolen", reader, FileGuest.Root));
        Assert.Equal(Errno.Success, guest.Link("file", "given", FileGuest.Root, reader));
        Assert.Equal(Errno.Success, guest.Open("inner", out uint file, rights: Rights.FdRead | Rights.FdSeek, inheriting: Rights.None, fd: reader));
        Assert.Equal(Errno.NotCapable, guest.Write(file, "x"));
        Assert.Equal(Errno.NotCapable, guest.Guest.Call("fd_filestat_set_size", file, 0L));
        Assert.Equal(Errno.NotCapable, guest.Guest.Call("fd_allocate", file, 0L, 100L));
        Assert.Equal(Errno.NotCapable, guest.Guest.Call("fd_fdstat_set_rights", file, (long)(Rights.FdRead | Rights.FdWrite), 0L));
        Assert.Equal("inner", guest.ReadFile("sub/inner"));
        Assert.Equal(Errno.NoEnt, guest.Status("stolen"));
    }

    [Theory]
    [Trait("Security", "WF-06")]
    [MemberData(nameof(Kinds))]
    public void What_a_program_asks_for_beyond_reason_is_not_granted(FileStorageKind kind)
    {
        using var storage = new FileStorage(kind);
        using FileGuest guest = CreateGuest(storage);

        // As some C libraries and Go do: all bits.
        Assert.Equal(Errno.Success, guest.Open("file", out uint file, rights: (Rights)ulong.MaxValue, inheriting: (Rights)ulong.MaxValue));
        Assert.Equal((Rights.File, Rights.None), RightsOf(guest, file));
        const Rights DirectoryWish = (Rights)ulong.MaxValue & ~(Rights.FdWrite | Rights.FdAllocate | Rights.FdFileStatSetSize);
        Assert.Equal(Errno.Success, guest.Open("sub", out uint directory, OFlags.Directory, DirectoryWish, (Rights)ulong.MaxValue));
        Assert.Equal((Rights.Directory, Rights.Directory | Rights.File), RightsOf(guest, directory));
        Assert.Equal(Errno.IsDir, guest.Open("sub", out _, OFlags.Directory, Rights.FdWrite));
        Assert.Equal(Errno.NotCapable, guest.Open("file", out _, fdFlags: FdFlags.Sync, fd: Without(guest, Rights.FdSync)));
        Assert.Equal(Errno.NotCapable, guest.Open("file", out _, rights: Rights.FdRead, fdFlags: FdFlags.DSync, fd: Without(guest, Rights.FdSync | Rights.FdDataSync)));
        Assert.Equal(Errno.Success, guest.Open("file", out _, rights: Rights.FdRead, fdFlags: FdFlags.DSync, inheriting: Rights.None, fd: Without(guest, Rights.FdSync)));
    }

    [Fact]
    [Trait("Security", "WF-06")]
    public void Nothing_is_changed_through_a_read_only_mount()
    {
        using var storage = new FileStorage(FileStorageKind.Memory);
        Codicil.Wasi.Files.WasiFileSystem fileSystem = storage.Create();
        using FileGuest writer = CreateGuest(fileSystem, readOnly: false);
        using var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem, "/", readOnly: true));
        uint sub = guest.OpenDirectory("sub");
        uint open = guest.Open("file", rights: Rights.FdRead | Rights.FdFileStatSetTimes | Rights.FdSync);
        (string Name, Errno Errno)[] calls =
        [
            ("create a directory", guest.CreateDirectory("new")), ("create a directory below", guest.CreateDirectory("new", sub)),
            ("create a file", guest.Open("new", out _, OFlags.Create)), ("write", guest.Open("file", out _)), ("write only", guest.Open("file", out _, rights: Rights.FdWrite)),
            ("cut", guest.Open("file", out _, OFlags.Truncate, Rights.FdRead)), ("allocate", guest.Open("file", out _, rights: Rights.FdAllocate)),
            ("cut below", guest.Open("inner", out _, OFlags.Truncate, Rights.FdRead, fd: sub)),
            ("set times", guest.SetTimes("file", 1, 1)), ("set times of an open file", guest.Guest.Call("fd_filestat_set_times", open, 1L, 1L, 5)),
            ("set times of an open directory", guest.Guest.Call("fd_filestat_set_times", sub, 1L, 1L, 5)),
            ("link", guest.Link("file", "new")), ("rename", guest.Rename("file", "new")), ("symlink", guest.Symlink("file", "new")),
            ("unlink", guest.Unlink("victim")), ("remove", guest.RemoveDirectory("empty")),
        ];
        Assert.All(calls, static call => Assert.True(call.Errno == Errno.RoFs, $"{call.Name}: {call.Errno}"));
        Assert.Equal(Errno.Exist, guest.CreateDirectory("sub"));
        Assert.Equal(Errno.Exist, guest.Open("file", out _, OFlags.Create | OFlags.Exclusive, Rights.FdRead));
        Assert.Equal(Errno.Success, guest.Open("file", out _, OFlags.Create, Rights.FdRead));
        Assert.Equal(Errno.NoEnt, guest.Unlink("nothing"));
        Assert.Equal("contents", guest.ReadFile("file"));
        Assert.Equal(5, guest.Names(FileGuest.Root).Count);
        Assert.Equal(writer.GetStatus("file"), guest.GetStatus("file"));
    }

    private static FileGuest CreateGuest(FileStorage storage) => CreateGuest(storage.Create(), readOnly: false);

    private static FileGuest CreateGuest(Codicil.Wasi.Files.WasiFileSystem fileSystem, bool readOnly)
    {
        var guest = new FileGuest(WasiOptions.Default.WithFileSystem(fileSystem, "/", readOnly));
        Assert.Equal(Errno.Success, guest.WriteFile("file", "contents"));
        Assert.Equal(Errno.Success, guest.WriteFile("victim", "victim"));
        Assert.Equal(Errno.Success, guest.CreateDirectory("empty"));
        Assert.Equal(Errno.Success, guest.CreateDirectory("sub"));
        Assert.Equal(Errno.Success, guest.WriteFile("sub/inner", "inner"));
        Assert.Equal(Errno.Success, guest.Symlink("file", "link"));
        Assert.Equal(Errno.Success, guest.Symlink("inner", "sub/link"));
        return guest;
    }

    private static void Reduce(FileGuest guest, uint fd, Rights rights, Rights inheriting) =>
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_fdstat_set_rights", fd, (long)rights, (long)inheriting));

    private static uint Without(FileGuest guest, Rights inheriting)
    {
        uint fd = guest.OpenDirectory(".");
        Reduce(guest, fd, Rights.Directory, (Rights.Directory | Rights.File) & ~inheriting);
        return fd;
    }

    private static (Rights Base, Rights Inheriting) RightsOf(FileGuest guest, uint fd)
    {
        Assert.Equal(Errno.Success, guest.Guest.Call("fd_fdstat_get", fd, FileGuest.Result));
        return ((Rights)guest.Guest.Memory.ReadInt64(FileGuest.Result + 8), (Rights)guest.Guest.Memory.ReadInt64(FileGuest.Result + 16));
    }

    private static Errno Poll(FileGuest guest, uint fd)
    {
        const int Subscription = 256;
        guest.Guest.Memory.GetSpan(Subscription, 48).Clear();
        guest.Guest.Memory.GetSpan(Subscription + 8, 1)[0] = 1;
        guest.Guest.Memory.WriteInt32(Subscription + 16, (int)fd);
        Assert.Equal(Errno.Success, guest.Guest.Call("poll_oneoff", Subscription, FileGuest.Buffer, 1, FileGuest.Result));
        return (Errno)(guest.Guest.Memory.ReadInt32(FileGuest.Buffer + 8) & 0xFFFF);
    }
}
