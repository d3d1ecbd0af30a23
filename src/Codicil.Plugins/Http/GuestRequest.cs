using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Codicil.Plugins.Http;

/// <summary>A request that a guest asks for, checked but for its host.</summary>
/// <param name="Method">The method, in upper case.</param>
/// <param name="UrlText">The URL as written.</param>
/// <param name="Url">The URL.</param>
/// <param name="Headers">The headers, each name once.</param>
/// <param name="Body">The body; null for none.</param>
internal sealed record GuestRequest(string Method, string UrlText, GuestUrl Url, IReadOnlyList<KeyValuePair<string, string>> Headers, byte[]? Body)
{
    private const string AuthorizationName = "Authorization";

    /// <summary>Reads the guest's JSON: <c>url</c>, <c>headers</c>, <c>method</c>, in any case; of duplicates the last counts; what else there is is ignored.</summary>
    /// <exception cref="PluginException">It cannot be sent; nothing was.</exception>
    public static GuestRequest Parse(ReadOnlySpan<byte> json, ReadOnlySpan<byte> body, bool hasBody, PluginHttpOptions options)
    {
        // Each character may be escaped by six bytes; what is neither URL nor header has some room.
        if (json.Length > (8L * options.MaxHeaderBytes) + (64 * 1024))
        {
            throw Limit(string.Create(CultureInfo.InvariantCulture, $"the HTTP request has {json.Length} bytes of JSON"));
        }

        (string urlText, string method, Dictionary<string, string> headers) = ReadJson(json);
        return Create(urlText, method, headers, body, hasBody, options);
    }

    /// <summary>A request from its parts. The body is copied.</summary>
    /// <exception cref="PluginException">It cannot be sent; nothing was.</exception>
    public static GuestRequest Create(
        string urlText,
        string? method,
        IReadOnlyDictionary<string, string> headers,
        ReadOnlySpan<byte> body,
        bool hasBody,
        PluginHttpOptions options)
    {
        // Before anything is made of them.
        CheckSizes(urlText, method, headers, body.Length, options);

        // Checked as it came: outside of ASCII there are letters whose upper case is inside.
        method = string.IsNullOrEmpty(method) ? "GET" : method;
        if (!HttpText.IsToken(method))
        {
            throw Invalid($"the method '{HttpText.Shown(method)}' is none");
        }

        method = method.ToUpperInvariant();
        if (method is "CONNECT" or "TRACE")
        {
            throw Invalid($"the method {method} is not for plug-ins");
        }

        if (!GuestUrl.TryParse(urlText, out GuestUrl? url, out string error, out bool isOtherScheme))
        {
            string shown = HttpText.Shown(urlText);
            throw isOtherScheme
                ? new PluginException(PluginFailure.NotAllowed, $"HTTP request to '{shown}' is not allowed: unsupported protocol scheme \"{error}\"")
                : new PluginException(PluginFailure.InvalidRequest, $"invalid url: {error}: '{shown}'");
        }

        List<KeyValuePair<string, string>> kept = CheckHeaders(headers, url!, body.Length);
        if (url!.BasicCredentials is string credentials && !kept.Exists(static header => header.Key.Equals(AuthorizationName, StringComparison.OrdinalIgnoreCase)))
        {
            kept.Add(new KeyValuePair<string, string>(AuthorizationName, credentials));
        }

        return new GuestRequest(method, urlText, url, kept, hasBody ? body.ToArray() : null);
    }

    private static PluginException Invalid(string message, Exception? innerException = null) => new(PluginFailure.InvalidRequest, "invalid http request: " + message, innerException);

    private static (string Url, string Method, Dictionary<string, string> Headers) ReadJson(ReadOnlySpan<byte> json)
    {
        string url = "";
        string method = "";
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        try
        {
            var reader = new Utf8JsonReader(json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                throw new JsonException("expected an object");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                string name = reader.GetString()!;
                reader.Read();
                if (name.Equals("url", StringComparison.OrdinalIgnoreCase))
                {
                    url = ReadString(ref reader, "the url");
                }
                else if (name.Equals("method", StringComparison.OrdinalIgnoreCase))
                {
                    method = ReadString(ref reader, "the method");
                }
                else if (name.Equals("headers", StringComparison.OrdinalIgnoreCase))
                {
                    ReadHeaders(ref reader, headers);
                }
                else
                {
                    reader.Skip();
                }
            }

            // Whatever follows the object is an error of the reader's.
            reader.Read();
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // The reader's exception for text that is no UTF-8 is an InvalidOperationException.
            throw Invalid(HttpText.Shown(exception.Message), exception);
        }

        return (url, method, headers);
    }

    private static string ReadString(ref Utf8JsonReader reader, string what) => reader.TokenType switch
    {
        JsonTokenType.String => reader.GetString()!,
        JsonTokenType.Null => "",
        _ => throw new JsonException($"{what} is no string"),
    };

    private static void ReadHeaders(ref Utf8JsonReader reader, Dictionary<string, string> headers)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return;
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("the headers are no object");
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            string name = reader.GetString()!;
            reader.Read();
            headers[name] = reader.TokenType == JsonTokenType.String ? reader.GetString()! : throw new JsonException("the value of a header is no string");
        }
    }

    private static List<KeyValuePair<string, string>> CheckHeaders(IReadOnlyDictionary<string, string> headers, GuestUrl url, int bodyLength)
    {
        var kept = new List<KeyValuePair<string, string>>(headers.Count + 1);
        foreach ((string name, string value) in headers)
        {
            if (!HttpText.IsToken(name))
            {
                throw Invalid($"'{HttpText.Shown(name)}' is no name of a header");
            }

            if (!HttpText.IsValue(value))
            {
                throw Invalid($"the value of the header '{name}' holds a control character: '{HttpText.Shown(value)}'");
            }

            string trimmed = value.Trim(' ', '\t');
            if (!IsForSender(name))
            {
                kept.Add(new KeyValuePair<string, string>(name, trimmed));
            }
            else if (!SaysWhatIsSent(name, trimmed, url, bodyLength))
            {
                throw Invalid($"the header '{name}: {HttpText.Shown(trimmed)}' is not a plug-in's to set");
            }
        }

        return kept;
    }

    // What frames the message, belongs to the connection, or names the host (RFC 9110, 7.2, 7.6.1, 10.1.1; RFC 9112, 6).
    private static bool IsForSender(string name) => name.ToLowerInvariant() is
        "host" or "content-length" or "transfer-encoding" or "connection" or "keep-alive" or "proxy-connection" or "proxy-authorization" or "proxy-authenticate"
        or "te" or "trailer" or "upgrade" or "expect" or "http2-settings";

    // Libraries like to set these. Where they agree with what is sent anyway, they are left out and nothing is lost.
    private static bool SaysWhatIsSent(string name, string value, GuestUrl url, int bodyLength)
    {
        switch (name.ToLowerInvariant())
        {
            case "host":
                string port = string.Create(CultureInfo.InvariantCulture, $":{url.Port}");
                string host = value.EndsWith(port, StringComparison.Ordinal) ? value[..^port.Length] : url.Uri.IsDefaultPort ? value : "";
                return HostName.TryParse(host, out HostName parsed, out _) && parsed.Text == url.Host.Text;
            case "content-length":
                return value == bodyLength.ToString(CultureInfo.InvariantCulture);
            case "connection":
                return value.ToLowerInvariant() is "keep-alive" or "close";
            default:
                return false;
        }
    }

    private static void CheckSizes(string urlText, string? method, IReadOnlyDictionary<string, string> headers, int bodyLength, PluginHttpOptions options)
    {
        if (bodyLength > options.MaxRequestBodyBytes)
        {
            throw Limit(string.Create(CultureInfo.InvariantCulture, $"the body of the HTTP request has {bodyLength} bytes, {options.MaxRequestBodyBytes} are allowed"));
        }

        if (headers.Count > options.MaxHeaders)
        {
            throw Limit(string.Create(CultureInfo.InvariantCulture, $"the HTTP request has {headers.Count} headers, {options.MaxHeaders} are allowed"));
        }

        long size = (long)Encoding.UTF8.GetByteCount(urlText) + (method?.Length ?? 0);
        foreach ((string name, string value) in headers)
        {
            size += name.Length + Encoding.UTF8.GetByteCount(value) + 4;
        }

        if (size > options.MaxHeaderBytes)
        {
            throw Limit(string.Create(CultureInfo.InvariantCulture, $"URL and headers of the HTTP request have {size} bytes, {options.MaxHeaderBytes} are allowed"));
        }
    }

    private static PluginException Limit(string message) => new(PluginFailure.Limit, message);
}
