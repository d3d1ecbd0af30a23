using System.Collections.Immutable;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <content>The fields, all of them, because a struct's must stand together: what the sections fill, and the module that comes of it.</content>
public ref partial struct ModuleDecoder
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly WasmFeatures _features;
    private ByteReader _reader;
    private readonly List<int> _emptyRecursiveGroups = [];
    private bool _hasRecursiveGroup;

    private readonly ImmutableArray<SubType>.Builder _types = ImmutableArray.CreateBuilder<SubType>(0);
    private readonly ImmutableArray<Import>.Builder _imports = ImmutableArray.CreateBuilder<Import>(0);
    private readonly ImmutableArray<int>.Builder _functions = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<TableType>.Builder _tables = ImmutableArray.CreateBuilder<TableType>(0);
    private readonly ImmutableArray<MemoryType>.Builder _memories = ImmutableArray.CreateBuilder<MemoryType>(0);
    private readonly ImmutableArray<GlobalType>.Builder _globals = ImmutableArray.CreateBuilder<GlobalType>(0);
    private readonly ImmutableArray<int>.Builder _tags = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<FunctionBody>.Builder _bodies = ImmutableArray.CreateBuilder<FunctionBody>(0);
    private readonly ImmutableArray<ByteRange>.Builder _globalInitializers = ImmutableArray.CreateBuilder<ByteRange>(0);
    private readonly ImmutableArray<ByteRange>.Builder _tableInitializers = ImmutableArray.CreateBuilder<ByteRange>(0);
    private readonly ImmutableArray<Export>.Builder _exports = ImmutableArray.CreateBuilder<Export>(0);
    private readonly ImmutableArray<ElementSegment>.Builder _elementSegments = ImmutableArray.CreateBuilder<ElementSegment>(0);
    private readonly ImmutableArray<DataSegment>.Builder _dataSegments = ImmutableArray.CreateBuilder<DataSegment>(0);
    private readonly ImmutableArray<CustomSection>.Builder _customSections = ImmutableArray.CreateBuilder<CustomSection>(0);

    private readonly ImmutableArray<int>.Builder _typeOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _importOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _functionOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _tableOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _memoryOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _globalOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _tagOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _exportOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _elementSegmentOffsets = ImmutableArray.CreateBuilder<int>(0);
    private readonly ImmutableArray<int>.Builder _dataSegmentOffsets = ImmutableArray.CreateBuilder<int>(0);

    private readonly ValType[] _scratchTypes = new ValType[Math.Max(ImplementationLimits.Parameters, ImplementationLimits.Results)];

    private int _importedFunctionCount;
    private int _importedTableCount;
    private int _importedMemoryCount;
    private int _importedGlobalCount;
    private int _importedTagCount;
    private int? _startFunction;
    private int _startOffset;
    private int? _dataCount;

    private readonly WasmModule ToModule(byte[] bytes) => new()
    {
        Bytes = bytes,
        Features = _features,
        Types = _types.DrainToImmutable(),
        Imports = _imports.DrainToImmutable(),
        Functions = _functions.DrainToImmutable(),
        Tables = _tables.DrainToImmutable(),
        Memories = _memories.DrainToImmutable(),
        Globals = _globals.DrainToImmutable(),
        Tags = _tags.DrainToImmutable(),
        ImportedFunctionCount = _importedFunctionCount,
        ImportedTableCount = _importedTableCount,
        ImportedMemoryCount = _importedMemoryCount,
        ImportedGlobalCount = _importedGlobalCount,
        ImportedTagCount = _importedTagCount,
        Bodies = _bodies.DrainToImmutable(),
        GlobalInitializers = _globalInitializers.DrainToImmutable(),
        TableInitializers = _tableInitializers.DrainToImmutable(),
        Exports = _exports.DrainToImmutable(),
        StartFunction = _startFunction,
        ElementSegments = _elementSegments.DrainToImmutable(),
        DataSegments = _dataSegments.DrainToImmutable(),
        DataCount = _dataCount,
        CustomSections = _customSections.DrainToImmutable(),
        Offsets = new ModuleOffsets
        {
            Types = _typeOffsets.DrainToImmutable(),
            Imports = _importOffsets.DrainToImmutable(),
            Functions = _functionOffsets.DrainToImmutable(),
            Tables = _tableOffsets.DrainToImmutable(),
            Memories = _memoryOffsets.DrainToImmutable(),
            Globals = _globalOffsets.DrainToImmutable(),
            Tags = _tagOffsets.DrainToImmutable(),
            Exports = _exportOffsets.DrainToImmutable(),
            HasRecursiveGroup = _hasRecursiveGroup,
            EmptyRecursiveGroups = [.. _emptyRecursiveGroups],
            ElementSegments = _elementSegmentOffsets.DrainToImmutable(),
            DataSegments = _dataSegmentOffsets.DrainToImmutable(),
            Start = _startOffset,
        },
    };
}
