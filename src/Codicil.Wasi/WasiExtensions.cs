using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

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
        WasiContext GetContext(Store store) => contexts.GetValue(store, key => CreateContext(key, chooseOptions));
        foreach (Snapshot snapshot in (ReadOnlySpan<Snapshot>)[Snapshot.Preview1, Snapshot.Unstable])
        {
            foreach ((string name, WasiFunctions.Factory create) in WasiFunctions.All)
            {
                if (snapshot == Snapshot.Preview1 || name != WasiFunctions.OnlyInPreview1)
                {
                    linker.Define(snapshot.ModuleName, name, store => Function.FromDelegate(store, create(GetContext(store), snapshot)));
                }
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
                context.Descriptors.FlushAll();
            }
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
