using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Codicil.Plugins;

/// <summary>The functions of <c>extism:host/env</c> that work on the kernel alone. They run no code of the host's user, so they can be bound imports.</summary>
internal static class KernelImports
{
    /// <summary>The module name of the kernel's and the host environment's functions.</summary>
    public const string ModuleName = "extism:host/env";

    /// <summary>Every definition.</summary>
    public static ImmutableArray<BoundImport> All { get; } =
    [
        Define<Func<Kernel, long, long>>("alloc", Kernel.Alloc),
        Define<Action<Kernel, long>>("free", Kernel.Free),
        Define<Func<Kernel, long, long>>("length", Kernel.Length),
        // The Extism kernel reads a header there without a check; here it is the same look-up.
        Define<Func<Kernel, long, long>>("length_unsafe", Kernel.Length),
        Define<Func<Kernel, long, int>>("load_u8", Kernel.LoadU8),
        Define<Func<Kernel, long, long>>("load_u64", Kernel.LoadU64),
        Define<Action<Kernel, long, int>>("store_u8", Kernel.StoreU8),
        Define<Action<Kernel, long, long>>("store_u64", Kernel.StoreU64),
        Define<Action<Kernel, long, long>>("input_set", Kernel.InputSet),
        Define<Func<Kernel, long>>("input_length", Kernel.InputLength),
        Define<Func<Kernel, long>>("input_offset", Kernel.InputOffset),
        Define<Func<Kernel, long, int>>("input_load_u8", Kernel.InputLoadU8),
        Define<Func<Kernel, long, long>>("input_load_u64", Kernel.InputLoadU64),
        Define<Action<Kernel, long, long>>("output_set", Kernel.OutputSet),
        Define<Func<Kernel, long>>("output_length", Kernel.OutputLength),
        Define<Func<Kernel, long>>("output_offset", Kernel.OutputOffset),
        Define<Action<Kernel, long>>("error_set", Kernel.ErrorSet),
        Define<Func<Kernel, long>>("error_get", Kernel.ErrorGet),
        Define<Func<Kernel, long>>("memory_bytes", Kernel.MemoryBytes),
        Define<Action<Kernel>>("reset", Kernel.Reset),
    ];

    /// <summary>The index in <see cref="All"/> by name.</summary>
    public static FrozenDictionary<string, int> IndexByName { get; } =
        All.Select(static (definition, index) => KeyValuePair.Create(definition.Name, index)).ToFrozenDictionary(StringComparer.Ordinal);

    // Delegates rather than names: the compiler checks that each method exists and has the shape its import needs.
    private static BoundImport Define<TDelegate>(string name, TDelegate method)
        where TDelegate : Delegate => new(ModuleName, name, method.Method);
}
