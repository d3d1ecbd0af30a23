using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Functions;

/// <summary>Files and directories by path, each relative to a directory that the program was given. There is no other way to name one.</summary>
internal sealed class Path(WasiContext context)
{
    public Errno CreateDirectory(uint fd) => RequireDirectory(fd);

    public Errno GetStatus(uint fd) => RequireDirectory(fd);

    public Errno SetTimes(uint fd) => RequireDirectory(fd);

    public Errno Link(uint oldFd, uint newFd) => RequireDirectories(oldFd, newFd);

    public Errno Open(uint fd) => RequireDirectory(fd);

    public Errno ReadLink(uint fd) => RequireDirectory(fd);

    public Errno RemoveDirectory(uint fd) => RequireDirectory(fd);

    public Errno Rename(uint oldFd, uint newFd) => RequireDirectories(oldFd, newFd);

    public Errno Symlink(uint fd) => RequireDirectory(fd);

    public Errno UnlinkFile(uint fd) => RequireDirectory(fd);

    // Directories cannot be given yet (docs/wasi.md): whatever is open is something else.
    private Errno RequireDirectory(uint fd) => context.Descriptors.TryGet(fd, out Descriptor? _) ? Errno.NotDir : Errno.BadF;

    private Errno RequireDirectories(uint first, uint second)
    {
        Errno errno = RequireDirectory(first);
        return errno == Errno.BadF ? errno : RequireDirectory(second) == Errno.BadF ? Errno.BadF : errno;
    }
}
