using System.Diagnostics;
using System.Runtime.CompilerServices;

using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Cli.Benchmarking;

/// <summary>What files and streams cost a program. The files are in memory where the system has such a place (/dev/shm).</summary>
internal static class FileSample
{
    private const int PieceSize = 64 * 1024;
    private const int Pieces = 16 * 1024;
    private const int Opens = 20_000;
    private const int Bytes = 1_000_000;
    private const int Rounds = 5;

    private const string Program = """
        (module
          (import "wasi_snapshot_preview1" "path_open" (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
          (memory (export "memory") 4)
          (data (i32.const 64) "file")

          ;; Opens the file to read, seek and write: its number, or -1.
          (func $open (export "open") (param $flags i32) (result i32)
            (if (call $path_open (i32.const 3) (i32.const 1) (i32.const 64) (i32.const 4) (local.get $flags) (i64.const 70) (i64.const 0) (i32.const 0) (i32.const 128))
              (then (return (i32.const -1))))
            (i32.load (i32.const 128)))

          (func (export "close") (param $fd i32) (result i32) (call $fd_close (local.get $fd)))

          (func (export "open_close") (param $count i32) (result i32)
            (loop $next
              (if (call $fd_close (call $open (i32.const 0))) (then (return (local.get $count))))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (i32.const 0))

          ;; Both give the number of pieces that are left: 0 when all went well.
          (func (export "read") (param $fd i32) (param $length i32) (param $count i32) (result i32)
            (i32.store (i32.const 0) (i32.const 65536))
            (i32.store (i32.const 4) (local.get $length))
            (loop $next
              (if (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (return (local.get $count))))
              (if (i32.ne (i32.load (i32.const 8)) (local.get $length)) (then (return (local.get $count))))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (i32.const 0))

          (func (export "write") (param $fd i32) (param $length i32) (param $count i32) (result i32)
            (i32.store (i32.const 0) (i32.const 65536))
            (i32.store (i32.const 4) (local.get $length))
            (loop $next
              (if (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)) (then (return (local.get $count))))
              (if (i32.ne (i32.load (i32.const 8)) (local.get $length)) (then (return (local.get $count))))
              (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
            (i32.const 0)))
        """;

    private const int Create = 1;

    public static double Measure(EngineOptions options, string figure)
    {
        string folder = Path.Combine(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(), $"codicil-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(folder);
        try
        {
            // In memory, where a byte costs a few nanoseconds, or a file's, where each byte is a call of the system.
            using Stream output = figure == "byte-file" ? new FileStream(Path.Combine(folder, "output"), FileMode.Create, FileAccess.Write, FileShare.Read, bufferSize: 0) : new MemoryStream(Bytes);
            using Engine engine = Engine.Create(options);
            using Module module = Module.FromText(engine, Program);
            using Store store = engine.CreateStore();
            Instance instance = new Linker(engine)
                .DefineWasi(WasiOptions.Default with { StandardOutput = output, Mounts = [new WasiMount(new HostFileSystem(folder), "/")] })
                .Instantiate(store, module);
            return figure switch
            {
                "write" => Transfer(instance, "write"),
                "read" => Transfer(instance, "read"),
                "open" => OpenAndClose(instance),
                "byte-memory" or "byte-file" => WriteBytes(instance, output),
                _ => throw new UsageException($"unknown figure {figure}"),
            };
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // The file is written once before: what is measured is the transfer, not the system's finding memory for the file.
    private static double Transfer(Instance instance, string name)
    {
        var open = instance.GetFunction<Func<int, int>>("open")!;
        var close = instance.GetFunction<Func<int, int>>("close")!;
        var write = instance.GetFunction<Func<int, int, int, int>>("write")!;
        var transfer = instance.GetFunction<Func<int, int, int, int>>(name)!;
        int first = open(Create);
        Require(write(first, PieceSize, Pieces));
        Require(close(first));
        var times = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            int file = open(0);
            long begin = Stopwatch.GetTimestamp();
            Require(transfer(file, PieceSize, Pieces));
            times[i] = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            Require(close(file));
        }

        return Statistics.Median(times);
    }

    private static double OpenAndClose(Instance instance)
    {
        var open = instance.GetFunction<Func<int, int>>("open")!;
        Require(instance.GetFunction<Func<int, int>>("close")!(open(Create)));
        var openAndClose = instance.GetFunction<Func<int, int>>("open_close")!;
        Require(openAndClose(Opens));
        Thread.Sleep(150);
        var times = new double[Rounds];
        for (int i = 0; i < Rounds; i++)
        {
            long begin = Stopwatch.GetTimestamp();
            Require(openAndClose(Opens));
            times[i] = Stopwatch.GetElapsedTime(begin).TotalMicroseconds / Opens;
        }

        return Statistics.Median(times);
    }

    // How many times as long as the same loop in C#, on the same stream, in turns.
    private static double WriteBytes(Instance instance, Stream output)
    {
        var write = instance.GetFunction<Func<int, int, int, int>>("write")!;
        for (int i = 0; i < 4; i++)
        {
            WriteAsGuest(write, output);
            WriteAsHost(output);
            Thread.Sleep(150);
        }

        var ratios = new double[Rounds * 3];
        for (int i = 0; i < ratios.Length; i++)
        {
            double guest = WriteAsGuest(write, output);
            ratios[i] = guest / WriteAsHost(output);
        }

        return Statistics.Median(ratios);
    }

    private static double WriteAsGuest(Func<int, int, int, int> write, Stream output)
    {
        output.SetLength(0);
        long begin = Stopwatch.GetTimestamp();
        Require(write(1, 1, Bytes));
        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    // Behind the same type, Stream, as ours has it.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static double WriteAsHost(Stream output)
    {
        output.SetLength(0);
        ReadOnlySpan<byte> source = [0];
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Bytes; i++)
        {
            output.Write(source);
        }

        return Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
    }

    private static void Require(int left)
    {
        if (left != 0)
        {
            throw new InvalidOperationException("the program met an error");
        }
    }
}
