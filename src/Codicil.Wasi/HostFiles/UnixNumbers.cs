using System.Runtime.InteropServices;

namespace Codicil.Wasi.HostFiles;

/// <summary>Numbers of the C library's interface that differ between Linux (and its architectures) and macOS. From fcntl.h and stat.h of each.</summary>
internal static class UnixNumbers
{
    public const int OpenReadOnly = 0;
    public const int OpenWriteOnly = 1;
    public const int OpenReadWrite = 2;
    public const int OpenAccessMask = 3;
    public const int SetStatusFlags = 4;
    public const int GetStatusFlags = 3;

    /// <summary>A path only, to be looked at: no right to the contents is asked for or given, and nothing is done to what is there. Linux has it; elsewhere 0.</summary>
    public const int LinuxOpenPath = 0x20_0000;

    public const int FileTypeMask = 0xF000;
    public const int FileTypeFifo = 0x1000;
    public const int FileTypeCharacterDevice = 0x2000;
    public const int FileTypeDirectory = 0x4000;
    public const int FileTypeBlockDevice = 0x6000;
    public const int FileTypeRegular = 0x8000;
    public const int FileTypeLink = 0xA000;
    public const int FileTypeSocket = 0xC000;

    // Linux.
    public const int ErrorPermission = 1;
    public const int ErrorNoEntry = 2;
    public const int ErrorInterrupted = 4;
    public const int ErrorAccess = 13;
    public const int ErrorExists = 17;
    public const int ErrorCrossDevice = 18;
    public const int ErrorNotDirectory = 20;
    public const int ErrorInvalid = 22;
    public const int ErrorNoSpace = 28;

    private static readonly bool s_isApple = OperatingSystem.IsMacOS() || OperatingSystem.IsIOS() || OperatingSystem.IsTvOS() || OperatingSystem.IsMacCatalyst();
    private static readonly bool s_isArm64 = RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    public static bool IsLinux { get; } = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid();

    public static bool IsApple => s_isApple;

    public static bool IsAppleArm64 => s_isApple && s_isArm64;

    public static bool IsAppleX64 => s_isApple && !s_isArm64;

    public static int CurrentDirectory => s_isApple ? -2 : -100;

    public static int OpenCreate => s_isApple ? 0x200 : 0x40;

    public static int OpenExclusive => s_isApple ? 0x800 : 0x80;

    public static int OpenNoTerminal => s_isApple ? 0x2_0000 : 0x100;

    public static int OpenTruncate => s_isApple ? 0x400 : 0x200;

    public static int OpenAppend => s_isApple ? 0x8 : 0x400;

    public static int OpenNonBlocking => s_isApple ? 0x4 : 0x800;

    public static int OpenDataSync => s_isApple ? 0x40_0000 : 0x1000;

    public static int OpenSync => s_isApple ? 0x80 : 0x10_1000;

    public static int OpenCloseOnExec => s_isApple ? 0x100_0000 : 0x8_0000;

    /// <summary>arm64 has numbers of its own on Linux.</summary>
    public static int OpenDirectory => s_isApple ? 0x10_0000 : s_isArm64 ? 0x4000 : 0x1_0000;

    public static int OpenNoFollow => s_isApple ? 0x100 : s_isArm64 ? 0x8000 : 0x2_0000;

    public static int AtNoFollow => s_isApple ? 0x20 : 0x100;

    public static int AtRemoveDirectory => s_isApple ? 0x80 : 0x200;

    public const int LinuxAtEmptyPath = 0x1000;

    public static long TimeNow => s_isApple ? -1 : (1 << 30) - 1;

    public static long TimeOmit => s_isApple ? -2 : (1 << 30) - 2;

    public static nint SystemCallStatx => s_isArm64 ? 291 : 332;

    public static nint SystemCallGetDirectoryEntries => s_isArm64 ? 61 : 217;

    /// <summary>The same on all architectures.</summary>
    public const int SystemCallOpenAt2 = 437;

    public const ulong ResolveNoMagicLinks = 0x02;
    public const ulong ResolveBeneath = 0x08;

    /// <summary>What <c>openat</c> with O_NOFOLLOW and O_DIRECTORY says of a link: ENOTDIR on Linux, ELOOP elsewhere.</summary>
    public static int ErrorLoop => s_isApple ? 62 : 40;

    public static int ErrorNameTooLong => s_isApple ? 63 : 36;

    public static int ErrorAgain => s_isApple ? 35 : 11;

    public static int ErrorNoSystemCall => s_isApple ? 78 : 38;
}
