using System.Globalization;

namespace Codicil.Tests;

/// <summary>Guard memory traps exactly when checked memory does: the JIT neither loses nor invents a fault.</summary>
public sealed class GuardExactnessTests
{
    /// <summary>Functions in a module: one big module would keep one emission in one thread.</summary>
    private const int FunctionsInModule = 600;

    private static readonly int[] s_addresses = [.. Enumerable.Range(GuardExactnessHarness.PageBytes - 20, 25), 0, 1, -1, -4, -8, -16, int.MaxValue, int.MinValue];

    [Fact]
    public void Accesses_at_the_end_of_memory_are_the_same_in_both_modes()
    {
        using var harness = new GuardExactnessHarness();
        foreach (string[] functions in GuardExactnessCases.All().Chunk(FunctionsInModule))
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
    [InlineData("(i32.add (i32.const 65000) (i32.const {0}))")]
    [InlineData("(call $end (i32.const {0}))")]
    public void Cancelled_loads_at_addresses_that_become_constant_are_the_same_in_both_modes(string address)
    {
        using var harness = new GuardExactnessHarness();
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
    [InlineData(false, 3000)]
    [InlineData(true, 2000)]
    public void Random_functions_are_the_same_in_both_modes(bool withVectors, int usualCount)
    {
        int count = Setting("CODICIL_GUARD_FUNCTIONS", usualCount);
        int seed = Setting("CODICIL_GUARD_SEED", 20261121);
        const int FunctionsAtOnce = 250;
        using var harness = new GuardExactnessHarness();
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

    private static int Setting(string name, int value) =>
        Environment.GetEnvironmentVariable(name) is string text ? int.Parse(text, CultureInfo.InvariantCulture) : value;
}
