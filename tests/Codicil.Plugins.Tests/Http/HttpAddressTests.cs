using System.Net;

using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>The address that was checked is the one that is connected to.</summary>
[Trait("Security", "HT-08")]
public sealed class HttpAddressTests
{
    private static readonly IPAddress s_loopback = IPAddress.Loopback;

    [Theory]
    [InlineData("127.0.0.1", AddressKinds.Loopback)]
    [InlineData("::ffff:127.0.0.1", AddressKinds.Loopback)]
    [InlineData("::1", AddressKinds.Loopback)]
    [InlineData("0.0.0.0", AddressKinds.Loopback)]
    [InlineData("10.0.0.1", AddressKinds.Private)]
    [InlineData("fd12::1", AddressKinds.Private)]
    [InlineData("169.254.169.254", AddressKinds.LinkLocal)]
    [InlineData("64:ff9b::a9fe:a9fe", AddressKinds.LinkLocal)]
    [InlineData("239.1.2.3", AddressKinds.Reserved)]
    public void Blocked_kinds_are_not_connected_to_by_name_or_by_address(string address, AddressKinds kind)
    {
        using HttpServer server = HttpServer.Of("inside");
        var parsed = IPAddress.Parse(address);
        TestResolver resolver = new TestResolver().Add("inside.example", parsed);
        using Plugin plugin = HttpGuest.Create(resolver.Options with { BlockedAddresses = kind }, "*");
        PluginException exception = plugin.SendFails(server.Url("/", "inside.example"));
        Assert.Equal(PluginFailure.NotAllowed, exception.Failure);
        Assert.Contains("is not allowed: the host 'inside.example' has no address that may be connected to", exception.Message, StringComparison.Ordinal);
        Assert.Equal(["inside.example"], resolver.Asked);
        exception = plugin.SendFails(server.Url("/", address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address));
        Assert.Equal(PluginFailure.NotAllowed, exception.Failure);
        Assert.Contains("its address is blocked", exception.Message, StringComparison.Ordinal);
        Assert.Empty(server.Connections);
    }

    [Fact]
    public void By_default_the_link_and_its_metadata_services_are_out_of_reach()
    {
        TestResolver resolver = new TestResolver().Add("metadata.example", IPAddress.Parse("169.254.169.254"));
        using Plugin plugin = HttpGuest.Create(resolver.Options, "*");
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://metadata.example/latest/meta-data/").Failure);
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://169.254.169.254/latest/meta-data/").Failure);
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://[fd00:ec2::254]/latest/meta-data/").Failure);
    }

    [Fact]
    public void Of_several_addresses_those_that_are_blocked_are_left_out()
    {
        using HttpServer server = HttpServer.Of("hello");
        TestResolver resolver = new TestResolver().Add("mixed.example", IPAddress.Parse("10.0.0.1"), IPAddress.Parse("169.254.169.254"), s_loopback);
        using Plugin plugin = HttpGuest.Create(resolver.Options with { BlockedAddresses = AddressKinds.NonPublic & ~AddressKinds.Loopback }, "mixed.example");
        Assert.Equal("hello", plugin.Send(server.Url("/", "mixed.example")).Text);
    }

    [Fact]
    public void A_mapped_address_is_connected_to_as_what_it_stands_for()
    {
        using HttpServer server = HttpServer.Of("hello");
        TestResolver resolver = new TestResolver().Add("mapped.example", IPAddress.Parse("::ffff:127.0.0.1"));
        using Plugin plugin = HttpGuest.Create(resolver.Options, "mapped.example", "[::ffff:127.0.0.1]");
        Assert.Equal("hello", plugin.Send(server.Url("/", "mapped.example")).Text);
        Assert.Equal("hello", plugin.Send(server.Url("/", "[::ffff:127.0.0.1]")).Text);
    }

    [Fact]
    public void A_name_is_resolved_once_so_that_a_second_answer_leads_nowhere()
    {
        using HttpServer outside = HttpServer.Of("outside");
        using HttpServer inside = HttpServer.Of("inside");
        int asked = 0;
        PluginHttpOptions options = new()
        {
            BlockedNetworks = [IPNetwork.Parse("127.0.0.2/32")],
            ConnectionLifetime = TimeSpan.Zero,

            // The first answer is good, every further one leads inside.
            Resolver = (_, _) => ValueTask.FromResult<IReadOnlyList<IPEndPoint>>(
                [Interlocked.Increment(ref asked) == 1 ? new IPEndPoint(s_loopback, outside.Port) : new IPEndPoint(IPAddress.Parse("127.0.0.2"), inside.Port)]),
        };
        using Plugin plugin = HttpGuest.Create(options, "rebinding.example");
        Assert.Equal("outside", plugin.Send("http://rebinding.example/").Text);
        Assert.Equal(1, asked);
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://rebinding.example/").Failure);
        Assert.Equal(2, asked);
        Assert.Empty(inside.Connections);
    }

    [Fact]
    public void The_resolver_cannot_change_its_answer_after_the_check()
    {
        using HttpServer inside = HttpServer.Of("inside");
        var endPoint = new ShiftingEndPoint(IPAddress.Parse("127.0.0.3"), inside.Port);
        PluginHttpOptions options = new()
        {
            BlockedNetworks = [IPNetwork.Parse("127.0.0.1/32")],
            Resolver = (_, _) => ValueTask.FromResult<IReadOnlyList<IPEndPoint>>(endPoint.Shift()),
        };
        using Plugin plugin = HttpGuest.Create(options, "*");
        plugin.SendFails("http://shifting.example/");
        Assert.Empty(inside.Connections);
    }

    [Fact]
    public void A_redirect_to_a_blocked_address_is_refused()
    {
        using HttpServer inside = HttpServer.Of("inside");
        foreach (string target in (string[])["127.0.0.2", "inside.example"])
        {
            using RawServer server = RawServer.Answering($"HTTP/1.1 302 Found\r\nLocation: {inside.Url("/", target)}\r\nContent-Length: 0\r\n\r\n");
            TestResolver resolver = new TestResolver().Add("outside.example", s_loopback).Add("inside.example", IPAddress.Parse("127.0.0.2"));
            using Plugin plugin = HttpGuest.Create(resolver.Options with { BlockedNetworks = [IPNetwork.Parse("127.0.0.2/31")] }, "*");
            Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(server.Url("/", "outside.example")).Failure);
            Assert.Single(server.Connections);
        }

        Assert.Empty(inside.Connections);
    }

    [Fact]
    public void Networks_make_exceptions_in_both_directions()
    {
        using HttpServer server = HttpServer.Of("hello");
        PluginHttpOptions closed = new() { BlockedAddresses = AddressKinds.NonPublic };
        using (Plugin plugin = HttpGuest.Create(closed, "*"))
        {
            Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(server.Url()).Failure);
        }

        using (Plugin plugin = HttpGuest.Create(closed with { AllowedNetworks = [IPNetwork.Parse("127.0.0.1/32")] }, "*"))
        {
            Assert.Equal("hello", plugin.Send(server.Url()).Text);
            Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(server.Url("/", "127.0.0.2")).Failure);
        }

        using (Plugin plugin = HttpGuest.Create(closed with { AllowedNetworks = [IPNetwork.Parse("127.0.0.0/8")], BlockedNetworks = [IPNetwork.Parse("127.0.0.1/32")] }, "*"))
        {
            Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(server.Url()).Failure);
        }
    }

    [Fact]
    public void What_a_resolver_throws_is_the_cause_of_the_failure()
    {
        var thrown = new InvalidOperationException("no such service");
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { Resolver = (_, _) => throw thrown }, "*");
        PluginException exception = plugin.SendFails("http://some.example/");
        Assert.Equal(PluginFailure.Http, exception.Failure);
        Assert.Contains("no such service", exception.Message, StringComparison.Ordinal);
        Assert.Same(thrown, exception.InnerException!.InnerException);
    }

    /// <summary>An end point whose address is another one after a moment.</summary>
    private sealed class ShiftingEndPoint(IPAddress address, int port) : IPEndPoint(address, port)
    {
        public IReadOnlyList<IPEndPoint> Shift()
        {
            var list = new ShiftingList(this);
            return list;
        }

        private sealed class ShiftingList(ShiftingEndPoint endPoint) : IReadOnlyList<IPEndPoint>
        {
            public int Count => 1;

            public IPEndPoint this[int index] => endPoint;

            public IEnumerator<IPEndPoint> GetEnumerator()
            {
                yield return endPoint;
                endPoint.Address = s_loopback;
            }

            System.Collections.IEnumerator System.Collections.IEnumerable.GetEnumerator() => GetEnumerator();
        }
    }
}
