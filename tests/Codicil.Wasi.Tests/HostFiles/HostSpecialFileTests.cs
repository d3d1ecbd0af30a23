using System.Net.Sockets;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>FIFOs, sockets and devices: they can be seen, renamed and removed, never opened.</summary>
public sealed class HostSpecialFileTests
{
    public static TheoryData<string> Ways => HostTree.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-08")]
    public async Task A_FIFO_is_not_opened_and_nobody_waits(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeFifo("pipe");
        tree.Link("pipe", "link");

        // On a thread of its own: where it would hang, the test fails all the same.
        await Task.Factory.StartNew(
            () =>
            {
                foreach (string path in (string[])["pipe", "link"])
                {
                    foreach (FileAccess access in (FileAccess[])[FileAccess.Read, FileAccess.Write, FileAccess.ReadWrite])
                    {
                        Assert.Equal(Errno.NxIo, tree.Open(path, access: access));
                        Assert.Equal(Errno.NxIo, tree.Open(path, OFlags.Create, access));
                        Assert.Equal(Errno.NxIo, tree.Open(path, OFlags.Truncate, access));
                    }

                    Assert.Equal(Errno.NotDir, tree.Open(path, OFlags.Directory));
                    Assert.Equal(Errno.NotDir, tree.Open(path + "/"));
                    Assert.Equal(Errno.NotDir, tree.Open(path + "/x"));
                    Assert.Equal((Errno.Success, FileType.Unknown), tree.Status(path));
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).WaitAsync(TimeSpan.FromMinutes(1));

        Assert.Equal(Errno.Success, tree.Rename("pipe", "other"));
        Assert.Equal(Errno.Success, tree.Unlink("other"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-08")]
    public void A_socket_is_not_opened(string way)
    {
        using var tree = new HostTree(way);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(tree.At("socket")));
        Assert.Equal(Errno.NxIo, tree.Open("socket"));
        Assert.Equal(Errno.NxIo, tree.Open("socket", access: FileAccess.ReadWrite));
        Assert.Equal((Errno.Success, FileType.SocketStream), tree.Status("socket"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-08")]
    public void A_device_is_not_opened(string way)
    {
        using var tree = new HostTree(way);
        Assert.SkipUnless(tree.TryMakeZeroDevice("zero"), "devices cannot be made here");
        Assert.Equal(Errno.NxIo, tree.Open("zero"));
        Assert.Equal(Errno.NxIo, tree.Open("zero", OFlags.Create | OFlags.Truncate, FileAccess.ReadWrite));
        Assert.Equal((Errno.Success, FileType.CharacterDevice), tree.Status("zero"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-08")]
    public async Task A_file_that_somebody_has_a_lease_on_keeps_nobody(string way)
    {
        using var tree = new HostTree(way);
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        tree.Write("file", "");
        using Microsoft.Win32.SafeHandles.SafeFileHandle holder = File.OpenHandle(tree.At("file"), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        Assert.SkipUnless(HostTree.TryTakeLease(holder), "leases cannot be taken here");

        // Less than the 45 seconds after which the system breaks a lease.
        Errno errno = await Task.Factory.StartNew(
            () => tree.Open("file", access: FileAccess.ReadWrite), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).WaitAsync(TimeSpan.FromSeconds(40));
        Assert.Equal(Errno.Busy, errno);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-08")]
    public async Task A_FIFO_that_takes_a_file_s_place_hangs_nobody(string way)
    {
        using var tree = new HostTree(way);
        tree.Write("a", "");
        tree.MakeFifo("b");
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Task swapping = Task.Run(() =>
        {
            while (!end.IsCancellationRequested)
            {
                File.Move(tree.At("a"), tree.At("c"));
                File.Move(tree.At("b"), tree.At("a"));
                File.Move(tree.At("a"), tree.At("b"));
                File.Move(tree.At("c"), tree.At("a"));
            }
        });
        await Task.Factory.StartNew(
            () =>
            {
                while (!end.IsCancellationRequested)
                {
                    Errno errno = tree.Open("a", out WasiHandle? handle, access: FileAccess.ReadWrite);
                    Assert.True(errno is Errno.Success or Errno.NxIo or Errno.NoEnt or Errno.Busy, errno.ToString());
                    Assert.Equal(FileType.RegularFile, handle?.Type ?? FileType.RegularFile);
                    handle?.Dispose();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default).WaitAsync(TimeSpan.FromMinutes(1));
        await swapping;
    }
}
