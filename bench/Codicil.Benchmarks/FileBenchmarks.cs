using BenchmarkDotNet.Attributes;

using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Benchmarks;

/// <summary>Files and streams of WASI programs; the files are in memory where the system has such a place.</summary>
[MemoryDiagnoser]
public class FileBenchmarks : IDisposable
{
    private const int Pieces = 256;
    private const int PieceSize = 64 * 1024;
    private const int Opens = 100;
    private const int Bytes = 10_000;

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"codicil-benchmarks-{Environment.ProcessId}")).FullName;
    private readonly MemoryStream _output = new(Bytes);
    private readonly Engine _engine = Engine.Create();
    private readonly Store _store;
    private readonly Func<int, int, int, int> _read;
    private readonly Func<int, int, int, int> _write;
    private readonly Func<int, int> _openAndClose;
    private readonly int _file;

    public FileBenchmarks()
    {
        using Module module = Module.FromText(_engine, """
            (module
              (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_pread" (func $fd_pread (param i32 i32 i32 i64 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_pwrite" (func $fd_pwrite (param i32 i32 i32 i64 i32) (result i32)))
              (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 4)
              (data (i32.const 64) "file")
              (func $open (export "open") (param $flags i32) (result i32)
                (if (call $path_open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 4) (local.get $flags) (i64.const 70) (i64.const 0) (i32.const 0) (i32.const 128)) (then (unreachable)))
                (i32.load (i32.const 128)))
              (func (export "open_close") (param $count i32) (result i32)
                (loop $next
                  (if (call $fd_close (call $open (i32.const 0))) (then (unreachable)))
                  (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
                (i32.const 0))
              (func $vector (param $length i32)
                (i32.store (i32.const 0) (i32.const 65536))
                (i32.store (i32.const 4) (local.get $length)))
              (func (export "read") (param $fd i32) (param $length i32) (param $count i32) (result i32)
                (call $vector (local.get $length))
                (loop $next
                  (if (call $fd_pread (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8)) (then (unreachable)))
                  (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
                (i32.load (i32.const 8)))
              (func (export "write") (param $fd i32) (param $length i32) (param $count i32) (result i32)
                (call $vector (local.get $length))
                (loop $next
                  (if (if (result i32) (i32.eq (local.get $fd) (i32.const 1))
                        (then (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
                        (else (call $fd_pwrite (local.get $fd) (i32.const 0) (i32.const 1) (i64.const 0) (i32.const 8))))
                    (then (unreachable)))
                  (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
                (i32.load (i32.const 8))))
            """);
        _store = _engine.CreateStore();
        Instance instance = new Linker(_engine)
            .DefineWasi((WasiOptions.Default with { StandardOutput = _output }).WithFileSystem(new HostFileSystem(_folder)))
            .Instantiate(_store, module);
        _read = instance.GetFunction<Func<int, int, int, int>>("read")!;
        _write = instance.GetFunction<Func<int, int, int, int>>("write")!;
        _openAndClose = instance.GetFunction<Func<int, int>>("open_close")!;
        _file = instance.GetFunction<Func<int, int>>("open")!(1);
        _write(_file, PieceSize, 1);
    }

    [Benchmark(Description = "read 64 KiB of a file", OperationsPerInvoke = Pieces)]
    public int Read() => _read(_file, PieceSize, Pieces);

    [Benchmark(Description = "write 64 KiB to a file", OperationsPerInvoke = Pieces)]
    public int Write() => _write(_file, PieceSize, Pieces);

    [Benchmark(Description = "open and close a file", OperationsPerInvoke = Opens)]
    public int OpenAndClose() => _openAndClose(Opens);

    [Benchmark(Description = "write a byte to a MemoryStream", OperationsPerInvoke = Bytes)]
    public int WriteByte()
    {
        _output.SetLength(0);
        return _write(1, 1, Bytes);
    }

    [Benchmark(Description = "the same in C#", OperationsPerInvoke = Bytes)]
    public long WriteByteAsHost()
    {
        Stream output = _output;
        output.SetLength(0);
        for (int i = 0; i < Bytes; i++)
        {
            output.Write([0]);
        }

        return output.Length;
    }

    public void Dispose()
    {
        _store.Dispose();
        _engine.Dispose();
        _output.Dispose();
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }
}
