using System.Runtime.InteropServices;
using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;
using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>A temporary directory `root`, mounted, and beside it a directory `outside` with a file `secret`, which nothing must reach.</summary>
internal sealed partial class HostTree : IDisposable
{
    public const string Secret = "the host's own";

    /// <summary>The ways in which paths are resolved.</summary>
    public static TheoryData<string> Ways => new("openat2", "walk", "portable walk");

    private readonly string _top = Directory.CreateTempSubdirectory("codicil-host-").FullName;

    public HostTree(string way)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS(), "Unix only");
        UnixFeatures features = UnixFeatures.System;
        switch (way)
        {
            case "openat2":
                Assert.SkipUnless(features.OpensBeneath, "no openat2 here");
                break;
            case "walk":
                Assert.SkipUnless(features.HasPathHandles, "no O_PATH and /proc here");
                features = new UnixFeatures(OpensBeneath: false, HasPathHandles: true);
                break;
            default:
                features = new UnixFeatures(OpensBeneath: false, HasPathHandles: false);
                break;
        }

        Directory.CreateDirectory(RootPath);
        Directory.CreateDirectory(OutsidePath);
        File.WriteAllText(SecretPath, Secret);
        FileSystem = new HostFileSystem(RootPath, features);
        Root = FileSystem.OpenRoot();
    }

    public string RootPath => System.IO.Path.Combine(_top, "root");

    public string OutsidePath => System.IO.Path.Combine(_top, "outside");

    public string SecretPath => System.IO.Path.Combine(OutsidePath, "secret");

    public HostFileSystem FileSystem { get; }

    public WasiDirectory Root { get; }

    /// <summary>The host's path of a guest's.</summary>
    public string At(string path) => System.IO.Path.Combine(RootPath, path);

    public void Link(string target, string path) => File.CreateSymbolicLink(At(path), target);

    public void Write(string path, string text) => File.WriteAllText(At(path), text);

    public void MakeDirectory(string path) => Directory.CreateDirectory(At(path));

    public Errno Open(string path, OFlags flags = OFlags.None, FileAccess access = FileAccess.Read, bool follow = true)
    {
        Errno errno = Open(path, out WasiHandle? handle, flags, access, follow);
        handle?.Dispose();
        return errno;
    }

    public Errno Open(string path, out WasiHandle? handle, OFlags flags = OFlags.None, FileAccess access = FileAccess.Read, bool follow = true, FdFlags fdFlags = FdFlags.None)
    {
        Errno errno = Root.Open(Bytes(path), new WasiOpenOptions(flags, access, fdFlags, follow), out handle);
        Assert.Equal(errno == Errno.Success, handle is not null);
        return errno;
    }

    public (Errno Errno, FileType Type) Status(string path, bool follow = true)
    {
        Errno errno = Root.GetStatus(Bytes(path), follow, out FileStatus status);
        return (errno, status.Type);
    }

    public Errno Rename(string oldPath, string newPath) => Root.Rename(Bytes(oldPath), Root, Bytes(newPath));

    public Errno HardLink(string oldPath, string newPath) => Root.Link(Bytes(oldPath), Root, Bytes(newPath));

    public Errno Symlink(string target, string path) => Root.Symlink(Bytes(target), Bytes(path));

    public Errno Unlink(string path) => Root.UnlinkFile(Bytes(path));

    public Errno MakeDirectoryAsGuest(string path) => Root.CreateDirectory(Bytes(path));

    public Errno RemoveDirectory(string path) => Root.RemoveDirectory(Bytes(path));

    public (Errno Errno, string Text) ReadLink(string path)
    {
        byte[] buffer = new byte[256];
        Errno errno = Root.ReadLink(Bytes(path), buffer, out int count);
        return (errno, Encoding.UTF8.GetString(buffer, 0, count));
    }

    public (Errno Errno, string Text) Read(string path, bool follow = true)
    {
        Errno errno = Open(path, out WasiHandle? handle, follow: follow);
        if (handle is not WasiFile file)
        {
            handle?.Dispose();
            return (errno == Errno.Success ? Errno.IsDir : errno, "");
        }

        using (file)
        {
            byte[] buffer = new byte[256];
            errno = file.ReadAt(buffer, 0, out int count);
            return (errno, Encoding.UTF8.GetString(buffer, 0, count));
        }
    }

    /// <summary>Every operation that takes a path, on a path that must not lead anywhere, or nowhere outside. What they did is told; the outside is as it was.</summary>
    public Dictionary<string, Errno> TryEverything(string path)
    {
        File.WriteAllText(At("own"), "own");
        byte[] bytes = Bytes(path);
        var results = new Dictionary<string, Errno>
        {
            ["open"] = Open(path),
            ["open to write"] = Open(path, access: FileAccess.ReadWrite),
            ["open and cut"] = Open(path, OFlags.Truncate, FileAccess.Write),
            ["create"] = Open(path, OFlags.Create, FileAccess.Write),
            ["create exclusively"] = Open(path, OFlags.Create | OFlags.Exclusive, FileAccess.Write),
            ["open directory"] = Open(path, OFlags.Directory),
            ["status"] = Status(path).Errno,
            ["set times"] = Root.SetTimes(bytes, true, 1_000_000_000, 1_000_000_000),
            ["make directory"] = Root.CreateDirectory(bytes),
            ["remove directory"] = Root.RemoveDirectory(bytes),
            ["rename from"] = Rename(path, "taken"),
            ["rename to"] = Rename("own", path),
            ["link from"] = HardLink(path, "linked"),
            ["link to"] = HardLink("own", path),
            ["symlink"] = Symlink("own", path),
            ["unlink"] = Unlink(path),
            ["read link"] = ReadLink(path).Errno,
        };
        AssertOutsideIsUntouched();
        return results;
    }

    public void AssertOutsideIsUntouched()
    {
        Assert.Equal(Secret, File.ReadAllText(SecretPath));
        Assert.Equal(["secret"], Directory.EnumerateFileSystemEntries(OutsidePath).Select(System.IO.Path.GetFileName));
        Assert.True(File.GetLastWriteTimeUtc(SecretPath).Year > 2000);
        Assert.Equal(["outside", "root"], Directory.EnumerateFileSystemEntries(_top).Select(System.IO.Path.GetFileName).Order(StringComparer.Ordinal));
    }

    public static byte[] Bytes(string path) => Encoding.UTF8.GetBytes(path);

    public void MakeFifo(string path) => Assert.Equal(0, MakeFifo(At(path), 0x1B6));

    /// <summary>Makes a name of `/dev/zero`; false where one may not.</summary>
    public bool TryMakeZeroDevice(string path) => OperatingSystem.IsLinux() && MakeNode(At(path), 0x21B6, (1 << 8) | 5) == 0;

    /// <summary>Makes a file whose name is not UTF-8.</summary>
    public void MakeFileWithBadName()
    {
        byte[] path = [.. Bytes(RootPath), (byte)'/', 0xFF, 0xFE, 0];
        int file = Create(path, 0x1B6);
        Assert.True(file >= 0);
        Assert.Equal(0, Close(file));
    }

    // .NET cannot name it, and so not remove it.
    public void RemoveFileWithBadName() => Assert.Equal(0, Unlink([.. Bytes(RootPath), (byte)'/', 0xFF, 0xFE, 0]));

    /// <summary>How many descriptors this process has that lead into the tree.</summary>
    public int CountOpenDescriptors()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count(path => Target(path)?.StartsWith(_top, StringComparison.Ordinal) == true);

        // Other tests open and close files meanwhile: an entry that was listed may be gone.
        static string? Target(string handle)
        {
            try
            {
                return new FileInfo(handle).LinkTarget;
            }
            catch (IOException)
            {
                return null;
            }
        }
    }

    /// <summary>Takes a lease that a writer has to break, with the signal for that (SIGURG, which does nothing by default).</summary>
    public static bool TryTakeLease(SafeHandle file)
    {
        const int SetSignal = 10;
        const int SetLease = 1024;
        const int Urgent = 23;
        const int ReadLease = 0;
        bool isHeld = false;
        file.DangerousAddRef(ref isHeld);
        try
        {
            int descriptor = (int)file.DangerousGetHandle();
            return Control(descriptor, SetSignal, Urgent) == 0 && Control(descriptor, SetLease, ReadLease) == 0;
        }
        finally
        {
            file.DangerousRelease();
        }
    }

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int file, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "mknod", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeNode(string path, uint mode, ulong device);

    [LibraryImport("libc", EntryPoint = "creat")]
    private static partial int Create(byte[] path, uint mode);

    [LibraryImport("libc", EntryPoint = "unlink")]
    private static partial int Unlink(byte[] path);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

    public void Dispose()
    {
        Root.Dispose();
        Directory.Delete(_top, recursive: true);
    }
}
