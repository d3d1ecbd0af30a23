using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <content>The function, table, memory, tag and global sections (5.5.6 to 5.5.9, 5.5.17).</content>
public ref partial struct ModuleDecoder
{
    private void ReadFunctionSection()
    {
        int count = ReadCount(_functions.Count, ImplementationLimits.Functions, "functions");
        _functions.Capacity = _functions.Count + count;
        _functionOffsets.Capacity = _functions.Capacity;
        for (int i = 0; i < count; i++)
        {
            _functionOffsets.Add(_reader.Position);
            _functions.Add(_reader.ReadIndex());
        }
    }

    private void ReadTableSection()
    {
        int count = ReadCount(_tables.Count, ImplementationLimits.Tables, "tables");
        _tableInitializers.Capacity = RoomFor(count, 3);
        for (int i = 0; i < count; i++)
        {
            int start = _reader.Position;
            bool hasInitializer = _reader.Peek() == 0x40;
            if (hasInitializer)
            {
                FeatureGate.Require(_features, WasmFeatures.FunctionReferences, start);
                _reader.Position++;
                ReadZero();
            }

            AddTable(TypeReader.ReadTableType(ref _reader, _features), start);
            _tableInitializers.Add(hasInitializer ? ReadConstantExpression() : default);
        }
    }

    private void ReadMemorySection()
    {
        int count = ReadCount(_memories.Count, ImplementationLimits.Memories, "memories");
        for (int i = 0; i < count; i++)
        {
            int start = _reader.Position;
            AddMemory(TypeReader.ReadMemoryType(ref _reader, _features), start);
        }
    }

    private void ReadTagSection()
    {
        FeatureGate.Require(_features, WasmFeatures.Exceptions, _reader.Position);
        int count = ReadCount(_tags.Count, ImplementationLimits.Tags, "tags");
        _tags.Capacity = _tags.Count + RoomFor(count, 2);
        for (int i = 0; i < count; i++)
        {
            _tagOffsets.Add(_reader.Position);
            _tags.Add(ReadTagType());
        }
    }

    private void ReadGlobalSection()
    {
        int count = ReadCount(_globals.Count, ImplementationLimits.Globals, "globals");
        int room = RoomFor(count, 4);
        _globals.Capacity = _globals.Count + room;
        _globalOffsets.Capacity = _globals.Capacity;
        _globalInitializers.Capacity = room;
        for (int i = 0; i < count; i++)
        {
            _globalOffsets.Add(_reader.Position);
            _globals.Add(TypeReader.ReadGlobalType(ref _reader, _features));
            _globalInitializers.Add(ReadConstantExpression());
        }
    }

    private void AddTable(TableType type, int start)
    {
        if (_tables.Count > 0)
        {
            FeatureGate.Require(_features, WasmFeatures.ReferenceTypes, start);
        }

        _tables.Add(type);
        _tableOffsets.Add(start);
    }

    private void AddMemory(MemoryType type, int start)
    {
        if (_memories.Count > 0)
        {
            FeatureGate.Require(_features, WasmFeatures.MultiMemory, start);
        }

        if (_memories.Count == ImplementationLimits.Memories)
        {
            Malformed.OverLimit("memories", ImplementationLimits.Memories + 1, ImplementationLimits.Memories, start);
        }

        _memories.Add(type);
        _memoryOffsets.Add(start);
    }

    private int ReadTagType()
    {
        ReadZero();
        return _reader.ReadIndex();
    }

    private void ReadZero()
    {
        if (_reader.ReadByte() != 0)
        {
            Malformed.Throw("zero byte expected", _reader.Position - 1);
        }
    }
}
