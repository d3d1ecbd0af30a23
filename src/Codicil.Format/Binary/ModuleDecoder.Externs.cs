using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <content>The import and export sections (5.5.5, 5.5.10).</content>
public ref partial struct ModuleDecoder
{
    private void ReadImportSection()
    {
        int count = ReadCount(0, ImplementationLimits.Imports, "imports");
        _imports.Capacity = RoomFor(count, 4);
        _importOffsets.Capacity = _imports.Capacity;
        for (int i = 0; i < count; i++)
        {
            int start = _reader.Position;
            string moduleName = _reader.ReadName();
            string name = _reader.ReadName();
            _importOffsets.Add(start);
            int kindOffset = _reader.Position;
            byte kind = _reader.ReadByte();
            int index = kind switch
            {
                (byte)ExternKind.Function => ImportFunction(start),
                (byte)ExternKind.Table => ImportTable(start),
                (byte)ExternKind.Memory => ImportMemory(start),
                (byte)ExternKind.Global => ImportGlobal(start),
                (byte)ExternKind.Tag => ImportTag(start),
                _ => -1,
            };
            if (index < 0)
            {
                Malformed.Throw($"malformed import kind 0x{kind:x2}", kindOffset);
            }

            _imports.Add(new Import(moduleName, name, (ExternKind)kind, index));
        }
    }

    private int ImportFunction(int start)
    {
        _functions.Add(_reader.ReadIndex());
        _functionOffsets.Add(start);
        return _importedFunctionCount++;
    }

    private int ImportTable(int start)
    {
        AddTable(TypeReader.ReadTableType(ref _reader, _features), start);
        return _importedTableCount++;
    }

    private int ImportMemory(int start)
    {
        AddMemory(TypeReader.ReadMemoryType(ref _reader, _features), start);
        return _importedMemoryCount++;
    }

    private int ImportGlobal(int start)
    {
        GlobalType type = TypeReader.ReadGlobalType(ref _reader, _features);
        if (type.IsMutable)
        {
            FeatureGate.Require(_features, WasmFeatures.MutableGlobals, start);
        }

        _globals.Add(type);
        _globalOffsets.Add(start);
        return _importedGlobalCount++;
    }

    private int ImportTag(int start)
    {
        FeatureGate.Require(_features, WasmFeatures.Exceptions, start);
        _tags.Add(ReadTagType());
        _tagOffsets.Add(start);
        return _importedTagCount++;
    }

    private void ReadExportSection()
    {
        int count = ReadCount(0, ImplementationLimits.Exports, "exports");
        _exports.Capacity = RoomFor(count, 3);
        _exportOffsets.Capacity = _exports.Capacity;
        for (int i = 0; i < count; i++)
        {
            int start = _reader.Position;
            string name = _reader.ReadName();
            int kindOffset = _reader.Position;
            byte kind = _reader.ReadByte();
            if (kind > (byte)ExternKind.Tag)
            {
                Malformed.Throw($"malformed export kind 0x{kind:x2}", kindOffset);
            }

            int index = _reader.ReadIndex();
            if (kind == (byte)ExternKind.Tag)
            {
                FeatureGate.Require(_features, WasmFeatures.Exceptions, kindOffset);
            }
            else if (kind == (byte)ExternKind.Global && index < _globals.Count && _globals[index].IsMutable)
            {
                FeatureGate.Require(_features, WasmFeatures.MutableGlobals, start);
            }

            _exports.Add(new Export(name, (ExternKind)kind, index));
            _exportOffsets.Add(start);
        }
    }
}
