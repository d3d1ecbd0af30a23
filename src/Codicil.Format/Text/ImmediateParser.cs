using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Numerics;

using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>Reads the arguments of an instruction, as the opcode table's <see cref="ImmediateKind"/> has them (6.5). Not thread-safe.</summary>
internal sealed class ImmediateParser
{
    private readonly TokenCursor _cursor;
    private readonly ModuleScopes _scopes;
    private readonly TypeParser _types;
    private readonly NameScope _locals;
    private readonly LabelScope _labels;
    private readonly ByteWriter _vector = new();

    public ImmediateParser(TokenCursor cursor, ModuleScopes scopes, TypeParser types, NameScope locals, LabelScope labels)
    {
        _cursor = cursor;
        _scopes = scopes;
        _types = types;
        _locals = locals;
        _labels = labels;
    }

    /// <summary>Reads what follows a mnemonic. The instruction is valid until the next one is read.</summary>
    public void Read(Opcode opcode, out Instruction instruction)
    {
        instruction = default;
        instruction.Opcode = opcode;
        switch (OpcodeTable.Immediate(opcode))
        {
            case ImmediateKind.None or ImmediateKind.Fence:
                if (opcode == Opcode.Select && _cursor.AtForm("result"u8))
                {
                    instruction.Opcode = Opcode.SelectTyped;
                    ReadResultTypes(ref instruction);
                }

                break;

            case ImmediateKind.BlockType:
                instruction.BlockType = ReadBlockType();
                break;

            case ImmediateKind.BlockTypeAndCatches:
                instruction.BlockType = ReadBlockType();
                ReadCatches(ref instruction);
                break;

            case ImmediateKind.Label:
                instruction.Index = ReadLabel();
                break;

            case ImmediateKind.LabelVector:
                ReadLabels(ref instruction);
                break;

            case ImmediateKind.Local:
                instruction.Index = _types.ReadIndex(_locals);
                break;

            case ImmediateKind.Global:
                instruction.Index = _types.ReadIndex(_scopes.Globals);
                break;

            case ImmediateKind.Function:
                instruction.Index = _types.ReadIndex(_scopes.Functions);
                break;

            case ImmediateKind.Type:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                break;

            case ImmediateKind.Tag:
                instruction.Index = _types.ReadIndex(_scopes.Tags);
                break;

            case ImmediateKind.Table:
                instruction.Index = _types.ReadOptionalIndex(_scopes.Tables);
                break;

            case ImmediateKind.TypeAndTable:
                instruction.SecondIndex = _types.ReadOptionalIndex(_scopes.Tables);
                instruction.Index = _types.ReadTypeUse(null, allowIdentifiers: false);
                break;

            case ImmediateKind.Memory:
                instruction.Index = _types.ReadOptionalIndex(_scopes.Memories);
                break;

            case ImmediateKind.MemoryPair:
                ReadPair(_scopes.Memories, ref instruction);
                break;

            case ImmediateKind.TablePair:
                ReadPair(_scopes.Tables, ref instruction);
                break;

            case ImmediateKind.DataAndMemory:
                ReadSegmentAndTarget(_scopes.DataSegments, _scopes.Memories, ref instruction);
                break;

            case ImmediateKind.ElementAndTable:
                ReadSegmentAndTarget(_scopes.ElementSegments, _scopes.Tables, ref instruction);
                break;

            case ImmediateKind.Data:
                instruction.Index = _types.ReadIndex(_scopes.DataSegments);
                break;

            case ImmediateKind.Element:
                instruction.Index = _types.ReadIndex(_scopes.ElementSegments);
                break;

            case ImmediateKind.MemoryArgument:
                ReadMemoryArgument(_cursor.AtIndex, ref instruction);
                break;

            case ImmediateKind.MemoryArgumentAndLane:
                // A lone number is the lane; a memory index has something behind it.
                ReadMemoryArgument(_cursor.AtIdentifier || (_cursor.Kind == TokenKind.Number && IsFollowedByArgument()), ref instruction);
                instruction.Lane = _cursor.ReadU8();
                break;

            case ImmediateKind.Lane:
                instruction.Lane = _cursor.ReadU8();
                break;

            case ImmediateKind.Lanes:
                ReadLanes(ref instruction);
                break;

            case ImmediateKind.I32:
                instruction.Bits = (ulong)(long)(int)ReadInteger(32);
                break;

            case ImmediateKind.I64:
                instruction.Bits = ReadInteger(64);
                break;

            case ImmediateKind.F32:
                instruction.Bits = ReadFloat(isDouble: false);
                break;

            case ImmediateKind.F64:
                instruction.Bits = ReadFloat(isDouble: true);
                break;

            case ImmediateKind.V128:
                UInt128 vector = ReadVector();
                instruction.Bits = (ulong)vector;
                instruction.HighBits = (ulong)(vector >> 64);
                break;

            case ImmediateKind.ValueTypes:
                ReadResultTypes(ref instruction);
                break;

            case ImmediateKind.HeapType when opcode == Opcode.RefNull:
                instruction.HeapType = _types.ReadHeapType();
                break;

            case ImmediateKind.HeapType:
                ReadTestedType(ref instruction);
                break;

            case ImmediateKind.Cast:
                ReadCast(ref instruction);
                break;

            case ImmediateKind.TypeAndField:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                instruction.SecondIndex = ReadField(instruction.Index);
                break;

            case ImmediateKind.TypePair:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                instruction.SecondIndex = _types.ReadIndex(_scopes.Types);
                break;

            case ImmediateKind.TypeAndData:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                instruction.SecondIndex = _types.ReadIndex(_scopes.DataSegments);
                break;

            case ImmediateKind.TypeAndElement:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                instruction.SecondIndex = _types.ReadIndex(_scopes.ElementSegments);
                break;

            case ImmediateKind.TypeAndLength:
                instruction.Index = _types.ReadIndex(_scopes.Types);
                instruction.SecondIndex = _cursor.ReadU32();
                break;

            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>An integer constant as its low bits.</summary>
    public ulong ReadInteger(int width)
    {
        ulong bits = 0;
        NumberStatus status = _cursor.Kind == TokenKind.Number ? NumberLiteral.ParseInteger(_cursor.Text, width, out bits) : NumberStatus.Malformed;
        CheckNumber(status, width switch { 8 => "i8", 16 => "i16", 32 => "i32", _ => "i64" });
        return bits;
    }

    /// <summary>A float constant as its bits.</summary>
    public ulong ReadFloat(bool isDouble)
    {
        NumberStatus status = NumberStatus.Malformed;
        ulong bits = 0;
        if (_cursor.Kind is TokenKind.Number or TokenKind.Keyword)
        {
            if (isDouble)
            {
                status = NumberLiteral.ParseFloat64(_cursor.Text, out bits);
            }
            else
            {
                status = NumberLiteral.ParseFloat32(_cursor.Text, out uint narrow);
                bits = narrow;
            }
        }

        CheckNumber(status, isDouble ? "f64" : "f32");
        return bits;
    }

    /// <summary>A shape and its lanes.</summary>
    public UInt128 ReadVector()
    {
        VectorShape shape = ReadShape();
        Span<byte> bytes = stackalloc byte[16];
        int laneSize = 16 / shape.Lanes;
        CheckLaneCount(shape.Lanes);
        for (int lane = 0; lane < shape.Lanes; lane++)
        {
            ulong bits = shape.IsFloat ? ReadFloat(laneSize == 8) : ReadInteger(laneSize * 8);
            for (int i = 0; i < laneSize; i++)
            {
                bytes[(lane * laneSize) + i] = (byte)(bits >> (i * 8));
            }
        }

        return BinaryPrimitives.ReadUInt128LittleEndian(bytes);
    }

    /// <summary>Complains about too few or too many numbers before it does about any of them.</summary>
    private void CheckLaneCount(int lanes)
    {
        for (int i = 0; i <= lanes; i++)
        {
            bool isNumber = _cursor.PeekKind(i) is TokenKind.Number or TokenKind.Reserved
                || (_cursor.PeekKind(i) == TokenKind.Keyword && !Keywords.TryFindOpcode(_cursor.PeekText(i), out _));
            if (isNumber == (i == lanes))
            {
                _cursor.Fail(isNumber ? $"wrong number of lane literals: more than {lanes}" : $"wrong number of lane literals: {i} of {lanes}", _cursor.Position + i);
            }
        }
    }

    /// <summary><c>i32x4</c> and so on.</summary>
    public VectorShape ReadShape()
    {
        VectorShape? shape = _cursor.Kind != TokenKind.Keyword ? null
            : _cursor.AtKeyword("i8x16"u8) ? new VectorShape(16, false)
            : _cursor.AtKeyword("i16x8"u8) ? new VectorShape(8, false)
            : _cursor.AtKeyword("i32x4"u8) ? new VectorShape(4, false)
            : _cursor.AtKeyword("i64x2"u8) ? new VectorShape(2, false)
            : _cursor.AtKeyword("f32x4"u8) ? new VectorShape(4, true)
            : _cursor.AtKeyword("f64x2"u8) ? new VectorShape(2, true)
            : null;
        if (shape is not VectorShape found)
        {
            throw _cursor.UnexpectedError();
        }

        _cursor.Position++;
        return found;
    }

    private void CheckNumber(NumberStatus status, string type)
    {
        if (status == NumberStatus.Malformed)
        {
            _cursor.Unexpected();
        }

        if (status == NumberStatus.OutOfRange)
        {
            _cursor.Fail($"constant out of range of {type}", _cursor.Position);
        }

        _cursor.Position++;
    }

    private uint ReadLabel()
    {
        if (_cursor.Kind == TokenKind.Number)
        {
            return _cursor.ReadU32();
        }

        int position = _cursor.Position;
        int symbol = _types.ReadSymbol();
        if (!_labels.TryFind(symbol, out uint index))
        {
            _cursor.Fail($"unknown label {_types.IdentifierText(symbol)}", position);
        }

        return index;
    }

    private void ReadLabels(ref Instruction instruction)
    {
        _vector.Length = 0;
        int count = 0;
        uint last = ReadLabel();
        while (_cursor.AtIndex)
        {
            _vector.WriteU32(last);
            count++;
            last = ReadLabel();
        }

        instruction.Index = last;
        instruction.VectorCount = count;
        instruction.Vector = _vector.Written;
    }

    private BlockType ReadBlockType()
    {
        if (_cursor.Kind != TokenKind.LeftParenthesis)
        {
            return BlockType.Empty;
        }

        uint index = _types.ReadTypeUse(null, allowIdentifiers: false, out FunctionType inline, out bool isExplicit);
        if (isExplicit)
        {
            return new BlockType((int)Math.Min(index, int.MaxValue), default);
        }

        return (inline.Parameters.Length, inline.Results.Length) switch
        {
            (0, 0) => BlockType.Empty,
            (0, 1) => new BlockType(-1, inline.Results[0]),
            _ => new BlockType(_scopes.TypeTable.FindOrAdd(inline), default),
        };
    }

    private void ReadCatches(ref Instruction instruction)
    {
        _vector.Length = 0;
        int count = 0;
        while (true)
        {
            byte kind;
            if (_cursor.TryForm("catch"u8))
            {
                kind = 0;
            }
            else if (_cursor.TryForm("catch_ref"u8))
            {
                kind = 1;
            }
            else if (_cursor.TryForm("catch_all"u8))
            {
                kind = 2;
            }
            else if (_cursor.TryForm("catch_all_ref"u8))
            {
                kind = 3;
            }
            else
            {
                break;
            }

            _vector.WriteByte(kind);
            if (kind < 2)
            {
                _vector.WriteU32(_types.ReadIndex(_scopes.Tags));
            }

            _vector.WriteU32(ReadLabel());
            _cursor.Close();
            count++;
        }

        instruction.VectorCount = count;
        instruction.Vector = _vector.Written;
    }

    private void ReadResultTypes(ref Instruction instruction)
    {
        ImmutableArray<ValType>.Builder types = ImmutableArray.CreateBuilder<ValType>();
        while (_cursor.TryForm("result"u8))
        {
            _types.ReadValTypes(types);
            _cursor.Close();
        }

        _vector.Length = 0;
        foreach (ValType type in types)
        {
            TypeWriter.WriteValType(_vector, type);
        }

        instruction.VectorCount = types.Count;
        instruction.Vector = _vector.Written;
    }

    private void ReadPair(NameScope scope, ref Instruction instruction)
    {
        if (_cursor.AtIndex)
        {
            instruction.Index = _types.ReadIndex(scope);
            instruction.SecondIndex = _types.ReadIndex(scope);
        }
    }

    /// <summary><c>memory.init x? y</c> and <c>table.init x? y</c>: the segment comes last in text and first in binary.</summary>
    private void ReadSegmentAndTarget(NameScope segments, NameScope targets, ref Instruction instruction)
    {
        if (_cursor.PeekKind(1) is TokenKind.Number or TokenKind.Identifier or TokenKind.QuotedIdentifier)
        {
            instruction.SecondIndex = _types.ReadIndex(targets);
        }

        instruction.Index = _types.ReadIndex(segments);
    }

    private void ReadMemoryArgument(bool hasMemory, ref Instruction instruction)
    {
        if (hasMemory)
        {
            instruction.Index = _types.ReadIndex(_scopes.Memories);
        }

        if (TryReadArgument("offset="u8, out ulong offset))
        {
            instruction.Bits = offset;
        }

        int position = _cursor.Position;
        if (TryReadArgument("align="u8, out ulong alignment))
        {
            if (!BitOperations.IsPow2(alignment))
            {
                _cursor.Fail("alignment must be a power of two", position);
            }

            instruction.Alignment = (byte)BitOperations.Log2(alignment);
        }
        else
        {
            instruction.Alignment = (byte)BitOperations.Log2((uint)OpcodeTable.Width(instruction.Opcode));
        }
    }

    private bool IsFollowedByArgument() =>
        _cursor.PeekKind(1) == TokenKind.Number
        || (_cursor.PeekKind(1) == TokenKind.Keyword && (_cursor.PeekText(1).StartsWith("offset="u8) || _cursor.PeekText(1).StartsWith("align="u8)));

    private bool TryReadArgument(ReadOnlySpan<byte> name, out ulong value)
    {
        value = 0;
        if (_cursor.Kind != TokenKind.Keyword || !_cursor.Text.StartsWith(name))
        {
            return false;
        }

        switch (NumberLiteral.ParseNatural(_cursor.Text[name.Length..], out value))
        {
            case NumberStatus.Malformed:
                _cursor.Unexpected();
                break;
            case NumberStatus.OutOfRange:
                _cursor.Fail("i64 constant out of range", _cursor.Position);
                break;
            default:
                _cursor.Position++;
                break;
        }

        return true;
    }

    private void ReadLanes(ref Instruction instruction)
    {
        Span<byte> lanes = stackalloc byte[16];
        for (int i = 0; i < lanes.Length; i++)
        {
            if (_cursor.Kind is TokenKind.LeftParenthesis or TokenKind.RightParenthesis)
            {
                _cursor.Fail($"invalid lane length: {i} of 16", _cursor.Position);
            }

            if (Keywords.IsNumber(_cursor.Text) && NumberLiteral.ParseNatural(_cursor.Text, out _) == NumberStatus.Malformed)
            {
                _cursor.Fail("i8 constant out of range: a lane is a natural number", _cursor.Position);
            }

            lanes[i] = _cursor.ReadU8();
        }

        if (_cursor.Kind == TokenKind.Number)
        {
            _cursor.Fail("invalid lane length: more than 16", _cursor.Position);
        }

        instruction.Bits = BinaryPrimitives.ReadUInt64LittleEndian(lanes);
        instruction.HighBits = BinaryPrimitives.ReadUInt64LittleEndian(lanes[8..]);
    }

    /// <summary>ref.test and ref.cast name a reference type; whether it has null is part of the opcode.</summary>
    private void ReadTestedType(ref Instruction instruction)
    {
        ValType type = _types.ReadReferenceType();
        instruction.HeapType = type.HeapType;
        if (type.IsNullable)
        {
            instruction.Opcode = instruction.Opcode == Opcode.RefTest ? Opcode.RefTestNull : Opcode.RefCastNull;
        }
    }

    private void ReadCast(ref Instruction instruction)
    {
        instruction.Index = ReadLabel();
        ValType source = _types.ReadReferenceType();
        ValType target = _types.ReadReferenceType();
        instruction.HeapType = source.HeapType;
        instruction.TargetHeapType = target.HeapType;
        instruction.CastFlags = (byte)((source.IsNullable ? 1 : 0) | (target.IsNullable ? 2 : 0));
    }

    private uint ReadField(uint type)
    {
        if (_cursor.Kind == TokenKind.Number)
        {
            return _cursor.ReadU32();
        }

        int position = _cursor.Position;
        int symbol = _types.ReadSymbol();
        if (type > int.MaxValue || !_scopes.TypeTable.TryFindField((int)type, symbol, out int field))
        {
            _cursor.Fail($"unknown field {_types.IdentifierText(symbol)}", position);
            return 0;
        }

        return (uint)field;
    }
}
