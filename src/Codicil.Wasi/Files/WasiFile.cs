using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>
/// An open file. It has no position and no mode of appending: both belong to the program's descriptor. Spans are the guest's memory itself, valid for the time of the call only.
/// Offsets and the ends of ranges are at most 2^63-1. Whether it was opened for what is done with it (<see cref="WasiOpenOptions.Access"/>) has been checked before. Threads: see <see cref="WasiHandle"/>.
/// </summary>
public abstract class WasiFile : WasiHandle
{
    /// <inheritdoc/>
    public override FileType Type => FileType.RegularFile;

    /// <summary>Whether it has offsets. If not, <see cref="Read"/> and <see cref="Write"/> are called, never those with offsets; they must not wait without end.</summary>
    public virtual bool CanSeek => true;

    /// <summary>Reads at an offset. Less than was asked for only at the end of the file; nothing at the end and beyond it.</summary>
    public abstract Errno ReadAt(Span<byte> destination, ulong offset, out int count);

    /// <summary>
    /// Writes at an offset: beyond the end the gap reads as zeros, beyond what a file can have is <see cref="Errno.FBig"/>. Where there is room for a part, that part is
    /// written and counted. An empty <paramref name="source"/> changes nothing.
    /// </summary>
    public abstract Errno WriteAt(ReadOnlySpan<byte> source, ulong offset, out int count);

    /// <summary>Writes at the end of the file, wherever that is: no other write comes between finding the end and writing there.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="position">The offset after the last byte that was written.</param>
    /// <param name="count">How many were written.</param>
    public abstract Errno Append(ReadOnlySpan<byte> source, out ulong position, out int count);

    /// <summary>Cuts the file, or extends it with zeros.</summary>
    public abstract Errno SetSize(ulong size);

    /// <summary>Makes sure that a range has storage; the file is extended where it ends before. The length is not 0.</summary>
    public abstract Errno Allocate(ulong offset, ulong length);

    /// <summary>Tells how a range will be used; a length of 0 goes to the end of the file. Does nothing by default.</summary>
    public virtual Errno Advise(ulong offset, ulong length, Advice advice) => Errno.Success;

    /// <summary>Reads from a file that cannot seek. No bytes into a span that is not empty is the end.</summary>
    public virtual Errno Read(Span<byte> destination, out int count)
    {
        count = 0;
        return Errno.NotSup;
    }

    /// <summary>Writes to a file that cannot seek.</summary>
    public virtual Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        return Errno.NotSup;
    }
}
