using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>What a guest writes stays in its place: no second header, no second request, no other host.</summary>
[Trait("Security", "HT-05")]
[Trait("Parity", "EXT-18")]
public sealed class HttpInjectionTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

    [Theory]
    [InlineData("X-A", "b\r\nX-Evil: 1")]
    [InlineData("X-A", "b\nX-Evil: 1")]
    [InlineData("X-A", "b\rX-Evil: 1")]
    [InlineData("X-A", "b\r\n\r\nGET /evil HTTP/1.1\r\n\r\n")]
    [InlineData("X-A", "b\r\n continued")]
    [InlineData("X-A", "b\0c")]
    [InlineData("X-A", "b\u000bc")]
    [InlineData("X-A", "b\u001bc")]
    [InlineData("X-A", "b\u007fc")]
    [InlineData("X-A\r\nX-Evil", "1")]
    [InlineData("X-A: 1\r\nX-Evil", "1")]
    [InlineData("X-A:", "1")]
    [InlineData("X-A ", "1")]
    [InlineData(" X-A", "1")]
    [InlineData("X A", "1")]
    [InlineData("X-A\0", "1")]
    [InlineData("X-Ä", "1")]
    [InlineData("X(A)", "1")]
    [InlineData("", "1")]
    [InlineData(":authority", "internal.corp")]
    // What frames the message or names the host.
    [InlineData("Host", "internal.corp")]
    [InlineData("host", "127.0.0.1:1")]
    [InlineData("HOST", "")]
    [InlineData("Content-Length", "1")]
    [InlineData("Content-Length", "00")]
    [InlineData("Content-Length", "0, 0")]
    [InlineData("content-length", "-1")]
    [InlineData("Transfer-Encoding", "chunked")]
    [InlineData("transfer-encoding", "identity")]
    [InlineData("Transfer-Encoding", "xchunked")]
    [InlineData("Connection", "X-A")]
    [InlineData("Connection", "upgrade")]
    [InlineData("Connection", "close, X-A")]
    [InlineData("Keep-Alive", "timeout=5")]
    [InlineData("Proxy-Connection", "keep-alive")]
    [InlineData("Proxy-Authorization", "Basic eA==")]
    [InlineData("TE", "trailers")]
    [InlineData("Trailer", "X-A")]
    [InlineData("Upgrade", "h2c")]
    [InlineData("HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA")]
    [InlineData("Expect", "100-continue")]
    public void Headers_that_could_change_the_message_are_refused(string name, string value) =>
        AssertRefused("invalid http request: ", (plugin, server) => plugin.SendFails(server.Url(), "POST", new Dictionary<string, string> { [name] = value }));

    // U+010A and U+010D are CR and LF for whoever keeps only the low byte.
    [Theory]
    [InlineData("\u010D\u010AX-Evil: 1", "\xC4\x8D\xC4\x8AX-Evil: 1")]
    [InlineData("\u560D\u560AX-Evil: 1", "\xE5\x98\x8D\xE5\x98\x8AX-Evil: 1")]
    [InlineData("caf\u00E9", "caf\xC3\xA9")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("a: b", "a: b")]
    public void Other_text_is_sent_as_UTF8(string value, string expected)
    {
        string received = Sent((plugin, server) => plugin.Send(server.Url(), null, new Dictionary<string, string> { ["X-A"] = value }));
        Assert.Contains($"\r\nX-A: {expected}\r\n", received, StringComparison.Ordinal);
        Assert.DoesNotContain("\r\nX-Evil", received, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET /evil HTTP/1.1\r\nX: ")]
    [InlineData("GET\r\n")]
    [InlineData("GET ")]
    [InlineData("G\0T")]
    [InlineData("GET\t")]
    [InlineData("PO\u017FT")]
    [InlineData("m(x)")]
    [InlineData("CONNECT")]
    [InlineData("connect")]
    [InlineData("TRACE")]
    public void Methods_that_are_none_or_not_for_guests_are_refused(string method) =>
        AssertRefused("invalid http request: ", (plugin, server) => plugin.SendFails(server.Url(), method));

    [Fact]
    public void What_says_what_is_sent_anyway_is_left_out()
    {
        using RawServer server = new(async (connection, token) =>
        {
            await connection.ReadHeadAsync(token);
            await connection.SendAsync(Ok, token);
            await connection.ReadToEndAsync(token);
        });
        using Plugin plugin = HttpGuest.Create(new TestResolver().Add("example.com").Options, "example.com");
        var headers = new Dictionary<string, string> { ["Host"] = $"EXAMPLE.com:{server.Port}", ["content-length"] = "5", ["Connection"] = "close" };
        Assert.Equal(200, plugin.Send(server.Url("/", "example.com"), "POST", headers, "hello"u8.ToArray()).Status);
        string received = Assert.Single(server.Connections).Received;
        Assert.Single(Lines(received), line => line.StartsWith("Host:", StringComparison.OrdinalIgnoreCase));
        Assert.Contains($"Host: example.com:{server.Port}", Lines(received));
        Assert.Single(Lines(received), line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(Lines(received), static line => line.StartsWith("Connection:", StringComparison.OrdinalIgnoreCase));

        static string[] Lines(string text) => text.Split("\r\n");
    }

    [Theory]
    [InlineData("/a\r\nX-Evil: 1")]
    [InlineData("/a HTTP/1.1\nX-Evil: 1")]
    [InlineData("/a\0")]
    public void Line_ends_in_a_URL_are_refused(string path) =>
        AssertRefused("invalid url: ", (plugin, server) => plugin.SendFails(server.Url(path)));

    [Theory]
    [InlineData("/a HTTP/1.1 b")]
    [InlineData("/%0d%0aX-Evil:%201")]
    [InlineData("/?q=a b")]
    [InlineData("/\u010D\u010AX-Evil: 1")]
    public void The_request_line_is_one_line_of_three_parts(string path)
    {
        string line = Sent((plugin, server) => plugin.Send(server.Url(path))).Split("\r\n")[0];
        Assert.Equal(3, line.Split(' ').Length);
        Assert.EndsWith(" HTTP/1.1", line, StringComparison.Ordinal);
    }

    // RFC 9112, 6.3: who reads such a message otherwise than its neighbour reads another message.
    [Theory]
    [InlineData("Content-Length: -1\r\n")]
    [InlineData("Content-Length: +2\r\n")]
    [InlineData("Content-Length: 0x2\r\n")]
    [InlineData("Content-Length: \r\n")]
    [InlineData("Content-Length: 2, 2\r\n")]
    [InlineData("Content-Length: 1\r\nContent-Length: 2\r\n")]
    [InlineData("Content-Length: 9223372036854775808\r\n")]
    [InlineData("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: 2\r\n")]
    [InlineData("Transfer-Encoding: gzip\r\n")]
    [InlineData("Transfer-Encoding: gzip, chunked\r\n")]
    [InlineData("Transfer-Encoding: chunked, identity\r\n")]
    [InlineData("Transfer-Encoding: xchunked\r\n")]
    [InlineData("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")]
    public void Responses_framed_in_two_ways_are_refused(string headers)
    {
        using var server = new RawServer(async (connection, token) =>
        {
            await connection.ReadHeadAsync(token);
            await connection.SendAsync($"HTTP/1.1 200 OK\r\n{headers}\r\n2\r\nok\r\n0\r\n\r\n", token);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(PluginFailure.Http, plugin.SendFails(server.Url()).Failure);
    }

    // What a first response leaves behind must not become the answer to a neighbour's request on the same connection.
    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    [InlineData("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    public void What_follows_a_response_is_not_the_next_requests_response(string first)
    {
        int connections = 0;
        using var server = new RawServer(async (connection, token) =>
        {
            bool isFirst = Interlocked.Increment(ref connections) == 1;
            while (await connection.ReadHeadAsync(token) is not null)
            {
                await connection.SendAsync(isFirst ? first : "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood", token);
            }
        });
        using CompiledPlugin compiled = HttpGuest.Compile(null, "127.0.0.1");
        using Plugin one = compiled.CreateInstance();
        using Plugin two = compiled.CreateInstance();
        one.Send(server.Url());
        Assert.Equal("good", two.Send(server.Url()).Text);
    }

    // It does not come so far as to connect, and what it says of it stays in its line.
    private static void AssertRefused(string beginning, Func<Plugin, RawServer, PluginException> send)
    {
        using RawServer server = RawServer.Answering(Ok);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        PluginException exception = send(plugin, server);
        Assert.Equal(PluginFailure.InvalidRequest, exception.Failure);
        Assert.StartsWith(beginning, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(exception.Message, char.IsControl);
        Assert.Empty(server.Connections);
    }

    // What the server received.
    private static string Sent(Action<Plugin, RawServer> send)
    {
        using RawServer server = RawServer.Answering(Ok);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        send(plugin, server);
        return Assert.Single(server.Connections).Received;
    }
}
