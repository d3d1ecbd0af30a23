using System.Runtime.InteropServices;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>Others exchange directories for links, and move them about, while a program uses paths through them.</summary>
public sealed partial class HostRaceTests
{
    public static TheoryData<string> Ways => HostTree.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-05")]
    public async Task A_directory_that_becomes_a_link_leads_nowhere(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d");
        tree.Write("d/secret", "inside");
        tree.Link("../outside", "evil");
        long seen = 0;
        await Race(
            () => Exchange(tree.At("d"), tree.At("evil")),
            () =>
            {
                (Errno errno, string text) = tree.Read("d/secret");
                Assert.NotEqual(HostTree.Secret, text);
                Assert.True(errno is Errno.Success or Errno.Perm or Errno.NotDir or Errno.NoEnt or Errno.Loop, errno.ToString());
                seen += errno == Errno.Success ? 1 : 0;
                tree.Open("d/secret", OFlags.Create, FileAccess.ReadWrite);
                tree.Open("d/new", OFlags.Create, FileAccess.Write);
                tree.Unlink("d/new");
                tree.MakeDirectoryAsGuest("d/directory");
                tree.RemoveDirectory("d/directory");
                tree.Symlink("x", "d/link");
                tree.Rename("d/link", "d/renamed");
                tree.HardLink("d/renamed", "d/linked");
                tree.Unlink("d/renamed");
                tree.Unlink("d/linked");
                tree.Root.SetTimes("d/secret"u8, true, 1, 1);
                tree.Status("d/secret");
            });
        Assert.NotEqual(0, seen);
        tree.AssertOutsideIsUntouched();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-05")]
    public async Task A_file_that_becomes_a_link_leads_nowhere(string way)
    {
        using var tree = new HostTree(way);
        tree.Write("file", "inside");
        tree.Link("../outside/secret", "evil");
        await Race(
            () => Exchange(tree.At("file"), tree.At("evil")),
            () =>
            {
                Assert.NotEqual(HostTree.Secret, tree.Read("file").Text);
                Assert.NotEqual(HostTree.Secret, tree.Read("file", follow: false).Text);
                Errno errno = tree.Open("file", out WasiHandle? handle, OFlags.Create | OFlags.Truncate, FileAccess.ReadWrite);
                if (errno == Errno.Success)
                {
                    ((WasiFile)handle!).WriteAt("inside"u8, 0, out _);
                    handle.Dispose();
                }

                Assert.True(errno is Errno.Success or Errno.Perm or Errno.Busy, errno.ToString());
                tree.Root.SetTimes("file"u8, true, 1, 1);
                tree.Root.SetTimes("file"u8, false, 1, 1);
                tree.HardLink("file", "copy");
                tree.Unlink("copy");
            });
        tree.AssertOutsideIsUntouched();
    }

    [Theory]
    [MemberData(nameof(Ways))]
    [Trait("Security", "WF-05")]
    public async Task A_directory_that_moves_up_does_not_take_paths_with_it(string way)
    {
        // While `a/b/c/../../../secret` is resolved, `c` comes to stand nearer to the root: the system's own `..` would then lead out.
        using var tree = new HostTree(way);
        tree.MakeDirectory("a/b/c");
        tree.Write("secret", "inside");
        File.WriteAllText(tree.SecretPath, HostTree.Secret);
        tree.Link("a/b/c/../../../../outside/secret", "link");
        await Race(
            () =>
            {
                Directory.Move(tree.At("a/b/c"), tree.At("c"));
                Directory.Move(tree.At("c"), tree.At("a/b/c"));
            },
            () =>
            {
                foreach (string path in (string[])["a/b/c/../../../secret", "a/b/c/../../../../outside/secret", "link"])
                {
                    (Errno errno, string text) = tree.Read(path);
                    Assert.True(text is "" or "inside", text);
                    Assert.True(errno is Errno.Success or Errno.NoEnt or Errno.NotDir or Errno.Perm, errno.ToString());
                    tree.Open(path, OFlags.Truncate | OFlags.Create, FileAccess.Write);
                    tree.Unlink(path);
                    tree.Write("secret", "inside");
                }
            });
        tree.AssertOutsideIsUntouched();
    }

    private static async Task Race(Action change, Action use)
    {
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(1.5));
        Task[] tasks =
        [
            Repeat(change, end.Token),
            Repeat(use, end.Token),
        ];
        await Task.WhenAll(tasks).WaitAsync(TimeSpan.FromMinutes(2));
    }

    private static Task Repeat(Action action, CancellationToken end) => Task.Factory.StartNew(
        () =>
        {
            while (!end.IsCancellationRequested)
            {
                action();
            }
        },
        CancellationToken.None,
        TaskCreationOptions.LongRunning,
        TaskScheduler.Default);

    // In one step, so that there is always one or the other.
    private static void Exchange(string first, string second)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Linux only");
        const int CurrentDirectory = -100;
        const int ExchangeFlag = 2;
        if (RenameAt2(CurrentDirectory, first, CurrentDirectory, second, ExchangeFlag) != 0)
        {
            // A file system that cannot.
            string third = first + "-away";
            File.Move(first, third);
            File.Move(second, first);
            File.Move(third, second);
        }
    }

    [LibraryImport("libc", EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int oldDirectory, string oldPath, int newDirectory, string newPath, uint flags);
}
