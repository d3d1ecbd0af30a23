using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>Programs with directories of the host: what they leave behind.</summary>
public sealed class HostGuestTests
{
    private const string Program = """
        (module
          (import "host" "entered" (func $entered))
          (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_readdir" (func $fd_readdir (param i32 i32 i32 i64 i32) (result i32)))
          (memory (export "memory") 40)
          (data (i32.const 64) "file")
          (data (i32.const 0) "\00\00\02\00\00\00\20\00")

          (func $open (result i32)
            (if (call $path_open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 4) (i32.const 0) (i64.const 6) (i64.const 0) (i32.const 0) (i32.const 128))
              (then (return (i32.const -1))))
            (i32.load (i32.const 128)))

          ;; The number of the first file that cannot be opened.
          (func (export "exhaust") (result i32) (local $last i32)
            (loop $next
              (local.set $last (call $open))
              (br_if $next (i32.ge_s (local.get $last) (i32.const 0))))
            (i32.load (i32.const 128)))

          (func (export "opening")
            (call $entered)
            (loop $next
              (drop (call $fd_close (call $open)))
              (br $next)))

          ;; 2 MiB at a time.
          (func (export "reading") (local $fd i32)
            (local.set $fd (call $open))
            (call $entered)
            (loop $next
              (drop (call $fd_pread (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8)))
              (br $next)))

          (func (export "listing")
            (call $entered)
            (loop $next
              (drop (call $fd_readdir (i32.const 3) (i32.const 1024) (i32.const 65536) (i64.const 0) (i32.const 8)))
              (br $next))))
        """;

    [Theory]
    [InlineData("opening", false)]
    [InlineData("reading", false)]
    [InlineData("listing", false)]
    [InlineData("opening", true)]
    [InlineData("reading", true)]
    [Trait("Security", "WF-10")]
    [Trait("Security", "CL-02")]
    public async Task A_store_that_ends_in_the_middle_of_a_call_leaves_nothing_open(string name, bool interruptible)
    {
        using var tree = new HostTree("openat2");
        File.WriteAllBytes(tree.At("file"), new byte[4 << 20]);
        int before = tree.CountOpenDescriptors();
        using Engine engine = Engine.Create(new EngineOptions { Interruptible = interruptible });
        using Module module = Module.FromText(engine, Program);
        for (int round = 0; round < 10; round++)
        {
            using var entered = new ManualResetEventSlim();
            Store store = engine.CreateStore();
            Instance instance = Instantiate(store, module, tree, entered.Set);
            Assert.NotEqual(before, tree.CountOpenDescriptors());
            Task call = Task.Factory.StartNew(() => instance.GetFunction<Action>(name)!(), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            Assert.True(entered.Wait(TimeSpan.FromMinutes(1)));
            await Task.Delay(round);
            store.Dispose();
            Exception? end = await Record.ExceptionAsync(() => call.WaitAsync(TimeSpan.FromMinutes(1)));
            Assert.True(end is ObjectDisposedException or TrapException, end?.ToString());
            Assert.Equal(before, tree.CountOpenDescriptors());
        }
    }

    [Fact]
    [Trait("Security", "WF-10")]
    public void The_table_is_full_before_the_process_is()
    {
        using var tree = new HostTree("openat2");
        tree.Write("file", "");
        int before = tree.CountOpenDescriptors();
        using Engine engine = Engine.Create();
        using Module module = Module.FromText(engine, Program);
        using (Store store = engine.CreateStore())
        {
            Instance instance = Instantiate(store, module, tree, static () => { }, maximumDescriptors: 50);
            Assert.Equal(49, instance.GetFunction<Func<int>>("exhaust")!());
            Assert.Equal(before + 47, tree.CountOpenDescriptors());
        }

        Assert.Equal(before, tree.CountOpenDescriptors());
    }

    [Fact]
    public void Vectors_go_straight_to_a_file_and_back()
    {
        using var tree = new HostTree("openat2");
        using var guest = new Guest(WasiOptions.Default.WithDirectory(tree.RootPath));
        guest.Memory.WriteString(1024, "file");
        Assert.Equal(Errno.Success, guest.Call("path_open", 3, 0, 1024, 4, (int)OFlags.Create, (long)(Rights.FdRead | Rights.FdWrite | Rights.FdSeek), 0L, 0, 512));
        int file = guest.Memory.ReadInt32(512);
        guest.Memory.WriteString(2048, "Hello, world");
        guest.WriteVector(0, 2048, 5);
        guest.WriteVector(8, 2048, 0);
        guest.WriteVector(16, 2053, 7);
        Assert.Equal(Errno.Success, guest.Call("fd_write", file, 0, 3, 256));
        Assert.Equal(12, guest.Memory.ReadInt32(256));
        Assert.Equal("Hello, world", File.ReadAllText(tree.At("file"), Encoding.UTF8));

        // Beyond the end of the file it is short, beyond the end of the memory it does not begin.
        guest.WriteVector(0, 4096, 5);
        guest.WriteVector(8, Guest.MemorySize - 10, 10);
        Assert.Equal(Errno.Success, guest.Call("fd_pread", file, 0, 2, 1L, 256));
        Assert.Equal(11, guest.Memory.ReadInt32(256));
        Assert.Equal("ello,", guest.Memory.ReadString(4096, 5));
        Assert.Equal(" world", guest.Memory.ReadString(Guest.MemorySize - 10, 6));
        guest.WriteVector(8, Guest.MemorySize - 10, 11);
        Assert.Equal(Errno.Fault, guest.Call("fd_pread", file, 0, 2, 1L, 256));
        Assert.Equal(Errno.Success, guest.Call("fd_close", file));
        Assert.Equal(Errno.BadF, guest.Call("fd_close", file));
    }

    private static Instance Instantiate(Store store, Module module, HostTree tree, Action entered, int maximumDescriptors = 4096)
    {
        WasiOptions options = WasiOptions.Default.WithFileSystem(tree.FileSystem) with { MaximumDescriptors = maximumDescriptors };
        var linker = new Linker(store.Engine);
        linker.DefineWasi(options);
        linker.DefineFunction("host", "entered", entered);
        return linker.Instantiate(store, module);
    }
}
