namespace Codicil.Plugins.Http;

/// <summary>Kinds of addresses that a plug-in can be kept from. An IPv6 address that stands for an IPv4 address (mapped, NAT64, 6to4, Teredo) is of that one's kind, too.</summary>
[Flags]
public enum AddressKinds
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>This machine: 127.0.0.0/8, ::1, and 0.0.0.0/8 and ::, which lead here too.</summary>
    Loopback = 1,

    /// <summary>Private networks: 10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16, 100.64.0.0/10 (RFC 1918, 6598), fc00::/7, fec0::/10.</summary>
    Private = 2,

    /// <summary>The link, with the clouds' metadata services: 169.254.0.0/16, fe80::/10, fd00:ec2::/32, 168.63.129.16, 100.100.100.200.</summary>
    LinkLocal = 4,

    /// <summary>What is no address of a single public host: multicast, broadcast, documentation, benchmarks, reserved.</summary>
    Reserved = 8,

    /// <summary>All that are not public.</summary>
    NonPublic = Loopback | Private | LinkLocal | Reserved,
}
