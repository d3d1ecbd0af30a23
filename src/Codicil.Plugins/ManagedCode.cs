using System.Diagnostics.CodeAnalysis;

using Codicil.Wasi;

namespace Codicil.Plugins;

/// <summary>The calls of the embedding API that compile code for a delegate's type at run time.</summary>
/// <remarks>An engine that works without dynamic code serves these calls too, or it cannot be made; so a plug-in host does not have to tell.</remarks>
[UnconditionalSuppressMessage("AOT", "IL3050:RequiresDynamicCode", Justification = "Engine.Create refuses the compiler where there is no dynamic code, before any of these is reached.")]
internal static class ManagedCode
{
    public static Function FromDelegate(Store store, Delegate callback) => Function.FromDelegate(store, callback);

    public static Function FromBoundImport(Store store, BoundImport definition, object state) => Function.FromBoundImport(store, definition, state);

    public static Linker DefineWasi(Linker linker) => linker.DefineWasi();

    public static TDelegate CreateDelegate<TDelegate>(Function function)
        where TDelegate : Delegate => function.CreateDelegate<TDelegate>();
}
