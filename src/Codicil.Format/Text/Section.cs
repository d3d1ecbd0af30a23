using Codicil.Format.Binary;

namespace Codicil.Format.Text;

/// <summary>The entries of a section in the making. Not thread-safe.</summary>
internal sealed class Section
{
    /// <summary>The number of entries.</summary>
    public uint Count { get; private set; }

    /// <summary>The entries.</summary>
    public CodeBuffer Content { get; } = new();

    /// <summary>Begins an entry that comes from a place in the text.</summary>
    public ByteWriter Add(int source)
    {
        Count++;
        Content.Mark(source);
        return Content.Code;
    }
}
