using System.Collections.Immutable;

using Codicil.Format;

namespace Codicil;

/// <summary>Options of a <see cref="Module"/>. Immutable and thread-safe.</summary>
public sealed record ModuleOptions
{
    /// <summary>The options a module has when none are given.</summary>
    public static ModuleOptions Default { get; } = new();

    /// <summary>The module's name; null takes the one of its name section.</summary>
    public string? Name { get; init; }

    /// <summary>The most bytes that a file or stream may have, 1 to 1 GiB, which is the default. Reading stops there.</summary>
    public int MaxSizeInBytes { get; init; } = ImplementationLimits.ModuleSizeInBytes;

    /// <summary>What hears of every call of the module's functions; null for the engine's (<see cref="EngineOptions.Listener"/>).</summary>
    public FunctionListener? Listener { get; init; }

    /// <summary>Imports that are known now and called directly.</summary>
    public ImmutableArray<BoundImport> BoundImports { get; init; } = [];
}
