using System.Net;

using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

[Trait("Security", "HT-03")]
[Trait("Parity", "EXT-18")]
public sealed class HostPatternTests
{
    [Theory]
    // As they stand.
    [InlineData("example.com", "example.com", true)]
    [InlineData("example.com", "www.example.com", false)]
    [InlineData("example.com", "evil-example.com", false)]
    [InlineData("example.com", "example.com.evil.com", false)]
    [InlineData("example.com", "example.co", false)]
    [InlineData("example.com", "examplexcom", false)]
    [InlineData("EXAMPLE.com", "example.COM", true)]
    [InlineData("example.com.", "example.com", true)]
    [InlineData("example.com", "example.com.", true)]
    [InlineData("example.com", "example.com..", false)]
    // A star stays in its label.
    [InlineData("*.example.com", "www.example.com", true)]
    [InlineData("*.example.com", "WWW.Example.Com.", true)]
    [InlineData("*.example.com", "a.b.example.com", false)]
    [InlineData("*.example.com", "example.com", false)]
    [InlineData("*.example.com", "evil-example.com", false)]
    [InlineData("*.example.com", "www.example.com.evil.com", false)]
    [InlineData("*example.com", "evil-example.com", true)]
    [InlineData("*example.com", "example.com", true)]
    [InlineData("site.*.com", "site.good.com", true)]
    [InlineData("site.*.com", "site.a.evil.com", false)]
    [InlineData("site.*.com", "site.com", false)]
    [InlineData("google.*", "google.com", true)]
    [InlineData("google.*", "google.co.uk", false)]
    [InlineData("jsonplaceholder.*.com", "jsonplaceholder.typicode.com", true)]
    [InlineData("api-*-eu.example.com", "api-7-eu.example.com", true)]
    [InlineData("api-*-eu.example.com", "api-eu.example.com", false)]
    // Two stars do not, and one alone is everything.
    [InlineData("**.example.com", "a.b.example.com", true)]
    [InlineData("**.example.com", "example.com", false)]
    [InlineData("**example.com", "a.evil-example.com", true)]
    [InlineData("*", "anything.at.all", true)]
    [InlineData("**", "anything.at.all", true)]
    [InlineData("*", "127.0.0.1", true)]
    [InlineData("*", "[::1]", true)]
    // One character, a set, alternatives.
    [InlineData("host?.example.com", "host1.example.com", true)]
    [InlineData("host?.example.com", "host.example.com", false)]
    [InlineData("host?example.com", "host.example.com", false)]
    [InlineData("host[0-9].example.com", "host7.example.com", true)]
    [InlineData("host[0-9].example.com", "hostx.example.com", false)]
    [InlineData("host[!0-9].example.com", "hostx.example.com", true)]
    [InlineData("host[!0-9]example.com", "host.example.com", false)]
    [InlineData("HOST[A-C].example.com", "hostb.example.com", true)]
    [InlineData("{www,api}.example.com", "api.example.com", true)]
    [InlineData("{www,api}.example.com", "ftp.example.com", false)]
    [InlineData("{,www.}example.com", "example.com", true)]
    [InlineData("{,www.}example.com", "www.example.com", true)]
    [InlineData("{a,b{c,d*}}.example.com", "bdx.example.com", true)]
    [InlineData("{a,b{c,d*}}.example.com", "b.example.com", false)]
    [InlineData("{a,b}{a,b}{a,b}{a,b}.x", "abba.x", true)]
    // International names.
    [InlineData("bücher.example", "bücher.example", true)]
    [InlineData("bücher.example", "xn--bcher-kva.example", true)]
    [InlineData("xn--bcher-kva.example", "BÜCHER.example", true)]
    [InlineData("*.bücher.example", "www.xn--bcher-kva.example", true)]
    [InlineData("bücher.example", "bucher.example", false)]
    // Addresses.
    [InlineData("127.0.0.1", "127.0.0.1", true)]
    [InlineData("10.0.0.*", "10.0.0.7", true)]
    [InlineData("10.0.0.*", "10.0.7.0", false)]
    [InlineData("[::1]", "[::1]", true)]
    [InlineData("::1", "[0:0:0:0:0:0:0:1]", true)]
    [InlineData("[2001:DB8::1]", "[2001:db8:0::1]", true)]
    [InlineData("[::1]", "[::2]", false)]
    [InlineData("127.0.0.1", "[::ffff:127.0.0.1]", false)]
    [InlineData("**1", "[::1]", false)]
    public void Patterns_match_hosts(string pattern, string host, bool expected) => Assert.Equal(expected, HostPattern.Parse(pattern).IsMatch(host));

    [Theory]
    [InlineData("example.com:8080", "example.com", 8080, true)]
    [InlineData("example.com:8080", "example.com", 80, false)]
    [InlineData("example.com", "example.com", 8080, true)]
    [InlineData("example.com:*", "example.com", 8080, true)]
    [InlineData("*:443", "any.example", 443, true)]
    [InlineData("*:443", "any.example", 80, false)]
    [InlineData("host[0-9].example:80", "host1.example", 80, true)]
    [InlineData("[::1]:80", "[::1]", 80, true)]
    [InlineData("[::1]:80", "[::1]", 81, false)]
    public void Patterns_may_name_a_port(string pattern, string host, int port, bool expected) => Assert.Equal(expected, HostPattern.Parse(pattern).IsMatch(host, port));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("[")]
    [InlineData("a[")]
    [InlineData("a]")]
    [InlineData("[]")]
    [InlineData("[9-0].com")]
    [InlineData("[.].com")]
    [InlineData("[!a-z0-9_-].com")]
    [InlineData("{a,b")]
    [InlineData("a,b")]
    [InlineData("a}")]
    [InlineData("{a,{b}")]
    [InlineData("a..b")]
    [InlineData(".example.com")]
    [InlineData("*.")]
    [InlineData("example.com/")]
    [InlineData("https://example.com")]
    [InlineData("user@example.com")]
    [InlineData("example.com:0")]
    [InlineData("example.com:65536")]
    [InlineData("example.com:")]
    [InlineData("example.com:http")]
    [InlineData("exam ple.com")]
    [InlineData("a\\b.com")]
    [InlineData("a\n.com")]
    [InlineData("a\0.com")]
    [InlineData("bü*.example")]
    [InlineData("0x7f.1")]
    [InlineData("2130706433")]
    [InlineData("[::1%eth0]")]
    [InlineData("[::g]")]
    [InlineData("a:b:c")]
    [InlineData("{{{{{{{{{{{{{{{{{a}}}}}}}}}}}}}}}}}")]
    public void Bad_patterns_are_refused_when_they_are_set(string pattern)
    {
        Assert.Throws<FormatException>(() => HostPattern.Parse(pattern));
        PluginException exception = Assert.Throws<PluginException>(() => HttpGuest.Create(PluginHttpOptions.Default, "example.com", pattern));
        Assert.Equal(PluginFailure.Manifest, exception.Failure);
        Assert.Contains("bad host pattern", exception.Message, StringComparison.Ordinal);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "example.com");
        Assert.Throws<ArgumentException>(() => plugin.AllowedHosts = ["example.org", pattern]);
        Assert.Equal(["example.com"], plugin.AllowedHosts);
    }

    [Fact]
    public void A_pattern_that_is_too_long_or_null_is_refused()
    {
        Assert.Throws<FormatException>(() => HostPattern.Parse(new string('a', HostPattern.MaxLength + 1)));
        Assert.Equal(PluginFailure.Manifest, Assert.Throws<PluginException>(() => HttpGuest.Create(PluginHttpOptions.Default, [null!])).Failure);
    }

    // A matcher that goes back takes longer than the universe for the first of these. Each step here is bounded by the size of the program.
    [Theory]
    [InlineData("*a*a*a*a*b")]
    [InlineData("**a**a**a**a**b")]
    [InlineData("{a,a,a}{a,a,a}*{a,aa}*{a,aa}*b")]
    [InlineData("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b")]
    public void Matching_takes_linear_time(string pattern)
    {
        var parsed = HostPattern.Parse(pattern);
        string host = new('a', 10_000);
        Assert.False(parsed.IsMatch(host.AsSpan()));
        Assert.True(parsed.IsMatch((host + "b").AsSpan()));
    }

    [Theory]
    [InlineData("127.0.0.1", AddressKinds.Loopback)]
    [InlineData("127.255.255.254", AddressKinds.Loopback)]
    [InlineData("0.0.0.0", AddressKinds.Loopback)]
    [InlineData("::1", AddressKinds.Loopback)]
    [InlineData("::", AddressKinds.Loopback)]
    [InlineData("::ffff:127.0.0.1", AddressKinds.Loopback)]
    [InlineData("64:ff9b::7f00:1", AddressKinds.Loopback)]
    [InlineData("64:ff9b:1::7f00:1", AddressKinds.Loopback)]
    [InlineData("2002:7f00:1::", AddressKinds.Loopback)]
    [InlineData("2001:0:1:1:1:1:80ff:fffe", AddressKinds.Loopback)]
    [InlineData("::127.0.0.1", AddressKinds.Loopback)]
    [InlineData("::ffff:0:127.0.0.1", AddressKinds.Loopback)]
    [InlineData("2001:4860::5efe:127.0.0.1", AddressKinds.Loopback)]
    [InlineData("2001:4860::200:5efe:10.0.0.1", AddressKinds.Private)]
    [InlineData("2001:4860:4860::8888", AddressKinds.None)]
    [InlineData("10.1.2.3", AddressKinds.Private)]
    [InlineData("172.16.0.1", AddressKinds.Private)]
    [InlineData("172.32.0.1", AddressKinds.None)]
    [InlineData("192.168.1.1", AddressKinds.Private)]
    [InlineData("100.64.0.1", AddressKinds.Private)]
    [InlineData("fc00::1", AddressKinds.Private)]
    [InlineData("fec0::1", AddressKinds.Private)]
    [InlineData("::ffff:192.168.1.1", AddressKinds.Private)]
    [InlineData("169.254.169.254", AddressKinds.LinkLocal)]
    [InlineData("::ffff:169.254.169.254", AddressKinds.LinkLocal)]
    [InlineData("64:ff9b::a9fe:a9fe", AddressKinds.LinkLocal)]
    [InlineData("fe80::1", AddressKinds.LinkLocal)]
    [InlineData("fe80::1%3", AddressKinds.LinkLocal)]
    [InlineData("fd00:ec2::254", AddressKinds.LinkLocal | AddressKinds.Private)]
    [InlineData("168.63.129.16", AddressKinds.LinkLocal)]
    [InlineData("100.100.100.200", AddressKinds.LinkLocal | AddressKinds.Private)]
    [InlineData("224.0.0.1", AddressKinds.Reserved)]
    [InlineData("255.255.255.255", AddressKinds.Reserved)]
    [InlineData("ff02::1", AddressKinds.Reserved)]
    [InlineData("192.0.2.1", AddressKinds.Reserved)]
    [InlineData("8.8.8.8", AddressKinds.None)]
    [InlineData("2606:4700::1111", AddressKinds.None)]
    [Trait("Security", "HT-08")]
    public void Addresses_have_kinds(string address, AddressKinds expected) => Assert.Equal(expected, AddressRules.KindsOf(IPAddress.Parse(address)));
}
