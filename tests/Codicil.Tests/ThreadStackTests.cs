using System.Runtime.CompilerServices;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>The bounds of threads' stacks.</summary>
public sealed unsafe class ThreadStackTests
{
    [Theory]
    [InlineData(128 << 10)]
    [InlineData(256 << 10)]
    [InlineData(1 << 20)]
    [InlineData(64 << 20)]
    public void Finds_the_bounds_of_a_thread_of_known_size(int size)
    {
        nuint lowest = 0;
        nuint highest = 0;
        nuint here = 0;
        nuint remaining = 0;
        var thread = new Thread(
            () =>
            {
                int local;
                here = (nuint)(&local);
                lowest = ThreadStack.LowestAddress;
                highest = ThreadStack.HighestAddress;
                remaining = ThreadStack.RemainingLength;
            },
            size);
        thread.Start();
        thread.Join();
        Assert.InRange(here, lowest + 1, highest - 1);
        // The C library gives a thread the larger stack of one that has ended.
        Assert.InRange(highest - lowest, (nuint)size - (64 << 10), (nuint)1 << 30);
        Assert.InRange(remaining, (nuint)size - (96 << 10), here - lowest);
    }

    [Theory]
    [InlineData("main")]
    [InlineData("thread")]
    [InlineData("pool")]
    public void Every_byte_above_the_lowest_address_can_be_used(string where) => ChildProcess.Run(
        static arguments =>
        {
            switch (arguments[0])
            {
                case "main":
                    UseStack();
                    break;
                case "thread":
                    var thread = new Thread(UseStack, 256 << 10);
                    thread.Start();
                    thread.Join();
                    break;
                default:
                    Task.Run(UseStack).GetAwaiter().GetResult();
                    break;
            }
        },
        new() { Arguments = [where] }).AssertSucceeded();

    [Fact]
    public void Follows_the_limit_of_the_main_thread() => ChildProcess.Run(
        static _ =>
        {
            Assert.InRange(ThreadStack.HighestAddress - ThreadStack.LowestAddress, 1u << 20, 2_200u << 10);
            UseStack();
        },
        new() { ShellPrelude = "ulimit -s 2048" }).AssertSucceeded();

    [Fact]
    public void Bounds_an_unlimited_stack() => ChildProcess.Run(
        static _ =>
        {
            Assert.InRange(ThreadStack.HighestAddress - ThreadStack.LowestAddress, 1u << 20, 1u << 30);
            UseStack();
        },
        new() { ShellPrelude = "ulimit -s unlimited 2>/dev/null" }).AssertSucceeded();

    /// <summary>Writes to the stack down to two pages above the lowest address; the kernel and the runtime need some for themselves to call at all.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void UseStack()
    {
        Assert.NotEqual(0u, ThreadStack.LowestAddress);
        Descend();
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static int Descend()
    {
        byte* some = stackalloc byte[512];
        some[0] = 1;
        return (nuint)some - ThreadStack.LowestAddress < (nuint)(3 * Environment.SystemPageSize) ? some[0] : Descend() + some[0];
    }
}
