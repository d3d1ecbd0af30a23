using Codicil.Format.Modules;

namespace Codicil.Format.Validation;

/// <summary>A module that passed validation (3.5.1): only the validator makes one. Immutable and thread-safe.</summary>
public sealed class ValidatedModule
{
    internal ValidatedModule(ModuleContext context) => Context = context;

    /// <summary>The module.</summary>
    public WasmModule Module => Context.Module;

    internal ModuleContext Context { get; }
}
