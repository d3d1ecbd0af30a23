using System.Text;

using Codicil.Plugins.Http;

using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests.Http;

[Trait("Security", "HT-02")]
[Trait("Parity", "EXT-18")]
public sealed class HttpRedirectTests
{
    private static HttpServer Redirecting(Func<HttpContext, string> to, int status = 302) => new(context =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = to(context);
        return Task.CompletedTask;
    });

    // Answers with all that it was sent.
    private static HttpServer Showing() => new(async context =>
    {
        var text = new StringBuilder($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}\n");
        foreach ((string name, Microsoft.Extensions.Primitives.StringValues value) in context.Request.Headers)
        {
            text.Append(name.ToLowerInvariant()).Append(": ").Append(value.ToString()).Append('\n');
        }

        using var reader = new StreamReader(context.Request.Body);
        await context.Response.WriteAsync(text.Append('\n').Append(await reader.ReadToEndAsync()).ToString());
    });

    [Theory]
    [InlineData("http://evil.example:PORT/")]
    [InlineData("//evil.example:PORT/")]
    [InlineData("http://allowed.example@evil.example:PORT/")]
    [InlineData("http://evil.example:PORT/#@allowed.example")]
    [InlineData("http://evil.example:PORT\\@allowed.example/")]
    [InlineData("/\\evil.example:PORT/")]
    [InlineData("\\\\evil.example:PORT/")]
    [InlineData("http:\\\\evil.example:PORT/")]
    [InlineData("http:evil.example:PORT/")]
    [InlineData("http://127.0.0.1:PORT/")]
    [InlineData("http://2130706433:PORT/")]
    [InlineData("http://[::ffff:127.0.0.1]:PORT/")]
    [InlineData("http://allowed.example.evil.example:PORT/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://allowed.example/")]
    [InlineData("javascript:alert(1)")]
    [InlineData("http://user:password@allowed.example:PORT/")]
    [InlineData("https://evil.example:PORT/")]
    public void A_redirect_to_what_is_not_allowed_is_not_followed(string target)
    {
        using HttpServer evil = HttpServer.Of("evil");
        using HttpServer server = Redirecting(_ => target.Replace("PORT", evil.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
        TestResolver resolver = new TestResolver().Add("allowed.example").Add("evil.example").Add("allowed.example.evil.example");
        using Plugin plugin = HttpGuest.Create(resolver.Options, "allowed.example");
        PluginException exception = plugin.SendFails(server.Url("/", "allowed.example"));
        Assert.Equal((PluginFailure.NotAllowed, 1u), (exception.Failure, exception.ExitCode));
        Assert.Contains("is not allowed", exception.Message, StringComparison.Ordinal);
        Assert.Contains("redirects to it", exception.Message, StringComparison.Ordinal);
        Assert.Empty(evil.Connections);
        Assert.Equal(["allowed.example"], resolver.Asked);
        Assert.Equal(0, plugin.LastHttpStatusCode);
    }

    [Fact]
    public void The_second_hop_is_checked_like_the_first()
    {
        using HttpServer evil = HttpServer.Of("evil");
        using HttpServer second = Redirecting(_ => evil.Url("/", "evil.example"));
        using HttpServer first = Redirecting(_ => second.Url("/", "second.example"));
        TestResolver resolver = new TestResolver().Add("first.example").Add("second.example").Add("evil.example");
        using Plugin plugin = HttpGuest.Create(resolver.Options, "first.example", "second.example");
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(first.Url("/", "first.example")).Failure);
        Assert.Single(second.Requests);
        Assert.Empty(evil.Connections);
    }

    [Theory]
    [InlineData("other?x=1#f", "/a/other?x=1")]
    [InlineData("/other", "/other")]
    [InlineData("../other", "/other")]
    [InlineData("?x=1", "/a/b?x=1")]
    [InlineData("./c:d", "/a/c:d")]
    [InlineData("/%C3%A4", "/%C3%A4")]
    [InlineData("//first.example:PORT/x", "/x")]
    [InlineData("http://first.example:PORT/x", "/x")]
    public void A_reference_is_resolved_against_the_request(string location, string expected)
    {
        string? target = null;
        int requests = 0;
        using var server = new HttpServer(context =>
        {
            if (Interlocked.Increment(ref requests) == 1)
            {
                context.Response.StatusCode = 301;
                context.Response.Headers.Location = location.Replace("PORT", context.Request.Host.Port!.Value.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
                return Task.CompletedTask;
            }

            target = context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            return context.Response.WriteAsync("there");
        });
        using Plugin plugin = HttpGuest.Create(new TestResolver().Add("first.example").Options, "first.example");
        Assert.Equal("there", plugin.Send(server.Url("/a/b?q", "first.example")).Text);
        Assert.Equal(expected, target);
    }

    [Fact]
    public void Secrets_stay_with_the_origin_that_they_were_meant_for()
    {
        using HttpServer show = Showing();
        using HttpServer server = Redirecting(_ => show.Url("/x", "other.example"), 307);
        using Plugin plugin = HttpGuest.Create(new TestResolver().Add("first.example").Add("other.example").Options, "first.example", "other.example");
        var headers = new Dictionary<string, string>
        {
            ["Authorization"] = "secret",
            ["Cookie"] = "secret",
            ["X-Api-Key"] = "secret",
            ["Accept"] = "text/x",
            ["Content-Type"] = "text/y",
        };
        string shown = plugin.Send(server.Url("/", "first.example"), "POST", headers, "body"u8.ToArray()).Text;
        Assert.StartsWith("POST /x\n", shown, StringComparison.Ordinal);
        Assert.EndsWith("\n\nbody", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", shown, StringComparison.Ordinal);
        Assert.Contains("accept: text/x\n", shown, StringComparison.Ordinal);
        Assert.Contains("content-type: text/y\n", shown, StringComparison.Ordinal);
        string url = server.Url("/", "user:secret@first.example");
        Assert.DoesNotContain("authorization", plugin.Send(url).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Another_port_is_another_origin_and_the_way_back_does_not_bring_secrets_back()
    {
        using HttpServer show = Showing();
        using HttpServer detour = Redirecting(_ => show.Url("/back", "first.example"), 307);
        int showPort = show.Port;
        using HttpServer start = Redirecting(_ => detour.Url("/", "first.example"), 307);
        using Plugin plugin = HttpGuest.Create(new TestResolver().Add("first.example").Options, "first.example");
        string shown = plugin.Send(start.Url("/", "first.example"), "GET", new Dictionary<string, string> { ["Authorization"] = "secret" }).Text;
        Assert.StartsWith("GET /back\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", shown, StringComparison.Ordinal);
    }

    [Fact]
    public void On_the_same_origin_headers_go_along()
    {
        using var server = new HttpServer(context =>
        {
            if (context.Request.Path == "/")
            {
                context.Response.Redirect("/next");
                return Task.CompletedTask;
            }

            return context.Response.WriteAsync(context.Request.Headers.Authorization.ToString());
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal("secret", plugin.Send(server.Url(), "GET", new Dictionary<string, string> { ["Authorization"] = "secret" }).Text);
    }

    [Theory]
    [InlineData(301, "POST", "GET", false)]
    [InlineData(302, "POST", "GET", false)]
    [InlineData(303, "POST", "GET", false)]
    [InlineData(303, "PUT", "GET", false)]
    [InlineData(302, "PUT", "GET", false)]
    [InlineData(307, "POST", "POST", true)]
    [InlineData(308, "PUT", "PUT", true)]
    [InlineData(301, "GET", "GET", true)]
    public void Method_and_body_follow_the_status(int status, string method, string expected, bool keepsBody)
    {
        using HttpServer show = Showing();
        using HttpServer server = Redirecting(_ => show.Url(), status);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        string shown = plugin.Send(server.Url(), method, new Dictionary<string, string> { ["Content-Type"] = "text/x" }, "body"u8.ToArray()).Text;
        Assert.StartsWith(expected + " /\n", shown, StringComparison.Ordinal);
        Assert.Equal(keepsBody, shown.EndsWith("\n\nbody", StringComparison.Ordinal));
        Assert.Equal(keepsBody, shown.Contains("content-type: text/x\n", StringComparison.Ordinal));
    }

    [Fact]
    public void Only_so_many_redirects_are_followed()
    {
        using HttpServer server = Redirecting(context => $"/{int.Parse(context.Request.Path.Value![1..], System.Globalization.CultureInfo.InvariantCulture) + 1}");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        PluginException exception = plugin.SendFails(server.Url("/0"));
        Assert.Equal(PluginFailure.Limit, exception.Failure);
        Assert.Contains("stopped after 10 redirects", exception.Message, StringComparison.Ordinal);
        Assert.Equal(11, server.Requests.Count);
        using Plugin two = HttpGuest.Create(new PluginHttpOptions { MaxRedirects = 2 }, "127.0.0.1");
        Assert.Contains("stopped after 2 redirects", two.SendFails(server.Url("/0")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_redirects_the_guest_gets_them()
    {
        using HttpServer server = Redirecting(static _ => "http://evil.example/");
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { MaxRedirects = 0 }, "127.0.0.1");
        Assert.Equal(302, plugin.Send(server.Url()).Status);
        Assert.Equal("http://evil.example/", plugin.LastHttpHeaders["location"]);
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nContent-Length: 2\r\n\r\nno", 302)]
    [InlineData("HTTP/1.1 300 Choices\r\nLocation: http://evil.example/\r\nContent-Length: 2\r\n\r\nno", 300)]
    [InlineData("HTTP/1.1 304 Not Modified\r\nLocation: http://evil.example/\r\n\r\n", 304)]
    [InlineData("HTTP/1.1 201 Created\r\nLocation: http://evil.example/\r\nContent-Length: 2\r\n\r\nno", 201)]
    [InlineData("HTTP/1.1 200 OK\r\nRefresh: 0; url=http://evil.example/\r\nContent-Length: 2\r\n\r\nno", 200)]
    public void Other_responses_are_no_redirects(string response, int status)
    {
        using RawServer server = RawServer.Answering(response);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(status, plugin.Send(server.Url()).Status);
    }

    [Fact]
    public void Two_locations_are_refused()
    {
        using RawServer server = RawServer.Answering("HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(PluginFailure.Http, plugin.SendFails(server.Url()).Failure);
    }

    [Fact]
    public void From_https_to_http_is_refused()
    {
        using HttpServer plain = HttpServer.Of("plain");
        using TestCertificate certificate = new("secure.example");
        using var server = new HttpServer(
            context =>
            {
                context.Response.Redirect(plain.Url("/", "secure.example"));
                return Task.CompletedTask;
            },
            certificate.Server);
        PluginHttpOptions options = new TestResolver().Add("secure.example").Options with { TrustedRoots = [certificate.Root] };
        using Plugin plugin = HttpGuest.Create(options, "*");
        PluginException exception = plugin.SendFails($"https://secure.example:{server.Port}/");
        Assert.Equal(PluginFailure.NotAllowed, exception.Failure);
        Assert.Contains("from https to http", exception.Message, StringComparison.Ordinal);
        Assert.Empty(plain.Connections);
    }

    [Fact]
    public void The_body_of_a_redirect_is_not_waited_for()
    {
        using HttpServer target = HttpServer.Of("there");
        using var server = new RawServer(async (connection, token) =>
        {
            await connection.ReadHeadAsync(token);
            await connection.SendAsync($"HTTP/1.1 302 Found\r\nLocation: {target.Url()}\r\nContent-Length: 1000000000\r\n\r\nx", token);
            await connection.ReadToEndAsync(token);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal("there", plugin.Send(server.Url()).Text);
    }
}
