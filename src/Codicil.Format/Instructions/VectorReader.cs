using Codicil.Format.Binary;
using Codicil.Format.Types;

namespace Codicil.Format.Instructions;

/// <summary>Reads the elements of an instruction's vector, which the <see cref="InstructionReader"/> has checked. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 5.2.1 Lists.</remarks>
public ref struct VectorReader
{
    private ByteReader _reader;

    /// <summary>A reader of <see cref="Instruction.VectorCount"/> elements.</summary>
    public VectorReader(in Instruction instruction) => _reader = new ByteReader(instruction.Vector, 0, instruction.Vector.Length);

    /// <summary>Whether all elements are read.</summary>
    public readonly bool AtEnd => _reader.AtEnd;

    /// <summary>Reads a label of br_table.</summary>
    public uint ReadLabel() => _reader.ReadU32();

    /// <summary>Reads a type of select t.</summary>
    public ValType ReadType() => TypeReader.ReadValType(ref _reader, WasmFeatures.All);

    /// <summary>Reads a clause of try_table.</summary>
    public CatchClause ReadCatch()
    {
        var kind = (CatchKind)_reader.ReadByte();
        uint tag = kind <= CatchKind.CatchRef ? _reader.ReadU32() : 0;
        return new CatchClause(kind, tag, _reader.ReadU32());
    }
}
