using System.Runtime.CompilerServices;

using Codicil.Runtime;

namespace Codicil.Semantics;

/// <summary>
/// The atomic instructions (threads proposal), named like them, on addresses that <see cref="Address"/> gives. All are sequentially consistent. Bounds are checked in either
/// mode of memory: these are methods of ours, in which nothing may fault.
/// </summary>
internal static unsafe class AtomicOps
{
    /// <summary>The address of an access, which is inside the memory and aligned, or the trap.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static nint Address(ulong index, ulong offset, uint width, LinearMemory memory)
    {
        ulong address = unchecked(index + offset);
        if ((address & (width - 1)) != 0)
        {
            Traps.Unaligned();
        }

        // An aligned address and a width have a sum beyond 64 bits only as 0.
        ulong end = unchecked(address + width);
        if (address < index || end == 0 || end > memory.Length)
        {
            Traps.MemoryOutOfBounds();
        }

        return memory.Base + (nint)address;
    }

    public static void AtomicFence() => Interlocked.MemoryBarrier();

    public static int MemoryAtomicNotify(ulong index, int count, ulong offset, LinearMemory memory)
    {
        nint address = Address(index, offset, sizeof(int), memory);
        return memory.Type.IsShared ? memory.Waiters.Notify(address - memory.Base, (uint)count) : 0;
    }

    public static int MemoryAtomicWait32(ulong index, int expected, long timeout, ulong offset, LinearMemory memory, ModuleInstance instance)
    {
        nint address = Address(index, offset, sizeof(int), memory);
        RequireShared(memory);

        // SAFETY: the address was checked; the instance keeps the memory.
        return memory.Waiters.Wait(address - memory.Base, () => Volatile.Read(ref *(int*)address) == expected, timeout, instance.Context);
    }

    public static int MemoryAtomicWait64(ulong index, long expected, long timeout, ulong offset, LinearMemory memory, ModuleInstance instance)
    {
        nint address = Address(index, offset, sizeof(long), memory);
        RequireShared(memory);

        // SAFETY: as above.
        return memory.Waiters.Wait(address - memory.Base, () => Volatile.Read(ref *(long*)address) == expected, timeout, instance.Context);
    }

    private static void RequireShared(LinearMemory memory)
    {
        if (!memory.Type.IsShared)
        {
            throw new TrapException(TrapCode.ExpectedSharedMemory);
        }
    }

    // Narrow ones compare and store the lower bits.
    // SAFETY, for all below: the address is one that Address gave for the width, in the same instruction.

    public static int I32AtomicLoad(nint address) => Volatile.Read(ref *(int*)address);

    public static void I32AtomicStore(nint address, int value) => Interlocked.Exchange(ref *(int*)address, value);

    public static int I32AtomicRmwAdd(nint address, int value) => Interlocked.Add(ref *(int*)address, value) - value;

    public static int I32AtomicRmwSub(nint address, int value) => Interlocked.Add(ref *(int*)address, -value) + value;

    public static int I32AtomicRmwAnd(nint address, int value) => Interlocked.And(ref *(int*)address, value);

    public static int I32AtomicRmwOr(nint address, int value) => Interlocked.Or(ref *(int*)address, value);

    public static int I32AtomicRmwXor(nint address, int value)
    {
        int old = Volatile.Read(ref *(int*)address);
        while (true)
        {
            int seen = Interlocked.CompareExchange(ref *(int*)address, (int)(old ^ (int)value), old);
            if (seen == old)
            {
                return old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmwXchg(nint address, int value) => Interlocked.Exchange(ref *(int*)address, value);

    public static int I32AtomicRmwCmpxchg(nint address, int expected, int value) => Interlocked.CompareExchange(ref *(int*)address, value, expected);

    public static int I32AtomicLoad8U(nint address) => (int)Volatile.Read(ref *(byte*)address);

    public static void I32AtomicStore8(nint address, int value) => Interlocked.Exchange(ref *(byte*)address, (byte)value);

    public static int I32AtomicRmw8AddU(nint address, int value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old + (byte)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw8SubU(nint address, int value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old - (byte)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw8AndU(nint address, int value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old & (byte)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw8OrU(nint address, int value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old | (byte)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw8XorU(nint address, int value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old ^ (byte)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw8XchgU(nint address, int value) => (int)Interlocked.Exchange(ref *(byte*)address, (byte)value);

    public static int I32AtomicRmw8CmpxchgU(nint address, int expected, int value) => (int)Interlocked.CompareExchange(ref *(byte*)address, (byte)value, (byte)expected);

    public static int I32AtomicLoad16U(nint address) => (int)Volatile.Read(ref *(ushort*)address);

    public static void I32AtomicStore16(nint address, int value) => Interlocked.Exchange(ref *(ushort*)address, (ushort)value);

    public static int I32AtomicRmw16AddU(nint address, int value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old + (ushort)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw16SubU(nint address, int value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old - (ushort)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw16AndU(nint address, int value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old & (ushort)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw16OrU(nint address, int value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old | (ushort)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw16XorU(nint address, int value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old ^ (ushort)value), old);
            if (seen == old)
            {
                return (int)old;
            }

            old = seen;
        }
    }

    public static int I32AtomicRmw16XchgU(nint address, int value) => (int)Interlocked.Exchange(ref *(ushort*)address, (ushort)value);

    public static int I32AtomicRmw16CmpxchgU(nint address, int expected, int value) => (int)Interlocked.CompareExchange(ref *(ushort*)address, (ushort)value, (ushort)expected);

    public static long I64AtomicLoad(nint address) => Volatile.Read(ref *(long*)address);

    public static void I64AtomicStore(nint address, long value) => Interlocked.Exchange(ref *(long*)address, value);

    public static long I64AtomicRmwAdd(nint address, long value) => Interlocked.Add(ref *(long*)address, value) - value;

    public static long I64AtomicRmwSub(nint address, long value) => Interlocked.Add(ref *(long*)address, -value) + value;

    public static long I64AtomicRmwAnd(nint address, long value) => Interlocked.And(ref *(long*)address, value);

    public static long I64AtomicRmwOr(nint address, long value) => Interlocked.Or(ref *(long*)address, value);

    public static long I64AtomicRmwXor(nint address, long value)
    {
        long old = Volatile.Read(ref *(long*)address);
        while (true)
        {
            long seen = Interlocked.CompareExchange(ref *(long*)address, (long)(old ^ (long)value), old);
            if (seen == old)
            {
                return old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmwXchg(nint address, long value) => Interlocked.Exchange(ref *(long*)address, value);

    public static long I64AtomicRmwCmpxchg(nint address, long expected, long value) => Interlocked.CompareExchange(ref *(long*)address, value, expected);

    public static long I64AtomicLoad8U(nint address) => (long)Volatile.Read(ref *(byte*)address);

    public static void I64AtomicStore8(nint address, long value) => Interlocked.Exchange(ref *(byte*)address, (byte)value);

    public static long I64AtomicRmw8AddU(nint address, long value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old + (byte)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw8SubU(nint address, long value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old - (byte)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw8AndU(nint address, long value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old & (byte)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw8OrU(nint address, long value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old | (byte)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw8XorU(nint address, long value)
    {
        byte old = Volatile.Read(ref *(byte*)address);
        while (true)
        {
            byte seen = Interlocked.CompareExchange(ref *(byte*)address, (byte)(old ^ (byte)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw8XchgU(nint address, long value) => (long)Interlocked.Exchange(ref *(byte*)address, (byte)value);

    public static long I64AtomicRmw8CmpxchgU(nint address, long expected, long value) => (long)Interlocked.CompareExchange(ref *(byte*)address, (byte)value, (byte)expected);

    public static long I64AtomicLoad16U(nint address) => (long)Volatile.Read(ref *(ushort*)address);

    public static void I64AtomicStore16(nint address, long value) => Interlocked.Exchange(ref *(ushort*)address, (ushort)value);

    public static long I64AtomicRmw16AddU(nint address, long value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old + (ushort)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw16SubU(nint address, long value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old - (ushort)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw16AndU(nint address, long value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old & (ushort)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw16OrU(nint address, long value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old | (ushort)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw16XorU(nint address, long value)
    {
        ushort old = Volatile.Read(ref *(ushort*)address);
        while (true)
        {
            ushort seen = Interlocked.CompareExchange(ref *(ushort*)address, (ushort)(old ^ (ushort)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw16XchgU(nint address, long value) => (long)Interlocked.Exchange(ref *(ushort*)address, (ushort)value);

    public static long I64AtomicRmw16CmpxchgU(nint address, long expected, long value) => (long)Interlocked.CompareExchange(ref *(ushort*)address, (ushort)value, (ushort)expected);

    public static long I64AtomicLoad32U(nint address) => (long)Volatile.Read(ref *(uint*)address);

    public static void I64AtomicStore32(nint address, long value) => Interlocked.Exchange(ref *(uint*)address, (uint)value);

    public static long I64AtomicRmw32AddU(nint address, long value) => (long)(Interlocked.Add(ref *(uint*)address, (uint)value) - (uint)value);

    public static long I64AtomicRmw32SubU(nint address, long value) => (long)(Interlocked.Add(ref *(uint*)address, (uint)(-value)) + (uint)value);

    public static long I64AtomicRmw32AndU(nint address, long value) => (long)Interlocked.And(ref *(uint*)address, (uint)value);

    public static long I64AtomicRmw32OrU(nint address, long value) => (long)Interlocked.Or(ref *(uint*)address, (uint)value);

    public static long I64AtomicRmw32XorU(nint address, long value)
    {
        uint old = Volatile.Read(ref *(uint*)address);
        while (true)
        {
            uint seen = Interlocked.CompareExchange(ref *(uint*)address, (uint)(old ^ (uint)value), old);
            if (seen == old)
            {
                return (long)old;
            }

            old = seen;
        }
    }

    public static long I64AtomicRmw32XchgU(nint address, long value) => (long)Interlocked.Exchange(ref *(uint*)address, (uint)value);

    public static long I64AtomicRmw32CmpxchgU(nint address, long expected, long value) => (long)Interlocked.CompareExchange(ref *(uint*)address, (uint)value, (uint)expected);
}
