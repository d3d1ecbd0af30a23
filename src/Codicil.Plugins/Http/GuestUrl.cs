using System.Buffers;
using System.Globalization;
using System.Text;

namespace Codicil.Plugins.Http;

/// <summary>
/// A URL that somebody else wrote, taken apart strictly: what could be read in two ways is refused, and the <see cref="Uri"/> that is sent is made of the parts that were checked.
/// </summary>
/// <remarks>RFC 3986; WHATWG URL where it is stricter.</remarks>
internal sealed class GuestUrl
{
    private const int HttpPort = 80;
    private const int HttpsPort = 443;

    private static readonly SearchValues<char> s_credentialCharacters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:%");

    private GuestUrl(bool isSecure, HostName host, int port, string? basicCredentials, Uri uri)
    {
        IsSecure = isSecure;
        Host = host;
        Port = port;
        BasicCredentials = basicCredentials;
        Uri = uri;
    }

    /// <summary>Whether it is https.</summary>
    public bool IsSecure { get; }

    /// <summary>The host, the very one of <see cref="Uri"/>.</summary>
    public HostName Host { get; }

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>The value of a Basic authorization made of user and password, or null when there are none.</summary>
    public string? BasicCredentials { get; }

    /// <summary>What is sent: without user, password and fragment.</summary>
    public Uri Uri { get; }

    /// <summary>Takes a URL apart.</summary>
    /// <param name="text">The URL as written.</param>
    /// <param name="url">The parts.</param>
    /// <param name="error">What is wrong; with <paramref name="isOtherScheme"/>, the scheme.</param>
    /// <param name="isOtherScheme">Whether all that is wrong is a scheme that is neither http nor https.</param>
    public static bool TryParse(string text, out GuestUrl? url, out string error, out bool isOtherScheme)
    {
        url = null;
        isOtherScheme = false;

        // Some readers drop tabs and line ends, some take a backslash for a slash: each is a way to show different hosts to different readers.
        error = "it holds a control character";
        if (text.AsSpan().ContainsAnyInRange('\0', '\x1F') || text.AsSpan().ContainsAnyInRange('\x7F', '\x9F'))
        {
            return false;
        }

        error = "it has no scheme";
        int colon = text.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0 || !char.IsAsciiLetter(text[0]) || !text.AsSpan(0, colon).ToString().All(static character => char.IsAsciiLetterOrDigit(character) || character is '+' or '-' or '.'))
        {
            return false;
        }

        string scheme = text[..colon].ToLowerInvariant();
        if (scheme is not ("http" or "https"))
        {
            isOtherScheme = true;
            error = scheme;
            return false;
        }

        error = "the scheme is not followed by //";
        if (!text.AsSpan(colon + 1).StartsWith("//"))
        {
            return false;
        }

        ReadOnlySpan<char> rest = text.AsSpan(colon + 3);
        int end = rest.IndexOfAny('/', '?', '#');
        ReadOnlySpan<char> authority = end < 0 ? rest : rest[..end];
        ReadOnlySpan<char> path = end < 0 ? "" : rest[end..];
        return TryParseAuthority(scheme == "https", authority, path, out url, out error);
    }

    /// <summary>Whether another URL has the same scheme, host and port (RFC 6454, 5).</summary>
    public bool HasOriginOf(GuestUrl other) => IsSecure == other.IsSecure && Port == other.Port && Host.Text == other.Host.Text;

    /// <summary>Whether another URL leads to the same server: host and port. Another port is another server, which may be anybody's; but what begins with http may go on with https.</summary>
    public bool IsServerOf(GuestUrl other) =>
        Host.Text == other.Host.Text && (Port == other.Port || (!IsSecure && Port == HttpPort && other.IsSecure && other.Port == HttpsPort));

    /// <summary>Where a reference leads from here (RFC 3986, 5.2), as text that is still to be taken apart.</summary>
    public string Resolve(string reference)
    {
        string scheme = IsSecure ? "https:" : "http:";
        if (reference.StartsWith("//", StringComparison.Ordinal))
        {
            return scheme + reference;
        }

        int delimiter = reference.AsSpan().IndexOfAny(':', '/', '?');
        if (delimiter > 0 && reference[delimiter] == ':')
        {
            return reference;
        }

        string origin = Uri.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped);
        string path = Uri.GetComponents(UriComponents.Path | UriComponents.KeepDelimiter, UriFormat.UriEscaped);
        return reference switch
        {
            ['/', ..] => origin + reference,
            ['?', ..] => origin + path + reference,
            "" or ['#', ..] => origin + Uri.PathAndQuery,
            _ => string.Concat(origin, path.AsSpan(0, path.LastIndexOf('/') + 1), reference),
        };
    }

    private static bool TryParseAuthority(bool isSecure, ReadOnlySpan<char> authority, ReadOnlySpan<char> path, out GuestUrl? url, out string error)
    {
        url = null;
        int query = path.IndexOfAny('?', '#');
        if (authority.Contains('\\') || (query < 0 ? path : path[..query]).Contains('\\'))
        {
            error = "it holds a backslash";
            return false;
        }

        string? credentials = null;
        int at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            error = "user and password hold a character that they may not have";
            if (!TryReadCredentials(authority[..at], out credentials))
            {
                return false;
            }

            authority = authority[(at + 1)..];
        }

        int port = isSecure ? HttpsPort : HttpPort;
        int colon = authority.LastIndexOf(':');
        if (colon >= 0 && authority[colon..].IndexOf(']') < 0)
        {
            error = "the port is no number from 1 to 65535";
            if (colon + 1 < authority.Length && !HostPattern.TryParsePort(authority[(colon + 1)..], out port))
            {
                return false;
            }

            authority = authority[..colon];
        }

        if (!HostName.TryParse(authority, out HostName host, out error))
        {
            return false;
        }

        int fragment = path.IndexOf('#');
        ReadOnlySpan<char> sent = fragment < 0 ? path : path[..fragment];
        string scheme = isSecure ? "https" : "http";
        error = "it cannot be sent";
        if (!Uri.TryCreate(string.Create(CultureInfo.InvariantCulture, $"{scheme}://{host.UrlText}:{port}{sent}"), UriKind.Absolute, out Uri? uri) || !IsOf(uri, scheme, host, port))
        {
            return false;
        }

        url = new GuestUrl(isSecure, host, port, credentials, uri);
        return true;
    }

    // The second opinion: whoever connects reads the URL as it was checked.
    private static bool IsOf(Uri uri, string scheme, HostName host, int port) =>
        uri.Scheme == scheme && uri.Port == port && uri.UserInfo.Length == 0
        && (host.IsIPv6
            ? HostName.TryParseIPv6Address(uri.DnsSafeHost, out System.Net.IPAddress? address) && host.Address!.Equals(address)
            : uri.IdnHost == host.Text && uri.Host == host.Text);

    // RFC 3986, 3.2.1, without what other readers take for the end of the authority.
    private static bool TryReadCredentials(ReadOnlySpan<char> text, out string? credentials)
    {
        credentials = null;
        if (text.ContainsAnyExcept(s_credentialCharacters))
        {
            return false;
        }

        credentials = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Uri.UnescapeDataString(text)));
        return true;
    }
}
