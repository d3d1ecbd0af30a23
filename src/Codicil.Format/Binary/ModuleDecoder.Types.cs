using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Format.Binary;

/// <content>The type section (5.5.4).</content>
public ref partial struct ModuleDecoder
{
    private const byte RecursiveGroup = 0x4E;
    private const byte SubFinal = 0x4F;
    private const byte SubOpen = 0x50;

    private void ReadTypeSection()
    {
        int groups = ReadCount(0, ImplementationLimits.Types, "types");
        _types.Capacity = RoomFor(groups, 2);
        _typeOffsets.Capacity = _types.Capacity;
        for (int i = 0; i < groups; i++)
        {
            int start = _types.Count;
            if (_reader.Peek() == RecursiveGroup)
            {
                FeatureGate.Require(_features, WasmFeatures.GarbageCollection, _reader.Position);
                _reader.Position++;
                _hasRecursiveGroup = true;
                int length = ReadCount(start, ImplementationLimits.Types, "types");
                if (length == 0)
                {
                    _emptyRecursiveGroups.Add(start);
                }

                for (int j = 0; j < length; j++)
                {
                    ReadSubType(start, length);
                }
            }
            else
            {
                if (start == ImplementationLimits.Types)
                {
                    Malformed.OverLimit("types", (ulong)start + 1, ImplementationLimits.Types, _reader.Position);
                }

                ReadSubType(start, 1);
            }
        }
    }

    private void ReadSubType(int groupStart, int groupLength)
    {
        int start = _reader.Position;
        bool isFinal = true;
        ImmutableArray<int> supertypes = [];
        if (_reader.Peek() is SubFinal or SubOpen)
        {
            FeatureGate.Require(_features, WasmFeatures.GarbageCollection, start);
            isFinal = _reader.ReadByte() == SubFinal;
            int count = _reader.ReadLength();
            if (count > 0)
            {
                ImmutableArray<int>.Builder builder = ImmutableArray.CreateBuilder<int>(count);
                for (int i = 0; i < count; i++)
                {
                    builder.Add(_reader.ReadIndex());
                }

                supertypes = builder.MoveToImmutable();
            }
        }

        _typeOffsets.Add(start);
        _types.Add(new SubType(ReadCompositeType(), isFinal, supertypes, groupStart, groupLength));
    }

    private CompositeType ReadCompositeType()
    {
        int start = _reader.Position;
        int code = _reader.ReadS7();
        switch (code)
        {
            case -0x20:
                ImmutableArray<ValType> parameters = ReadValTypes(ImplementationLimits.Parameters, "parameters");
                int resultsOffset = _reader.Position;
                ImmutableArray<ValType> results = ReadValTypes(ImplementationLimits.Results, "results");
                if (results.Length > 1)
                {
                    FeatureGate.Require(_features, WasmFeatures.MultiValue, resultsOffset);
                }

                return CompositeType.OfFunction(new FunctionType(parameters, results));
            case -0x21:
                FeatureGate.Require(_features, WasmFeatures.GarbageCollection, start);
                int count = ReadCount(0, ImplementationLimits.Fields, "fields");
                ImmutableArray<FieldType>.Builder fields = ImmutableArray.CreateBuilder<FieldType>(RoomFor(count, 2));
                for (int i = 0; i < count; i++)
                {
                    fields.Add(TypeReader.ReadFieldType(ref _reader, _features));
                }

                return CompositeType.OfStruct(fields.DrainToImmutable());
            case -0x22:
                FeatureGate.Require(_features, WasmFeatures.GarbageCollection, start);
                return CompositeType.OfArray(TypeReader.ReadFieldType(ref _reader, _features));
            default:
                Malformed.Throw("malformed definition type", start);
                return null!;
        }
    }

    private ImmutableArray<ValType> ReadValTypes(int limit, string what)
    {
        int count = ReadCount(0, limit, what);
        for (int i = 0; i < count; i++)
        {
            _scratchTypes[i] = TypeReader.ReadValType(ref _reader, _features);
        }

        return ImmutableArray.Create(_scratchTypes.AsSpan(0, count));
    }
}
