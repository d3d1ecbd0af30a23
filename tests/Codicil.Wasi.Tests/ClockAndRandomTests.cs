using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class ClockAndRandomTests
{
    [Fact]
    [Trait("Parity", "WAZ-15")]
    public void Clocks_are_deterministic_by_default()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 0, 1L, 0));
        Assert.Equal(1_640_995_200_000_000_000, guest.Memory.ReadInt64(0));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 0, 0L, 0));
        Assert.Equal(1_640_995_200_001_000_000, guest.Memory.ReadInt64(0));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1, 0L, 0));
        Assert.Equal(0, guest.Memory.ReadInt64(0));
        Assert.Equal(Errno.Success, guest.Call("clock_res_get", 0, 0));
        Assert.Equal(1000, guest.Memory.ReadInt64(0));
        Assert.Equal(Errno.Success, guest.Call("clock_res_get", 1, 0));
        Assert.Equal(1, guest.Memory.ReadInt64(0));
    }

    [Theory]
    [InlineData("clock_time_get")]
    [InlineData("clock_res_get")]
    public void Other_clocks_are_invalid(string name)
    {
        using var guest = new Guest();
        foreach (uint id in (uint[])[4, 5, 0x8000_0000, uint.MaxValue])
        {
            Assert.Equal(Errno.Inval, name == "clock_res_get" ? guest.Call(name, id, 0) : guest.Call(name, id, 0L, 0));
        }
    }

    [Fact]
    public void Processor_time_is_the_monotonic_clock()
    {
        using var guest = new Guest();
        long[] readings = new long[4];
        for (uint i = 0; i < readings.Length; i++)
        {
            Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1 + (i % 3), 0L, 0));
            readings[i] = guest.Memory.ReadInt64(0);
        }

        Assert.Equal([0, 1_000_000, 2_000_000, 3_000_000], readings);
        Assert.Equal(Errno.Success, guest.Call("clock_res_get", 2, 0));
        Assert.Equal(1, guest.Memory.ReadInt64(0));
    }

    [Fact]
    public void A_bad_address_does_not_advance_a_clock()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.Fault, guest.Call("clock_time_get", 1, 0L, Guest.MemorySize - 7));
        Assert.Equal(Errno.Success, guest.Call("clock_time_get", 1, 0L, Guest.MemorySize - 8));
        Assert.Equal(0, guest.Memory.ReadInt64(Guest.MemorySize - 8));
    }

    [Fact]
    [Trait("Parity", "WAZ-15")]
    [Trait("Parity", "WAZ-16")]
    public void Each_instance_begins_anew()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """
            (module
              (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
              (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
              (memory (export "memory") 1)
              (func (export "time") (result i64)
                (drop (call $time (i32.const 1) (i64.const 0) (i32.const 0)))
                (i64.load (i32.const 0)))
              (func (export "random") (result i64)
                (drop (call $random (i32.const 0) (i32.const 8)))
                (i64.load (i32.const 0))))
            """);
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Deterministic);
        Instance first = linker.Instantiate(store, module);
        Instance second = linker.Instantiate(store, module);
        Assert.Equal(0L, first.GetFunction("time")!.Invoke());
        Assert.Equal(1_000_000L, first.GetFunction("time")!.Invoke());
        Assert.Equal(0L, second.GetFunction("time")!.Invoke());
        Assert.Equal(2_000_000L, first.GetFunction("time")!.Invoke());
        object? random = first.GetFunction("random")!.Invoke();
        Assert.NotEqual(random, first.GetFunction("random")!.Invoke());
        Assert.Equal(random, second.GetFunction("random")!.Invoke());
    }

    [Fact]
    [Trait("Parity", "WAZ-16")]
    public void Random_bytes_fill_exactly_what_was_asked_for()
    {
        using var guest = new Guest();
        Assert.Equal(Errno.Success, guest.Call("random_get", 16, 64));
        Assert.True(guest.Memory.GetSpan(16, 64).ContainsAnyExcept((byte)0));
        Assert.False(guest.Memory.GetSpan(0, 16).ContainsAnyExcept((byte)0));
        Assert.False(guest.Memory.GetSpan(80, 1024).ContainsAnyExcept((byte)0));
        Assert.Equal(Errno.Success, guest.Call("random_get", Guest.MemorySize, 0));
        Assert.Equal(Errno.Success, guest.Call("random_get", 0, Guest.MemorySize));
        guest.Memory.GetSpan(0, (int)Guest.MemorySize).Clear();
        Assert.Equal(Errno.Fault, guest.Call("random_get", 1, Guest.MemorySize));
        Assert.Equal(Errno.Fault, guest.Call("random_get", 1, uint.MaxValue));
        Assert.False(guest.Memory.GetSpan(0, (int)Guest.MemorySize).ContainsAnyExcept((byte)0));
    }

    [Fact]
    public void Custom_clocks_are_read_on_the_guests_thread()
    {
        int thread = 0;
        using var guest = new Guest(WasiOptions.Default with
        {
            MonotonicClock = WasiClock.Create(
                () =>
                {
                    thread = Environment.CurrentManagedThreadId;
                    return 77;
                },
                5),
        });
        guest.Call("clock_time_get", 1, 0L, 0);
        Assert.Equal(77, guest.Memory.ReadInt64(0));
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }
}
