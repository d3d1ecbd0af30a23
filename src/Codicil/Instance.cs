using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Codicil;

/// <summary>An export of an instance.</summary>
/// <param name="Name">The name.</param>
/// <param name="Value">The item.</param>
public readonly record struct NamedExtern(string Name, Extern Value);

/// <summary>An instance of a module in a store (4.2.5). The store's rules on threads hold.</summary>
public abstract class Instance
{
    private protected Instance()
    {
    }

    /// <summary>The module.</summary>
    public abstract Module Module { get; }

    /// <summary>The store.</summary>
    public abstract Store Store { get; }

    /// <summary>The exports in the module's order.</summary>
    public abstract ImmutableArray<NamedExtern> Exports { get; }

    /// <summary>An export, or null when there is none of that name.</summary>
    public abstract Extern? GetExport(string name);

    /// <summary>An exported function, or null when there is none of that name and kind.</summary>
    public Function? GetFunction(string name) => GetExport(name) as Function;

    /// <summary>A delegate for an exported function, or null when there is no function of that name.</summary>
    /// <exception cref="ArgumentException">The delegate does not fit the function's type.</exception>
    [RequiresDynamicCode("The call into WebAssembly is compiled for the delegate's type at run time.")]
    public TDelegate? GetFunction<TDelegate>(string name)
        where TDelegate : Delegate => GetFunction(name)?.CreateDelegate<TDelegate>();

    /// <summary>An exported memory, or null when there is none of that name and kind.</summary>
    public Memory? GetMemory(string name) => GetExport(name) as Memory;

    /// <summary>An exported table, or null when there is none of that name and kind.</summary>
    public Table? GetTable(string name) => GetExport(name) as Table;

    /// <summary>An exported global, or null when there is none of that name and kind.</summary>
    public Global? GetGlobal(string name) => GetExport(name) as Global;
}
