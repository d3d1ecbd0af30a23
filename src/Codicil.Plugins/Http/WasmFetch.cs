using System.Globalization;

namespace Codicil.Plugins.Http;

/// <summary>Loads a module's bytes from its URL, under the rules of guests' requests. Its own host and port are what the manifest's author chose; others are reached only where the options say so.</summary>
internal sealed class WasmFetch
{
    private readonly PluginHttpGroup _group;
    private readonly PluginWasmUrl _source;
    private readonly HttpExchange _exchange;

    /// <summary>A fetch.</summary>
    /// <exception cref="PluginException">The URL, the method or a header is bad, or the address is blocked.</exception>
    public WasmFetch(PluginHttpGroup group, PluginWasmUrl source)
    {
        _group = group;
        _source = source;

        // Of two names that differ in case the last counts, as in a guest's request.
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in source.Headers)
        {
            headers[name] = value;
        }

        try
        {
            GuestRequest request = GuestRequest.Create(source.Url, source.Method, headers, [], hasBody: false, group.Options);
            _exchange = new HttpExchange(group, request, url => request.Url.IsServerOf(url) || group.WasmRedirectHosts.IsMatch(url.Host, url.Port), group.Options.MaxWasmBytes);
            _exchange.Check();
        }
        catch (PluginException exception)
        {
            throw Failed(exception.Message, exception);
        }
    }

    /// <summary>Loads the bytes, on this thread.</summary>
    /// <exception cref="PluginException">They cannot be had.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public byte[] Load(CancellationToken cancellationToken)
    {
        using HttpReply reply = HttpWait.Run(_exchange.RunAsync, task => Wait(task, cancellationToken));
        return Finish(reply);
    }

    /// <summary>Loads the bytes.</summary>
    /// <inheritdoc cref="Load"/>
    public async Task<byte[]> LoadAsync(CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(_group.Options.RequestTimeout);
        try
        {
            using HttpReply reply = await _exchange.RunAsync(timeout.Token).ConfigureAwait(false);
            return Finish(reply);
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw TimedOut();
        }
    }

    private void Wait(Task task, CancellationToken cancellationToken)
    {
        // Finished is never faulted, so that the wait throws for the token alone.
        if (!HttpWait.Finished(task).Task.Wait((int)_group.Options.RequestTimeout.TotalMilliseconds, cancellationToken))
        {
            throw TimedOut();
        }
    }

    private byte[] Finish(HttpReply reply)
    {
        // Of a response that is no module, the size does not matter.
        if (reply.StatusCode is not (0 or 200))
        {
            throw Failed(string.Create(CultureInfo.InvariantCulture, $"the status is {reply.StatusCode}, 200 is expected"), reply.Failure);
        }

        if (reply.Failure is PluginException failure)
        {
            throw Failed(failure.Message, failure);
        }

        byte[] bytes = GC.AllocateUninitializedArray<byte>(checked((int)reply.Body.Length));
        reply.Body.CopyTo(bytes);
        return bytes;
    }

    private PluginException TimedOut() =>
        Failed(string.Create(CultureInfo.InvariantCulture, $"no complete response in {_group.Options.RequestTimeout.TotalSeconds} s"), null);

    private PluginException Failed(string reason, Exception? cause) =>
        new(PluginFailure.Load, $"failed to fetch Wasm data from URL '{HttpText.Shown(_source.Url)}': {reason}", cause);
}
