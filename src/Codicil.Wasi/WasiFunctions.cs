using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>The functions of the interface: name, signature, and what does the work.</summary>
internal static class WasiFunctions
{
    /// <summary>How a function is made for a store's programs in one version of the interface.</summary>
    public delegate Delegate Factory(WasiContext context, Snapshot snapshot);

    /// <summary>The 46 functions of snapshot 1, in the order of wasi_snapshot_preview1.witx. Snapshot 0 has all but <see cref="OnlyInPreview1"/>.</summary>
    public static (string Name, Factory Create)[] All { get; } =
    [
        ("args_get", static (c, _) => (Caller caller, uint argv, uint buffer) => (int)c.Arguments.Get(caller, argv, buffer)),
        ("args_sizes_get", static (c, _) => (Caller caller, uint count, uint size) => (int)c.Arguments.GetSizes(caller, count, size)),
        ("environ_get", static (c, _) => (Caller caller, uint environ, uint buffer) => (int)c.Environment.Get(caller, environ, buffer)),
        ("environ_sizes_get", static (c, _) => (Caller caller, uint count, uint size) => (int)c.Environment.GetSizes(caller, count, size)),
        ("clock_res_get", static (c, _) => (Caller caller, uint id, uint result) => (int)c.Clock.GetResolution(caller, id, result)),
        ("clock_time_get", static (c, _) => (Caller caller, uint id, ulong precision, uint result) => (int)c.Clock.GetTime(caller, id, result)),
        ("fd_advise", static (c, _) => (uint fd, ulong offset, ulong length, uint advice) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Advise(fd, offset, length, advice); }),
        ("fd_allocate", static (c, _) => (uint fd, ulong offset, ulong length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Allocate(fd, offset, length); }),
        ("fd_close", static (c, _) => (uint fd) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Close(fd); }),
        ("fd_datasync", static (c, _) => (uint fd) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Sync(fd, dataOnly: true); }),
        ("fd_fdstat_get", static (c, _) => (Caller caller, uint fd, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.GetFdStat(caller, fd, result); }),
        ("fd_fdstat_set_flags", static (c, _) => (uint fd, uint flags) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.SetFlags(fd, flags); }),
        ("fd_fdstat_set_rights", static (c, _) => (uint fd, ulong rights, ulong inheriting) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.SetRights(fd, rights, inheriting); }),
        ("fd_filestat_get", static (c, s) => (Caller caller, uint fd, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.GetFileStat(caller, fd, result, s); }),
        ("fd_filestat_set_size", static (c, _) => (uint fd, ulong size) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.SetSize(fd, size); }),
        ("fd_filestat_set_times", static (c, _) => (Caller caller, uint fd, ulong access, ulong modification, uint flags) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.SetTimes(caller, fd, access, modification, flags); }),
        ("fd_pread", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, ulong offset, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.ReadAt(caller, fd, vectors, count, offset, result); }),
        ("fd_prestat_get", static (c, _) => (Caller caller, uint fd, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.GetPrestat(caller, fd, result); }),
        ("fd_prestat_dir_name", static (c, _) => (Caller caller, uint fd, uint path, uint length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.GetPrestatDirectoryName(caller, fd, path, length); }),
        ("fd_pwrite", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, ulong offset, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.WriteAt(caller, fd, vectors, count, offset, result); }),
        ("fd_read", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Read(caller, fd, vectors, count, result); }),
        ("fd_readdir", static (c, _) => (Caller caller, uint fd, uint buffer, uint length, ulong cookie, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.ReadDirectory(caller, fd, buffer, length, cookie, result); }),
        ("fd_renumber", static (c, _) => (uint from, uint to) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Renumber(from, to); }),
        ("fd_seek", static (c, s) => (Caller caller, uint fd, ulong offset, uint whence, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Seek(caller, fd, offset, whence, result, s); }),
        ("fd_sync", static (c, _) => (uint fd) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Sync(fd, dataOnly: false); }),
        ("fd_tell", static (c, _) => (Caller caller, uint fd, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.FileDescriptor.Tell(caller, fd, result); }),
        ("fd_write", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, uint result) => (int)c.FileDescriptor.Write(caller, fd, vectors, count, result)),
        ("path_create_directory", static (c, _) => (Caller caller, uint fd, uint path, uint length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.CreateDirectory(caller, fd, path, length); }),
        ("path_filestat_get", static (c, s) => (Caller caller, uint fd, uint lookup, uint path, uint length, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.GetStatus(caller, fd, lookup, path, length, result, s); }),
        ("path_filestat_set_times", static (c, _) => (Caller caller, uint fd, uint lookup, uint path, uint length, ulong access, ulong modification, uint flags) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.SetTimes(caller, fd, lookup, path, length, access, modification, flags); }),
        ("path_link", static (c, _) => (Caller caller, uint oldFd, uint lookup, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.Link(caller, oldFd, lookup, oldPath, oldLength, newFd, newPath, newLength); }),
        ("path_open", static (c, _) => (Caller caller, uint fd, uint lookup, uint path, uint length, uint openFlags, ulong rights, ulong inheriting, uint flags, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.Open(caller, fd, lookup, path, length, openFlags, rights, inheriting, flags, result); }),
        ("path_readlink", static (c, _) => (Caller caller, uint fd, uint path, uint length, uint buffer, uint bufferLength, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.ReadLink(caller, fd, path, length, buffer, bufferLength, result); }),
        ("path_remove_directory", static (c, _) => (Caller caller, uint fd, uint path, uint length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.RemoveDirectory(caller, fd, path, length); }),
        ("path_rename", static (c, _) => (Caller caller, uint oldFd, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.Rename(caller, oldFd, oldPath, oldLength, newFd, newPath, newLength); }),
        ("path_symlink", static (c, _) => (Caller caller, uint target, uint targetLength, uint fd, uint path, uint length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.Symlink(caller, target, targetLength, fd, path, length); }),
        ("path_unlink_file", static (c, _) => (Caller caller, uint fd, uint path, uint length) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Path.UnlinkFile(caller, fd, path, length); }),
        ("poll_oneoff", static (c, s) => (Caller caller, uint subscriptions, uint events, uint count, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Poll.OneOff(caller, subscriptions, events, count, result, s); }),
        ("proc_exit", static (c, _) => (uint code) => c.Process.Exit(code)),
        ("proc_raise", static (c, _) => (uint signal) => (int)c.Process.Raise(signal)),
        ("sched_yield", static (c, _) => () => (int)c.Process.Yield()),
        ("random_get", static (c, _) => (Caller caller, uint buffer, uint length) => (int)c.Random.Get(caller, buffer, length)),
        (OnlyInPreview1, static (c, _) => (Caller caller, uint fd, uint flags, uint result) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Socket.Accept(caller, fd, flags, result); }),
        ("sock_recv", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, uint flags, uint size, uint resultFlags) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Socket.Receive(caller, fd, vectors, count, flags, size, resultFlags); }),
        ("sock_send", static (c, _) => (Caller caller, uint fd, uint vectors, uint count, uint flags, uint size) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Socket.Send(caller, fd, vectors, count, flags, size); }),
        ("sock_shutdown", static (c, _) => (uint fd, uint how) => { using WasiGate.Inside inside = c.Enter(); return (int)c.Socket.Shutdown(fd, how); }),
    ];

    /// <summary>The function that snapshot 0 lacks.</summary>
    public const string OnlyInPreview1 = "sock_accept";
}
