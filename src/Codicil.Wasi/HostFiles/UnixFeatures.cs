using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>What the system offers for reaching files safely. Asked for once in a process; tests take things away.</summary>
/// <param name="OpensBeneath">Whether it can resolve a whole path beneath a directory by itself (<c>openat2</c>; Linux 5.6, unless a filter of system calls forbids it).</param>
/// <param name="HasPathHandles">Whether a file can be held without being opened, looked at, and then opened (O_PATH and <c>/proc/self/fd</c>).</param>
internal sealed record UnixFeatures(bool OpensBeneath, bool HasPathHandles) : IHostSteps<UnixHandle>
{
    private static readonly Lazy<UnixFeatures> s_system = new(Probe);

    /// <summary>What this system offers.</summary>
    public static UnixFeatures System => s_system.Value;

    /// <summary>How directories are opened on the way to a file. What is no directory, or a link, is refused.</summary>
    public int DirectoryFlags { get; } = UnixNumbers.OpenDirectory | UnixNumbers.OpenCloseOnExec | UnixNumbers.OpenNoFollow
        | (HasPathHandles ? UnixNumbers.LinuxOpenPath : UnixNumbers.OpenNonBlocking | UnixNumbers.OpenNoTerminal);

    public Errno OpenDirectory(UnixHandle directory, ReadOnlySpan<byte> name, out UnixHandle? next)
    {
        next = UnixCalls.OpenAt(directory, name, DirectoryFlags, 0, out int error);
        return UnixErrors.Translate(error);
    }

    public Errno ReadLink(UnixHandle directory, ReadOnlySpan<byte> name, Span<byte> target, out int length) =>
        UnixErrors.Translate(UnixCalls.ReadLinkAt(directory, name, target, out length));

    private static UnixFeatures Probe()
    {
        if (!UnixNumbers.IsLinux)
        {
            return new UnixFeatures(OpensBeneath: false, HasPathHandles: false);
        }

        const int Flags = UnixNumbers.LinuxOpenPath;
        int directoryFlags = Flags | UnixNumbers.OpenDirectory | UnixNumbers.OpenCloseOnExec;
        using UnixHandle? root = UnixCalls.Open("/\0"u8, directoryFlags, out _);
        if (root is null)
        {
            return new UnixFeatures(OpensBeneath: false, HasPathHandles: false);
        }

        // Whatever is mounted at /proc: what comes back must be what was held.
        using UnixHandle? again = UnixCalls.Reopen(root, directoryFlags, out _);
        bool isSame = again is not null
            && UnixCalls.GetStatus(root, out UnixStatus first) == 0
            && UnixCalls.GetStatus(again, out UnixStatus second) == 0
            && first.Attributes.Inode == second.Attributes.Inode
            && first.Attributes.Device == second.Attributes.Device;
        using UnixHandle? beneath = UnixCalls.OpenBeneath(root, ".\0"u8, directoryFlags, out _);
        return new UnixFeatures(OpensBeneath: beneath is not null, HasPathHandles: isSame);
    }
}
