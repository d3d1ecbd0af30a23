using System.Collections.Immutable;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Functions;

namespace Codicil.Wasi;

/// <summary>A function of the interface. Its method is looked at when a program first imports it: few import many.</summary>
/// <param name="name">The name.</param>
/// <param name="method">The method in snapshot 1.</param>
/// <param name="older">The method in snapshot 0, where it is another.</param>
internal sealed class WasiFunction(string name, Func<Delegate> method, Func<Delegate>? older = null)
{
    private BoundImport? _preview1;
    private BoundImport? _unstable;

    /// <summary>The name.</summary>
    public string Name { get; } = name;

    /// <summary>What does the work in a version of the interface: on the <see cref="InstanceState"/> of the instance that calls.</summary>
    public BoundImport In(Snapshot snapshot) => snapshot == Snapshot.Preview1
        ? _preview1 ??= new BoundImport(snapshot.ModuleName, Name, method().Method)
        : _unstable ??= new BoundImport(snapshot.ModuleName, Name, (older ?? method)().Method);
}

/// <summary>The functions of the interface: name, signature, and what does the work.</summary>
internal static class WasiFunctions
{
    /// <summary>The function that snapshot 0 lacks.</summary>
    public const string OnlyInPreview1 = "sock_accept";

    /// <summary>The 46 functions of snapshot 1, in the order of wasi_snapshot_preview1.witx. Snapshot 0 has all but <see cref="OnlyInPreview1"/>.</summary>
    public static ImmutableArray<WasiFunction> All { get; } =
    [
        new("args_get", static () => ArgsGet),
        new("args_sizes_get", static () => ArgsSizesGet),
        new("environ_get", static () => EnvironGet),
        new("environ_sizes_get", static () => EnvironSizesGet),
        new("clock_res_get", static () => ClockResGet),
        new("clock_time_get", static () => ClockTimeGet),
        new("fd_advise", static () => FdAdvise),
        new("fd_allocate", static () => FdAllocate),
        new("fd_close", static () => FdClose),
        new("fd_datasync", static () => FdDatasync),
        new("fd_fdstat_get", static () => FdFdstatGet),
        new("fd_fdstat_set_flags", static () => FdFdstatSetFlags),
        new("fd_fdstat_set_rights", static () => FdFdstatSetRights),
        new("fd_filestat_get", static () => FdFilestatGet, static () => FdFilestatGet0),
        new("fd_filestat_set_size", static () => FdFilestatSetSize),
        new("fd_filestat_set_times", static () => FdFilestatSetTimes),
        new("fd_pread", static () => FdPread),
        new("fd_prestat_get", static () => FdPrestatGet),
        new("fd_prestat_dir_name", static () => FdPrestatDirName),
        new("fd_pwrite", static () => FdPwrite),
        new("fd_read", static () => FdRead),
        new("fd_readdir", static () => FdReaddir),
        new("fd_renumber", static () => FdRenumber),
        new("fd_seek", static () => FdSeek, static () => FdSeek0),
        new("fd_sync", static () => FdSync),
        new("fd_tell", static () => FdTell),
        new("fd_write", static () => FileDescriptor.Write),
        new("path_create_directory", static () => PathCreateDirectory),
        new("path_filestat_get", static () => PathFilestatGet, static () => PathFilestatGet0),
        new("path_filestat_set_times", static () => PathFilestatSetTimes),
        new("path_link", static () => PathLink),
        new("path_open", static () => PathOpen),
        new("path_readlink", static () => PathReadlink),
        new("path_remove_directory", static () => PathRemoveDirectory),
        new("path_rename", static () => PathRename),
        new("path_symlink", static () => PathSymlink),
        new("path_unlink_file", static () => PathUnlinkFile),
        new("poll_oneoff", static () => PollOneoff, static () => PollOneoff0),
        new("proc_exit", static () => ProcExit),
        new("proc_raise", static () => ProcRaise),
        new("sched_yield", static () => SchedYield),
        new("random_get", static () => RandomGet),
        new(OnlyInPreview1, static () => SockAccept),
        new("sock_recv", static () => SockRecv),
        new("sock_send", static () => SockSend),
        new("sock_shutdown", static () => SockShutdown),
    ];

    private static int ArgsGet(uint argv, uint buffer, InstanceState caller) => (int)caller.Context.Arguments.Get(caller, argv, buffer);

    private static int ArgsSizesGet(uint count, uint size, InstanceState caller) => (int)caller.Context.Arguments.GetSizes(caller, count, size);

    private static int EnvironGet(uint environ, uint buffer, InstanceState caller) => (int)caller.Context.Environment.Get(caller, environ, buffer);

    private static int EnvironSizesGet(uint count, uint size, InstanceState caller) => (int)caller.Context.Environment.GetSizes(caller, count, size);

    private static int ClockResGet(uint id, uint result, InstanceState caller) => (int)Clock.GetResolution(caller, id, result);

    private static int ClockTimeGet(uint id, ulong precision, uint result, InstanceState caller) => (int)Clock.GetTime(caller, id, result);

    private static int FdAdvise(uint fd, ulong offset, ulong length, uint advice, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Advise(fd, offset, length, advice);
    }

    private static int FdAllocate(uint fd, ulong offset, ulong length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Allocate(fd, offset, length);
    }

    private static int FdClose(uint fd, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Close(fd);
    }

    private static int FdDatasync(uint fd, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Sync(fd, dataOnly: true);
    }

    private static int FdFdstatGet(uint fd, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.GetFdStat(caller, fd, result);
    }

    private static int FdFdstatSetFlags(uint fd, uint flags, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.SetFlags(fd, flags);
    }

    private static int FdFdstatSetRights(uint fd, ulong rights, ulong inheriting, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.SetRights(fd, rights, inheriting);
    }

    private static int FdFilestatGet(uint fd, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.GetFileStat(caller, fd, result, Snapshot.Preview1);
    }

    private static int FdFilestatGet0(uint fd, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.GetFileStat(caller, fd, result, Snapshot.Unstable);
    }

    private static int FdFilestatSetSize(uint fd, ulong size, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.SetSize(fd, size);
    }

    private static int FdFilestatSetTimes(uint fd, ulong access, ulong modification, uint flags, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.SetTimes(caller, fd, access, modification, flags);
    }

    private static int FdPread(uint fd, uint vectors, uint count, ulong offset, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.ReadAt(caller, fd, vectors, count, offset, result);
    }

    private static int FdPrestatGet(uint fd, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.GetPrestat(caller, fd, result);
    }

    private static int FdPrestatDirName(uint fd, uint path, uint length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.GetPrestatDirectoryName(caller, fd, path, length);
    }

    private static int FdPwrite(uint fd, uint vectors, uint count, ulong offset, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.WriteAt(caller, fd, vectors, count, offset, result);
    }

    private static int FdRead(uint fd, uint vectors, uint count, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Read(caller, fd, vectors, count, result);
    }

    private static int FdReaddir(uint fd, uint buffer, uint length, ulong cookie, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.ReadDirectory(caller, fd, buffer, length, cookie, result);
    }

    private static int FdRenumber(uint from, uint to, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Renumber(from, to);
    }

    private static int FdSeek(uint fd, ulong offset, uint whence, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Seek(caller, fd, offset, whence, result, Snapshot.Preview1);
    }

    private static int FdSeek0(uint fd, ulong offset, uint whence, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Seek(caller, fd, offset, whence, result, Snapshot.Unstable);
    }

    private static int FdSync(uint fd, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Sync(fd, dataOnly: false);
    }

    private static int FdTell(uint fd, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.FileDescriptor.Tell(caller, fd, result);
    }

    private static int PathCreateDirectory(uint fd, uint path, uint length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.CreateDirectory(caller, fd, path, length);
    }

    private static int PathFilestatGet(uint fd, uint lookup, uint path, uint length, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.GetStatus(caller, fd, lookup, path, length, result, Snapshot.Preview1);
    }

    private static int PathFilestatGet0(uint fd, uint lookup, uint path, uint length, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.GetStatus(caller, fd, lookup, path, length, result, Snapshot.Unstable);
    }

    private static int PathFilestatSetTimes(uint fd, uint lookup, uint path, uint length, ulong access, ulong modification, uint flags, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.SetTimes(caller, fd, lookup, path, length, access, modification, flags);
    }

    private static int PathLink(uint oldFd, uint lookup, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.Link(caller, oldFd, lookup, oldPath, oldLength, newFd, newPath, newLength);
    }

    private static int PathOpen(uint fd, uint lookup, uint path, uint length, uint openFlags, ulong rights, ulong inheriting, uint flags, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.Open(caller, fd, lookup, path, length, openFlags, rights, inheriting, flags, result);
    }

    private static int PathReadlink(uint fd, uint path, uint length, uint buffer, uint bufferLength, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.ReadLink(caller, fd, path, length, buffer, bufferLength, result);
    }

    private static int PathRemoveDirectory(uint fd, uint path, uint length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.RemoveDirectory(caller, fd, path, length);
    }

    private static int PathRename(uint oldFd, uint oldPath, uint oldLength, uint newFd, uint newPath, uint newLength, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.Rename(caller, oldFd, oldPath, oldLength, newFd, newPath, newLength);
    }

    private static int PathSymlink(uint target, uint targetLength, uint fd, uint path, uint length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.Symlink(caller, target, targetLength, fd, path, length);
    }

    private static int PathUnlinkFile(uint fd, uint path, uint length, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Path.UnlinkFile(caller, fd, path, length);
    }

    private static int PollOneoff(uint subscriptions, uint events, uint count, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Poll.OneOff(caller, subscriptions, events, count, result, Snapshot.Preview1);
    }

    private static int PollOneoff0(uint subscriptions, uint events, uint count, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Poll.OneOff(caller, subscriptions, events, count, result, Snapshot.Unstable);
    }

    private static void ProcExit(uint code, InstanceState caller) => caller.Context.Process.Exit(code);

    private static int ProcRaise(uint signal, InstanceState caller) => (int)caller.Context.Process.Raise(signal);

    private static int SchedYield(InstanceState caller) => (int)caller.Context.Process.Yield();

    private static int RandomGet(uint buffer, uint length, InstanceState caller) => (int)caller.Context.Random.Get(caller, buffer, length);

    private static int SockAccept(uint fd, uint flags, uint result, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Socket.Accept(caller, fd, flags, result);
    }

    private static int SockRecv(uint fd, uint vectors, uint count, uint flags, uint size, uint resultFlags, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Socket.Receive(caller, fd, vectors, count, flags, size, resultFlags);
    }

    private static int SockSend(uint fd, uint vectors, uint count, uint flags, uint size, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Socket.Send(caller, fd, vectors, count, flags, size);
    }

    private static int SockShutdown(uint fd, uint how, InstanceState caller)
    {
        using WasiGate.Inside inside = caller.Context.Enter();
        return (int)caller.Context.Socket.Shutdown(fd, how);
    }
}
