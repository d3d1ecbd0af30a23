using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Memories that several stores, each on its thread, have as theirs: atomic instructions, waits, and whose end is whose.</summary>
public sealed class SharedMemoryTests
{
    private const string Guest = """
        (module (import "host" "memory" (memory 1 4 shared))
          (func (export "add") (param $n i32)
            (loop $l (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1))) (drop (i64.atomic.rmw.add offset=8 (i32.const 0) (i64.const 2))) (drop (i32.atomic.rmw8.add_u (i32.const 16) (i32.const 1)))
              (drop (i32.atomic.rmw16.xor_u (i32.const 18) (i32.const 1)))
              (br_if $l (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "wait") (param i32 i64) (result i32) (memory.atomic.wait32 (i32.const 32) (local.get 0) (local.get 1)))
          (func (export "wake") (param i32) (result i32) (i32.atomic.store (i32.const 32) (i32.const 1)) (memory.atomic.notify (i32.const 32) (local.get 0)))
          (func (export "get") (param i32) (result i32) (i32.load (local.get 0)))
          (func (export "grow") (result i32) (memory.grow (i32.const 1))))
        """;

    private static Instance Instantiate(Store store, SharedMemory memory) =>
        Wasm.Instantiate(store, Guest, linker => linker.Define("host", "memory", Memory.FromShared(store, memory)));

    private static Engine CreateEngine() => Engine.Create(new EngineOptions { Features = WasmFeatures.All, Interruptible = true });

    private static SharedMemory CreateMemory(Engine engine) => SharedMemory.Create(engine, new MemoryType(new Limits(1, 4), isShared: true));

    [Fact]
    public void Threads_add_in_one_memory_without_losing_a_sum()
    {
        const int Threads = 4;
        const int Rounds = 100_000;
        using Engine engine = CreateEngine();
        using SharedMemory memory = CreateMemory(engine);
        Thread[] threads = [.. Enumerable.Range(0, Threads).Select(_ => new Thread(() =>
        {
            using Store store = engine.CreateStore();
            Instantiate(store, memory).GetFunction<Action<int>>("add")!(Rounds);
        }))];
        Array.ForEach(threads, static thread => thread.Start());
        Array.ForEach(threads, static thread => thread.Join());
        Assert.Equal(Threads * Rounds, BitConverter.ToInt32(memory.GetSpan(0, 4)));
        Assert.Equal(2L * Threads * Rounds, BitConverter.ToInt64(memory.GetSpan(8, 8)));
        Assert.Equal((byte)(Threads * Rounds & 0xFF), memory.GetSpan(16, 1)[0]);
        Assert.Equal(0, BitConverter.ToInt16(memory.GetSpan(18, 2)));
    }

    [Fact]
    public void A_wait_ends_when_it_is_notified_or_late_or_not_expected()
    {
        using Engine engine = CreateEngine();
        using SharedMemory memory = CreateMemory(engine);
        using Store store = engine.CreateStore();
        Instance instance = Instantiate(store, memory);
        Assert.Equal(1, instance.GetFunction("wait")!.Invoke(5, -1L));
        Assert.Equal(2, instance.GetFunction("wait")!.Invoke(0, 1_000_000L));
        Assert.Equal(0, instance.GetFunction("wake")!.Invoke(1));
        memory.GetSpan(32, 4).Clear();
        object? ended = null;
        var waiting = new Thread(() =>
        {
            using Store own = engine.CreateStore();
            ended = Instantiate(own, memory).GetFunction("wait")!.Invoke(0, -1L);
        });
        waiting.Start();
        SpinWait.SpinUntil(() => (int)instance.GetFunction("wake")!.Invoke(10)! == 1 || !waiting.IsAlive);
        waiting.Join();

        // Woken, or it came when the value had changed already.
        Assert.Contains(ended, new object[] { 0, 1 });
    }

    [Fact]
    [Trait("Security", "LM-01")]
    public void A_wait_without_end_is_interrupted()
    {
        using Engine engine = CreateEngine();
        using SharedMemory memory = CreateMemory(engine);
        using Store store = engine.CreateStore();
        Instance instance = Instantiate(store, memory);
        using var timer = new Timer(_ => store.Interrupt(), null, 50, Timeout.Infinite);
        Wasm.AssertTrap(TrapCode.Interrupt, () => instance.GetFunction("wait")!.Invoke(0, -1L));
    }

    [Fact]
    public void A_shared_memory_lives_as_long_as_somebody_has_it()
    {
        using Engine engine = CreateEngine();
        SharedMemory memory = CreateMemory(engine);
        Store first = engine.CreateStore();
        Store second = engine.CreateStore();
        Instance one = Instantiate(first, memory);
        Instance two = Instantiate(second, memory);
        one.GetFunction("add")!.Invoke(3);
        Assert.Equal(1, one.GetFunction("grow")!.Invoke());
        first.Dispose();
        memory.Dispose();
        Assert.Equal(3, two.GetFunction("get")!.Invoke(0));
        Assert.Equal(0, two.GetFunction("get")!.Invoke(100_000));
        using Store third = engine.CreateStore();
        SharedMemory again = ((Memory)Memory.FromShared(third, memory)).Shared!;
        Assert.Same(memory, again);
        second.Dispose();
        Assert.Equal(2UL * 65536, memory.LengthInBytes);
        third.Dispose();
        using Store late = engine.CreateStore();
        Assert.Throws<ObjectDisposedException>(() => Memory.FromShared(late, memory));
        Assert.Throws<ObjectDisposedException>(() => memory.GetSpan(0, 1).Length);
    }

    [Fact]
    public void A_modules_shared_memory_can_go_to_another_store()
    {
        using Engine engine = CreateEngine();
        using Store first = engine.CreateStore();
        Instance instance = Wasm.Instantiate(first, "(module (memory (export \"m\") 1 4 shared) (memory (export \"own\") 1))");
        Assert.Null(instance.GetMemory("own")!.Shared);
        SharedMemory shared = instance.GetMemory("m")!.Shared!;
        using Store second = engine.CreateStore();
        Instantiate(second, shared).GetFunction("add")!.Invoke(5);
        Assert.Equal(5, instance.GetMemory("m")!.ReadInt32(0));
        Assert.Throws<ArgumentException>(() => SharedMemory.Create(engine, new MemoryType(new Limits(1, 4))));
    }

    [Fact]
    public void Atomic_instructions_trap_where_they_must()
    {
        using Engine engine = CreateEngine();
        Instance instance = Wasm.Instantiate(engine.CreateStore(), """
            (module (memory 1)
              (func (export "load") (param i32) (result i32) (i32.atomic.load offset=4 (local.get 0)))
              (func (export "add") (param i32) (result i64) (i64.atomic.rmw.add (local.get 0) (i64.const 1)))
              (func (export "wait") (result i32) (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 0)))
              (func (export "notify") (param i32) (result i32) (memory.atomic.notify (local.get 0) (i32.const 1))))
            """);
        Assert.Equal(0, instance.GetFunction("load")!.Invoke(65528));
        Wasm.AssertTrap(TrapCode.HeapMisaligned, () => instance.GetFunction("load")!.Invoke(2));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("load")!.Invoke(65532));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("load")!.Invoke(-4));
        Wasm.AssertTrap(TrapCode.HeapMisaligned, () => instance.GetFunction("add")!.Invoke(4));
        Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => instance.GetFunction("add")!.Invoke(-8));
        Wasm.AssertTrap(TrapCode.ExpectedSharedMemory, () => instance.GetFunction("wait")!.Invoke());
        Assert.Equal(0, instance.GetFunction("notify")!.Invoke(8));
        Wasm.AssertTrap(TrapCode.HeapMisaligned, () => instance.GetFunction("notify")!.Invoke(2));
    }
}
