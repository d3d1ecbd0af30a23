using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests;

/// <summary>Where the two versions of the interface differ, with a file: the numbers of whence, the layouts of filestat and subscription.</summary>
public sealed class SnapshotTests
{
    private const string Preview1 = "wasi_snapshot_preview1";
    private const string Unstable = "wasi_unstable";
    private const uint Result = 100;

    [Theory]
    [InlineData(Preview1, 0, 1, 2)]
    [InlineData(Unstable, 2, 0, 1)]
    public void Positions_count_from_what_the_version_says(string version, int set, int current, int end)
    {
        using Guest guest = Open(version, out uint fd);
        Assert.Equal(4, Seek(3, end));
        Assert.Equal(3, Seek(-1, current));
        Assert.Equal(2, Seek(2, set));
        Assert.Equal((Errno.Success, "cdefg"), guest.Read(fd, 100));
        Assert.Equal(7, Seek(0, end));
        Assert.Equal(Errno.Inval, guest.Call("fd_seek", fd, 0L, 3, Result));
        Assert.Equal(Errno.Success, guest.Call("fd_tell", fd, Result));
        Assert.Equal(7, guest.Memory.ReadInt64(Result));

        long Seek(long offset, int whence)
        {
            // "end" counts back from the end of 7 bytes.
            Assert.Equal(Errno.Success, guest.Call("fd_seek", fd, whence == end ? -offset : offset, whence, Result));
            return guest.Memory.ReadInt64(Result);
        }
    }

    [Theory]
    [InlineData(Preview1, 64, 24, 8, 32)]
    [InlineData(Unstable, 56, 20, 4, 24)]
    public void Attributes_lie_where_the_version_says(string version, int size, int links, int linksSize, int length)
    {
        using Guest guest = Open(version, out uint fd);
        guest.Memory.GetSpan(200, 100).Fill(0xAA);
        int name = guest.Memory.WriteString(1024, "f");
        Assert.Equal(Errno.Success, guest.Call("fd_filestat_set_times", fd, 11L, 12L, (int)(FstFlags.AccessTime | FstFlags.ModificationTime)));
        foreach (bool byPath in (bool[])[false, true])
        {
            guest.Memory.GetSpan(200, 100).Fill(0xAA);
            Assert.Equal(Errno.Success, byPath ? guest.Call("path_filestat_get", 3, 1, 1024, name, 200) : guest.Call("fd_filestat_get", fd, 200));
            Assert.Equal((byte)FileType.RegularFile, guest.Memory.ReadByte(216));
            Assert.Equal(1, linksSize == 8 ? guest.Memory.ReadInt64(200 + (uint)links) : guest.Memory.ReadInt32(200 + (uint)links));
            Assert.Equal(7, guest.Memory.ReadInt64(200 + (uint)length));
            Assert.Equal(11, guest.Memory.ReadInt64(200 + (uint)length + 8));
            Assert.Equal(12, guest.Memory.ReadInt64(200 + (uint)length + 16));
            Assert.NotEqual(-1, guest.Memory.GetSpan(200 + (ulong)size, 8).IndexOfAnyInRange((byte)0xAA, (byte)0xAA));
            Assert.False(guest.Memory.GetSpan(200 + (ulong)size, 100 - size).ContainsAnyExcept((byte)0xAA));
        }
    }

    [Theory]
    [Trait("Security", "WO-02")]
    [InlineData(Preview1, 48)]
    [InlineData(Unstable, 56)]
    public void A_file_is_always_ready_and_its_rest_is_told(string version, int size)
    {
        using Guest guest = Open(version, out uint fd);
        Assert.Equal((Errno.Success, "abc"), guest.Read(fd, 3));
        foreach (int left in (int[])[4, 0])
        {
            guest.Memory.GetSpan(4096, 2 * size).Clear();
            Subscribe(4096, 71, EventType.FdRead);
            Subscribe(4096 + (uint)size, 72, EventType.FdWrite);
            Assert.Equal(Errno.Success, guest.Call("poll_oneoff", 4096, 8192, 2, Result));
            Assert.Equal(2, guest.Memory.ReadInt32(Result));
            Assert.Equal(71, guest.Memory.ReadInt64(8192));
            Assert.Equal((int)EventType.FdRead << 16, guest.Memory.ReadInt32(8200));
            Assert.Equal(left, guest.Memory.ReadInt64(8208));
            Assert.Equal(0, guest.Memory.ReadByte(8216));
            Assert.Equal(72, guest.Memory.ReadInt64(8224));
            Assert.Equal((int)EventType.FdWrite << 16, guest.Memory.ReadInt32(8232));
            Assert.Equal((Errno.Success, left == 4 ? "defg" : ""), guest.Read(fd, 100));
        }

        void Subscribe(uint at, long userData, EventType type)
        {
            guest.Memory.WriteInt64(at, userData);
            guest.Memory.WriteByte(at + 8, (byte)type);
            guest.Memory.WriteInt32(at + 16, (int)fd);
        }
    }

    [Fact]
    public void A_program_of_the_older_version_is_run_as_it_was_built()
    {
        // Opens /f, goes to 4 from the end with the older number, reads the rest and writes it.
        using var output = new MemoryStream();
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module
              (import "wasi_unstable" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (import "wasi_unstable" "fd_seek" (func $seek (param i32 i64 i32 i32) (result i32)))
              (import "wasi_unstable" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
              (import "wasi_unstable" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (import "wasi_unstable" "proc_exit" (func $exit (param i32)))
              (memory (export "memory") 1)
              (data (i32.const 16) "f")
              (func $check (param i32) (if (local.get 0) (then (call $exit (local.get 0)))))
              (func (export "_start")
                (call $check (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 0) (i64.const 6) (i64.const 0) (i32.const 0) (i32.const 20)))
                (call $check (call $seek (i32.load (i32.const 20)) (i64.const -4) (i32.const 1) (i32.const 24)))
                (i32.store (i32.const 0) (i32.const 1024))
                (i32.store (i32.const 4) (i32.const 100))
                (call $check (call $read (i32.load (i32.const 20)) (i32.const 0) (i32.const 1) (i32.const 8)))
                (i32.store (i32.const 4) (i32.load (i32.const 8)))
                (call $check (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))))
            """);
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default.WithFileSystem(Files()) with { StandardOutput = output });
        Assert.Equal(0u, WasiCommand.Run(linker, store, module));
        Assert.Equal("defg"u8.ToArray(), output.ToArray());
    }

    private static InMemoryFileSystem Files()
    {
        var files = new InMemoryFileSystem();
        files.WriteAllBytes("f", "abcdefg"u8);
        return files;
    }

    private static Guest Open(string version, out uint fd)
    {
        var guest = new Guest(WasiOptions.Default.WithFileSystem(Files()), version);
        int length = guest.Memory.WriteString(1024, "f");
        Assert.Equal(Errno.Success, guest.Call("path_open", 3, 0, 1024, length, 0, (ulong)Rights.File, 0L, 0, Result));
        fd = (uint)guest.Memory.ReadInt32(Result);
        return guest;
    }
}
