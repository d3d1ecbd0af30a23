using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;
using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>Gives modules WASI preview 1. As thread-safe as what they are called on.</summary>
/// <remarks>WASI snapshot 1 (<c>wasi_snapshot_preview1</c>) and snapshot 0 (<c>wasi_unstable</c>).</remarks>
public static class WasiExtensions
{
    private static readonly ConditionalWeakTable<Store, WasiOptions> s_options = [];
    private static readonly ConditionalWeakTable<Store, List<WasiContext>> s_contexts = [];
    private static readonly ConditionalWeakTable<Linker, Func<Store, WasiOptions?>> s_linkers = [];

    /// <summary>Defines WASI with the same options for every store. Programs in one store share descriptors; each instance has its own clocks and random sequence.</summary>
    /// <param name="linker">The linker.</param>
    /// <param name="options">What programs see; checked when a module that imports WASI is instantiated.</param>
    /// <exception cref="ArgumentException">WASI is defined already.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Linker DefineWasi(this Linker linker, WasiOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return DefineWasi(linker, _ => options);
    }

    /// <summary>Defines WASI with the options that each store was given by <see cref="SetWasiOptions"/>; a module that imports WASI cannot be instantiated in a store without.</summary>
    /// <exception cref="ArgumentException">WASI is defined already.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Linker DefineWasi(this Linker linker) => DefineWasi(linker, static store => s_options.TryGetValue(store, out WasiOptions? options) ? options : null);

    /// <summary>Defines WASI with options that are chosen for each store, when the first module that imports WASI is instantiated in it.</summary>
    /// <param name="linker">The linker.</param>
    /// <param name="chooseOptions">The options of a store; null refuses the instantiation.</param>
    /// <exception cref="ArgumentException">WASI is defined already.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Linker DefineWasi(this Linker linker, Func<Store, WasiOptions?> chooseOptions)
    {
        ArgumentNullException.ThrowIfNull(linker);
        ArgumentNullException.ThrowIfNull(chooseOptions);
        var contexts = new ConditionalWeakTable<Store, WasiContext>();
        s_linkers.AddOrUpdate(linker, store => contexts.TryGetValue(store, out WasiContext? context) ? context.Options : chooseOptions(store));
        WasiContext GetContext(Store store) => contexts.GetValue(store, key =>
            WasiThreadGroup.Find(key) is WasiThreadGroup group && !ReferenceEquals(group.Main, key)
                ? new WasiContext(key, GetContext(group.Main))
                : CreateContext(key, chooseOptions));
        foreach (Snapshot snapshot in (ReadOnlySpan<Snapshot>)[Snapshot.Preview1, Snapshot.Unstable])
        {
            foreach (WasiFunction function in WasiFunctions.All)
            {
                if (snapshot == Snapshot.Preview1 || function.Name != WasiFunctions.OnlyInPreview1)
                {
                    linker.Define(snapshot.ModuleName, function.Name, store => Function.FromBoundImport(store, function.In(snapshot), GetContext(store).GetState));
                }
            }
        }

        return linker;
    }

    /// <summary>
    /// Gives programs threads (wasi-threads, <c>wasi::thread-spawn</c>). A thread is one of ours, with a store and an instance of the same module of its own, linked by this linker; descriptors, streams
    /// and files are the main thread's. The shared memory that the module imports has to be defined so that each store gets the same (<see cref="Memory.FromShared"/>), or by the overload that takes the module.
    /// </summary>
    /// <remarks>
    /// An exit or a trap in any thread ends all, and the main thread's call ends with it. With <see cref="WasiCommand"/> the return of <c>_start</c> ends them, too; otherwise they go on until the main thread's store is disposed,
    /// which waits for them. Host functions that the module imports, and streams, clocks and file systems of one's own, are called on several threads.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The engine was made without <see cref="EngineOptions.Interruptible"/>.</exception>
    /// <exception cref="ArgumentException">The function is defined already.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Linker DefineWasiThreads(this Linker linker, WasiThreadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(linker);
        if (!linker.Engine.Options.Interruptible)
        {
            throw new InvalidOperationException("threads need an engine that was made with EngineOptions.Interruptible");
        }

        int most = (options ?? WasiThreadOptions.Default).MaximumThreads;
        return linker.Define(WasiThreadGroup.ModuleName, WasiThreadGroup.SpawnName, store =>
        {
            var group = WasiThreadGroup.Of(store);
            return Function.FromDelegate(store, (Caller caller, int argument) => group.Spawn(linker, caller, argument, most));
        });
    }

    /// <summary>Gives a module threads, and the shared memories that it imports: each store in which it is instantiated gets new ones, which its threads share.</summary>
    /// <exception cref="LinkException">The module imports <c>wasi::thread-spawn</c> and no shared memory, or has no export <c>wasi_thread_start</c> of the right type.</exception>
    /// <exception cref="ArgumentException">The function or a memory is defined already.</exception>
    /// <inheritdoc cref="DefineWasiThreads(Linker, WasiThreadOptions?)"/>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Linker DefineWasiThreads(this Linker linker, Module module, WasiThreadOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(module);
        DefineWasiThreads(linker, options);
        var names = new HashSet<(string, string)>();
        foreach (ImportType import in module.Imports)
        {
            if (import is { ModuleName: WasiThreadGroup.ModuleName, Name: WasiThreadGroup.SpawnName })
            {
                WasiThreadGroup.Check(module);
            }

            if (import.Type is MemoryType { IsShared: true } type && names.Add((import.ModuleName, import.Name)))
            {
                linker.Define(import.ModuleName, import.Name, store => WasiThreadGroup.Of(store).GetMemory(linker, store, import.ModuleName, import.Name, type));
            }
        }

        return linker;
    }

    /// <summary>Sets what WASI programs see in a store, for linkers that leave it to the store. Set it before the first of them is instantiated.</summary>
    public static void SetWasiOptions(this Store store, WasiOptions options)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(options);
        s_options.AddOrUpdate(store, options);
    }

    /// <summary>The options that programs have in a store; null when WASI is not defined or not configured.</summary>
    internal static WasiOptions? GetWasiOptions(this Linker linker, Store store) => s_linkers.TryGetValue(linker, out Func<Store, WasiOptions?>? find) ? find(store) : null;

    /// <summary>Hands on what the programs of a store have written.</summary>
    internal static void FlushWasi(this Store store)
    {
        if (s_contexts.TryGetValue(store, out List<WasiContext>? contexts))
        {
            foreach (WasiContext context in contexts)
            {
                using WasiGate.Inside inside = context.Enter();
                context.Descriptors.FlushAll();
            }
        }
    }

    /// <summary>From now on threads use what the programs of a store have.</summary>
    internal static void ShareWasi(this Store store)
    {
        if (s_contexts.TryGetValue(store, out List<WasiContext>? contexts))
        {
            contexts.ForEach(static context => context.Share());
        }
    }

    private static WasiContext CreateContext(Store store, Func<Store, WasiOptions?> chooseOptions)
    {
        WasiOptions options = chooseOptions(store) ?? throw new InvalidOperationException("WASI is not configured for this store");
        var context = new WasiContext(store, options);
        s_contexts.GetOrCreateValue(store).Add(context);
        store.RegisterForDispose(context);
        return context;
    }
}
