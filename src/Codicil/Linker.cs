using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Types;

namespace Codicil;

/// <summary>Names items so that modules' imports find them. Not thread-safe while it is being changed; instantiating from several threads is fine.</summary>
/// <remarks>Functions defined here belong to no store: each store that an instance is made in gets its own.</remarks>
public sealed class Linker
{
    private readonly Dictionary<(string Module, string Name), Definition> _definitions = [];

    /// <summary>An empty linker.</summary>
    public Linker(Engine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        Engine = engine;
    }

    /// <summary>The engine.</summary>
    public Engine Engine { get; }

    /// <summary>Whether a name may be defined again; off by default.</summary>
    public bool AllowShadowing { get; set; }

    /// <summary>Defines an item of a store; only that store's instances can import it.</summary>
    /// <exception cref="ArgumentException">The name is defined already and shadowing is off.</exception>
    public Linker Define(string moduleName, string name, Extern item)
    {
        ArgumentNullException.ThrowIfNull(item);
        return Add(moduleName, name, new Definition(item, null));
    }

    /// <summary>Defines a host function from a delegate, for every store (see <see cref="Function.FromDelegate"/>).</summary>
    /// <exception cref="ArgumentException">The name is defined already, or the delegate has a type without counterpart.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled for the delegate's type at run time.")]
    public Linker DefineFunction(string moduleName, string name, Delegate callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        _ = Runtime.DelegateSignature.ToFunctionType(callback.GetType());
        return Add(moduleName, name, new Definition(null, store => Function.FromDelegate(store, callback)));
    }

    /// <summary>Defines a host function of an explicit type, for every store.</summary>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public Linker DefineFunction(string moduleName, string name, FunctionType type, HostFunctionCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return Add(moduleName, name, new Definition(null, store => Function.Create(store, type, callback)));
    }

    /// <summary>Defines a host function of an explicit type that may wait (see <see cref="Function.CreateAsync"/>), for every store.</summary>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public Linker DefineAsyncFunction(string moduleName, string name, FunctionType type, AsyncHostFunctionCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return Add(moduleName, name, new Definition(null, store => Function.CreateAsync(store, type, callback)));
    }

    /// <summary>Defines an item that is made for each store when it is first needed there.</summary>
    /// <exception cref="ArgumentException">The name is defined already.</exception>
    public Linker Define(string moduleName, string name, Func<Store, Extern> factory)
    {
        ArgumentNullException.ThrowIfNull(factory);
        return Add(moduleName, name, new Definition(null, factory));
    }

    /// <summary>Defines every export of an instance under a module name.</summary>
    /// <exception cref="ArgumentException">A name is defined already.</exception>
    public Linker DefineInstance(string moduleName, Instance instance)
    {
        ArgumentNullException.ThrowIfNull(instance);
        foreach (NamedExtern export in instance.Exports)
        {
            Define(moduleName, export.Name, export.Value);
        }

        return this;
    }

    /// <summary>The item of a name in a store, or null.</summary>
    public Extern? Get(Store store, string moduleName, string name)
    {
        ArgumentNullException.ThrowIfNull(store);
        return _definitions.TryGetValue((moduleName, name), out Definition? definition) ? definition.Resolve(store) : null;
    }

    /// <summary>The function of a name in a store, or null.</summary>
    public Function? GetFunction(Store store, string moduleName, string name) => Get(store, moduleName, name) as Function;

    /// <summary>Instantiates a module, its imports found by name.</summary>
    /// <exception cref="LinkException">An import is not defined or does not fit; it is named.</exception>
    /// <exception cref="TrapException">A segment does not fit or the start function trapped.</exception>
    public Instance Instantiate(Store store, Module module)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(module);
        var imports = new Extern[module.Imports.Length];
        for (int i = 0; i < imports.Length; i++)
        {
            ImportType import = module.Imports[i];
            imports[i] = Get(store, import.ModuleName, import.Name)
                ?? throw new LinkException($"unknown import: `{import.ModuleName}::{import.Name}` has not been defined", import.ModuleName, import.Name);
        }

        return store.Instantiate(module, imports);
    }

    private Linker Add(string moduleName, string name, Definition definition)
    {
        ArgumentNullException.ThrowIfNull(moduleName);
        ArgumentNullException.ThrowIfNull(name);
        if (!_definitions.TryAdd((moduleName, name), definition))
        {
            if (!AllowShadowing)
            {
                throw new ArgumentException($"import of `{moduleName}::{name}` defined twice", nameof(name));
            }

            _definitions[(moduleName, name)] = definition;
        }

        return this;
    }

    private sealed class Definition(Extern? item, Func<Store, Extern>? factory)
    {
        private readonly System.Runtime.CompilerServices.ConditionalWeakTable<Store, Extern> _made = [];

        public Extern Resolve(Store store) => item ?? _made.GetValue(store, key => factory!(key));
    }
}
