using System.Collections.Immutable;

using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <content>The element, data and code sections (5.5.12 to 5.5.14).</content>
public ref partial struct ModuleDecoder
{
    // The bits of an element segment's flags.
    private const uint NotActive = 1;
    private const uint ExplicitTableOrDeclarative = 2;
    private const uint WithExpressions = 4;

    private void ReadElementSection()
    {
        int count = ReadCount(0, ImplementationLimits.ElementSegments, "element segments");
        _elementSegments.Capacity = RoomFor(count, 3);
        _elementSegmentOffsets.Capacity = _elementSegments.Capacity;
        for (int i = 0; i < count; i++)
        {
            _elementSegmentOffsets.Add(_reader.Position);
            _elementSegments.Add(ReadElementSegment());
        }
    }

    private ElementSegment ReadElementSegment()
    {
        int start = _reader.Position;
        uint flags = _reader.ReadU32();
        if (flags > 7)
        {
            Malformed.Throw($"malformed elements segment kind {flags}", start);
        }

        if (flags != 0)
        {
            FeatureGate.Require(_features, flags is 1 or 2 or 5 ? WasmFeatures.BulkMemory : WasmFeatures.ReferenceTypes, start);
        }

        SegmentMode mode = (flags & NotActive) == 0 ? SegmentMode.Active
            : (flags & ExplicitTableOrDeclarative) == 0 ? SegmentMode.Passive
            : SegmentMode.Declarative;
        bool isActive = mode == SegmentMode.Active;
        int table = isActive && (flags & ExplicitTableOrDeclarative) != 0 ? _reader.ReadIndex() : 0;
        ByteRange offset = isActive ? ReadConstantExpression() : default;

        // Only the two forms for table 0 leave the type out.
        bool hasType = (flags & (NotActive | ExplicitTableOrDeclarative)) != 0;
        if ((flags & WithExpressions) != 0)
        {
            ValType type = hasType ? TypeReader.ReadReferenceType(ref _reader, _features) : ValType.FuncRef;
            return new ElementSegment { Mode = mode, Type = type, TableIndex = table, Offset = offset, Expressions = ReadElementExpressions() };
        }

        if (hasType && _reader.ReadByte() != 0)
        {
            Malformed.Throw("malformed element kind", _reader.Position - 1);
        }

        return new ElementSegment
        {
            Mode = mode,
            Type = ValType.Reference(false, HeapType.Func),
            TableIndex = table,
            Offset = offset,
            FunctionIndices = ReadElementIndices(),
        };
    }

    private ImmutableArray<int> ReadElementIndices()
    {
        int count = ReadCount(0, ImplementationLimits.Elements, "elements in a segment");
        ImmutableArray<int>.Builder indices = ImmutableArray.CreateBuilder<int>(count);
        for (int i = 0; i < count; i++)
        {
            indices.Add(_reader.ReadIndex());
        }

        return indices.MoveToImmutable();
    }

    private ImmutableArray<ByteRange> ReadElementExpressions()
    {
        int count = ReadCount(0, ImplementationLimits.Elements, "elements in a segment");
        ImmutableArray<ByteRange>.Builder expressions = ImmutableArray.CreateBuilder<ByteRange>(RoomFor(count, 2));
        for (int i = 0; i < count; i++)
        {
            expressions.Add(ReadConstantExpression());
        }

        return expressions.DrainToImmutable();
    }

    private void ReadDataSection()
    {
        int count = ReadCount(0, ImplementationLimits.DataSegments, "data segments");
        _dataSegments.Capacity = RoomFor(count, 2);
        _dataSegmentOffsets.Capacity = _dataSegments.Capacity;
        for (int i = 0; i < count; i++)
        {
            int start = _reader.Position;
            _dataSegmentOffsets.Add(start);
            uint flags = _reader.ReadU32();
            if (flags > 2)
            {
                Malformed.Throw($"malformed data segment kind {flags}", start);
            }

            if (flags != 0)
            {
                FeatureGate.Require(_features, WasmFeatures.BulkMemory, start);
            }

            SegmentMode mode = flags == 1 ? SegmentMode.Passive : SegmentMode.Active;
            int memory = flags == 2 ? _reader.ReadIndex() : 0;
            ByteRange offset = mode == SegmentMode.Active ? ReadConstantExpression() : default;
            int length = _reader.ReadLength();
            _dataSegments.Add(new DataSegment(mode, memory, offset, new ByteRange(_reader.Position, length)));
            _reader.Skip(length);
        }
    }

    private void ReadCodeSection()
    {
        int count = ReadCount(_importedFunctionCount, ImplementationLimits.Functions, "functions");
        _bodies.Capacity = RoomFor(count, 3);
        for (int i = 0; i < count; i++)
        {
            int sizeOffset = _reader.Position;
            int size = _reader.ReadLength();
            if (size > ImplementationLimits.FunctionBodyInBytes)
            {
                Malformed.OverLimit("bytes in a function body", (ulong)size, ImplementationLimits.FunctionBodyInBytes, sizeOffset);
            }

            int start = _reader.Position;
            int locals = ReadLocals();
            if (_reader.Position > start + size)
            {
                Malformed.SectionSizeMismatch(start);
            }

            // A size that the module cannot hold is malformed; the body is kept for the error that may lie in it.
            int available = Math.Min(size, _reader.End - start);
            _bodies.Add(new FunctionBody(new ByteRange(start, available), _reader.Position, locals));
            _reader.Skip(start + size - _reader.Position);
        }
    }

    /// <summary>Reads past the local declarations; they are small, and too many of them must be noticed before anything else is.</summary>
    private int ReadLocals()
    {
        int start = _reader.Position;
        int runs = _reader.ReadLength();
        ulong total = 0;
        for (int i = 0; i < runs; i++)
        {
            total += _reader.ReadU32();
            _ = TypeReader.ReadValType(ref _reader, _features);
        }

        if (total > uint.MaxValue)
        {
            Malformed.Throw($"too many locals: {total}", start);
        }

        if (total > ImplementationLimits.Locals)
        {
            Malformed.OverLimit("locals", total, ImplementationLimits.Locals, start);
        }

        return (int)total;
    }
}
