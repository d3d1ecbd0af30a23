using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Codicil.Plugins.Http;

/// <summary>
/// A host of a URL in the one form that is matched, resolved and connected to: lower case, without a trailing dot, international labels in Punycode; an address in its usual form, without brackets.
/// </summary>
/// <param name="Text">The name or address.</param>
/// <param name="Address">The address, where the host is one.</param>
internal readonly record struct HostName(string Text, IPAddress? Address)
{
    // RFC 1035, 2.3.4: 255 octets on the wire are 253 characters here.
    private const int MaxLength = 253;
    private const int MaxLabelLength = 63;

    private static readonly IdnMapping s_idn = new();
    private static readonly SearchValues<char> s_addressCharacters = SearchValues.Create("0123456789abcdefABCDEF:.");
    private static readonly SearchValues<char> s_hexadecimal = SearchValues.Create("0123456789abcdef");
    private static readonly SearchValues<char> s_labelCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789-_");

    /// <summary>Whether it is an IPv6 address.</summary>
    public bool IsIPv6 => Address is { AddressFamily: AddressFamily.InterNetworkV6 };

    /// <summary>The form for a URL: IPv6 in brackets.</summary>
    public string UrlText => IsIPv6 ? $"[{Text}]" : Text;

    /// <summary>Reads a host as it stands in a URL: a name, an IPv4 address of four decimal parts, or an IPv6 address in brackets.</summary>
    /// <param name="text">The text.</param>
    /// <param name="host">The host.</param>
    /// <param name="error">What is wrong with it.</param>
    /// <remarks>
    /// What other programs read as an IPv4 address in disguise (<c>2130706433</c>, <c>0x7f.1</c>, <c>0177.0.0.1</c>, <c>127.1</c>) is refused: nobody can tell whether the next one in line reads it so.
    /// </remarks>
    public static bool TryParse(ReadOnlySpan<char> text, out HostName host, out string error)
    {
        host = default;
        if (text.IsEmpty)
        {
            error = "it names no host";
            return false;
        }

        return text[0] == '[' ? TryParseIPv6(text, out host, out error) : TryParseName(text, out host, out error);
    }

    /// <summary>A label in ASCII and lower case; an international one in Punycode.</summary>
    public static bool TryToAscii(string label, out string ascii)
    {
        ascii = label.ToLowerInvariant();
        if (Ascii.IsValid(ascii))
        {
            return true;
        }

        try
        {
            ascii = s_idn.GetAscii(ascii);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>An IPv6 address without brackets and zone.</summary>
    public static bool TryParseIPv6Address(ReadOnlySpan<char> text, out IPAddress? address)
    {
        // The characters first: the runtime's parser also takes zones, ports and prefix lengths.
        address = null;
        return !text.ContainsAnyExcept(s_addressCharacters) && text.Contains(':')
            && IPAddress.TryParse(text, out address) && address.AddressFamily == AddressFamily.InterNetworkV6;
    }

    private static bool TryParseIPv6(ReadOnlySpan<char> text, out HostName host, out string error)
    {
        host = default;
        error = "the address in brackets is no IPv6 address";
        if (text[^1] != ']' || !TryParseIPv6Address(text[1..^1], out IPAddress? address))
        {
            return false;
        }

        host = new HostName(address!.ToString(), address);
        return true;
    }

    private static bool TryParseName(ReadOnlySpan<char> text, out HostName host, out string error)
    {
        host = default;
        error = "the host is too long";

        // Before the mapping, which takes its time; Punycode is never shorter.
        if (text.Length > MaxLength + 1)
        {
            return false;
        }

        error = "the host is no name";
        if (!TryToAscii(text.ToString(), out string name))
        {
            return false;
        }

        name = name.EndsWith('.') ? name[..^1] : name;
        if (name.Length is 0 or > MaxLength || !HasGoodLabels(name))
        {
            return false;
        }

        if (!EndsInNumber(name))
        {
            host = new HostName(name, null);
            return true;
        }

        error = "the host is a number, but no IPv4 address of four decimal parts";
        if (!TryParseIPv4(name, out IPAddress? address))
        {
            return false;
        }

        host = new HostName(name, address);
        return true;
    }

    private static bool HasGoodLabels(string name)
    {
        foreach (Range range in name.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> label = name.AsSpan()[range];
            if (label.Length is 0 or > MaxLabelLength || label.ContainsAnyExcept(s_labelCharacters))
            {
                return false;
            }
        }

        return true;
    }

    // WHATWG URL, 3.5: "ends in a number checker".
    private static bool EndsInNumber(string name)
    {
        ReadOnlySpan<char> last = name.AsSpan(name.LastIndexOf('.') + 1);
        return !last.ContainsAnyExceptInRange('0', '9') || (last.StartsWith("0x") && !last[2..].ContainsAnyExcept(s_hexadecimal));
    }

    private static bool TryParseIPv4(string text, out IPAddress? address)
    {
        address = null;
        Span<byte> bytes = stackalloc byte[4];
        int count = 0;
        foreach (Range range in text.AsSpan().Split('.'))
        {
            ReadOnlySpan<char> part = text.AsSpan()[range];
            bool isCanonical = part.Length == 1 || (part.Length > 1 && part[0] != '0');
            if (count == 4 || !isCanonical || !byte.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out bytes[count]))
            {
                return false;
            }

            count++;
        }

        if (count != 4)
        {
            return false;
        }

        address = new IPAddress(bytes);
        return true;
    }
}
