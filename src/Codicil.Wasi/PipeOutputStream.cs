using System.IO.Pipelines;

namespace Codicil.Wasi;

/// <summary>
/// Output to a pipe. Each write is handed on; a reader that is behind keeps the writer waiting, in a way that an interrupt and the end of the store reach.
/// </summary>
internal sealed class PipeOutputStream(PipeWriter writer) : OneWayStream
{
    private const int ChunkSize = 64 * 1024;

    public override bool CanRead => false;

    public override bool CanWrite => true;

    /// <summary>Writes for a program of a store; false when nobody reads any more.</summary>
    public bool TryWrite(ReadOnlySpan<byte> source, Store? store)
    {
        while (!source.IsEmpty)
        {
            ReadOnlySpan<byte> chunk = source[..Math.Min(source.Length, ChunkSize)];
            chunk.CopyTo(writer.GetSpan(chunk.Length));
            writer.Advance(chunk.Length);
            source = source[chunk.Length..];
            ValueTask<FlushResult> flush = writer.FlushAsync();
            FlushResult result = flush.IsCompleted ? flush.GetAwaiter().GetResult() : Wait(flush.AsTask(), store);
            if (result.IsCompleted)
            {
                return false;
            }
        }

        return true;
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer) => TryWrite(buffer, store: null);

    private FlushResult Wait(Task<FlushResult> flush, Store? store)
    {
        try
        {
            if (store is not null)
            {
                Interruption.Wait(store, flush);
            }

            return flush.GetAwaiter().GetResult();
        }
        catch when (!flush.IsCompleted)
        {
            // What was written stays written; the flush must not outlive the call.
            writer.CancelPendingFlush();
            throw;
        }
    }
}
