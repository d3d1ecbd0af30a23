using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Codicil.Plugins.Http;

/// <summary>Which addresses may be connected to. Immutable.</summary>
internal sealed class AddressRules
{
    // RFC 6890 and its registries; the order does not matter.
    private static readonly ImmutableArray<(IPNetwork Network, AddressKinds Kind)> s_networks =
    [
        .. Of(AddressKinds.Loopback, "127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128"),
        .. Of(AddressKinds.Private, "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7", "fec0::/10"),
        .. Of(AddressKinds.LinkLocal, "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "168.63.129.16/32", "100.100.100.200/32"),
        .. Of(
            AddressKinds.Reserved,
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "100::/64",
            "2001:db8::/32",
            "3fff::/20",
            "5f00::/16",
            "ff00::/8"),
    ];

    private static readonly IPNetwork s_nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork s_compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork s_6to4 = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork s_teredo = IPNetwork.Parse("2001::/32");
    private static readonly IPNetwork s_translated = IPNetwork.Parse("::ffff:0:0:0/96");
    private static readonly IPNetwork s_localNat64 = IPNetwork.Parse("64:ff9b:1::/48");

    private readonly AddressKinds _blocked;
    private readonly IReadOnlyList<IPNetwork> _allowedNetworks;
    private readonly IReadOnlyList<IPNetwork> _blockedNetworks;

    public AddressRules(PluginHttpOptions options)
    {
        _blocked = options.BlockedAddresses;
        _allowedNetworks = [.. options.AllowedNetworks];
        _blockedNetworks = [.. options.BlockedNetworks];
    }

    /// <summary>The kinds of an address; none for a public one.</summary>
    public static AddressKinds KindsOf(IPAddress address)
    {
        var kinds = AddressKinds.None;
        foreach (IPAddress form in FormsOf(address))
        {
            foreach ((IPNetwork network, AddressKinds kind) in s_networks)
            {
                if (network.Contains(form))
                {
                    kinds |= kind;
                }
            }
        }

        return kinds;
    }

    /// <summary>Whether an address may be connected to.</summary>
    public bool Allows(IPAddress address)
    {
        ImmutableArray<IPAddress> forms = FormsOf(address);
        return !Contains(_blockedNetworks, forms) && ((KindsOf(address) & _blocked) == 0 || Contains(_allowedNetworks, forms));
    }

    private static bool Contains(IReadOnlyList<IPNetwork> networks, ImmutableArray<IPAddress> forms)
    {
        foreach (IPNetwork network in networks)
        {
            foreach (IPAddress form in forms)
            {
                if (network.Contains(form))
                {
                    return true;
                }
            }
        }

        return false;
    }

    // The address itself and the IPv4 address that it leads to by way of a translator or a tunnel. A zone changes nothing about the kind.
    private static ImmutableArray<IPAddress> FormsOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return [address];
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return [address.MapToIPv4()];
        }

        byte[] bytes = address.GetAddressBytes();
        var plain = new IPAddress(bytes);

        // ISATAP (RFC 5214, 6.1) marks the lower half of any address.
        if (s_nat64.Contains(plain) || s_localNat64.Contains(plain) || s_translated.Contains(plain) || (bytes[8] is 0 or 2 && bytes.AsSpan(9, 3).SequenceEqual<byte>([0, 0x5E, 0xFE])))
        {
            return [plain, new IPAddress(bytes.AsSpan(12))];
        }

        if (s_6to4.Contains(plain))
        {
            return [plain, new IPAddress(bytes.AsSpan(2, 4))];
        }

        if (s_teredo.Contains(plain))
        {
            // RFC 4380, 4: the client's address, inverted.
            return [plain, new IPAddress([(byte)~bytes[12], (byte)~bytes[13], (byte)~bytes[14], (byte)~bytes[15]])];
        }

        // ::a.b.c.d, but for :: and ::1, which are addresses of their own.
        return s_compatible.Contains(plain) && bytes.AsSpan(12, 3).ContainsAnyExcept((byte)0) ? [plain, new IPAddress(bytes.AsSpan(12))] : [plain];
    }

    private static IEnumerable<(IPNetwork Network, AddressKinds Kind)> Of(AddressKinds kind, params string[] networks) =>
        networks.Select(network => (IPNetwork.Parse(network), kind));
}
