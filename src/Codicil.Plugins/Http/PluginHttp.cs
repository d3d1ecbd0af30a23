using System.Collections.Frozen;
using System.Diagnostics;
using System.Globalization;

namespace Codicil.Plugins.Http;

/// <summary>HTTP of one instance: what it may reach, and what came back last. Used by the owner of the plug-in only.</summary>
internal sealed class PluginHttp
{
    private readonly Plugin _plugin;
    private readonly PluginHttpGroup _group;
    private Waiting? _waiting;

    public PluginHttp(Plugin plugin, CompiledHttp compiled, long maxResponseBytes)
    {
        _plugin = plugin;
        _group = compiled.Group;
        AllowedHosts = compiled.AllowedHosts;
        MaxResponseBytes = maxResponseBytes;
    }

    /// <summary>The hosts that may be reached.</summary>
    public HostPatternSet AllowedHosts { get; set; }

    /// <summary>The largest body of a response.</summary>
    public long MaxResponseBytes { get; set; }

    /// <summary>The last response's status; 0 when there is none.</summary>
    public int StatusCode { get; private set; }

    /// <summary>The last response's headers.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; private set; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Forgets the last response, as every request does at its beginning, also one that is refused.</summary>
    public void Clear()
    {
        StatusCode = 0;
        Headers = FrozenDictionary<string, string>.Empty;
    }

    /// <summary>There are no more requests: what is queued for their time need not wait for it.</summary>
    public void Retire() => _waiting?.Retire();

    /// <summary>Sends a guest's request and waits for the response, no longer than the call may last.</summary>
    /// <param name="json">The request. It is not looked at any more when the waiting begins.</param>
    /// <param name="body">The body.</param>
    /// <param name="hasBody">Whether there is one.</param>
    /// <returns>The reply, complete; the caller disposes it.</returns>
    /// <exception cref="PluginException">The request is refused or failed.</exception>
    public HttpReply Send(ReadOnlySpan<byte> json, ReadOnlySpan<byte> body, bool hasBody)
    {
        var request = GuestRequest.Parse(json, body, hasBody, _group.Options);
        HostPatternSet allowed = AllowedHosts;

        // What the guest's memory cannot hold need not be read.
        long maxBytes = Math.Min(MaxResponseBytes, Math.Min(_plugin.Kernel.MaxBytes, Array.MaxLength));
        var exchange = new HttpExchange(_group, request, url => allowed.IsMatch(url.Host, url.Port), maxBytes);
        exchange.Check();
        PluginOperation operation = PluginTelemetry.BeginHttp(_plugin.Name, request.Method, request.Url.Uri);
        try
        {
            HttpReply reply = HttpWait.Run(exchange.RunAsync, task => Wait(task, request));
            StatusCode = reply.StatusCode;
            Headers = reply.Headers.AsReadOnly();
            if (reply.Failure is PluginException failure)
            {
                reply.Dispose();
                throw failure;
            }

            PluginTelemetry.EndHttp(operation, StatusCode);
            return reply;
        }
        catch (Exception exception)
        {
            PluginTelemetry.EndHttp(operation, StatusCode, exception);
            throw;
        }
    }

    // The call's deadline, its token and a disposal end the wait by themselves.
    private void Wait(Task task, GuestRequest request)
    {
        TaskCompletionSource finished = HttpWait.Finished(task);
        TimeSpan timeout = _group.Options.RequestTimeout;
        _waiting ??= new Waiting();
        _waiting.Begin(finished, timeout);
        try
        {
            _plugin.WaitFor(finished.Task);
        }
        finally
        {
            _waiting.End();
        }

        if (!task.IsCompleted)
        {
            throw new PluginException(
                PluginFailure.Limit,
                string.Create(CultureInfo.InvariantCulture, $"HTTP request to '{HttpText.Shown(request.UrlText)}' failed: no complete response in {timeout.TotalSeconds} s"));
        }
    }

    /// <summary>The wait for one request after the other. An entry for it stays queued until its time, longer than the plug-in may live: so it knows nothing of the plug-in.</summary>
    private sealed class Waiting
    {
        private readonly Deadline _deadline;
        private TaskCompletionSource? _finished;

        public Waiting() => _deadline = new Deadline(OnTimeout);

        public void Retire() => _deadline.Retire();

        public void Begin(TaskCompletionSource finished, TimeSpan timeout)
        {
            Volatile.Write(ref _finished, finished);
            _deadline.Set(Deadline.DueAfter(timeout));
        }

        public void End()
        {
            _deadline.Clear();
            Volatile.Write(ref _finished, null);
        }

        // On the thread that watches all deadlines; it may come just after the request that it was meant for.
        private void OnTimeout()
        {
            TaskCompletionSource? finished = Volatile.Read(ref _finished);
            if (finished is not null && Stopwatch.GetTimestamp() >= _deadline.Due)
            {
                finished.TrySetResult();
            }
        }
    }
}
