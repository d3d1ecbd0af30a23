using System.Buffers;

namespace Codicil.Plugins.Http;

/// <summary>A response's body, collected in pieces: it takes the memory of what came, not of what was announced.</summary>
internal sealed class ResponseBody : IDisposable
{
    private const int PieceSize = 64 * 1024;

    private readonly List<byte[]> _pieces = [];
    private int _lastLength;

    /// <summary>Its length in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>Reads a stream to its end.</summary>
    /// <returns>Whether it has no more than <paramref name="maxBytes"/>.</returns>
    public async ValueTask<bool> ReadAsync(Stream stream, long maxBytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (_pieces.Count == 0 || _lastLength == PieceSize)
            {
                _pieces.Add(ArrayPool<byte>.Shared.Rent(PieceSize));
                _lastLength = 0;
            }

            int read = await stream.ReadAsync(_pieces[^1].AsMemory(_lastLength, PieceSize - _lastLength), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                return true;
            }

            _lastLength += read;
            Length += read;
            if (Length > maxBytes)
            {
                return false;
            }
        }
    }

    /// <summary>Copies it to a place of its length.</summary>
    public void CopyTo(Span<byte> destination)
    {
        for (int i = 0; i < _pieces.Count; i++)
        {
            ReadOnlySpan<byte> piece = _pieces[i].AsSpan(0, i == _pieces.Count - 1 ? _lastLength : PieceSize);
            piece.CopyTo(destination);
            destination = destination[piece.Length..];
        }
    }

    /// <summary>Gives the pieces back, cleared.</summary>
    public void Dispose()
    {
        foreach (byte[] piece in _pieces)
        {
            ArrayPool<byte>.Shared.Return(piece, clearArray: true);
        }

        _pieces.Clear();
        _lastLength = 0;
        Length = 0;
    }
}
