using System.IO.Pipelines;
using System.IO.Pipes;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class StandardStreamTests
{
    [Fact]
    [Trait("Parity", "WAZ-11")]
    public void Input_is_at_its_end_and_output_is_discarded_by_default()
    {
        using var guest = new Guest();
        Assert.Equal((Errno.Success, ""), guest.Read(0, 10));
        Assert.Equal(Errno.Success, guest.Write(1, "hello"));
        Assert.Equal(5, guest.Memory.ReadInt32(8));
        Assert.Equal(Errno.Success, guest.Write(2, "hello"));
    }

    [Fact]
    [Trait("Parity", "WAZ-11")]
    public void Streams_stay_the_callers()
    {
        using var input = new MemoryStream("abc"u8.ToArray());
        using var output = new MemoryStream();
        using var error = new MemoryStream();
        using (var guest = new Guest(WasiOptions.Default with { StandardInput = input, StandardOutput = output, StandardError = error }))
        {
            Assert.Equal((Errno.Success, "ab"), guest.Read(0, 2));
            Assert.Equal(Errno.Success, guest.Write(1, "out"));
            Assert.Equal(Errno.Success, guest.Write(2, "err"));
            for (uint fd = 0; fd < 3; fd++)
            {
                Assert.Equal(Errno.Success, guest.Call("fd_close", fd));
                Assert.Equal(Errno.BadF, guest.Call("fd_close", fd));
            }
        }

        Assert.Equal('c', input.ReadByte());
        Assert.Equal("out", Encoding.UTF8.GetString(output.ToArray()));
        Assert.Equal("err", Encoding.UTF8.GetString(error.ToArray()));
        output.WriteByte(1);
    }

    [Fact]
    public void Writes_are_gathered_and_reads_are_scattered_in_order()
    {
        using var output = new MemoryStream();
        using var input = new MemoryStream("0123456789"u8.ToArray());
        using var guest = new Guest(WasiOptions.Default with { StandardInput = input, StandardOutput = output });
        guest.Memory.WriteString(1000, "one");
        guest.Memory.WriteString(2000, "two");
        guest.WriteVector(0, 1000, 3);
        guest.WriteVector(8, 500, 0);
        guest.WriteVector(16, 2000, 3);
        Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 3, 100));
        Assert.Equal(6, guest.Memory.ReadInt32(100));
        Assert.Equal("onetwo", Encoding.UTF8.GetString(output.ToArray()));
        guest.WriteVector(16, 2000, 100);
        Assert.Equal(Errno.Success, guest.Call("fd_read", 0, 0, 3, 100));
        Assert.Equal(10, guest.Memory.ReadInt32(100));
        Assert.Equal("012", guest.Memory.ReadString(1000, 3));
        Assert.Equal("3456789", guest.Memory.ReadString(2000, 7));
        Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 0, 100));
        Assert.Equal(0, guest.Memory.ReadInt32(100));
    }

    [Fact]
    [Trait("Security", "WO-01")]
    public void A_bad_vector_prevents_all_of_the_write()
    {
        using var output = new MemoryStream();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output });
        guest.WriteVector(0, 1000, 3);
        foreach ((uint address, uint length) in ((uint, uint)[])[(Guest.MemorySize - 2, 3), (Guest.MemorySize + 1, 0), (uint.MaxValue, 1), (0, Guest.MemorySize + 1), (1, uint.MaxValue)])
        {
            guest.WriteVector(8, address, length);
            Assert.Equal(Errno.Fault, guest.Call("fd_write", 1, 0, 2, 100));
            Assert.Equal(Errno.Fault, guest.Call("fd_read", 0, 0, 2, 100));
        }

        Assert.Equal(Errno.Fault, guest.Call("fd_write", 1, 0, uint.MaxValue, 100));
        Assert.Equal(Errno.Fault, guest.Call("fd_write", 1, Guest.MemorySize - 7, 1, 100));
        Assert.Equal(Errno.Fault, guest.Call("fd_write", 1, 0, 1, Guest.MemorySize - 3));
        Assert.Equal(0, output.Length);
    }

    [Fact]
    [Trait("Security", "WO-06")]
    public void Rights_of_the_standard_streams_are_those_of_their_direction()
    {
        using var guest = new Guest();
        guest.WriteVector(0, 1000, 1);
        Assert.Equal(Errno.NotCapable, guest.Call("fd_write", 0, 0, 1, 100));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_read", 1, 0, 1, 100));
        Assert.Equal(Errno.BadF, guest.Call("fd_read", 3, 0, 1, 100));
        Assert.Equal(Errno.BadF, guest.Call("fd_write", uint.MaxValue, 0, 1, 100));
    }

    [Fact]
    public void Standard_streams_cannot_seek()
    {
        using var input = new MemoryStream("0123456789"u8.ToArray());
        using var guest = new Guest(WasiOptions.Default with { StandardInput = input });
        guest.WriteVector(0, 1000, 1);
        for (uint fd = 0; fd < 3; fd++)
        {
            Assert.Equal(Errno.SPipe, guest.Call("fd_seek", fd, 0L, 1, 100));
            Assert.Equal(Errno.SPipe, guest.Call("fd_tell", fd, 100));
            Assert.Equal(Errno.SPipe, guest.Call("fd_pread", fd, 0, 1, 0L, 100));
            Assert.Equal(Errno.SPipe, guest.Call("fd_pwrite", fd, 0, 1, 0L, 100));
            Assert.Equal(Errno.SPipe, guest.Call("fd_advise", fd, 0L, 0L, 0));
            Assert.Equal(Errno.Inval, guest.Call("fd_advise", fd, 0L, 0L, 6));
            Assert.Equal(Errno.SPipe, guest.Call("fd_allocate", fd, 0L, 1L));
            Assert.Equal(Errno.Inval, guest.Call("fd_filestat_set_size", fd, 1L));
            Assert.Equal(Errno.NotCapable, guest.Call("fd_filestat_set_times", fd, 0L, 0L, 0));
            Assert.Equal(Errno.NotDir, guest.Call("fd_readdir", fd, 0, 100, 0L, 200));
            Assert.Equal(Errno.BadF, guest.Call("fd_prestat_get", fd, 100));
            Assert.Equal(Errno.NotDir, guest.Call("fd_prestat_dir_name", fd, 100, 10));
        }

        Assert.Equal(Errno.BadF, guest.Call("fd_prestat_get", 3, 100));
        Assert.Equal(Errno.BadF, guest.Call("fd_seek", 3, 0L, 0, 100));
        Assert.Equal(Errno.Success, guest.Call("fd_sync", 1));
        Assert.Equal(Errno.Success, guest.Call("fd_datasync", 2));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_sync", 0));
    }

    [Fact]
    public void Attributes_show_flags_and_rights()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_get", 1, 0));
        Assert.Equal(0, guest.Memory.ReadInt64(0));
        ulong rights = (ulong)guest.Memory.ReadInt64(8);
        Assert.NotEqual(0u, rights & (ulong)Rights.FdWrite);
        Assert.Equal(0u, rights & (ulong)(Rights.FdRead | Rights.FdSeek | Rights.FdTell));

        // Go sets it on all three when it starts.
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_flags", 1, (int)FdFlags.NonBlock));
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_get", 1, 0));
        Assert.Equal((int)FdFlags.NonBlock << 16, guest.Memory.ReadInt32(0));
        Assert.Equal(Errno.Inval, guest.Call("fd_fdstat_set_flags", 1, (int)FdFlags.Sync));
        Assert.Equal(Errno.Inval, guest.Call("fd_fdstat_set_flags", 1, 32));
        Assert.Equal(Errno.Success, guest.Call("fd_filestat_get", 1, 0));
        Assert.False(guest.Memory.GetSpan(0, 64).ContainsAnyExcept((byte)0));
    }

    [Fact]
    [Trait("Security", "WF-07")]
    public void A_right_that_was_given_away_is_gone()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.NotCapable, guest.Call("fd_fdstat_set_rights", 1, (ulong)(Rights.FdWrite | Rights.FdRead), 0L));
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_rights", 1, (ulong)Rights.FdSync, 0L));
        Assert.Equal(Errno.NotCapable, guest.Write(1, "x"));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_filestat_get", 1, 0));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_fdstat_set_flags", 1, 0));
        Assert.Equal(Errno.NotCapable, guest.Call("fd_fdstat_set_rights", 1, (ulong)Rights.FdWrite, 0L));
        Assert.Equal(Errno.Success, guest.Call("fd_sync", 1));
    }

    [Fact]
    public void Renumbering_moves_a_stream()
    {
        using var output = new MemoryStream();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = output });
        Assert.Equal(Errno.Success, guest.Call("fd_renumber", 1, 2));
        Assert.Equal(Errno.BadF, guest.Write(1, "lost"));
        Assert.Equal(Errno.Success, guest.Write(2, "kept"));
        Assert.Equal(Errno.BadF, guest.Call("fd_renumber", 2, 1));
        Assert.Equal("kept", Encoding.UTF8.GetString(output.ToArray()));
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_flood_of_output_goes_through_without_being_kept()
    {
        using var output = new CountingStream();
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module
              (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
              (memory (export "memory") 2)
              (data (i32.const 0) "\00\00\01\00\00\00\01\00")
              (func (export "flood") (param $rounds i32) (result i32)
                (loop $again
                  (if (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then (return (i32.const 1))))
                  (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
                  (br_if $again (local.get $rounds)))
                (i32.const 0)))
            """);
        Instance instance = new Linker(engine).DefineWasi(WasiOptions.Default with { StandardOutput = output }).Instantiate(store, module);
        Func<int, int> flood = instance.GetFunction<Func<int, int>>("flood")!;

        // What the first calls set up is not counted: in one of some rounds nothing is allocated, or each call allocates.
        long least = long.MaxValue;
        for (int round = 0; round < 4; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            int failed = flood(4096);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
            Assert.Equal(0, failed);
        }

        Assert.Equal(0, least);
        Assert.Equal(1L << 30, output.Count);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_closed_pipe_is_an_error_for_the_guest_only()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        client.Dispose();
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = server });
        Assert.Equal(Errno.Pipe, guest.Write(1, "hello"));
        Assert.Equal(Errno.Pipe, guest.Write(1, "hello"));
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void A_stream_that_fails_is_an_error_for_the_guest_only()
    {
        var disposed = new MemoryStream();
        disposed.Dispose();
        using var guest = new Guest(WasiOptions.Default with { StandardInput = disposed, StandardOutput = disposed });
        Assert.Equal(Errno.Io, guest.Write(1, "x"));
        Assert.NotEqual(Errno.Success, guest.Read(0, 1).Errno);
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public void Blocked_input_is_left_when_the_store_is_interrupted()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default with { StandardInput = client }, interruptible: true);
        using var timer = new Timer(_ => guest.Store.Interrupt(new TimeoutException("enough")), null, 100, Timeout.Infinite);
        Assert.Equal("enough", Assert.Throws<TimeoutException>(() => guest.Read(0, 10)).Message);

        // What arrives later is not lost.
        guest.Store.ResetInterrupt();
        server.Write("late"u8);
        Assert.Equal((Errno.Success, "late"), guest.Read(0, 10));
    }

    [Fact]
    public void Input_that_is_not_there_yet_is_again_for_a_guest_that_will_not_wait()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default with { StandardInput = client });
        Assert.Equal(Errno.Success, guest.Call("fd_fdstat_set_flags", 0, (int)FdFlags.NonBlock));
        Assert.Equal(Errno.Again, guest.Read(0, 10).Errno);
        server.Write("data"u8);
        PollTests.WaitForInput(guest);
        Assert.Equal((Errno.Success, "da"), guest.Read(0, 2));
        Assert.Equal((Errno.Success, "ta"), guest.Read(0, 10));
        server.Dispose();
        PollTests.WaitForInput(guest);
        Assert.Equal((Errno.Success, ""), guest.Read(0, 10));
    }

    [Fact]
    [Trait("Parity", "WAZ-11")]
    public async Task Pipes_serve_as_standard_streams()
    {
        var input = new Pipe();
        var output = new Pipe();
        using var guest = new Guest(WasiOptions.Default.WithStandardInput(input.Reader).WithStandardOutput(output.Writer).WithStandardError(output.Writer));
        await input.Writer.WriteAsync("hello"u8.ToArray());
        Assert.Equal((Errno.Success, "hel"), guest.Read(0, 3));
        Assert.Equal((Errno.Success, "lo"), guest.Read(0, 10));
        await input.Writer.CompleteAsync();
        Assert.Equal((Errno.Success, ""), guest.Read(0, 10));
        Assert.Equal(Errno.Success, guest.Write(1, "out, "));
        Assert.Equal(Errno.Success, guest.Write(2, "err"));
        ReadResult result = await output.Reader.ReadAsync();
        Assert.Equal("out, err", Encoding.UTF8.GetString(result.Buffer));
        output.Reader.AdvanceTo(result.Buffer.End);

        // The end of the guest's descriptor is not that of the pipe, and the other way round.
        Assert.Equal(Errno.Success, guest.Call("fd_close", 2));
        Assert.Equal(Errno.Success, guest.Write(1, "more"));
        await output.Reader.CompleteAsync();
        Assert.Equal(Errno.Pipe, guest.Write(1, "lost"));
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public async Task A_pipes_reader_that_is_behind_keeps_the_guest_waiting()
    {
        var pipe = new Pipe(new System.IO.Pipelines.PipeOptions(pauseWriterThreshold: 100_000, resumeWriterThreshold: 50_000));
        using var guest = new Guest(WasiOptions.Default.WithStandardOutput(pipe.Writer), interruptible: true);
        guest.WriteVector(0, 1000, 60_000);
        Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
        Task<Errno> second = Task.Run(() => guest.Call("fd_write", 1, 0, 1, 8));
        ReadResult result = await pipe.Reader.ReadAsync();
        while (result.Buffer.Length < 120_000)
        {
            // Looked at is as good as read for a pipe: nothing was.
            pipe.Reader.AdvanceTo(result.Buffer.Start, result.Buffer.Start);
            await Task.Delay(1);
            result = await pipe.Reader.ReadAsync();
        }

        Assert.False(second.IsCompleted);
        pipe.Reader.AdvanceTo(result.Buffer.End);
        Assert.Equal(Errno.Success, await second);

        // Interrupted, the guest may go on afterwards; what was written is there.
        Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
        using (new Timer(_ => guest.Store.Interrupt(new TimeoutException("enough")), null, 100, Timeout.Infinite))
        {
            Assert.Throws<TimeoutException>(() => guest.Call("fd_write", 1, 0, 1, 8));
        }

        guest.Store.ResetInterrupt();
        result = await pipe.Reader.ReadAsync();
        pipe.Reader.AdvanceTo(result.Buffer.End);
        Assert.Equal(Errno.Success, guest.Write(1, "after"));
        result = await pipe.Reader.ReadAsync();
        Assert.EndsWith("after", Encoding.UTF8.GetString(result.Buffer), StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Security", "WO-05")]
    [Trait("Security", "CL-02")]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocked_output_is_left_when_the_store_is_disposed(bool interruptible)
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = server }, interruptible: interruptible);
        guest.WriteVector(0, 1000, 60_000);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() =>
        {
            while (guest.Call("fd_write", 1, 0, 1, 8) == Errno.Success)
            {
            }
        });
    }

    [Fact]
    [Trait("Security", "WO-05")]
    public async Task Output_to_a_pipe_of_the_system_arrives_in_order()
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.ClientSafePipeHandle);
        using var guest = new Guest(WasiOptions.Default with { StandardOutput = server });
        Random.Shared.NextBytes(guest.Memory.GetSpan(1000, 60_000));
        byte[] expected = guest.Memory.GetSpan(1000, 60_000).ToArray();
        guest.WriteVector(0, 1000, 60_000);
        Task write = Task.Run(() =>
        {
            for (int i = 0; i < 20; i++)
            {
                Assert.Equal(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
                Assert.Equal(60_000, guest.Memory.ReadInt32(8));
            }

            server.Dispose();
        });
        using var received = new MemoryStream();
        await client.CopyToAsync(received);
        await write;
        Assert.Equal(20 * 60_000, received.Length);
        Assert.Equal(expected, received.ToArray().AsSpan(19 * 60_000).ToArray());
    }

    [Theory]
    [Trait("Security", "WO-05")]
    [Trait("Security", "CL-02")]
    [InlineData(false)]
    [InlineData(true)]
    public void Blocked_input_is_left_when_the_store_is_disposed(bool interruptible)
    {
        var pipe = new Pipe();
        using var guest = new Guest(WasiOptions.Default.WithStandardInput(pipe.Reader), interruptible: interruptible);
        using var timer = new Timer(_ => guest.Store.Dispose(), null, 100, Timeout.Infinite);
        Assert.Throws<ObjectDisposedException>(() => guest.Read(0, 10));
    }

    private sealed class CountingStream : OneWayStream
    {
        public long Count { get; private set; }

        public override bool CanRead => false;

        public override bool CanWrite => true;

        public override void Write(byte[] buffer, int offset, int count) => Count += count;

        public override void Write(ReadOnlySpan<byte> buffer) => Count += buffer.Length;
    }
}
