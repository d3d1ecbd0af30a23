using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Functions;

/// <summary>Sockets. No function makes one; a program has those that it was given.</summary>
internal sealed class Socket(WasiContext context)
{
    public Errno Accept(uint fd) => RequireSocket(fd);

    public Errno Receive(uint fd) => RequireSocket(fd);

    public Errno Send(uint fd) => RequireSocket(fd);

    public Errno Shutdown(uint fd) => RequireSocket(fd);

    // Listeners cannot be given yet (docs/wasi.md): whatever is open is something else.
    private Errno RequireSocket(uint fd) => context.Descriptors.TryGet(fd, out Descriptor? _) ? Errno.NotSock : Errno.BadF;
}
