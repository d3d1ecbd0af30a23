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
                functions.Add(GuardExactnessCases.WithAddress(bodies[i], string.Create(CultureInfo.InvariantCulture, $"(i32.const {address})")));
            }
        }

        foreach (string[] chunk in functions.Chunk(FunctionsInModule))
        {
            harness.Compare(chunk, [0], GuardExactnessCases.Shared);
        }

        harness.AssertSame();
    }

    // Constants that only the JIT knows: their sum, and what an inlined function makes of one.
    [Theory]
    [InlineData("(i32.add (i32.const 65000) (i32.const {0}))", AccessedMemory.First)]
    [InlineData("(i32.add (i32.const 65000) (i32.const {0}))", AccessedMemory.Second)]
    [InlineData("(i32.add (i32.const 65000) (i32.const {0}))", AccessedMemory.Wide)]
    [InlineData("(call $end (i32.const {0}))", AccessedMemory.First)]
    [InlineData("(call $end (i32.const {0}))", AccessedMemory.Second)]
    internal void Cancelled_loads_at_addresses_that_become_constant_are_the_same_in_both_modes(string address, AccessedMemory memory)
    {
        using var harness = new GuardExactnessHarness(memory);
        List<string> bodies = GuardExactnessCases.Cancelled();
        var functions = new List<string>();
        for (int i = 0; i < bodies.Count; i++)
        {
            for (int before = 1; before <= 8; before += i % 2 == 0 ? 2 : 3)
            {
                functions.Add(GuardExactnessCases.WithAddress(bodies[i], string.Format(CultureInfo.InvariantCulture, address, GuardExactnessHarness.PageBytes - before - 65000)));
            }
        }

        foreach (string[] chunk in functions.Chunk(FunctionsInModule))
        {
            harness.Compare(chunk, [0], GuardExactnessCases.Shared);
        }

        harness.AssertSame();
        Assert.InRange(harness.Traps, harness.Calls / 10, harness.Calls);
    }

    /// <summary><c>CODICIL_GUARD_FUNCTIONS</c> says how many functions, <c>CODICIL_GUARD_SEED</c> which.</summary>
    [Theory]
    [InlineData(false, AccessedMemory.First, 3000)]
    [InlineData(true, AccessedMemory.First, 2000)]
    [InlineData(true, AccessedMemory.Second, 1000)]
    [InlineData(true, AccessedMemory.Wide, 1000)]
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

    /// <summary>The lower half of such an address is one inside; a memory that may grow beyond 4 GiB has checks in either mode.</summary>
    [Theory]
    [InlineData(true, "65536", MemoryMode.Guard)]
    [InlineData(true, "65537", MemoryMode.Checked)]
    [InlineData(true, "", MemoryMode.Checked)]
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
        foreach (long address in (long[])[0, 1L << 32, (1L << 32) + 8, 1L << 33, 1L << 48, long.MinValue, long.MaxValue, -1, -8, -16])
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

    private static int Setting(string name, int value) =>
        Environment.GetEnvironmentVariable(name) is string text ? int.Parse(text, CultureInfo.InvariantCulture) : value;
}
