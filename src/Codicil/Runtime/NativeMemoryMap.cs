namespace Codicil.Runtime;

/// <summary>Reserving, committing and dropping pages of the process's address space. Thread-safe; nothing here throws, failure is a result.</summary>
/// <remarks>
/// Linux is tested. macOS (other numbers) and Windows (<c>VirtualAlloc</c>) are written from the documentation and untested; see docs/platforms.md.
/// Every address and length must be a multiple of <see cref="PageSize"/>, except the length given to <see cref="Reserve"/>.
/// </remarks>
internal static class NativeMemoryMap
{
    private const int MapPrivate = 0x02;
    private const int MapFixed = 0x10;

    /// <summary>Advice 4 empties private anonymous pages on Linux; on other Unixes it may keep them, so those remap instead.</summary>
    private const int AdviseDontNeedOnLinux = 4;

    private const int AdviseDontForkOnLinux = 10;
    private const int AdviseDoForkOnLinux = 11;

    /// <summary>No commit charge for pages that are only reserved. Where overcommit is off (mode 2) Linux ignores it and charges when pages become writable.</summary>
    private static readonly int s_anonymousNoReserve = OperatingSystem.IsLinux() ? 0x20 | 0x4000 : 0x1000 | 0x40;

    /// <summary>The operating system's page size in bytes.</summary>
    public static ulong PageSize { get; } = (ulong)Environment.SystemPageSize;

    /// <summary>Rounds up to whole pages of the operating system; saturates below 2^64.</summary>
    public static ulong RoundUp(ulong length) =>
        length > ulong.MaxValue - (PageSize - 1) ? ulong.MaxValue & ~(PageSize - 1) : (length + PageSize - 1) & ~(PageSize - 1);

    /// <summary>Reserves inaccessible addresses; 0 where there are none.</summary>
    public static nint Reserve(ulong length)
    {
        if (OperatingSystem.IsWindows())
        {
            return NativeMethods.VirtualAlloc(0, (nuint)length, NativeMethods.MemoryReserve, NativeMethods.PageNoAccess);
        }

        nint address = NativeMethods.MapMemory(0, (nuint)length, NativeMethods.ProtectionNone, MapPrivate | s_anonymousNoReserve, -1, 0);
        return address == -1 ? 0 : address;
    }

    /// <summary>Makes reserved pages readable and writable; they hold zeros unless they were committed before.</summary>
    public static bool Commit(nint address, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        return OperatingSystem.IsWindows()
            ? NativeMethods.VirtualAlloc(address, (nuint)length, NativeMethods.MemoryCommit, NativeMethods.PageReadWrite) != 0
            : NativeMethods.ProtectMemory(address, (nuint)length, NativeMethods.ProtectionReadWrite) == 0;
    }

    /// <summary>Makes committed pages inaccessible and may keep their contents.</summary>
    public static bool MakeInaccessible(nint address, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        return OperatingSystem.IsWindows()
            ? NativeMethods.VirtualFree(address, (nuint)length, NativeMethods.MemoryDecommit) != 0
            : NativeMethods.ProtectMemory(address, (nuint)length, NativeMethods.ProtectionNone) == 0 || Decommit(address, length);
    }

    /// <summary>Makes pages inaccessible and gives back what they held: a later <see cref="Commit"/> finds zeros.</summary>
    /// <remarks>
    /// A fresh mapping over the old one, in one system call: unlike <c>madvise</c> + <c>mprotect</c> it lets the kernel join the range with its
    /// neighbours again, so that a used slot costs no entry of <c>vm.max_map_count</c> when it is idle.
    /// </remarks>
    public static bool Decommit(nint address, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        if (OperatingSystem.IsWindows())
        {
            return NativeMethods.VirtualFree(address, (nuint)length, NativeMethods.MemoryDecommit) != 0;
        }

        nint mapped = NativeMethods.MapMemory(
            address, (nuint)length, NativeMethods.ProtectionNone, MapPrivate | MapFixed | s_anonymousNoReserve, -1, 0);
        if (mapped == address)
        {
            return true;
        }

        // Out of mappings: emptying in place needs none.
        return OperatingSystem.IsLinux()
            && NativeMethods.AdviseMemory(address, (nuint)length, AdviseDontNeedOnLinux) == 0
            && NativeMethods.ProtectMemory(address, (nuint)length, NativeMethods.ProtectionNone) == 0;
    }

    /// <summary>Keeps the kernel from joining these pages with neighbours of the same protection, or lets it again. A matter of speed only.</summary>
    /// <remarks>
    /// Taking away and giving back 64 KiB's protection costs 4.5 us when the mapping is joined and split again each time, 1.6 us when it is not. Any
    /// attribute that neighbours do not have does it; this one also keeps guests' memory out of forked children.
    /// </remarks>
    /// <returns>Whether it is so now.</returns>
    public static bool SetJoining(nint address, ulong length, bool allowed) =>
        OperatingSystem.IsLinux()
        && NativeMethods.AdviseMemory(address, (nuint)length, allowed ? AdviseDoForkOnLinux : AdviseDontForkOnLinux) == 0;

    /// <summary>Makes pages zero and leaves them readable and writable.</summary>
    public static bool Reset(nint address, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        if (OperatingSystem.IsLinux())
        {
            return NativeMethods.AdviseMemory(address, (nuint)length, AdviseDontNeedOnLinux) == 0;
        }

        return Decommit(address, length) && Commit(address, length);
    }

    /// <summary>Gives reserved addresses back. On Windows only whole reservations can be.</summary>
    public static bool Release(nint address, ulong length)
    {
        if (length == 0)
        {
            return true;
        }

        return OperatingSystem.IsWindows()
            ? NativeMethods.VirtualFree(address, 0, NativeMethods.MemoryRelease) != 0
            : NativeMethods.UnmapMemory(address, (nuint)length) == 0;
    }

    /// <summary>A page for machine code: written while writable, then executable and never both; 0 where the system denies it.</summary>
    public static nint CreateCode(ReadOnlySpan<byte> code)
    {
        if (OperatingSystem.IsWindows())
        {
            return 0;
        }

        ulong length = RoundUp((ulong)code.Length);
        nint address = Reserve(length);
        if (address == 0)
        {
            return 0;
        }

        if (!Commit(address, length))
        {
            Release(address, length);
            return 0;
        }

        // SAFETY: length bytes at address were made writable just above, nobody else knows the address, and length >= code.Length.
        unsafe
        {
            code.CopyTo(new Span<byte>((void*)address, code.Length));
        }

        if (NativeMethods.ProtectMemory(address, (nuint)length, NativeMethods.ProtectionReadExecute) != 0)
        {
            Release(address, length);
            return 0;
        }

        return address;
    }
}
