using System.Runtime.CompilerServices;
using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Linear memories in both modes.</summary>
public sealed unsafe class MemoryTests
{
    private const int PageLength = 65_536;

    private static readonly object s_lock = new();

    public static TheoryData<string> Modes { get; } = ["guard", "checked"];

    [Theory]
    [MemberData(nameof(Modes))]
    public void Begins_with_its_minimum_of_zeros(string mode)
    {
        foreach (ulong pages in new ulong[] { 0, 1, 2, 17, 100 })
        {
            using LinearMemory memory = Create(mode, pages);
            Assert.Equal(pages, memory.PageCount);
            Assert.Equal(pages * PageLength, memory.Length);
            Assert.Equal(-1, memory.GetSpan(0, (int)memory.Length).IndexOfAnyExcept((byte)0));
            Assert.Equal(0, memory.Base % (nint)NativeMemoryMap.PageSize);
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    public void Grows_to_its_maximum_and_not_beyond(string mode)
    {
        using LinearMemory memory = Create(mode, 0, 5);
        nint address = memory.Base;
        Assert.Equal(0, memory.Grow(0));
        Assert.Equal(-1, memory.Grow(6));
        Assert.Equal(0, memory.Grow(1));
        Assert.Equal(1, memory.Grow(2));
        Assert.Equal(-1, memory.Grow(3));
        Assert.Equal(-1, memory.Grow(uint.MaxValue));
        Assert.Equal(-1, memory.Grow(ulong.MaxValue));
        Assert.Equal(3, memory.Grow(2));
        Assert.Equal(-1, memory.Grow(1));
        Assert.Equal(5, memory.Grow(0));
        Assert.Equal(5UL, memory.PageCount);
        Assert.Equal(address, memory.Base);
        memory.GetSpan(0, 5 * PageLength).Fill(1);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "EX-02")]
    public void Keeps_contents_and_adds_zeros_when_it_grows(string mode)
    {
        using LinearMemory memory = Create(mode, 1);
        for (int pages = 1; pages < 70; pages++)
        {
            Span<byte> before = memory.GetSpan(0, pages * PageLength);
            before[^1] = (byte)pages;
            Assert.Equal(pages, memory.Grow(1));
            Assert.Equal((byte)pages, before[^1]);
            Assert.Equal(-1, memory.GetSpan((ulong)pages * PageLength, PageLength).IndexOfAnyExcept((byte)0));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    public void Reaches_four_gibibytes_exactly(string mode)
    {
        using LinearMemory memory = Create(mode, 1);
        Assert.Equal(-1, memory.Grow(65_536));
        Assert.Equal(1, memory.Grow(65_535));
        Assert.Equal(65_536UL, memory.PageCount);
        Assert.Equal(1UL << 32, memory.Length);
        Assert.Equal(-1, memory.Grow(1));
        memory.GetSpan(uint.MaxValue, 1)[0] = 9;
        Assert.Equal(9, *(byte*)(memory.Base + uint.MaxValue));
        Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan(1UL << 32, 1));
        Assert.Equal(0, memory.GetSpan(1UL << 32, 0).Length);

        using LinearMemory whole = Create(mode, 65_536);
        Assert.Equal(1UL << 32, whole.Length);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "LM-04")]
    public void Obeys_the_hosts_limit(string mode)
    {
        ResourceLimitException exception = Assert.Throws<ResourceLimitException>(
            () => MemoryAllocator.Create(new MemoryType(new Limits(11, 20)), ModeOf(mode), 10, null));
        Assert.Contains("11 pages are declared, 10 are allowed", exception.Message, StringComparison.Ordinal);

        using LinearMemory memory = MemoryAllocator.Create(new MemoryType(new Limits(1, 20)), ModeOf(mode), 10, null);
        Assert.Equal(10UL, memory.MaximumPages);
        Assert.Equal(-1, memory.Grow(10));
        Assert.Equal(1, memory.Grow(9));
        Assert.Equal(-1, memory.Grow(1));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "RS-02")]
    public void Charges_its_budget_and_gives_back(string mode)
    {
        var process = new MemoryBudget(4 * PageLength);
        var budget = new MemoryBudget(100 * PageLength, process);
        LinearMemory memory = MemoryAllocator.Create(new MemoryType(new Limits(1)), ModeOf(mode), 65_536, budget);
        Assert.Equal(PageLength, process.UsedInBytes);
        Assert.Equal(1, memory.Grow(2));
        Assert.Equal(-1, memory.Grow(2));
        Assert.Equal(3 * PageLength, budget.UsedInBytes);
        Assert.Contains(
            "budget",
            Assert.Throws<ResourceLimitException>(() => MemoryAllocator.Create(new MemoryType(new Limits(2)), ModeOf(mode), 65_536, budget)).Message,
            StringComparison.Ordinal);
        Assert.Equal(3 * PageLength, process.UsedInBytes);
        memory.Dispose();
        Assert.Equal(0, budget.UsedInBytes);
        Assert.Equal(0, process.UsedInBytes);

        using (LinearMemory all = MemoryAllocator.Create(new MemoryType(new Limits(1, 4)), ModeOf(mode), 65_536, budget, commitMaximum: true))
        {
            Assert.Equal(4 * PageLength, process.UsedInBytes);
            Assert.Equal(1, all.Grow(3));
            Assert.Equal(4 * PageLength, process.UsedInBytes);
        }

        Assert.Equal(0, process.UsedInBytes);
    }

    [Fact]
    public void A_budget_is_exact_under_contention()
    {
        var budget = new MemoryBudget(1000);
        int granted = 0;
        Parallel.For(0, 5000, _ =>
        {
            if (budget.TryReserve(1))
            {
                Interlocked.Increment(ref granted);
            }
        });
        Assert.Equal(1000, granted);
        Assert.False(budget.TryReserve(ulong.MaxValue));
        Assert.True(budget.TryReserve(0));
        budget.Release(1000);
        Assert.Equal(0, budget.UsedInBytes);
        budget.LimitInBytes = 10;
        Assert.False(budget.TryReserve(11));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Checks_spans(string mode)
    {
        LinearMemory memory = Create(mode, 1);
        Assert.Equal(PageLength, memory.GetSpan(0, PageLength).Length);
        Assert.Equal(0, memory.GetSpan(PageLength, 0).Length);
        foreach ((ulong offset, int length) in new (ulong, int)[] { (PageLength, 1), (PageLength + 1UL, 0), (0UL, PageLength + 1), (ulong.MaxValue, 1), (ulong.MaxValue, int.MaxValue), (1UL << 63, 0), (0UL, -1), (5UL, int.MinValue) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(() => memory.GetSpan(offset, length));
        }

        memory.Dispose();
        memory.Dispose();
        Assert.Throws<ObjectDisposedException>(() => memory.GetSpan(0, 1));
        Assert.Equal(-1, memory.Grow(0));
        Assert.Equal(0UL, memory.PageCount);
        Assert.False(memory.Fill(0, 1, 1));
        Assert.False(memory.TryAddUser());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Bulk_operations_check_first_and_write_nothing_outside(string mode)
    {
        using LinearMemory memory = Create(mode, 1);
        using LinearMemory other = Create(mode, 2);
        other.Fill(0, 7, 2 * PageLength);
        byte[] data = [1, 2, 3];
        foreach ((ulong offset, ulong length) in new (ulong, ulong)[] { (PageLength, 1), (PageLength - 1, 2), (PageLength + 1, 0), (0, PageLength + 1), (ulong.MaxValue, 1), (1, ulong.MaxValue) })
        {
            Assert.False(memory.Fill(offset, 1, length));
            Assert.False(memory.CopyFrom(other, 0, offset, length));
            Assert.False(other.CopyFrom(memory, offset, 0, length));
            Assert.False(memory.CopyFrom(memory, offset, 0, length));
            Assert.False(memory.Init(data, 0, offset, length));
        }

        Assert.False(memory.Init(data, 1, 0, 3));
        Assert.False(memory.Init(data, 4, 0, 0));
        Assert.Equal(-1, memory.GetSpan(0, PageLength).IndexOfAnyExcept((byte)0));
        Assert.Equal(-1, other.GetSpan(0, 2 * PageLength).IndexOfAnyExcept((byte)7));

        Assert.True(memory.Fill(PageLength, 1, 0));
        Assert.True(memory.CopyFrom(other, 2 * PageLength, PageLength, 0));
        Assert.True(memory.Init(data, 3, PageLength, 0));
        Assert.True(memory.Init(data, 1, PageLength - 2, 2));
        Assert.Equal([0, 2, 3], memory.GetSpan(PageLength - 3, 3).ToArray());
        Assert.True(memory.CopyFrom(other, 5, 1, 2));
        Assert.Equal([0, 7, 7, 0], memory.GetSpan(0, 4).ToArray());
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Copies_overlapping_ranges_longer_than_a_piece_as_if_through_a_buffer(string mode)
    {
        const int Length = (3 << 20) + 12_345;
        var random = new Random(1);
        using LinearMemory memory = Create(mode, 192);
        foreach (int distance in new[] { 0, 1, -1, 4096, -4096, 1 << 20, -(1 << 20), (1 << 20) + 1, -(1 << 20) - 1, Length, -Length })
        {
            byte[] expected = new byte[memory.Length];
            random.NextBytes(expected);
            expected.CopyTo(memory.GetSpan(0, expected.Length));
            const int Source = 4 << 20;
            Array.Copy(expected, Source, expected, Source + distance, Length);
            Assert.True(memory.CopyFrom(memory, Source, (ulong)(Source + distance), Length));
            Assert.True(memory.GetSpan(0, expected.Length).SequenceEqual(expected));
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void Polls_between_pieces_of_a_mebibyte(string mode)
    {
        using LinearMemory memory = Create(mode, 160);
        byte[] data = new byte[10 << 20];
        foreach ((ulong length, int polls) in new (ulong, int)[] { (1, 0), (1 << 20, 0), ((1 << 20) + 1, 1), (10 << 20, 9) })
        {
            var poll = new CountingPoll(int.MaxValue);
            Assert.True(memory.Fill(0, 1, length, poll));
            Assert.True(memory.CopyFrom(memory, 1, 0, length - 1, poll));
            Assert.True(memory.CopyFrom(memory, 0, 1, length - 1, poll));
            Assert.True(memory.Init(data, 0, 0, length, poll));
            Assert.InRange(poll.Count, 4 * polls - 2, 4 * polls);
        }

        memory.Fill(0, 1, 10 << 20);
        Assert.Throws<OperationCanceledException>(() => memory.Fill(0, 2, 10 << 20, new CountingPoll(3)));
        Assert.Equal(3 << 20, memory.GetSpan(0, 10 << 20).IndexOf((byte)1));
    }

    [Fact]
    public void Uses_checks_for_memories_that_guard_pages_do_not_suit()
    {
        using LinearMemory wide = MemoryAllocator.Create(new MemoryType(new Limits(1, 1UL << 40), is64: true), MemoryMode.Guard, ulong.MaxValue, null);
        Assert.Equal(MemoryMode.Checked, wide.Mode);
        Assert.Equal(-1, wide.Grow(ulong.MaxValue));
        Assert.Equal(-1, wide.Grow(1UL << 48));
        Assert.Equal(1, wide.Grow(70_000));
        wide.GetSpan(70_000UL * PageLength, 1)[0] = 1;

        using LinearMemory fine = MemoryAllocator.Create(new MemoryType(new Limits(5, 70_000), pageSizeLog2: 0), MemoryMode.Guard, ulong.MaxValue, null);
        Assert.Equal(MemoryMode.Checked, fine.Mode);
        Assert.Equal(5UL, fine.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => fine.GetSpan(5, 1));
        Assert.Equal(5, fine.Grow(1));
        Assert.Equal(6, fine.Grow(69_994));
        Assert.Equal(70_000UL, fine.Length);
        Assert.Equal(-1, fine.Grow(1));
        Assert.Equal(-1, fine.GetSpan(0, 70_000).IndexOfAnyExcept((byte)0));
    }

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "KH-09")]
    public void Shows_nothing_of_an_earlier_owner(string mode)
    {
        var random = new Random(2);
        for (int round = 0; round < 300; round++)
        {
            // Sizes around what stays resident, ends of every kind.
            LinearMemory memory = Create(mode, (ulong)random.Next(0, 5));
            Assert.Equal(-1, memory.GetSpan(0, (int)memory.Length).IndexOfAnyExcept((byte)0));
            ulong before = memory.Length;
            Assert.NotEqual(-1, memory.Grow((ulong)random.Next(0, 3)));
            Assert.Equal(-1, memory.GetSpan(before, (int)(memory.Length - before)).IndexOfAnyExcept((byte)0));
            memory.Fill(0, 0xEE, memory.Length);
            switch (random.Next(3))
            {
                case 0:
                    memory.Dispose();
                    break;
                case 1:
                    memory.Retire();
                    break;
                default:
                    memory.MakeInaccessible();
                    memory.Release();
                    break;
            }
        }

        // Without a span having been taken, which is another path.
        for (int round = 0; round < 50; round++)
        {
            LinearMemory memory = Create(mode, 1);
            Assert.Equal(0, *(int*)(memory.Base + PageLength - 4));
            memory.Fill(0, 0xEE, memory.Length);
            memory.Retire();
        }
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void A_user_keeps_the_place_from_others(string mode)
    {
        LinearMemory memory = Create(mode, 1);
        nint place = memory.Base;
        Assert.True(memory.TryAddUser());
        Assert.True(memory.TryAddUser());
        memory.Dispose();
        Assert.False(memory.TryAddUser());
        memory.ReleaseUser();

        List<LinearMemory> others = [.. Enumerable.Range(0, 100).Select(_ => Create(mode, 1))];
        others.ForEach(other => Assert.NotEqual(place, other.Base));
        others.ForEach(static other => other.Dispose());
        memory.ReleaseUser();
    }

    [Fact]
    public void Guard_memory_is_accessible_exactly_up_to_its_length() => RunChild(static _ =>
    {
        using LinearMemory memory = SignalFilterTests.CreateGuard(new MemoryType(new Limits(0)));
        for (int pages = 0; pages < 5; pages++)
        {
            nint end = memory.Base + (nint)memory.Length;
            if (pages != 0)
            {
                *(byte*)(end - 1) = 1;
            }

            foreach (long beyond in new[] { 0L, 1, 4095, 4096, 65_535, 65_536, 1L << 32, (1L << 33) - 1, (1L << 33) + 65_535 - 5 * PageLength })
            {
                Assert.False(SignalFilterTests.Completes(() => *(byte*)(end + (nint)beyond) = 1));
            }

            Assert.Equal(pages, memory.Grow(1));
        }

        // A growth that fails must not have opened anything.
        var type = new MemoryType(new Limits(1, 2));
        using LinearMemory bounded = SignalFilterTests.CreateGuard(type);
        Assert.Equal(-1, bounded.Grow(2));
        Assert.False(SignalFilterTests.Completes(() => *(byte*)(bounded.Base + PageLength) = 1));
    });

    [Fact]
    public void A_span_that_outlives_guard_memory_faults() => RunChild(static _ =>
    {
        foreach (bool retire in new[] { false, true })
        {
            foreach (ulong pages in new ulong[] { 1, 3, 40 })
            {
                LinearMemory memory = SignalFilterTests.CreateGuard(new MemoryType(new Limits(pages)));
                memory.GetSpan(0, 4).Fill(1);
                nint address = memory.Expose();
                if (retire)
                {
                    memory.Retire();
                }
                else
                {
                    memory.Dispose();
                }

                // The next memories go elsewhere.
                LinearMemory next = SignalFilterTests.CreateGuard(new MemoryType(new Limits(pages)));
                Assert.NotEqual(address, next.Base);
                Assert.False(SignalFilterTests.Completes(() => new Span<byte>((void*)address, 4).Fill(1)));
                next.Dispose();
            }
        }
    });

    [Fact]
    [Trait("Security", "EX-02")]
    public void Disposing_guard_memory_ends_a_loop_inside_with_an_exception() => RunChild(static _ =>
    {
        for (int round = 0; round < 100; round++)
        {
            LinearMemory memory = SignalFilterTests.CreateGuard(new MemoryType(new Limits((ulong)(1 + round % 3))));
            Assert.True(memory.TryAddUser());
            nint address = memory.Base;
            bool started = false;
            Exception? end = null;
            var inside = new Thread(() =>
            {
                try
                {
                    for (long count = 0; ; count++)
                    {
                        // Only its own values are ever there.
                        long value = Volatile.Read(ref *(long*)address);
                        if (value > count)
                        {
                            throw new InvalidOperationException("another memory's data");
                        }

                        Volatile.Write(ref *(long*)address, count);
                        Volatile.Write(ref started, true);
                    }
                }
#pragma warning disable CA1031 // Reported below.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    end = exception;
                }
            });
            inside.Start();
            SpinWait.SpinUntil(() => Volatile.Read(ref started));
            memory.Dispose();
            for (int number = 0; number < 20; number++)
            {
                using LinearMemory other = SignalFilterTests.CreateGuard(new MemoryType(new Limits(1)));
                Assert.NotEqual(address, other.Base);
                other.GetSpan(0, 8).Fill(0x7F);
            }

            inside.Join();
            Assert.IsType<NullReferenceException>(end);
            memory.ReleaseUser();
        }
    });

    [Theory]
    [MemberData(nameof(Modes))]
    public void Grows_on_many_threads_at_once(string mode)
    {
        using LinearMemory memory = Create(mode, 0, 1000);
        var seen = new List<long>();
        Parallel.For(0, 1100, _ =>
        {
            long previous = memory.Grow(1);
            lock (s_lock)
            {
                seen.Add(previous);
            }

            if (previous >= 0)
            {
                *(byte*)(memory.Base + (nint)(previous * PageLength)) = 1;
            }
        });
        seen.Sort();
        Assert.Equal([.. Enumerable.Repeat(-1L, 100), .. Enumerable.Range(0, 1000).Select(static number => (long)number)], seen);
        Assert.Equal(1000UL, memory.PageCount);
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public void The_finalizer_gives_back_what_an_owner_lost(string mode) => RunChild(
        static arguments =>
        {
            var budget = new MemoryBudget(10_000L * PageLength);
            Lose(arguments[0], budget);
            for (int round = 0; round < 50 && (budget.UsedInBytes | AddressSpace.LiveSlots | AddressSpace.LiveReservations) != 0; round++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }

            Assert.Equal(0, budget.UsedInBytes);
            Assert.Equal(0, AddressSpace.LiveSlots);
            Assert.Equal(0, AddressSpace.LiveReservations);
        },
        mode);

    [Fact]
    public void A_span_whose_memory_was_collected_faults() => RunChild(static _ =>
    {
        nint[] addresses = TakeAndLose();
        for (int round = 0; round < 50 && MemoryBudget.Process.UsedInBytes != 0; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        foreach (nint address in addresses)
        {
            Assert.False(SignalFilterTests.Completes(() => *(byte*)address = 1));
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static nint[] TakeAndLose() =>
            [.. Enumerable.Range(0, 20).Select(static number => SignalFilterTests.CreateGuard(new MemoryType(new Limits((ulong)(1 + number % 2)))).Expose())];
    });

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "RS-02")]
    public void A_full_budget_waits_for_lost_memories_before_it_refuses(string mode) => RunChild(
        static arguments =>
        {
            var budget = new MemoryBudget(1000L * PageLength);
            Lose(arguments[0], budget);
            using LinearMemory memory = MemoryAllocator.Create(new MemoryType(new Limits(900)), ModeOf(arguments[0]), 65_536, budget);
            Assert.Equal(900UL, memory.PageCount);
        },
        mode);

    [Theory]
    [MemberData(nameof(Modes))]
    [Trait("Security", "RS-02")]
    public void Memories_that_nobody_disposes_do_not_pile_up(string mode) => RunChild(
        static arguments =>
        {
            // 16 MiB each, 128 GiB in all, and nothing else that would make the collector run.
            var type = new MemoryType(new Limits(256));
            long most = 0;
            for (int number = 0; number < 8192; number++)
            {
                MemoryAllocator.Create(type, ModeOf(arguments[0]), 65_536, null);
                long used = MemoryBudget.Process.UsedInBytes;
                most = Math.Max(most, used);
                if (number % 16 == 0 || used > 32L << 30)
                {
                    // Nothing of the pages is used, so that this goes faster than any guest; the collector works meanwhile. A busy machine gives it its turn later.
                    Thread.Sleep(used > 32L << 30 ? 20 : 1);
                }
            }

            Assert.InRange(most, 1, 64L << 30);
        },
        mode);

    internal static MemoryMode ModeOf(string name)
    {
        if (name == "checked")
        {
            return MemoryMode.Checked;
        }

        if (!SignalFilter.TryInstall())
        {
            Assert.Skip(SignalFilter.UnavailableReason!);
        }

        return MemoryMode.Guard;
    }

    private static LinearMemory Create(string mode, ulong minimum, ulong? maximum = null)
    {
        MemoryMode wanted = ModeOf(mode);
        LinearMemory memory = MemoryAllocator.Create(new MemoryType(new Limits(minimum, maximum)), wanted, 65_536, null);
        Assert.Equal(wanted, memory.Mode);
        return memory;
    }

    private static void Lose(string mode, MemoryBudget budget)
    {
        var type = new MemoryType(new Limits(1));
        for (int number = 0; number < 500; number++)
        {
            LinearMemory memory = MemoryAllocator.Create(type, ModeOf(mode), 65_536, budget);
            memory.Grow((ulong)(number & 1));
            if (number % 3 == 0)
            {
                memory.GetSpan(0, 1)[0] = 1;
            }
        }
    }

    private static void RunChild(Action<string[]> body, params string[] arguments)
    {
        ModeOf("guard");
        ChildProcess.Run(body, new() { Arguments = arguments }).AssertSucceeded();
    }

    private sealed class CountingPoll(int limit) : InterruptPoll
    {
        public int Count { get; private set; }

        public override void Poll()
        {
            if (++Count >= limit)
            {
                throw new OperationCanceledException();
            }
        }
    }
}
