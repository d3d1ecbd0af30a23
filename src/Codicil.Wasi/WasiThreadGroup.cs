using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

using Codicil.Format.Types;
using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>
/// The threads of the programs in a store. Each has a store and an instance of its own; shared memories, and the world of WASI, are those of the main thread's store. Whoever
/// ends first with an exit or a trap ends all: the others are interrupted, and the main thread's call ends with that reason. Thread-safe.
/// </summary>
internal sealed class WasiThreadGroup(Store main) : IDisposable
{
    /// <summary>The module name of <c>thread-spawn</c>.</summary>
    public const string ModuleName = "wasi";

    /// <summary>The function that makes a thread.</summary>
    public const string SpawnName = "thread-spawn";

    /// <summary>The export that a thread runs.</summary>
    public const string StartName = "wasi_thread_start";

    // The three bits above are reserved (wasi-threads, "Design choice: thread IDs").
    private const int LastIdentifier = (1 << 29) - 1;

    // Besides the guest's stack: what the engine keeps free below it, and what the JIT may need.
    private const int OwnStackBytes = (1 << 20) + (256 << 10);

    private const int Refused = -(int)Errno.Again;

    private static readonly ConditionalWeakTable<Store, WasiThreadGroup> s_groups = [];

    private readonly Lock _lock = new();
    private readonly Dictionary<int, Store> _stores = [];
    private readonly Dictionary<(Linker Linker, string ModuleName, string Name), SharedMemory> _memories = [];

    // Also those that have run to their end and have not quite gone.
    private readonly List<Thread> _threads = [];
    private int _lastIdentifier;
    private Exception? _end;

    /// <summary>How many threads there are, the main one not counted.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _stores.Count;
            }
        }
    }

    /// <summary>The store of the main thread.</summary>
    public Store Main => main;

    /// <summary>The group of a store, its main one or a thread's; null when it has none.</summary>
    public static WasiThreadGroup? Find(Store store) => s_groups.TryGetValue(store, out WasiThreadGroup? group) ? group : null;

    /// <summary>The group of a store, made when there is none.</summary>
    public static WasiThreadGroup Of(Store store) => s_groups.GetValue(store, static main =>
    {
        var group = new WasiThreadGroup(main);
        main.RegisterForDispose(group);
        return group;
    });

    /// <summary>Runs the main thread's part of a program. Where there are threads, what ended first is thrown when all have ended.</summary>
    /// <param name="store">The main thread's store.</param>
    /// <param name="run">Its part.</param>
    /// <param name="returnIsEnd">Whether the others end when it returns; the exit is 0.</param>
    public static void Run(Store store, Action run, bool returnIsEnd)
    {
        Exception? end = null;
        try
        {
            run();
        }
#pragma warning disable CA1031 // Thrown below, if nothing else had ended the group before.
        catch (Exception exception) when (Find(store) is not null)
#pragma warning restore CA1031
        {
            end = exception;
        }

        if (Find(store) is WasiThreadGroup group && group.End(end ?? (returnIsEnd ? new ExitException(0) : null)) is Exception first)
        {
            group.Join();
            ExceptionDispatchInfo.Throw(first);
        }
    }

    /// <summary>What a module needs for having threads.</summary>
    /// <exception cref="LinkException">It lacks something.</exception>
    public static void Check(Module module)
    {
        ExternType? start = null;
        foreach (ExportType export in module.Exports)
        {
            start = export.Name == StartName ? export.Type : start;
        }

        if (start is not FunctionType { Parameters: [{ Kind: ValKind.I32 }, { Kind: ValKind.I32 }], Results.Length: 0 })
        {
            throw new LinkException(start is null
                ? $"unknown export: `{StartName}`, which a module that imports `{ModuleName}::{SpawnName}` must have"
                : $"incompatible export type for `{StartName}`: a thread's function has two parameters of type i32 and no results");
        }

        foreach (ImportType import in module.Imports)
        {
            if (import.Type is MemoryType { IsShared: true })
            {
                return;
            }
        }

        throw new LinkException($"a module that imports `{ModuleName}::{SpawnName}` must import a shared memory");
    }

    /// <summary>A shared memory for an import in one of the group's stores: made for the main one, and then the same for all.</summary>
    public Memory GetMemory(Linker linker, Store store, string moduleName, string name, MemoryType type)
    {
        lock (_lock)
        {
            if (ReferenceEquals(store, main))
            {
                Memory memory = Memory.Create(main, type);
                _memories[(linker, moduleName, name)] = memory.Shared!;
                return memory;
            }

            return _memories.TryGetValue((linker, moduleName, name), out SharedMemory? shared)
                ? Memory.FromShared(store, shared)
                : throw new LinkException($"the memory `{moduleName}::{name}` of the main thread is not the linker's", moduleName, name);
        }
    }

    /// <summary>Makes a thread (wasi-threads, <c>thread-spawn</c>).</summary>
    /// <returns>Its number, or a negative one when there can be no more.</returns>
    [SuppressMessage("Reliability", "CA2000", Justification = "The thread disposes its store at its end.")]
    public int Spawn(Linker linker, Caller caller, int argument, int most)
    {
        Module module = caller.Instance?.Module ?? throw new TrapException($"`{SpawnName}` was called by the host, not by an instance");
        Check(module);
        lock (_lock)
        {
            if (_end is not null || main.IsDisposed || _stores.Count >= most)
            {
                return Refused;
            }

            // From now on there are several who use what is the store's.
            main.ShareWasi();
            int identifier = NextIdentifier();
            Store store = main.Engine.CreateStore(main.Limits);
            store.Data = main.Data;
            s_groups.Add(store, this);
            var thread = new Thread(() => Run(linker, store, module, identifier, argument), main.Engine.Options.MaxStackBytes + OwnStackBytes)
            {
                IsBackground = true,
                Name = "Codicil wasi thread",
            };
            try
            {
                thread.Start();
            }
            catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
            {
                store.Dispose();
                return Refused;
            }

            _stores.Add(identifier, store);
            _threads.RemoveAll(static thread => !thread.IsAlive);
            _threads.Add(thread);
            return identifier;
        }
    }

    /// <summary>Ends all, unless that has been done; null does nothing.</summary>
    /// <returns>What ended it first; null when it goes on.</returns>
    public Exception? End(Exception? reason)
    {
        lock (_lock)
        {
            if (_end is null && reason is not null)
            {
                _end = reason;
                foreach (Store store in _stores.Values)
                {
                    store.Interrupt();
                }

                main.Interrupt(reason);
            }

            return _end;
        }
    }

    /// <summary>Waits until the threads have gone, but for the one that asks.</summary>
    public void Join()
    {
        while (true)
        {
            Thread? next;
            lock (_lock)
            {
                _threads.RemoveAll(static thread => !thread.IsAlive);
                next = _threads.Find(static thread => thread != Thread.CurrentThread);
            }

            if (next is null)
            {
                return;
            }

            next.Join();
        }
    }

    /// <summary>Ends all with the main thread's store, and waits for it.</summary>
    public void Dispose()
    {
        End(new ObjectDisposedException(nameof(Store)));
        Join();
    }

    private int NextIdentifier()
    {
        do
        {
            _lastIdentifier = _lastIdentifier == LastIdentifier ? 1 : _lastIdentifier + 1;
        }
        while (_stores.ContainsKey(_lastIdentifier));
        return _lastIdentifier;
    }

    private void Run(Linker linker, Store store, Module module, int identifier, int argument)
    {
        EndUnlessDone(() =>
        {
            Instance instance = linker.Instantiate(store, module);
            instance.GetFunction(StartName)!.Invoke([Value.FromI32(identifier), Value.FromI32(argument)], []);
        });

        // What host functions keep for the thread may throw, too, and an exception that leaves a thread is the end of the process.
        EndUnlessDone(store.Dispose);
        lock (_lock)
        {
            _stores.Remove(identifier);
        }
    }

    private void EndUnlessDone(Action part)
    {
        try
        {
            part();
        }
#pragma warning disable CA1031 // It is what the main thread's call ends with.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            End(exception);
        }
    }
}
