using System.Runtime.CompilerServices;

namespace Codicil.Runtime;

/// <summary>The bulk instructions: they check first, and then work in pieces with a poll between.</summary>
internal sealed unsafe partial class LinearMemory
{
    /// <summary>The longest piece of a bulk operation between two polls: a longer one would hold up the collector and an interruption.</summary>
    private const ulong PieceLength = 1UL << 20;

    /// <summary>Up to this .NET fills in managed code, where a fault is an exception; what is longer keeps the pages while it runs.</summary>
    private const ulong ShortFill = 512;

    /// <summary>Up to this a copy is one piece without being announced. Without vectors it is .NET's own, which is native code from 2,048 bytes on.</summary>
    private static readonly ulong s_shortCopy = BulkMemory.IsManaged ? 64UL * 1024 : 512;

    private int _pieces;

    /// <summary>memory.fill. Checks first, then writes in pieces with a poll between.</summary>
    /// <returns>Whether the range is memory; if not, nothing is written.</returns>
    public bool Fill(ulong offset, byte value, ulong length, InterruptPoll? poll = null)
    {
        if (!Contains(offset, length))
        {
            return false;
        }

        // SAFETY: the range was checked; see TryBeginPiece for a concurrent Dispose.
        byte* target = (byte*)Base + offset;
        if (length <= ShortFill)
        {
            return TryFillShort(target, value, (int)length);
        }

        while (true)
        {
            int piece = (int)Math.Min(length, PieceLength);
            if (!TryBeginPiece())
            {
                return false;
            }

            new Span<byte>(target, piece).Fill(value);
            EndPiece();
            target += piece;
            length -= (ulong)piece;
            if (length == 0)
            {
                return true;
            }

            poll?.Poll();
        }
    }

    /// <summary>memory.copy into this memory, from it or another. Checks first, then copies in pieces with a poll between; ranges may overlap.</summary>
    /// <returns>Whether both ranges are memory; if not, nothing is written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool CopyFrom(LinearMemory source, ulong sourceOffset, ulong offset, ulong length, InterruptPoll? poll = null)
    {
        if (!source.Contains(sourceOffset, length) || !Contains(offset, length))
        {
            return false;
        }

        // SAFETY: both ranges were checked; each piece is copied as if through a buffer, and the order of pieces never overwrites what is still to be read.
        // See TryBeginPiece for a concurrent Dispose.
        byte* from = (byte*)source.Base + sourceOffset;
        byte* to = (byte*)Base + offset;
        return length <= s_shortCopy ? TryCopyShort(from, to, length) : CopyPieces(source, from, to, length, poll);
    }

    private bool CopyPieces(LinearMemory source, byte* from, byte* to, ulong length, InterruptPoll? poll)
    {
        // SAFETY: as in CopyFrom.
        bool forward = to <= from || to >= from + length;
        while (true)
        {
            ulong piece = Math.Min(length, PieceLength);
            length -= piece;
            if (!source.TryBeginPiece())
            {
                return false;
            }

            bool begun = TryBeginPiece();
            if (begun)
            {
                ulong start = forward ? 0 : length;
                BulkMemory.Copy(from + start, to + start, (nuint)piece);
                EndPiece();
            }

            source.EndPiece();
            if (!begun)
            {
                return false;
            }

            if (length == 0)
            {
                return true;
            }

            if (forward)
            {
                from += piece;
                to += piece;
            }

            poll?.Poll();
        }
    }

    /// <summary>memory.init: copies from a data segment. Checks first, then copies in pieces with a poll between.</summary>
    /// <returns>Whether both ranges exist; if not, nothing is written.</returns>
    public bool Init(ReadOnlySpan<byte> data, ulong sourceOffset, ulong offset, ulong length, InterruptPoll? poll = null)
    {
        if (sourceOffset > (ulong)data.Length || length > (ulong)data.Length - sourceOffset)
        {
            return false;
        }

        // Instantiation writes its segments from outside any call, so nothing else keeps the place if the store is disposed meanwhile.
        if (!TryAddUser())
        {
            return false;
        }

        try
        {
            if (!Contains(offset, length))
            {
                return false;
            }

            // SAFETY: both ranges were checked.
            fixed (byte* start = data)
            {
                byte* from = start + sourceOffset;
                byte* to = (byte*)Base + offset;
                while (length > 0)
                {
                    ulong piece = Math.Min(length, PieceLength);
                    if (!TryBeginPiece())
                    {
                        return false;
                    }

                    BulkMemory.Copy(from, to, (nuint)piece);
                    EndPiece();
                    from += piece;
                    to += piece;
                    length -= piece;
                    if (length > 0)
                    {
                        poll?.Poll();
                    }
                }
            }

            return true;
        }
        finally
        {
            ReleaseUser();
        }
    }

    private static bool TryCopyShort(byte* from, byte* to, ulong length)
    {
        try
        {
            BulkMemory.Copy(from, to, (nuint)length);
            return true;
        }
        catch (NullReferenceException)
        {
            return false;
        }
    }

    private static bool TryFillShort(byte* target, byte value, int length)
    {
        try
        {
            new Span<byte>(target, length).Fill(value);
            return true;
        }
        catch (NullReferenceException)
        {
            return false;
        }
    }

    /// <summary>
    /// Announces a piece of a bulk operation; false once the memory has ended. The runtime copies what is long in native code, where a fault is the
    /// end of the process: so the pages stay until <see cref="EndPiece"/>. What is short it copies itself, and a fault is an exception.
    /// </summary>
    private bool TryBeginPiece()
    {
        Interlocked.Increment(ref _pieces);
        if (!_disposed)
        {
            return true;
        }

        EndPiece();
        return false;
    }

    private void EndPiece()
    {
        Interlocked.Decrement(ref _pieces);
        GC.KeepAlive(this);
    }

    private bool Contains(ulong offset, ulong length)
    {
        ulong accessible = Volatile.Read(ref Length);
        return offset <= accessible && length <= accessible - offset;
    }
}
