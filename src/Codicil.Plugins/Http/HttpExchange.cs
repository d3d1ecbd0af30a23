using System.Collections.Frozen;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;

namespace Codicil.Plugins.Http;

/// <summary>A request with the redirects that follow from it. It runs on threads of the pool and knows nothing of a plug-in: whoever waits for it may go away at any time.</summary>
internal sealed class HttpExchange
{
    // What says nothing about the guest's relation to the first host (the safelist of the Fetch standard, 2.2.2, and what negotiates content).
    private static readonly FrozenSet<string> s_keptAcrossOrigins = FrozenSet.ToFrozenSet(
        ["accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-encoding", "content-language", "content-type", "pragma", "range", "user-agent"],
        StringComparer.OrdinalIgnoreCase);

    // Framing, which ends with the hop: the body is handed over without it.
    private static readonly FrozenSet<string> s_hiddenHeaders = FrozenSet.ToFrozenSet(["transfer-encoding", "trailer"], StringComparer.OrdinalIgnoreCase);

    private readonly PluginHttpGroup _group;
    private readonly Func<GuestUrl, bool> _isAllowed;
    private readonly long _maxResponseBytes;
    private readonly string _urlText;
    private string _method;
    private GuestUrl _url;
    private IReadOnlyList<KeyValuePair<string, string>> _headers;
    private byte[]? _body;

    /// <summary>An exchange.</summary>
    /// <param name="group">Who sends.</param>
    /// <param name="request">The request.</param>
    /// <param name="isAllowed">Whether a host may be reached; asked before each hop.</param>
    /// <param name="maxResponseBytes">The largest body of a response.</param>
    public HttpExchange(PluginHttpGroup group, GuestRequest request, Func<GuestUrl, bool> isAllowed, long maxResponseBytes)
    {
        _group = group;
        _isAllowed = isAllowed;
        _maxResponseBytes = maxResponseBytes;
        _urlText = request.UrlText;
        _method = request.Method;
        _url = request.Url;
        _headers = request.Headers;
        _body = request.Body;
    }

    /// <summary>Refuses the request when its host or address is not allowed; nothing is looked up or connected to.</summary>
    /// <exception cref="PluginException">It is not allowed.</exception>
    public void Check() => Check(_url, _urlText, null);

    /// <summary>Sends the request and reads the response.</summary>
    /// <returns>The reply, with the failure if there is one; the caller disposes it.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task<HttpReply> RunAsync(CancellationToken cancellationToken)
    {
        var reply = new HttpReply();
        try
        {
            for (int redirects = 0; ; redirects++)
            {
                using HttpResponseMessage response = await SendAsync(cancellationToken).ConfigureAwait(false);
                CheckFraming(response);
                if (!TryGetRedirect(response, out string? location))
                {
                    await ReadAsync(response, reply, cancellationToken).ConfigureAwait(false);
                    return reply;
                }

                if (redirects == _group.Options.MaxRedirects)
                {
                    throw new PluginException(PluginFailure.Limit, string.Create(CultureInfo.InvariantCulture, $"HTTP request to '{Shown}' stopped after {redirects} redirects"));
                }

                Redirect((int)response.StatusCode, location!);
            }
        }
        catch (PluginException exception)
        {
            reply.Failure = exception;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or InvalidDataException or AuthenticationException or OperationCanceledException)
        {
            // The client wraps a cancellation that comes while it connects, and then it looks like a failure of the request.
            if (cancellationToken.IsCancellationRequested)
            {
                reply.Dispose();
                throw new OperationCanceledException(exception.Message, exception, cancellationToken);
            }

            reply.Failure = ToFailure(exception);
        }
        catch
        {
            reply.Dispose();
            throw;
        }

        reply.Body.Dispose();
        return reply;
    }

    // As Go's client: not where the guest asks for codings itself, nor for a part, which cannot be decompressed, nor for a head without a body.
    private bool Decompresses => _group.Options.UnguardedClient is null && _method != "HEAD" && !HasHeader("Accept-Encoding") && !HasHeader("Range");

    private string Shown => HttpText.Shown(_urlText);

    private static string? FindRefusal(Exception exception)
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is AddressRefusedException)
            {
                return cause.Message;
            }
        }

        return null;
    }

    private void Check(GuestUrl url, string urlText, string? from)
    {
        string redirected = from is null ? "" : $": '{from}' redirects to it";
        if (!_isAllowed(url))
        {
            throw new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{HttpText.Shown(urlText)}' is not allowed{redirected}");
        }

        // Names are judged by their addresses when these are known.
        if (url.Host.Address is IPAddress address && _group.Options.UnguardedClient is null && !_group.Addresses.Allows(address))
        {
            throw new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{HttpText.Shown(urlText)}' is not allowed{redirected}: its address is blocked");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(CancellationToken cancellationToken)
    {
        using HttpRequestMessage message = CreateMessage();
        message.Options.Set(VettedConnector.RequestToken, cancellationToken);
        return await _group.GetClient().SendAsync(message, cancellationToken).ConfigureAwait(false);
    }

    private HttpRequestMessage CreateMessage()
    {
        var message = new HttpRequestMessage(new HttpMethod(_method), _url.Uri)
        {
            Version = _group.Options.Http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = _body is null ? null : new ByteArrayContent(_body),
        };
        foreach ((string name, string value) in _headers)
        {
            Add(message, name, value);
        }

        if (!HasHeader("User-Agent") && _group.Options.UserAgent is { Length: > 0 } userAgent)
        {
            Add(message, "User-Agent", userAgent);
        }

        if (Decompresses)
        {
            Add(message, "Accept-Encoding", ContentCodings.Accepted);
        }

        return message;
    }

    private bool HasHeader(string name)
    {
        foreach (KeyValuePair<string, string> header in _headers)
        {
            if (header.Key.Equals(name, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    private static void Add(HttpRequestMessage message, string name, string value)
    {
        if (message.Headers.TryAddWithoutValidation(name, value))
        {
            return;
        }

        message.Content ??= new ByteArrayContent([]);
        if (!message.Content.Headers.TryAddWithoutValidation(name, value))
        {
            throw new PluginException(PluginFailure.InvalidRequest, $"invalid http request: the header '{name}' cannot be sent");
        }
    }

    // RFC 9112, 6.3. The handler reads on to the end of the connection; whoever stands between may have read something else.
    private void CheckFraming(HttpResponseMessage response)
    {
        bool hasCoding = response.Headers.NonValidated.TryGetValues("Transfer-Encoding", out HeaderStringValues coding);
        bool hasLength = response.Content.Headers.NonValidated.TryGetValues("Content-Length", out HeaderStringValues length);
        bool isBad = (hasCoding && (hasLength || coding.Count != 1 || !coding.ToString().Equals("chunked", StringComparison.OrdinalIgnoreCase)))
            || (hasLength && (length.Count != 1 || !long.TryParse(length.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out _)));
        if (isBad && _group.Options.UnguardedClient is null)
        {
            throw new PluginException(PluginFailure.Http, $"HTTP request to '{Shown}' failed: the response says in two ways, or in none that is known, where it ends");
        }
    }

    private bool TryGetRedirect(HttpResponseMessage response, out string? location)
    {
        location = null;
        bool isRedirect = (int)response.StatusCode is 301 or 302 or 303 or 307 or 308;
        if (!isRedirect || _group.Options.MaxRedirects == 0 || !response.Headers.NonValidated.TryGetValues("Location", out HeaderStringValues values))
        {
            return false;
        }

        if (values.Count != 1)
        {
            throw new PluginException(PluginFailure.Http, $"HTTP request to '{Shown}' failed: a redirect leads to several places");
        }

        location = values.ToString();
        return true;
    }

    // RFC 9110, 15.4, and the Fetch standard, 4.4.
    private void Redirect(int status, string location)
    {
        string from = _url.Uri.AbsoluteUri;
        string target = _url.Resolve(location.Trim(' ', '\t'));
        if (!GuestUrl.TryParse(target, out GuestUrl? url, out string error, out bool isOtherScheme))
        {
            throw new PluginException(
                PluginFailure.NotAllowed,
                $"HTTP request to '{HttpText.Shown(target)}' is not allowed: '{from}' redirects to it: {(isOtherScheme ? $"unsupported protocol scheme \"{error}\"" : error)}");
        }

        if (url!.BasicCredentials is not null)
        {
            throw new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{url.Uri}' is not allowed: '{from}' redirects to it with credentials");
        }

        Check(url, target, from);
        if (_url.IsSecure && !url.IsSecure)
        {
            throw new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{HttpText.Shown(target)}' is not allowed: '{from}' redirects to it, from https to http");
        }

        bool dropsBody = (status == 303 && _method != "HEAD") || (status is 301 or 302 && _method is not ("GET" or "HEAD"));
        if (dropsBody)
        {
            _method = "GET";
            _body = null;
        }

        bool sameOrigin = _url.HasOriginOf(url);
        _headers = [.. _headers.Where(header => (sameOrigin || s_keptAcrossOrigins.Contains(header.Key)) && !(dropsBody && header.Key.StartsWith("Content-", StringComparison.OrdinalIgnoreCase)))];
        _url = url;
    }

    private async ValueTask ReadAsync(HttpResponseMessage response, HttpReply reply, CancellationToken cancellationToken)
    {
        if (response.StatusCode == HttpStatusCode.SwitchingProtocols)
        {
            throw new PluginException(PluginFailure.Http, $"HTTP request to '{Shown}' failed: the server changes to another protocol");
        }

        ReadHeaders(response, reply);
        reply.StatusCode = (int)response.StatusCode;
        string? coding = Decompresses && reply.Headers.TryGetValue("content-encoding", out string? value) && ContentCodings.IsKnown(value) ? value : null;
        if (coding is null && _method != "HEAD" && response.Content.Headers.ContentLength > _maxResponseBytes)
        {
            throw TooLarge();
        }

        if (coding is not null)
        {
            reply.Headers.Remove("content-encoding");
            reply.Headers.Remove("content-length");
        }

        using Stream stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        using var coded = new CodedStream(stream);
        using Stream? contents = coding is null ? null : await ContentCodings.OpenAsync(coding, coded, cancellationToken).ConfigureAwait(false);
        if (!await reply.Body.ReadAsync(contents ?? stream, _maxResponseBytes, cancellationToken).ConfigureAwait(false))
        {
            throw TooLarge();
        }

        if (coding is not null && !coded.IsComplete(ContentCodings.IsGzip(coding), reply.Body.Length))
        {
            throw new PluginException(PluginFailure.Http, $"HTTP request to '{Shown}' failed: the compressed response ends early");
        }
    }

    private void ReadHeaders(HttpResponseMessage response, HttpReply reply)
    {
        int count = 0;
        long size = 0;
        foreach (HttpHeaders headers in (HttpHeaders[])[response.Headers, response.Content.Headers])
        {
            foreach ((string name, HeaderStringValues values) in headers.NonValidated)
            {
                count += values.Count;
                string joined = string.Join(',', values);
                size += name.Length + joined.Length;
                if (count > _group.Options.MaxHeaders || size > _group.Options.MaxHeaderBytes)
                {
                    throw new PluginException(
                        PluginFailure.Limit,
                        string.Create(CultureInfo.InvariantCulture, $"the HTTP response has more headers than are allowed: {_group.Options.MaxHeaders}, {_group.Options.MaxHeaderBytes} bytes"));
                }

                if (!s_hiddenHeaders.Contains(name))
                {
                    reply.Headers[name.ToLowerInvariant()] = joined;
                }
            }
        }
    }

    private PluginException TooLarge() => new(
        PluginFailure.Limit,
        string.Create(CultureInfo.InvariantCulture, $"HTTP request to '{Shown}' failed: the response exceeds the configured maximum number of bytes: {_maxResponseBytes}"));

    private PluginException ToFailure(Exception exception)
    {
        if (FindRefusal(exception) is string refusal)
        {
            return new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{Shown}' is not allowed: {refusal}", exception);
        }

        PluginFailure failure = exception is HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } ? PluginFailure.Limit : PluginFailure.Http;
        return new PluginException(failure, $"HTTP request to '{Shown}' failed: {(exception.InnerException ?? exception).Message}", exception);
    }
}
