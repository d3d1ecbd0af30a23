using System.Buffers.Binary;

namespace Codicil.Plugins.Http;

/// <summary>The coded bytes of a response on their way to a decompressor, with what is needed to tell afterwards whether they were complete: the runtime's decompressors take a missing end for an end.</summary>
internal sealed class CodedStream(Stream inner) : Stream
{
    // A member's header: two bytes of magic and the method (RFC 1952, 2.3.1).
    private const uint MemberMask = 0xFFFFFF;
    private const uint MemberHeader = 0x1F8B08;

    private uint _last;
    private long _length;
    private bool _hasEnded;
    private bool _mayHaveMembers;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>
    /// Whether the decompressor, which has come to an end, had all of it. In gzip the last four bytes are the size of the last member's contents; where there may be several members, nothing can be told.
    /// The others ask for more only where they need it.
    /// </summary>
    public bool IsComplete(bool isGzip, long contentLength) =>
        _length == 0 || (isGzip ? _mayHaveMembers || BinaryPrimitives.ReverseEndianness(_last) == (uint)contentLength : !_hasEnded);

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Note(buffer.Span, count);
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        int read = inner.Read(buffer, offset, count);
        return Note(buffer.AsSpan(offset, count), read);
    }

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private int Note(ReadOnlySpan<byte> buffer, int count)
    {
        _hasEnded |= count == 0 && !buffer.IsEmpty;
        foreach (byte value in buffer[..count])
        {
            _last = (_last << 8) | value;
            _length++;
            _mayHaveMembers |= (_last & MemberMask) == MemberHeader && _length > 3;
        }

        return count;
    }
}
