using System.IO.Compression;
using System.IO.Pipelines;

namespace Codicil.Plugins.Http;

/// <summary>Compressed responses (RFC 9110, 8.4.1; RFC 7932). They are asked for and undone unless the guest says itself what it accepts.</summary>
internal static class ContentCodings
{
    /// <summary>What is accepted.</summary>
    public const string Accepted = "gzip, deflate, br";

    /// <summary>Whether a response's coding is one that is undone; several on top of each other are not.</summary>
    public static bool IsKnown(string coding) => coding.ToLowerInvariant() is "gzip" or "x-gzip" or "deflate" or "br";

    /// <summary>Whether a coding that is known is gzip.</summary>
    public static bool IsGzip(string coding) => coding.ToLowerInvariant() is "gzip" or "x-gzip";

    /// <summary>The contents of a coded stream.</summary>
    public static async ValueTask<Stream> OpenAsync(string coding, Stream stream, CancellationToken cancellationToken) => coding.ToLowerInvariant() switch
    {
        "br" => new BrotliStream(stream, CompressionMode.Decompress),
        "deflate" => await OpenDeflateAsync(stream, cancellationToken).ConfigureAwait(false),
        _ => new GZipStream(stream, CompressionMode.Decompress),
    };

    // The name stands for the zlib format, but servers exist that send it without its header. A zlib stream begins with the method, 8, in four bits; no raw one that is made in practice does.
    private static async ValueTask<Stream> OpenDeflateAsync(Stream stream, CancellationToken cancellationToken)
    {
        const int Method = 8;
        var reader = PipeReader.Create(stream);
        ReadResult result = await reader.ReadAtLeastAsync(1, cancellationToken).ConfigureAwait(false);
        bool isZlib = result.Buffer.IsEmpty || (result.Buffer.FirstSpan[0] & 0xF) == Method;
        reader.AdvanceTo(result.Buffer.Start);
        return isZlib ? new ZLibStream(reader.AsStream(), CompressionMode.Decompress) : new DeflateStream(reader.AsStream(), CompressionMode.Decompress);
    }
}
