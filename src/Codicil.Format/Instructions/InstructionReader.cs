using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Binary;

namespace Codicil.Format.Instructions;

/// <summary>Reads instructions one after another: the only place where immediates are decoded. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 5.4 Instructions.</remarks>
public ref struct InstructionReader
{
    private const byte FirstPrefix = 0xFB;
    private const byte LastPrefix = 0xFE;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly WasmFeatures _features;
    private readonly int _start;
    private readonly int _end;
    private ByteReader _reader;

    /// <summary>A reader of the instructions in a part of a module that has been decoded before: every proposal is allowed.</summary>
    /// <param name="bytes">The bytes of the whole module.</param>
    /// <param name="start">Offset of the first instruction.</param>
    /// <param name="end">Offset behind the last instruction.</param>
    public InstructionReader(ReadOnlySpan<byte> bytes, int start, int end)
        : this(bytes, start, end, WasmFeatures.All)
    {
    }

    /// <summary>A reader of the instructions in a part of a module.</summary>
    /// <param name="bytes">The bytes of the whole module.</param>
    /// <param name="start">Offset of the first instruction.</param>
    /// <param name="end">Offset behind the last instruction.</param>
    /// <param name="features">The proposals whose instructions and types are allowed.</param>
    public InstructionReader(ReadOnlySpan<byte> bytes, int start, int end, WasmFeatures features)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(end, bytes.Length);
        _bytes = bytes;
        _features = features;
        _start = start;
        _end = end;

        // The end is checked behind each instruction and not on each byte: what an instruction that crosses it is, decides on the error.
        _reader = new ByteReader(bytes, start, bytes.Length);
    }

    /// <summary>Offset of the next byte from the start of the module.</summary>
    public readonly int Offset => _reader.Position;

    /// <summary>Whether all bytes are read.</summary>
    public readonly bool AtEnd => _reader.Position >= _end;

    /// <summary>Reads one instruction.</summary>
    /// <param name="instruction">What was read.</param>
    /// <exception cref="MalformedModuleException">The bytes are no instruction.</exception>
    /// <exception cref="UnsupportedModuleException">The instruction belongs to a proposal that is not allowed, or exceeds a limit.</exception>
    public void Read(out Instruction instruction)
    {
        instruction = default;
        int start = _reader.Position;
        if (start >= _end)
        {
            ThrowOverrun();
        }

        int slot = _reader.ReadByte();
        if (slot >= FirstPrefix)
        {
            slot = ReadPrefixed((byte)slot, start);
        }

        byte immediate = OpcodeTable.Immediates[slot];
        if (immediate == OpcodeTable.UndefinedImmediate)
        {
            ThrowIllegal(start);
        }

        FeatureGate.Require(_features, (WasmFeatures)OpcodeTable.Features[slot], start);
        instruction.Opcode = (Opcode)OpcodeTable.Opcodes[slot];
        instruction.Offset = start;
        switch ((ImmediateKind)immediate)
        {
            case ImmediateKind.None:
                break;
            case ImmediateKind.Label or ImmediateKind.Local or ImmediateKind.Global or ImmediateKind.Function or ImmediateKind.Type
                or ImmediateKind.Tag or ImmediateKind.Data or ImmediateKind.Element:
                instruction.Index = _reader.ReadU32();
                break;
            case ImmediateKind.I32:
                instruction.Bits = (ulong)(long)_reader.ReadS32();
                break;
            case ImmediateKind.MemoryArgument:
                instruction.Bits = ReadMemoryArgument(out instruction.Index, out instruction.Alignment);
                break;
            case ImmediateKind.BlockType:
                instruction.BlockType = TypeReader.ReadBlockType(ref _reader, _features);
                break;
            case ImmediateKind.I64:
                instruction.Bits = (ulong)_reader.ReadS64();
                break;
            case ImmediateKind.F32:
                instruction.Bits = _reader.ReadFixed32();
                break;
            case ImmediateKind.F64:
                instruction.Bits = _reader.ReadFixed64();
                break;
            case ImmediateKind.LabelVector:
                instruction.Vector = ReadLabels(out instruction.VectorCount);
                instruction.Index = _reader.ReadU32();
                break;
            case ImmediateKind.TypeAndTable:
                instruction.Index = _reader.ReadU32();
                instruction.SecondIndex = ReadGatedIndex(WasmFeatures.ReferenceTypes);
                break;
            case ImmediateKind.Table:
                instruction.Index = _reader.ReadU32();
                break;
            case ImmediateKind.Memory:
                instruction.Index = ReadGatedIndex(WasmFeatures.MultiMemory);
                break;
            case ImmediateKind.MemoryPair:
                instruction.Index = ReadGatedIndex(WasmFeatures.MultiMemory);
                instruction.SecondIndex = ReadGatedIndex(WasmFeatures.MultiMemory);
                break;
            case ImmediateKind.DataAndMemory:
                instruction.Index = _reader.ReadU32();
                instruction.SecondIndex = ReadGatedIndex(WasmFeatures.MultiMemory);
                break;
            case ImmediateKind.TablePair:
                instruction.Index = ReadGatedIndex(WasmFeatures.ReferenceTypes);
                instruction.SecondIndex = ReadGatedIndex(WasmFeatures.ReferenceTypes);
                break;
            case ImmediateKind.ElementAndTable:
                instruction.Index = _reader.ReadU32();
                instruction.SecondIndex = ReadGatedIndex(WasmFeatures.ReferenceTypes);
                break;
            case ImmediateKind.TypeAndField or ImmediateKind.TypePair or ImmediateKind.TypeAndData or ImmediateKind.TypeAndElement
                or ImmediateKind.TypeAndLength:
                instruction.Index = _reader.ReadU32();
                instruction.SecondIndex = _reader.ReadU32();
                break;
            case ImmediateKind.MemoryArgumentAndLane:
                instruction.Bits = ReadMemoryArgument(out instruction.Index, out instruction.Alignment);
                instruction.Lane = _reader.ReadByte();
                break;
            case ImmediateKind.Lane:
                instruction.Lane = _reader.ReadByte();
                break;
            case ImmediateKind.V128 or ImmediateKind.Lanes:
                instruction.Bits = _reader.ReadFixed64();
                instruction.HighBits = _reader.ReadFixed64();
                break;
            case ImmediateKind.HeapType:
                instruction.HeapType = TypeReader.ReadHeapType(ref _reader, _features);
                break;
            case ImmediateKind.ValueTypes:
                instruction.Vector = ReadValueTypes(out instruction.VectorCount);
                break;
            case ImmediateKind.Cast:
                instruction.CastFlags = ReadCastFlags();
                instruction.Index = _reader.ReadU32();
                instruction.HeapType = TypeReader.ReadHeapType(ref _reader, _features);
                instruction.TargetHeapType = TypeReader.ReadHeapType(ref _reader, _features);
                break;
            case ImmediateKind.BlockTypeAndCatches:
                instruction.BlockType = TypeReader.ReadBlockType(ref _reader, _features);
                instruction.Vector = ReadCatches(out instruction.VectorCount);
                break;
            case ImmediateKind.Fence:
                if (_reader.ReadByte() != 0)
                {
                    Malformed.Throw("zero byte expected", _reader.Position - 1);
                }

                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }

        if (_reader.Position > _end)
        {
            ThrowOverrun();
        }
    }

    /// <summary>Reads instructions up to and with the <c>end</c> that closes what the reader began in.</summary>
    internal void ReadToEnd()
    {
        int depth = 1;
        while (depth > 0)
        {
            Read(out Instruction instruction);
            switch (instruction.Opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                    depth++;
                    break;
                case Opcode.Else when depth == 1:
                    Malformed.Throw("END opcode expected", instruction.Offset);
                    break;
                case Opcode.End or Opcode.Delegate:
                    depth--;
                    break;
            }
        }
    }

    /// <summary>
    /// Throws for instructions that do not end where they should. The reference interpreter reads on and compares sizes afterwards; on this
    /// path to an error, so do we, to report the same.
    /// </summary>
    [DoesNotReturn]
    private readonly void ThrowOverrun()
    {
        if (_end == _bytes.Length)
        {
            Malformed.UnexpectedEnd(_end);
        }

        var beyond = new InstructionReader(_bytes, _start, _bytes.Length, _features);
        beyond.ReadToEnd();
        throw new MalformedModuleException("section size mismatch: the instructions do not end where their size says", _end);
    }

    private int ReadPrefixed(byte prefix, int start)
    {
        if (prefix > LastPrefix)
        {
            Malformed.IllegalOpcode(prefix, start);
        }

        uint sub = _reader.ReadU32();
        int slot = OpcodeTable.PrefixedSlot(prefix, sub);
        if (slot < 0 || OpcodeTable.Immediates[slot] == OpcodeTable.UndefinedImmediate)
        {
            Malformed.IllegalOpcode(prefix, sub, start);
        }

        return slot;
    }

    private readonly void ThrowIllegal(int start) => Malformed.IllegalOpcode(_reader.Since(start)[0], start);

    private ulong ReadMemoryArgument(out uint index, out byte alignment)
    {
        // memarg (5.4.6): bit 6 of the flags says that a memory index follows; above that nothing is defined.
        int start = _reader.Position;
        uint flags = _reader.ReadU32();
        if (flags >= 0x80)
        {
            Malformed.Throw("malformed memop flags", start);
        }

        index = 0;
        if ((flags & 0x40) != 0)
        {
            FeatureGate.Require(_features, WasmFeatures.MultiMemory, start);
            index = _reader.ReadU32();
        }

        alignment = (byte)(flags & 0x3F);
        return _reader.ReadU64();
    }

    /// <summary>An index that was a reserved zero byte before its proposal.</summary>
    private uint ReadGatedIndex(WasmFeatures feature)
    {
        if ((_features & feature) != 0)
        {
            return _reader.ReadU32();
        }

        byte reserved = _reader.ReadByte();
        if (reserved >= 0x80)
        {
            Malformed.Throw("zero byte expected", _reader.Position - 1);
        }

        FeatureGate.Require(_features, reserved == 0 ? WasmFeatures.None : feature, _reader.Position - 1);
        return 0;
    }

    private ReadOnlySpan<byte> ReadLabels(out int count)
    {
        int start = _reader.Position;
        count = _reader.ReadLength();
        if (count > ImplementationLimits.BranchTableLabels)
        {
            Malformed.OverLimit("labels in br_table", (ulong)count, ImplementationLimits.BranchTableLabels, start);
        }

        int vector = _reader.Position;
        for (int i = 0; i < count; i++)
        {
            _ = _reader.ReadU32();
        }

        return _reader.Since(vector);
    }

    private ReadOnlySpan<byte> ReadValueTypes(out int count)
    {
        count = _reader.ReadLength();
        int vector = _reader.Position;
        for (int i = 0; i < count; i++)
        {
            _ = TypeReader.ReadValType(ref _reader, _features);
        }

        return _reader.Since(vector);
    }

    private ReadOnlySpan<byte> ReadCatches(out int count)
    {
        int start = _reader.Position;
        count = _reader.ReadLength();
        if (count > ImplementationLimits.CatchClauses)
        {
            Malformed.OverLimit("catch clauses", (ulong)count, ImplementationLimits.CatchClauses, start);
        }

        int vector = _reader.Position;
        for (int i = 0; i < count; i++)
        {
            byte kind = _reader.ReadByte();
            if (kind > (byte)CatchKind.CatchAllRef)
            {
                Malformed.Throw("malformed catch clause", _reader.Position - 1);
            }

            if (kind <= (byte)CatchKind.CatchRef)
            {
                _ = _reader.ReadU32();
            }

            _ = _reader.ReadU32();
        }

        return _reader.Since(vector);
    }

    private byte ReadCastFlags()
    {
        byte flags = _reader.ReadByte();
        if (flags > 3)
        {
            Malformed.Throw("malformed br_on_cast flags", _reader.Position - 1);
        }

        return flags;
    }
}
