using System.Globalization;

namespace Codicil.Plugins.Http;

/// <summary>A pattern of hosts, as in a manifest's <c>allowed_hosts</c>. Immutable and thread-safe.</summary>
/// <remarks>
/// <para>
/// <c>*</c> alone matches every host. Elsewhere <c>*</c> stands for any characters of one label, also none, <c>**</c> for any characters, <c>?</c> for one character that is no dot,
/// <c>[a-f0-9]</c> for one of a set and <c>[!0-9]</c> for one outside of it (never a dot), <c>{a,b}</c> for one of several patterns. What has no such character is a host as it stands.
/// </para>
/// <para>
/// Case and one trailing dot do not matter; international labels may be written as they are or in Punycode. <c>:443</c> behind a pattern asks for that port; without it every port will do.
/// An IPv6 address is written with or without brackets and is matched by itself and by <c>*</c> only. Matching takes time in proportion to the length of the host.
/// </para>
/// </remarks>
public sealed class HostPattern
{
    /// <summary>The most characters that a pattern may have.</summary>
    public const int MaxLength = 1024;

    private readonly bool _all;
    private readonly string? _literal;
    private readonly HostPatternProgram? _program;
    private readonly int? _port;

    private HostPattern(string text, bool all, string? literal, HostPatternProgram? program, int? port)
    {
        Text = text;
        _all = all;
        _literal = literal;
        _program = program;
        _port = port;
    }

    /// <summary>The pattern as it was written.</summary>
    public string Text { get; }

    /// <summary>A pattern from text.</summary>
    /// <exception cref="FormatException">The text is no pattern of hosts; the message says why.</exception>
    public static HostPattern Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (text.Length is 0 or > MaxLength)
        {
            throw Bad(text, text.Length == 0 ? "it is empty" : "it is too long");
        }

        string host = SplitPort(text, out int? port);
        if (TryParseIPv6(host, out string? address))
        {
            return new HostPattern(text, false, address, null, port);
        }

        if (host is "*" or "**")
        {
            return new HostPattern(text, true, null, null, port);
        }

        if (host.Contains("://", StringComparison.Ordinal) || host.Contains('/', StringComparison.Ordinal))
        {
            throw Bad(text, "a host is expected, not a URL");
        }

        host = ToAscii(text, host);
        if (host.Length == 0 || host[0] == '.' || host.Contains("..", StringComparison.Ordinal) || host is "*" or "**")
        {
            throw Bad(text, "a label is empty");
        }

        if (host.AsSpan().ContainsAny(HostPatternProgram.Metacharacters))
        {
            return new HostPattern(text, false, null, HostPatternProgram.Compile(host, reason => Bad(text, reason)), port);
        }

        return HostName.TryParse(host, out HostName name, out string error)
            ? new HostPattern(text, false, name.Text, null, port)
            : throw Bad(text, error);
    }

    /// <summary>Whether a host and port match.</summary>
    /// <param name="host">A host as in a URL: a name, an IPv4 address, or an IPv6 address in brackets.</param>
    /// <param name="port">The port; null when it does not matter.</param>
    public bool IsMatch(string host, int? port = null)
    {
        ArgumentNullException.ThrowIfNull(host);
        return HostName.TryParse(host, out HostName name, out _) && IsMatch(name, port);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    internal bool IsMatch(HostName host, int? port) => (_port is null || port is null || _port == port) && IsMatch(host);

    internal bool IsMatch(ReadOnlySpan<char> host) => _all || (_literal is not null ? host.SequenceEqual(_literal) : _program!.IsMatch(host));

    private bool IsMatch(HostName host) => _all || (_literal is not null ? host.Text == _literal : !host.IsIPv6 && _program!.IsMatch(host.Text));

    // A colon belongs to a port, or to an IPv6 address.
    private static string SplitPort(string text, out int? port)
    {
        port = null;
        int colon = text.LastIndexOf(':');
        bool isBare = text.IndexOf(':', StringComparison.Ordinal) != colon && text[0] != '[';
        if (colon < 0 || isBare || text.IndexOf(']', colon) >= 0)
        {
            return text;
        }

        string digits = text[(colon + 1)..];
        if (digits == "*")
        {
            return text[..colon];
        }

        port = TryParsePort(digits, out int number) ? number : throw Bad(text, "the port is no number from 1 to 65535");
        return text[..colon];
    }

    internal static bool TryParsePort(ReadOnlySpan<char> digits, out int port) =>
        int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is > 0 and <= ushort.MaxValue && digits.Length <= 5;

    private static bool TryParseIPv6(string host, out string? address)
    {
        ReadOnlySpan<char> inner = host is ['[', .., ']'] ? host.AsSpan(1, host.Length - 2) : host;
        bool isAddress = HostName.TryParseIPv6Address(inner, out System.Net.IPAddress? parsed);
        address = parsed?.ToString();
        return isAddress;
    }

    private static string ToAscii(string text, string host)
    {
        string[] labels = host.Split('.');
        for (int i = 0; i < labels.Length; i++)
        {
            bool isLiteral = !labels[i].AsSpan().ContainsAny(HostPatternProgram.Metacharacters);
            if (!isLiteral && !System.Text.Ascii.IsValid(labels[i]))
            {
                throw Bad(text, "a label with pattern characters is to be written in ASCII, international ones as xn--");
            }

            if (!HostName.TryToAscii(labels[i], out labels[i]))
            {
                throw Bad(text, "a label is no part of a host name");
            }
        }

        string ascii = string.Join('.', labels);
        return ascii.EndsWith('.') ? ascii[..^1] : ascii;
    }

    private static FormatException Bad(string text, string reason) => new($"bad host pattern '{HttpText.Shown(text)}': {reason}");
}
