using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>The host that is checked is the host that is connected to.</summary>
[Trait("Security", "HT-04")]
public sealed class HttpUrlTests
{
    // Each of these has been read by some program as another host than by some other. PORT is a server's that must see nothing.
    [Theory]
    [InlineData("http://allowed.example@127.0.0.1:PORT/")]
    [InlineData("http://allowed.example:80@127.0.0.1:PORT/")]
    [InlineData("http://allowed.example\\@127.0.0.1:PORT/")]
    [InlineData("http://127.0.0.1:PORT\\@allowed.example/")]
    [InlineData("http://127.0.0.1:PORT#@allowed.example/")]
    [InlineData("http://127.0.0.1:PORT/@allowed.example")]
    [InlineData("http://127.0.0.1:PORT?@allowed.example/")]
    [InlineData("http://a@b@127.0.0.1:PORT/")]
    [InlineData("http://allowed.example%2f@127.0.0.1:PORT/")]
    [InlineData("http://allowed.example%00.127.0.0.1/")]
    [InlineData("http://allowed.example\t.127.0.0.1:PORT/")]
    [InlineData("http://127.0.0.1:PORT\t@allowed.example/")]
    [InlineData("http://127.0.0.1:PORT\n/")]
    [InlineData("http://127.0.0.1:PORT\r\nHost: allowed.example\r\n/")]
    [InlineData("\thttp://127.0.0.1:PORT/")]
    [InlineData(" http://127.0.0.1:PORT/")]
    [InlineData("ht\ntp://127.0.0.1:PORT/")]
    [InlineData("http:/127.0.0.1:PORT/")]
    [InlineData("http:127.0.0.1:PORT/")]
    [InlineData("http:///127.0.0.1:PORT/")]
    [InlineData("http:\\\\127.0.0.1:PORT/")]
    [InlineData("//127.0.0.1:PORT/")]
    [InlineData("/\\127.0.0.1:PORT/")]
    [InlineData("127.0.0.1:PORT")]
    [InlineData("http://2130706433:PORT/")]
    [InlineData("http://017700000001:PORT/")]
    [InlineData("http://0x7f000001:PORT/")]
    [InlineData("http://0x7f.0.0.1:PORT/")]
    [InlineData("http://0177.0.0.1:PORT/")]
    [InlineData("http://127.1:PORT/")]
    [InlineData("http://127.0.0.01:PORT/")]
    [InlineData("http://127.0.0.1.:PORT./")]
    [InlineData("http://127.0.0.256:PORT/")]
    [InlineData("http://0:PORT/")]
    [InlineData("http://[::ffff:127.0.0.1]:PORT/")]
    [InlineData("http://[::ffff:7f00:1]:PORT/")]
    [InlineData("http://[::127.0.0.1]:PORT/")]
    [InlineData("http://[::1%25lo]:PORT/")]
    [InlineData("http://[::1%lo]:PORT/")]
    [InlineData("http://[127.0.0.1]:PORT/")]
    [InlineData("http://[::1:PORT/")]
    [InlineData("http://[allowed.example]:PORT/")]
    [InlineData("http://%31%32%37.0.0.1:PORT/")]
    [InlineData("http://127。0。0。1:PORT/")]
    [InlineData("http://①②⑦.0.0.1:PORT/")]
    [InlineData("http://１２７.0.0.1:PORT/")]
    [InlineData("http://127.0.0.1\u00AD:PORT/")]
    [InlineData("http://allowed.example:PORT@/")]
    [InlineData("http://:PORT/")]
    [InlineData("http:///")]
    [InlineData("http://allowed.example..:PORT/")]
    [InlineData("http://.allowed.example:PORT/")]
    [InlineData("http://allowed .example:PORT/")]
    [InlineData("http://allowed.example:0/")]
    [InlineData("http://allowed.example:99999/")]
    [InlineData("http://allowed.example:+80/")]
    [InlineData("http://allowed.example:８０/")]
    [InlineData("")]
    [InlineData("nothing")]
    public void Forms_that_could_lead_elsewhere_reach_nobody(string url)
    {
        using HttpServer server = HttpServer.Of("inside");
        TestResolver resolver = new TestResolver().Add("allowed.example", 1);
        using Plugin plugin = HttpGuest.Create(resolver.Options, "allowed.example", "*.allowed.example");
        PluginException exception = plugin.SendFails(url.Replace("PORT", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        Assert.True(exception.Failure is PluginFailure.InvalidRequest or PluginFailure.NotAllowed, exception.Message);
        Assert.Empty(server.Connections);
        Assert.Empty(resolver.Asked);
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://allowed.example/")]
    [InlineData("gopher://allowed.example/")]
    [InlineData("ws://allowed.example/")]
    [InlineData("data:text/plain,x")]
    [InlineData("javascript:alert(1)")]
    [InlineData("unix:/run/docker.sock")]
    [InlineData("httpx://allowed.example/")]
    [Trait("Parity", "EXT-18")]
    public void Other_schemes_are_not_allowed(string url)
    {
        using Plugin plugin = HttpGuest.Create(new TestResolver().Options, "*");
        PluginException exception = plugin.SendFails(url);
        Assert.Equal(PluginFailure.NotAllowed, exception.Failure);
        Assert.Contains($"HTTP request to '{url}' is not allowed", exception.Message, StringComparison.Ordinal);
        Assert.Contains($"unsupported protocol scheme \"{url[..url.IndexOf(':', StringComparison.Ordinal)]}\"", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://ALLOWED.example:PORT/a/../b?q=1#fragment", "allowed.example", "/b?q=1")]
    [InlineData("HTTP://allowed.example.:PORT", "allowed.example", "/")]
    [InlineData("http://allowed.example:PORT?q", "allowed.example", "/?q")]
    [InlineData("http://allowed.example:PORT/a b/ü?x=\\", "allowed.example", "/a%20b/%C3%BC?x=%5C")]
    [InlineData("http://www.bücher.example:PORT/@x:1", "www.xn--bcher-kva.example", "/@x:1")]
    [InlineData("http://WWW.XN--BCHER-KVA.example:PORT/%2e%2e/", "www.xn--bcher-kva.example", "/")]
    [InlineData("http://under_score.allowed.example:PORT//127.0.0.1/", "under_score.allowed.example", "//127.0.0.1/")]
    public void What_is_resolved_and_named_to_the_server_is_what_was_checked(string url, string host, string path)
    {
        string? target = null;
        using var server = new HttpServer(context =>
        {
            target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget + " " + context.Request.Headers.Host.ToString().Split(':')[0];
            return Task.CompletedTask;
        });
        TestResolver resolver = new TestResolver().Add(host);
        using Plugin plugin = HttpGuest.Create(resolver.Options, "allowed.example", "**.allowed.example", "*.bücher.example");
        Assert.Equal(200, plugin.Send(url.Replace("PORT", server.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)).Status);
        Assert.Equal([host], resolver.Asked);
        Assert.Equal($"{path} {host}", target);
    }

    [Theory]
    [InlineData("http://127.0.0.1:PORT;@allowed.example/")]
    [InlineData("http://127.0.0.1:PORT%2f@allowed.example/")]
    [InlineData("http://127.0.0.1%23:PORT@allowed.example/")]
    public void What_stands_before_the_at_sign_is_user_and_password_whatever_it_looks_like(string url)
    {
        using HttpServer inside = HttpServer.Of("inside");
        using HttpServer allowed = HttpServer.Of("allowed");
        TestResolver resolver = new TestResolver().Add("allowed.example", allowed.Port);
        using Plugin plugin = HttpGuest.Create(resolver.Options, "allowed.example");
        Assert.Equal("allowed", plugin.Send(url.Replace("PORT", inside.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)).Text);
        Assert.Empty(inside.Connections);
    }

    [Fact]
    public void A_message_shows_the_URL_without_control_characters_and_cut()
    {
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default);
        string message = plugin.SendFails("http://a/\r\n\u001b[31m" + new string('x', 50_000)).Message;
        Assert.DoesNotContain(message, char.IsControl);
        Assert.Contains("\\u000d\\u000a\\u001b", message, StringComparison.Ordinal);
        Assert.True(message.Length < 4096);
    }
}
