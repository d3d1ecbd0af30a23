using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Codicil.Runtime;

/// <summary>
/// Turns a fault inside our reservations into a <see cref="NullReferenceException"/> at the faulting instruction. Thread-safe.
/// </summary>
/// <remarks>
/// <para>
/// CoreCLR turns a fault at an address below 4096 in managed code into that exception and every other one into the end of the process. So a few
/// instructions of machine code stand before its SIGSEGV handler: when the address lies in one of our reservations they replace it, in the
/// <c>siginfo_t</c>, by 16, and in every case they jump to CoreCLR's handler. No managed code runs, nothing is unwound by us: the runtime's own
/// path for hardware exceptions does the rest. Everything else that segfaults in the process behaves as without us, because the previous handler
/// gets what it would have got.
/// </para>
/// <para>
/// Which addresses are ours is a table of one byte for each 256 MiB of the 47-bit address space, so the handler takes the same few instructions
/// however many memories exist, and entries change with one plain store while other threads fault. It is 512 KiB of reserved pages of which those
/// with entries become resident: one for each TiB that is in use.
/// </para>
/// <para>
/// This rests on a detail of CoreCLR that has been stable for years and is not a contract. It is therefore limited to the system, architecture and
/// runtime version on which the tests prove it, and an option and an environment variable switch it off (<see cref="MemoryPolicy"/>). A library
/// that installs a handler after us and does not pass on what it doesn't know takes it out of the chain; we do not fight.
/// </para>
/// </remarks>
internal static unsafe class SignalFilter
{
    private const int GranuleLog2 = 28;

    /// <summary>Ranges start and end at multiples of this.</summary>
    public const ulong GranuleLength = 1UL << GranuleLog2;

    private const int AddressBits = 47;
    private const ulong TableLength = 1UL << (AddressBits - GranuleLog2);
    private const int SigInfoFlag = 4;
    private const int FlagsOffset = 136;

    private static readonly Lock s_lock = new();
    private static byte* s_table;
    private static bool s_attempted;
    private static volatile bool s_installed;
    private static string? s_unavailableReason;

    /// <summary>Whether the filter stands. It is never taken away again.</summary>
    public static bool IsInstalled => s_installed;

    /// <summary>Why <see cref="TryInstall"/> returned false.</summary>
    public static string? UnavailableReason
    {
        get
        {
            lock (s_lock)
            {
                return s_unavailableReason;
            }
        }
    }

    /// <summary>Installs the filter at the first call; says whether it stands.</summary>
    public static bool TryInstall()
    {
        if (s_installed)
        {
            return true;
        }

        lock (s_lock)
        {
            if (!s_attempted)
            {
                s_unavailableReason = FindObstacle() ?? Install();
                s_installed = s_unavailableReason is null;
                s_attempted = true;
            }

            return s_installed;
        }
    }

    /// <summary>Marks a range as ours. Both ends are multiples of <see cref="GranuleLength"/>, and the whole of it is reserved by the caller.</summary>
    public static void AddRange(nint address, ulong length) => Mark(address, length, 1);

    /// <summary>Unmarks a range, before the caller gives its addresses back.</summary>
    public static void RemoveRange(nint address, ulong length) => Mark(address, length, 0);

    private static void Mark(nint address, ulong length, byte mark)
    {
        ulong start = (ulong)address;
        if (!s_installed || ((start | length) & (GranuleLength - 1)) != 0 || start > (1UL << AddressBits) - length)
        {
            throw new InvalidOperationException("A range must lie in the filter's table and consist of whole granules.");
        }

        // SAFETY: TryInstall has mapped TableLength bytes for ever; the check above bounds every index by TableLength.
        for (ulong granule = start >> GranuleLog2; granule < (start + length) >> GranuleLog2; granule++)
        {
            Volatile.Write(ref s_table[granule], mark);
        }
    }

    private static string? FindObstacle()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
        {
            return "guard memory is proven on Linux x64 only";
        }

        // Every x64 processor since 2006 has it; the runtime can be told not to use it (DOTNET_EnableSSE42=0).
        if (!System.Runtime.Intrinsics.X86.Sse3.IsSupported)
        {
            return "loads that the JIT leaves as wide as they are need SSE3";
        }

        if (Environment.Version.Major != 10)
        {
            return $"guard memory is proven on .NET 10 only, this is {Environment.Version}";
        }

        if (!RuntimeFeature.IsDynamicCodeSupported)
        {
            return "guard memory is proven on CoreCLR only";
        }

        return RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal)
            ? "guard memory is proven with glibc only"
            : null;
    }

    private static string? Install()
    {
        // SAFETY: the buffer is larger than any C library's struct sigaction. Its first word is the handler and sa_flags is at 136 on x64 Linux.
        byte* action = stackalloc byte[NativeMethods.NativeStructSize];
        new Span<byte>(action, NativeMethods.NativeStructSize).Clear();
        if (NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, null, action) != 0)
        {
            return "the handler of SIGSEGV cannot be read";
        }

        // Without a handler there is nobody who would raise the exception; without SA_SIGINFO there is no address to look at.
        ulong previous = *(ulong*)action;
        if (previous is 0 or 1 || (*(int*)(action + FlagsOffset) & SigInfoFlag) == 0)
        {
            return "the runtime has no handler of SIGSEGV";
        }

        nint table = NativeMemoryMap.Reserve(TableLength);
        if (table == 0)
        {
            return "no address space for the filter's table";
        }

        if (!NativeMemoryMap.Commit(table, TableLength))
        {
            NativeMemoryMap.Release(table, TableLength);
            return "no memory for the filter's table";
        }

        nint code = NativeMemoryMap.CreateCode(Assemble((ulong)table, previous));
        if (code == 0)
        {
            NativeMemoryMap.Release(table, TableLength);
            return "the system denies executable memory";
        }

        // Flags, mask and restorer stay CoreCLR's: its handler finds itself on the stack and with the signals that it asked for.
        *(ulong*)action = (ulong)code;
        byte* replaced = stackalloc byte[NativeMethods.NativeStructSize];
        new Span<byte>(replaced, NativeMethods.NativeStructSize).Clear();
        s_table = (byte*)table;
        if (NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, action, replaced) != 0)
        {
            NativeMemoryMap.Release(code, NativeMemoryMap.PageSize);
            NativeMemoryMap.Release(table, TableLength);
            s_table = null;
            return "the handler of SIGSEGV cannot be replaced";
        }

        if (*(ulong*)replaced != previous)
        {
            // Somebody else came in between. Theirs must stay in the chain; our code, which skips it, must stay mapped.
            _ = NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, replaced, null);
            return "another library installed a handler of SIGSEGV at the same time";
        }

        return null;
    }

    /// <summary>The handler: <c>void (int signal, siginfo_t* info, void* context)</c>, all three arguments left as they are for the next one.</summary>
    private static byte[] Assemble(ulong table, ulong next)
    {
        byte[] code =
        [
            0xF3, 0x0F, 0x1E, 0xFA,                         //  0        endbr64
            0x8B, 0x46, 0x08,                               //  4        mov  eax, [rsi+8]      si_code
            0xFF, 0xC8,                                     //  7        dec  eax
            0x83, 0xF8, 0x01,                               //  9        cmp  eax, 1            SEGV_MAPERR (1) or SEGV_ACCERR (2):
            0x77, 0x2C,                                     // 12        ja   chain             a real fault, not kill() or a GP fault
            0x48, 0x8B, 0x46, 0x10,                         // 14        mov  rax, [rsi+16]     si_addr
            0x48, 0xC1, 0xE8, GranuleLog2,                  // 18        shr  rax, 28
            0x48, 0x3D, 0, 0, 0, 0,                         // 22        cmp  rax, TableLength
            0x73, 0x1C,                                     // 28        jae  chain
            0x48, 0xB9, 0, 0, 0, 0, 0, 0, 0, 0,             // 30        mov  rcx, table
            0x80, 0x3C, 0x01, 0x00,                         // 40        cmp  byte [rcx+rax], 0
            0x74, 0x08,                                     // 44        je   chain
            0x48, 0xC7, 0x46, 0x10, 0x10, 0, 0, 0,          // 46        mov  qword [rsi+16], 16
            0x90, 0x90, 0x90, 0x90,                         // 54        nop
            0x48, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0,             // 58 chain: mov  rax, next
            0xFF, 0xE0,                                     // 68        jmp  rax
        ];
        BinaryPrimitives.WriteUInt32LittleEndian(code.AsSpan(24), (uint)TableLength);
        BinaryPrimitives.WriteUInt64LittleEndian(code.AsSpan(32), table);
        BinaryPrimitives.WriteUInt64LittleEndian(code.AsSpan(60), next);
        code[13] = 58 - 14;
        code[29] = 58 - 30;
        code[45] = 58 - 46;
        return code;
    }
}
