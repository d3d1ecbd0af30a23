using Codicil.Format.Binary;

namespace Codicil.Format.Text;

/// <summary>Bytes in the making and the places in the text that they come from. Not thread-safe.</summary>
internal sealed class CodeBuffer
{
    /// <summary>The bytes.</summary>
    public ByteWriter Code { get; } = new();

    /// <summary>Offsets in <see cref="Code"/>, ascending, with the offset in the text.</summary>
    public List<(int Offset, int Source)> Marks { get; } = [];

    /// <summary>Says that what is written next comes from a place in the text.</summary>
    public void Mark(int source) => Marks.Add((Code.Length, source));

    public void Append(CodeBuffer other)
    {
        int start = Code.Length;
        Code.WriteBytes(other.Code.Written);
        foreach ((int offset, int source) in other.Marks)
        {
            Marks.Add((start + offset, source));
        }
    }

    public void Clear()
    {
        Code.Length = 0;
        Marks.Clear();
    }
}
