using System.Globalization;

using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Guard memory traps exactly when checked memory does: the JIT neither loses nor invents a fault.</summary>
public sealed class GuardExactnessTests
{
    /// <summary>Functions in a module: one big module would keep one emission in one thread.</summary>
    private const int FunctionsInModule = 600;

    private static readonly int[] s_addresses = [.. Enumerable.Range(GuardExactnessHarness.PageBytes - 20, 25), 0, 1, -1, -4, -8, -16, int.MaxValue, int.MinValue];

    [Theory]
    [InlineData(AccessedMemory.First, 1)]
    [InlineData(AccessedMemory.Second, 4)]
    [InlineData(AccessedMemory.Wide, 4)]
    [InlineData(AccessedMemory.Huge, 4)]
    internal void Accesses_at_the_end_of_memory_are_the_same_in_both_modes(AccessedMemory memory, int each)
    {
        using var harness = new GuardExactnessHarness(memory);
        foreach (string[] functions in GuardExactnessCases.All().Where((_, i) => i % each == 0).Chunk(FunctionsInModule))
        {
            harness.Compare(functions, s_addresses, GuardExactnessCases.Shared);
        }

        harness.AssertSame();
        Assert.InRange(harness.Traps, harness.Calls / 10, harness.Calls);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{harness.Calls} calls, {harness.Traps} traps"));
    }

    [Fact]
    public void Accesses_of_vectors_at_the_end_of_memory_are_the_same_in_both_modes()
    {
        using var harness = new GuardExactnessHarness();
        foreach (string[] functions in GuardExactnessVectorCases.All().Chunk(FunctionsInModule))
        {
            harness.Compare(functions, s_addresses, GuardExactnessCases.Shared + GuardExactnessVectorCases.Shared);
        }

        harness.AssertSame();
        Assert.InRange(harness.Traps, harness.Calls / 10, harness.Calls);
        TestContext.Current.TestOutputHelper?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{harness.Calls} calls, {harness.Traps} traps"));
    }

    [Fact]
    public void Accesses_at_constant_addresses_are_the_same_in_both_modes()
    {
        using var harness = new GuardExactnessHarness();
        List<string> bodies = GuardExactnessCases.All();
        var functions = new List<string>();

        // Each body at a few addresses, all bodies together at all of them.
        for (int i = 0; i < bodies.Count; i++)
        {
            for (int k = 0; k < 2; k++)
            {
                int address = GuardExactnessHarness.PageBytes - 12 + (((i * 5) + (k * 7)) % 13);
                functions.Add(GuardExactnessCases.WithAddress(bodies[i], AddressForm.Local, address));
            }
        }

        foreach (string[] chunk in functions.Chunk(FunctionsInModule))
        {
            harness.Compare(chunk, [0], GuardExactnessCases.Shared);
        }

        harness.AssertSame();
    }

    [Theory]
    [InlineData(AddressForm.Sum, AccessedMemory.First, 1)]
    [InlineData(AddressForm.Sum, AccessedMemory.Second, 4)]
    [InlineData(AddressForm.Sum, AccessedMemory.Wide, 4)]
    [InlineData(AddressForm.Sum, AccessedMemory.Huge, 4)]
    [InlineData(AddressForm.Call, AccessedMemory.First, 2)]
    [InlineData(AddressForm.Constant, AccessedMemory.First, 1)]
    [InlineData(AddressForm.Constant, AccessedMemory.Second, 4)]
    [InlineData(AddressForm.Masked, AccessedMemory.First, 1)]
    internal void Cancelled_loads_at_addresses_that_somebody_knows_are_the_same_in_both_modes(AddressForm form, AccessedMemory memory, int each)
    {
        using var harness = new GuardExactnessHarness(memory);
        List<string> bodies = GuardExactnessCases.Cancelled(each);
        var functions = new List<string>();
        for (int i = 0; i < bodies.Count; i++)
        {
            for (int k = 0; k < 2; k++)
            {
                functions.Add(GuardExactnessCases.WithAddress(bodies[i], form, GuardExactnessHarness.PageBytes - 1 - ((i + (k * 3)) % 8)));
            }
        }

        foreach (string[] chunk in functions.Chunk(FunctionsInModule))
        {
            harness.Compare(chunk, [0], GuardExactnessCases.Shared);
        }

        harness.AssertSame();
        Assert.InRange(harness.Traps, harness.Calls / 20, harness.Calls);
    }

    /// <summary><c>CODICIL_GUARD_FUNCTIONS</c> says how many functions, <c>CODICIL_GUARD_SEED</c> which.</summary>
    [Theory]
    [InlineData(false, AccessedMemory.First, 3000)]
    [InlineData(true, AccessedMemory.First, 2000)]
    [InlineData(true, AccessedMemory.Second, 1000)]
    [InlineData(true, AccessedMemory.Wide, 1000)]
    [InlineData(true, AccessedMemory.Huge, 1000)]
    internal void Random_functions_are_the_same_in_both_modes(bool withVectors, AccessedMemory memory, int usualCount)
    {
        int count = Setting("CODICIL_GUARD_FUNCTIONS", usualCount);
        int seed = Setting("CODICIL_GUARD_SEED", 20261121);
        const int FunctionsAtOnce = 250;
        using var harness = new GuardExactnessHarness(memory);
        int[] addresses = [GuardExactnessHarness.PageBytes - 256, .. Enumerable.Range(GuardExactnessHarness.PageBytes - 25, 26)];
        for (int done = 0; done < count; done += FunctionsAtOnce, seed++)
        {
            var generator = new GuardExactnessGenerator(seed, withVectors);
            var functions = new List<string>();
            for (int i = 0; i < FunctionsAtOnce; i++)
            {
                functions.Add(generator.NextBody());
            }

            harness.Compare(functions, addresses, GuardExactnessCases.Shared + GuardExactnessVectorCases.Shared);
        }

        harness.AssertSame();
        Assert.InRange(harness.Traps, harness.Calls / 10, harness.Calls * 9 / 10);
    }

    /// <summary>The lower half of such an address is one inside.</summary>
    [Theory]
    [InlineData(true, "65536", MemoryMode.Guard)]
    [InlineData(true, "65537", MemoryMode.WideGuard)]
    [InlineData(true, "", MemoryMode.WideGuard)]
    [InlineData(false, "65536", MemoryMode.Checked)]
    internal void Addresses_and_offsets_beyond_four_gigabytes_trap(bool isGuarded, string maximum, MemoryMode mode)
    {
        Assert.SkipUnless(SignalFilter.TryInstall(), $"no guard memory here: {SignalFilter.UnavailableReason}");
        using var engine = Engine.Create(new EngineOptions { MemoryProtection = isGuarded ? MemoryProtection.Guard : MemoryProtection.Checked });
        using Module module = Module.FromText(engine, $$"""
            (module (memory (export "m") i64 1 {{maximum}})
              (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
              (func (export "far") (param i64) (result i64) (i64.load offset=0xFFFFFFFF (local.get 0)))
              (func (export "farther") (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0)))
              (func (export "store") (param i64) (i64.store offset=8 (local.get 0) (i64.const 5)))
              (func (export "vector") (param i64) (result i64) (i64x2.extract_lane 0 (v128.load offset=8 (local.get 0))))
              (func (export "constant") (param i64) (result i64) (i64.load (i64.const 0x100000008)))
              (func (export "inside") (param i64) (result i64) (i64.load offset=4 (i64.const 4))))
            """);
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(module);
        Assert.Equal(mode, ((MemoryInstance)instance.GetMemory("m")!).Linear.Mode);
        instance.GetFunction<Action<long>>("store")!(0);
        Assert.Equal(5, instance.GetFunction<Func<long, long>>("load")!(8));
        Assert.Equal(5, instance.GetFunction<Func<long, long>>("inside")!(0));
        Assert.Equal(5, instance.GetFunction<Func<long, long>>("vector")!(0));
        foreach (long address in (long[])[0, 1L << 32, (1L << 32) + 8, 1L << 33, 1L << 34, (1L << 34) + 8, 1L << 35, 1L << 48, long.MinValue, long.MaxValue, -1, -8, -16])
        {
            foreach (string name in (string[])["load", "far", "farther", "store", "vector", "constant"])
            {
                if (address != 0 || name is "far" or "farther" or "constant")
                {
                    Function function = instance.GetFunction(name)!;
                    Assert.Equal(TrapCode.MemoryOutOfBounds, Assert.Throws<TrapException>(() => function.Invoke(Value.FromI64(address))).Code);
                }
            }
        }
    }

    [Fact]
    public void Memories_beyond_four_gigabytes_are_guarded_to_their_last_byte()
    {
        Assert.SkipUnless(SignalFilter.TryInstall(), $"no guard memory here: {SignalFilter.UnavailableReason}");
        using var engine = Engine.Create(new EngineOptions { MemoryProtection = MemoryProtection.Guard });
        using Module module = Module.FromText(engine, """
            (module (memory i64 1)
              (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
              (func (export "load") (param i64) (result i64) (i64.load8_u (local.get 0)))
              (func (export "far") (param i64) (result i64) (i64.load8_u offset=0xFFFFFFFF (local.get 0)))
              (func (export "farther") (param i64) (result i64) (i64.load8_u offset=0x100000000 (local.get 0)))
              (func (export "farthest") (param i64) (result i64) (i64.load8_u offset=0x400000000 (local.get 0)))
              (func (export "store") (param i64) (i64.store8 (local.get 0) (i64.const 7))))
            """);
        for (int round = 0; round < 20; round++)
        {
            using Store store = engine.CreateStore();
            Instance instance = store.Instantiate(module);
            const long End = 70_001L << 16;
            Assert.SkipUnless(instance.GetFunction<Func<long, long>>("grow")!(70_000) == 1, "4.6 GB of memory are not to be had here");
            Assert.Equal(0, instance.GetFunction<Func<long, long>>("load")!(End - 1));
            instance.GetFunction<Action<long>>("store")!(End - 1);
            Assert.Equal(7, instance.GetFunction<Func<long, long>>("load")!(End - 1));
            Assert.Equal(7, instance.GetFunction<Func<long, long>>("far")!(End - 1 - uint.MaxValue));
            Assert.Throws<TrapException>(() => instance.GetFunction<Func<long, long>>("load")!(End));
            Assert.Throws<TrapException>(() => instance.GetFunction<Func<long, long>>("far")!(End - uint.MaxValue));
            Assert.Equal(7, instance.GetFunction<Func<long, long>>("farther")!(End - 1 - (1L << 32)));
            foreach (long index in (long[])[End - (1L << 32), (1L << 34) - (1L << 32), (1L << 34) - 1, 1L << 34, -1, -1L << 32, -1L << 34])
            {
                Assert.Throws<TrapException>(() => instance.GetFunction<Func<long, long>>("farther")!(index));
                Assert.Throws<TrapException>(() => instance.GetFunction<Func<long, long>>("farthest")!(index));
            }

            Assert.Equal(-1, instance.GetFunction<Func<long, long>>("grow")!(1L << 18));
        }
    }

    private static int Setting(string name, int value) =>
        Environment.GetEnvironmentVariable(name) is string text ? int.Parse(text, CultureInfo.InvariantCulture) : value;
}
