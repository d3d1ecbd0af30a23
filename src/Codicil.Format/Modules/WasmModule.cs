using System.Collections.Immutable;

using Codicil.Format.Types;
using Codicil.Format.Validation;

namespace Codicil.Format.Modules;

/// <summary>
/// A decoded module: well-formed, not yet validated. It owns a private copy of its bytes; code, expressions and data are ranges of them.
/// Immutable and thread-safe.
/// </summary>
/// <remarks>WebAssembly 3.0, 2.5 Modules. Every index space lists the imports first.</remarks>
public sealed class WasmModule
{
    private NameSection? _names;

    internal WasmModule()
    {
    }

    /// <summary>The names that the module's name section gives to its parts, decoded when they are asked for.</summary>
    public NameSection Names => _names ??= NameSection.Of(this);

    /// <summary>The bytes of the module.</summary>
    public required ReadOnlyMemory<byte> Bytes { get; init; }

    /// <summary>The proposals that the decoder allowed.</summary>
    public required WasmFeatures Features { get; init; }

    /// <summary>The type index space.</summary>
    public required ImmutableArray<SubType> Types { get; init; }

    /// <summary>The imports, in order; duplicates are allowed.</summary>
    public required ImmutableArray<Import> Imports { get; init; }

    /// <summary>The type index of every function.</summary>
    public required ImmutableArray<int> Functions { get; init; }

    /// <summary>The type of every table.</summary>
    public required ImmutableArray<TableType> Tables { get; init; }

    /// <summary>The type of every memory.</summary>
    public required ImmutableArray<MemoryType> Memories { get; init; }

    /// <summary>The type of every global.</summary>
    public required ImmutableArray<GlobalType> Globals { get; init; }

    /// <summary>The type index of every tag.</summary>
    public required ImmutableArray<int> Tags { get; init; }

    /// <summary>The number of imported functions.</summary>
    public required int ImportedFunctionCount { get; init; }

    /// <summary>The number of imported tables.</summary>
    public required int ImportedTableCount { get; init; }

    /// <summary>The number of imported memories.</summary>
    public required int ImportedMemoryCount { get; init; }

    /// <summary>The number of imported globals.</summary>
    public required int ImportedGlobalCount { get; init; }

    /// <summary>The number of imported tags.</summary>
    public required int ImportedTagCount { get; init; }

    /// <summary>The code of the defined functions: index = function index - <see cref="ImportedFunctionCount"/>.</summary>
    public required ImmutableArray<FunctionBody> Bodies { get; init; }

    /// <summary>The initialisers of the defined globals, <c>end</c> included: index = global index - <see cref="ImportedGlobalCount"/>.</summary>
    public required ImmutableArray<ByteRange> GlobalInitializers { get; init; }

    /// <summary>The initialisers of the defined tables, <c>end</c> included; length 0 for none (null).</summary>
    public required ImmutableArray<ByteRange> TableInitializers { get; init; }

    /// <summary>The exports, in order.</summary>
    public required ImmutableArray<Export> Exports { get; init; }

    /// <summary>The start function, or null.</summary>
    public required int? StartFunction { get; init; }

    /// <summary>The element segments.</summary>
    public required ImmutableArray<ElementSegment> ElementSegments { get; init; }

    /// <summary>The data segments.</summary>
    public required ImmutableArray<DataSegment> DataSegments { get; init; }

    /// <summary>The number of data segments the data count section declares, or null without one.</summary>
    public required int? DataCount { get; init; }

    /// <summary>The custom sections, in order; duplicates kept.</summary>
    public required ImmutableArray<CustomSection> CustomSections { get; init; }

    /// <summary>Offsets of each import, function declaration, table, memory, global, export ... for error positions.</summary>
    internal ModuleOffsets Offsets { get; init; } = new();

    /// <summary>
    /// The proposals that the module uses: it decodes and validates with these alone, and not when one of them is off. For a module that has been validated; every call walks over
    /// all its code.
    /// </summary>
    public WasmFeatures FindUsedFeatures() => FeatureScan.Of(this);

    /// <summary>The function type of a type index that is known to be a function's.</summary>
    public FunctionType GetFunctionType(int typeIndex) => Types[typeIndex].Composite.Function
        ?? throw new ArgumentException($"type {typeIndex} is no function type", nameof(typeIndex));

    /// <summary>The type of a function of the function index space.</summary>
    public FunctionType GetTypeOfFunction(int functionIndex) => GetFunctionType(Functions[functionIndex]);

    /// <summary>The type of an import or export.</summary>
    public ExternType GetExternType(ExternKind kind, int index) => kind switch
    {
        ExternKind.Function => GetTypeOfFunction(index),
        ExternKind.Table => Tables[index],
        ExternKind.Memory => Memories[index],
        ExternKind.Global => Globals[index],
        ExternKind.Tag => new TagType(GetFunctionType(Tags[index])),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };
}

/// <summary>Where the parts of a module begin, for the positions in validation errors.</summary>
internal sealed class ModuleOffsets
{
    /// <summary>The offset of a part, 0 where none was kept.</summary>
    public static int At(ImmutableArray<int> offsets, int index) => (uint)index < (uint)offsets.Length ? offsets[index] : 0;

    public ImmutableArray<int> Types { get; init; } = [];

    public ImmutableArray<int> Imports { get; init; } = [];

    public ImmutableArray<int> Functions { get; init; } = [];

    public ImmutableArray<int> Tables { get; init; } = [];

    public ImmutableArray<int> Memories { get; init; } = [];

    public ImmutableArray<int> Globals { get; init; } = [];

    public ImmutableArray<int> Tags { get; init; } = [];

    public ImmutableArray<int> Exports { get; init; } = [];

    public ImmutableArray<int> ElementSegments { get; init; } = [];

    public ImmutableArray<int> DataSegments { get; init; } = [];

    public int Start { get; init; }

    /// <summary>Whether types stand in a group that is written as one, be it of one type or of none.</summary>
    public bool HasRecursiveGroup { get; init; }

    /// <summary>The recursion groups without types, each by the type index that it stands before: they define nothing, but are written again.</summary>
    public ImmutableArray<int> EmptyRecursiveGroups { get; init; } = [];
}
