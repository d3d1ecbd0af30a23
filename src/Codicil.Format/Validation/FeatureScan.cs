using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

/// <summary>Finds the proposals that a module cannot be without, by one walk over its parts and its code.</summary>
/// <remarks>It answers what the gates of the decoder and the validator would: the module passes with the proposals that are found, and with none of them taken away.</remarks>
internal sealed class FeatureScan
{
    // What a type begins with when it says whether it is final (5.3.10), as plain function types need not.
    private const byte SubFinal = 0x4F;
    private const byte SubOpen = 0x50;

    private readonly WasmModule _module;
    private WasmFeatures _used;
    private bool _namesDefinedGlobal;

    private FeatureScan(WasmModule module) => _module = module;

    private ReadOnlySpan<byte> Bytes => _module.Bytes.Span;

    public static WasmFeatures Of(WasmModule module)
    {
        var scan = new FeatureScan(module);
        scan.ScanTypes();
        scan.ScanTables();
        scan.ScanMemories();
        scan.ScanGlobals();
        scan.ScanSegments();
        scan.ScanBodies();
        if (!module.Tags.IsEmpty)
        {
            scan._used |= WasmFeatures.Exceptions;
        }

        // Either proposal allows it: what the module needs anyway is enough.
        if (scan._namesDefinedGlobal && (scan._used & WasmFeatures.GarbageCollection) == 0)
        {
            scan._used |= WasmFeatures.ExtendedConstants;
        }

        return scan._used;
    }

    private void ScanTypes()
    {
        if (_module.Offsets.HasRecursiveGroup)
        {
            _used |= WasmFeatures.GarbageCollection;
        }

        for (int i = 0; i < _module.Types.Length; i++)
        {
            SubType type = _module.Types[i];
            if (Bytes[_module.Offsets.Types[i]] is SubFinal or SubOpen || type.Composite.Kind != CompositeKind.Function)
            {
                _used |= WasmFeatures.GarbageCollection;
            }

            if (type.Composite.Function is FunctionType function)
            {
                if (function.Results.Length > 1)
                {
                    _used |= WasmFeatures.MultiValue;
                }

                foreach (ValType parameter in function.Parameters)
                {
                    Add(parameter);
                }

                foreach (ValType result in function.Results)
                {
                    Add(result);
                }
            }

            foreach (FieldType field in type.Composite.Fields)
            {
                Add(field.Type);
            }
        }
    }

    private void ScanTables()
    {
        if (_module.Tables.Length > 1)
        {
            _used |= WasmFeatures.ReferenceTypes;
        }

        foreach (TableType table in _module.Tables)
        {
            if (table.ElementType != ValType.FuncRef)
            {
                Add(table.ElementType);
            }

            if (table.Is64)
            {
                _used |= WasmFeatures.Memory64;
            }
        }

        foreach (ByteRange initializer in _module.TableInitializers)
        {
            if (initializer.Length > 0)
            {
                _used |= WasmFeatures.FunctionReferences;
                ScanConstant(initializer);
            }
        }
    }

    private void ScanMemories()
    {
        if (_module.Memories.Length > 1)
        {
            _used |= WasmFeatures.MultiMemory;
        }

        foreach (MemoryType memory in _module.Memories)
        {
            _used |= (memory.Is64 ? WasmFeatures.Memory64 : 0) | (memory.IsShared ? WasmFeatures.Threads : 0) | (memory.PageSizeLog2 != 16 ? WasmFeatures.CustomPageSizes : 0);
        }
    }

    private void ScanGlobals()
    {
        for (int i = 0; i < _module.Globals.Length; i++)
        {
            Add(_module.Globals[i].Type);
            if (i < _module.ImportedGlobalCount && _module.Globals[i].IsMutable)
            {
                _used |= WasmFeatures.MutableGlobals;
            }
        }

        foreach (Export export in _module.Exports)
        {
            if (export.Kind == ExternKind.Global && _module.Globals[export.Index].IsMutable)
            {
                _used |= WasmFeatures.MutableGlobals;
            }
        }

        foreach (ByteRange initializer in _module.GlobalInitializers)
        {
            ScanConstant(initializer);
        }
    }

    private void ScanSegments()
    {
        for (int i = 0; i < _module.ElementSegments.Length; i++)
        {
            // What the segment says can be less than what its form asks for: only the flags tell.
            uint flags = ReadU32(_module.Offsets.ElementSegments[i]);
            if (flags != 0)
            {
                _used |= flags is 1 or 2 or 5 ? WasmFeatures.BulkMemory : WasmFeatures.ReferenceTypes;
            }

            ElementSegment segment = _module.ElementSegments[i];
            if (segment.Mode != SegmentMode.Active)
            {
                _used |= WasmFeatures.BulkMemory;
            }

            if (!segment.Expressions.IsDefault)
            {
                if (segment.Type != ValType.FuncRef)
                {
                    AddReference(segment.Type);
                }

                foreach (ByteRange expression in segment.Expressions)
                {
                    ScanConstant(expression);
                }
            }

            ScanConstant(segment.Offset);
        }

        if (_module.DataCount is not null)
        {
            _used |= WasmFeatures.BulkMemory;
        }

        for (int i = 0; i < _module.DataSegments.Length; i++)
        {
            if (ReadU32(_module.Offsets.DataSegments[i]) != 0)
            {
                _used |= WasmFeatures.BulkMemory;
            }

            ScanConstant(_module.DataSegments[i].Offset);
        }
    }

    private void ScanBodies()
    {
        ReadOnlySpan<byte> bytes = Bytes;
        foreach (FunctionBody body in _module.Bodies)
        {
            var locals = new LocalsReader(bytes, body);
            while (locals.Read(out _, out ValType type))
            {
                Add(type);
            }

            var reader = new InstructionReader(bytes, body.InstructionsStart, body.Range.End);
            while (!reader.AtEnd)
            {
                reader.Read(out Instruction instruction);
                Scan(instruction, reader.Offset);
            }
        }
    }

    private void ScanConstant(ByteRange expression)
    {
        var reader = new InstructionReader(Bytes, expression.Start, expression.End);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            Scan(instruction, reader.Offset);
            _used |= OpcodeTable.ConstantFeature(instruction.Opcode);
            _namesDefinedGlobal |= instruction.Opcode == Opcode.GlobalGet && instruction.Index >= (uint)_module.ImportedGlobalCount;
        }
    }

    private void Scan(in Instruction instruction, int end)
    {
        _used |= OpcodeTable.Feature(instruction.Opcode);
        switch (OpcodeTable.Immediate(instruction.Opcode))
        {
            case ImmediateKind.BlockType or ImmediateKind.BlockTypeAndCatches:
                if (instruction.BlockType.TypeIndex >= 0)
                {
                    _used |= WasmFeatures.MultiValue;
                }
                else if (!instruction.BlockType.IsEmpty)
                {
                    Add(instruction.BlockType.Result);
                }

                break;
            case ImmediateKind.HeapType:
                Add(instruction.HeapType);
                break;
            case ImmediateKind.Cast:
                Add(instruction.HeapType);
                Add(instruction.TargetHeapType);
                break;
            case ImmediateKind.ValueTypes:
                var types = new VectorReader(instruction);
                while (!types.AtEnd)
                {
                    Add(types.ReadType());
                }

                break;
            case ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane:
                if (instruction.Index != 0)
                {
                    _used |= WasmFeatures.MultiMemory;
                }

                break;
            case ImmediateKind.TypeAndTable or ImmediateKind.ElementAndTable:
                AddIndex(WasmFeatures.ReferenceTypes, end, count: 1);
                break;
            case ImmediateKind.TablePair:
                AddIndex(WasmFeatures.ReferenceTypes, end, count: 2);
                break;
            case ImmediateKind.Memory or ImmediateKind.DataAndMemory:
                AddIndex(WasmFeatures.MultiMemory, end, count: 1);
                break;
            case ImmediateKind.MemoryPair:
                AddIndex(WasmFeatures.MultiMemory, end, count: 2);
                break;
        }
    }

    // These indices were zero bytes once: a zero in more bytes than one, as linkers leave it, needs the proposal, too. The byte in front of them ends something.
    private void AddIndex(WasmFeatures feature, int end, int count)
    {
        ReadOnlySpan<byte> bytes = Bytes;
        bool isReserved = bytes[end - count - 1] < 0x80;
        for (int i = end - count; i < end; i++)
        {
            isReserved &= bytes[i] == 0;
        }

        if (!isReserved)
        {
            _used |= feature;
        }
    }

    private void Add(ValType type)
    {
        if (type.Kind == ValKind.V128)
        {
            _used |= WasmFeatures.Simd;
        }
        else if (type.IsReference)
        {
            _used |= WasmFeatures.ReferenceTypes;
            AddReference(type);
        }
    }

    private void AddReference(ValType type)
    {
        if (!type.IsNullable)
        {
            _used |= WasmFeatures.FunctionReferences;
        }

        Add(type.HeapType);
    }

    private void Add(HeapType type) => _used |= type.IsConcrete ? WasmFeatures.FunctionReferences : TypeReader.FeatureOf(type);

    private uint ReadU32(int offset)
    {
        var reader = new ByteReader(Bytes, offset, _module.Bytes.Length);
        return reader.ReadU32();
    }
}
