namespace Codicil.Plugins.Http;

/// <summary>What came back for a request; the failure, where the status or the headers came but not all of the body. Its owner disposes it.</summary>
internal sealed class HttpReply : IDisposable
{
    /// <summary>The status code; 0 when there was no response.</summary>
    public int StatusCode { get; set; }

    /// <summary>The headers: names in lower case, in ordinal order, values of the same name joined with commas.</summary>
    public SortedDictionary<string, string> Headers { get; } = new(StringComparer.Ordinal);

    /// <summary>The body.</summary>
    public ResponseBody Body { get; } = new();

    /// <summary>Why there is no complete response; null when there is.</summary>
    public PluginException? Failure { get; set; }

    /// <inheritdoc/>
    public void Dispose() => Body.Dispose();
}
