using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>What happens where the machine ends: addresses, mappings, memory. Each in its own process, which must live.</summary>
public sealed unsafe class MemoryLimitsTests
{
    private static readonly MemoryType s_onePage = new(new Limits(1));

    public MemoryLimitsTests()
    {
        if (!SignalFilter.TryInstall())
        {
            Assert.Skip(SignalFilter.UnavailableReason!);
        }
    }

    [Theory]
    [MemberData(nameof(MemoryTests.Modes), MemberType = typeof(MemoryTests))]
    [Trait("Security", "RS-03")]
    public void Ten_thousand_one_page_memories_live_at_once(string mode) => ChildProcess.Run(
        static arguments =>
        {
            long before = ReadStatus("VmRSS:");
            List<LinearMemory> memories = Fill(arguments[0], 10_000);
            for (int number = 0; number < memories.Count; number++)
            {
                Assert.Equal(arguments[0] == "guard" ? MemoryMode.Guard : MemoryMode.Checked, memories[number].Mode);
                *(int*)(memories[number].Base + 65_532) = number;
            }

            for (int number = 0; number < memories.Count; number++)
            {
                Assert.Equal(number, *(int*)(memories[number].Base + 65_532));
            }

            // One page of the system for each and what we keep about it; the rest of the 1.2 GiB is for instances.
            Assert.InRange(ReadStatus("VmRSS:") - before, 0, 200L << 20);
            memories.ForEach(static memory => memory.Dispose());
            Assert.Equal(0, AddressSpace.LiveSlots + AddressSpace.LiveReservations);

            // Page tables go with the arenas.
            Assert.InRange(ReadStatus("VmPTE:"), 0, 20L << 20);
            Assert.InRange(File.ReadLines("/proc/self/maps").Count(), 0, 3000);
        },
        new() { Arguments = [mode] }).AssertSucceeded();

    [Fact]
    [Trait("Security", "RS-03")]
    public void Running_out_of_slots_gives_checked_memories_and_then_a_typed_error() => ChildProcess.Run(static _ =>
    {
        List<LinearMemory> memories = [];
        ResourceLimitException? end = null;
        while (end is null && memories.Count < 100_000)
        {
            try
            {
                memories.Add(MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null));
                *(int*)memories[^1].Base = memories.Count;
            }
            catch (ResourceLimitException exception)
            {
                end = exception;
            }
        }

        Assert.NotNull(end);
        Assert.Contains("out of memory", end.Message, StringComparison.Ordinal);
        Assert.InRange(memories.Count(static memory => memory.Mode == MemoryMode.Guard), 10_000, 20_000);
        Assert.NotEqual(0, memories.Count(static memory => memory.Mode == MemoryMode.Checked));
        Assert.Throws<ResourceLimitException>(() => MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null, requireMode: true));

        // The process is well: it can still make threads, objects, code and mappings, and both kinds of memory still work.
        var thread = new Thread(static () => GC.Collect());
        thread.Start();
        thread.Join();
        Assert.Equal(100_000_000, new byte[100_000_000].Length);
        var load = MemoryAccessCode.Load(4);
        for (int number = 0; number < memories.Count; number++)
        {
            Assert.Equal(number + 1, load(memories[number].Base, 0));
        }

        Assert.False(SignalFilterTests.Completes(() => load(memories[0].Base, 65_536)));

        // And everything comes back.
        memories.ForEach(static memory => memory.Dispose());
        using LinearMemory again = SignalFilterTests.CreateGuard(s_onePage);
        Assert.Equal(0, *(int*)again.Base);
    }).AssertSucceeded();

    [Fact]
    public void Growth_fails_and_nothing_dies_when_mappings_run_out_elsewhere() => ChildProcess.Run(static _ =>
    {
        long maximum = long.Parse(File.ReadAllText("/proc/sys/vm/max_map_count"), CultureInfo.InvariantCulture);
        if (maximum > 200_000)
        {
            return; // Too many to be reached.
        }

        List<LinearMemory> memories = Fill("guard", 100);

        // The first time everything is compiled: under want of mappings the runtime could not.
        Assert.Equal((20, 0), Churn(memories, 0));
        Fill("guard", 1)[0].Dispose(); // In a slot that was used before.
        MemoryAllocator.Create(s_onePage, MemoryMode.Checked, 65_536, null).Dispose();
        Assert.Throws<ResourceLimitException>(() => MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, new MemoryBudget(1)));
        Assert.NotEmpty(AddressSpace.Describe());
        foreach (Type type in new[] { typeof(LinearMemory), typeof(MemoryAllocator), typeof(CommittedMemory), typeof(BulkMemory), typeof(AddressSpace), typeof(NativeMemoryMap), typeof(MemoryBudget) })
        {
            foreach (MethodInfo method in type.GetMethods(BindingFlags.Static | BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
            {
                RuntimeHelpers.PrepareMethod(method.MethodHandle);
            }
        }

        // Nor could the collector commit memory: what the test allocates meanwhile is there before.
        Assert.True(GC.TryStartNoGCRegion(32 << 20));

        // Somebody else takes all mappings of the process: every second page of a range has another protection.
        ulong page = NativeMemoryMap.PageSize;
        nint other = NativeMemoryMap.Reserve((ulong)maximum * 2 * page);
        long taken = 0;
        while (taken < maximum && NativeMemoryMap.Commit(other + (nint)((ulong)taken * 2 * page), page))
        {
            taken++;
        }

        (int created, int refused) = Churn(memories, 20);
        bool released = NativeMemoryMap.Release(other, (ulong)maximum * 2 * page);
        Assert.True(released);

        // Where the machine is slow the allocator has asked for a collection by now, which ends the region.
        if (System.Runtime.GCSettings.LatencyMode == System.Runtime.GCLatencyMode.NoGCRegion)
        {
            GC.EndNoGCRegion();
        }

        Assert.Equal(20, refused + created);
        Assert.NotEqual(20, memories.Count(static memory => memory.Mode == MemoryMode.Guard) - 120);
        foreach (LinearMemory memory in memories)
        {
            if (!memory.IsDisposed)
            {
                *(byte*)(memory.Base + (nint)memory.Length - 1) = 1;
                if (memory.Mode == MemoryMode.Guard)
                {
                    Assert.False(SignalFilterTests.Completes(() => *(byte*)(memory.Base + (nint)memory.Length) = 1));
                }

                memory.Dispose();
            }
        }

        using LinearMemory again = SignalFilterTests.CreateGuard(s_onePage);
    },
    new() { Environment = { ["DOTNET_TieredCompilation"] = "0", ["DOTNET_EnableWriteXorExecute"] = "0" } }).AssertSucceeded();

    [Theory]
    [InlineData(2_000_000)]
    [InlineData(16_000_000)]
    [InlineData(100_000_000)]
    public void A_limit_on_addresses_gives_smaller_reservations_and_typed_errors(int kibibytes) => ChildProcess.Run(
        static _ =>
        {
            List<LinearMemory> memories = [];
            ResourceLimitException? end = null;
            while (end is null && memories.Count < 50_000)
            {
                try
                {
                    memories.Add(MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null));
                    *(int*)memories[^1].Base = memories.Count;
                }
                catch (ResourceLimitException exception)
                {
                    end = exception;
                }
            }

            Assert.NotNull(end);
            Assert.NotEmpty(memories);
            for (int number = 0; number < memories.Count; number++)
            {
                Assert.Equal(number + 1, *(int*)memories[number].Base);
            }

            // A growth that finds no place says so.
            Assert.Equal(-1, memories[^1].Grow(65_000));
            Assert.Throws<ResourceLimitException>(() => MemoryAllocator.Create(new MemoryType(new Limits(65_536)), MemoryMode.Checked, 65_536, null));

            // The other half is there for the rest of the process.
            Assert.Equal(50_000_000, new byte[50_000_000].Length);
            var thread = new Thread(static () => GC.Collect());
            thread.Start();
            thread.Join();
        },
        new()
        {
            ShellPrelude = string.Create(CultureInfo.InvariantCulture, $"ulimit -v {kibibytes}"),
            Environment = { ["DOTNET_GCHeapHardLimit"] = "0x10000000" },
        }).AssertSucceeded();

    [Fact]
    public void Without_guard_memory_a_refusal_is_typed_when_it_is_demanded() => ChildProcess.Run(
        static _ =>
        {
            Assert.Equal(MemoryMode.Guard, MemoryPolicy.Resolve(MemoryProtection.Guard));
            using (LinearMemory soft = MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null))
            {
                Assert.Equal(MemoryMode.Checked, soft.Mode);
            }

            Assert.Throws<ResourceLimitException>(() => MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null, requireMode: true));
        },
        new() { ShellPrelude = "ulimit -v 4000000", Environment = { ["DOTNET_GCHeapHardLimit"] = "0x10000000" } }).AssertSucceeded();

    [Fact]
    public void Memories_that_are_dropped_are_collected_before_their_places_run_out() => ChildProcess.Run(
        static _ =>
        {
            // Their objects are some hundred bytes each, of the gigabyte that may be allocated before the collector looks.
            int before = GC.CollectionCount(GC.MaxGeneration);
            for (int number = 0; number < 5000; number++)
            {
                Assert.Equal(MemoryMode.Guard, MemoryAllocator.Create(s_onePage, MemoryMode.Guard, 65_536, null).Mode);
            }

            Assert.InRange(GC.CollectionCount(GC.MaxGeneration) - before, 2, 50);
        },
        new() { Environment = { ["DOTNET_GCgen0size"] = "0x40000000", ["DOTNET_gcConcurrent"] = "0" } }).AssertSucceeded();

    private static (int Created, int Refused) Churn(List<LinearMemory> memories, int first)
    {
        int created = 0;
        int refused = 0;
        for (int number = first; number < first + 20; number++)
        {
            try
            {
                memories.Add(MemoryAllocator.Create(new MemoryType(new Limits((ulong)(1 + number % 3))), MemoryMode.Guard, 65_536, null));
                created++;
            }
            catch (ResourceLimitException)
            {
                refused++;
            }
        }

        for (int number = first; number < first + 20; number++)
        {
            memories[number].Grow(1);
            memories[number + 50].Dispose();
        }

        return (created, refused);
    }

    private static List<LinearMemory> Fill(string mode, int count)
    {
        MemoryMode wanted = MemoryTests.ModeOf(mode);
        List<LinearMemory> memories = [];
        for (int number = 0; number < count; number++)
        {
            memories.Add(MemoryAllocator.Create(s_onePage, wanted, 65_536, null));
        }

        return memories;
    }

    private static long ReadStatus(string name) =>
        long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal), CultureInfo.InvariantCulture) * 1024;
}
