using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Instructions;

/// <summary>Reads the local declarations in front of a function's instructions, which the decoder has checked. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 5.5.13 Code Section.</remarks>
public ref struct LocalsReader
{
    private ByteReader _reader;
    private int _left;

    /// <summary>A reader of the locals of a body.</summary>
    /// <param name="bytes">The bytes of the whole module.</param>
    /// <param name="body">The body.</param>
    public LocalsReader(ReadOnlySpan<byte> bytes, FunctionBody body)
    {
        _reader = new ByteReader(bytes, body.Range.Start, body.InstructionsStart);
        _left = _reader.ReadLength();
    }

    /// <summary>Reads the next run of locals of one type; runs can be empty.</summary>
    /// <returns>False when there are no more.</returns>
    public bool Read(out int count, out ValType type)
    {
        if (_left == 0)
        {
            count = 0;
            type = default;
            return false;
        }

        _left--;
        count = (int)_reader.ReadU32();
        type = TypeReader.ReadValType(ref _reader, WasmFeatures.All);
        return true;
    }
}
