using System.Runtime.CompilerServices;

namespace Codicil.Runtime;

/// <summary>The bounds of the current thread's stack, from the operating system, cached for each thread.</summary>
/// <remarks>Linux is tested. macOS and Windows are written from the documentation and untested.</remarks>
internal static unsafe class ThreadStack
{
    /// <summary>A stack without a limit is taken to be this long: addresses below may be given to other mappings before it grows there.</summary>
    private const ulong LongestUnlimitedStack = 64UL << 20;

    /// <summary>What is assumed below the current frame where the system does not tell: the least that .NET gives a thread, halved.</summary>
    private const ulong AssumedRemainder = 64UL << 10;

    [ThreadStatic]
    private static nuint t_lowest;

    [ThreadStatic]
    private static nuint t_highest;

    /// <summary>The lowest address that the current thread's stack can use: above its guard pages.</summary>
    public static nuint LowestAddress
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            nuint lowest = t_lowest;
            return lowest != 0 ? lowest : FindBounds();
        }
    }

    /// <summary>The address just above the current thread's stack.</summary>
    public static nuint HighestAddress
    {
        get
        {
            _ = LowestAddress;
            return t_highest;
        }
    }

    /// <summary>The number of bytes between the caller's frame and <see cref="LowestAddress"/>; 0 when the caller is on another stack.</summary>
    public static nuint RemainingLength
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        get
        {
            // SAFETY: only the local's address is used.
            int local;
            nuint here = (nuint)(&local);
            nuint lowest = LowestAddress;
            return here > lowest ? here - lowest : 0;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nuint FindBounds()
    {
        nuint lowest;
        nuint highest;

        // SAFETY: only the local's address is used; the callees get pointers to locals of the size that they write.
        int local;
        nuint here = (nuint)(&local);
        bool found = OperatingSystem.IsWindows() ? FindOnWindows(out lowest, out highest)
            : OperatingSystem.IsMacOS() || OperatingSystem.IsIOS() || OperatingSystem.IsMacCatalyst() || OperatingSystem.IsTvOS() ? FindOnMacOS(out lowest, out highest)
            : FindOnLinux(out lowest, out highest);
        if (!found || here < lowest || here >= highest)
        {
            highest = here + (nuint)NativeMemoryMap.PageSize;
            lowest = here > (nuint)AssumedRemainder ? here - (nuint)AssumedRemainder : 1;
        }

        t_highest = highest;
        t_lowest = lowest;
        return lowest;
    }

    private static bool FindOnWindows(out nuint lowest, out nuint highest)
    {
        nuint low = 0;
        nuint high = 0;

        // SAFETY: both pointers are to locals.
        NativeMethods.GetCurrentThreadStackLimits(&low, &high);

        // The last pages are the guard page, which moves, and the region of the stack overflow handler.
        lowest = low + (nuint)(4 * NativeMemoryMap.PageSize);
        highest = high;
        return low != 0;
    }

    private static bool FindOnMacOS(out nuint lowest, out nuint highest)
    {
        nint thread = NativeMethods.CurrentThread();
        highest = (nuint)NativeMethods.GetStackHighestAddressOnMacOS(thread);
        lowest = highest - NativeMethods.GetStackSizeOnMacOS(thread) + (nuint)NativeMemoryMap.PageSize;
        return highest != 0;
    }

    private static bool FindOnLinux(out nuint lowest, out nuint highest)
    {
        lowest = 0;
        highest = 0;

        // SAFETY: the buffer is larger than any C library's pthread_attr_t; the other pointers are to locals.
        byte* attributes = stackalloc byte[NativeMethods.NativeStructSize];
        new Span<byte>(attributes, NativeMethods.NativeStructSize).Clear();
        if (NativeMethods.GetThreadAttributes(NativeMethods.CurrentThread(), attributes) != 0)
        {
            return false;
        }

        nint address = 0;
        nuint size = 0;
        nuint guard = 0;
        bool read = NativeMethods.GetStackAttribute(attributes, &address, &size) == 0
            && NativeMethods.GetGuardSizeAttribute(attributes, &guard) == 0;
        _ = NativeMethods.DestroyThreadAttributes(attributes);
        if (!read || address == 0 || size <= guard)
        {
            return false;
        }

        // For the main thread the C library has already applied RLIMIT_STACK. Older ones count the guard pages as stack: so do we, and lose a
        // page or none.
        lowest = (nuint)address + guard;
        highest = (nuint)address + size;
        if (highest - lowest > 1UL << 30)
        {
            lowest = highest - (nuint)LongestUnlimitedStack;
        }

        return true;
    }
}
