using System.Globalization;
using System.IO.Compression;
using System.Text;

using Codicil.Plugins.Http;
using Codicil.Tests;

namespace Codicil.Plugins.Tests.Http;

[Trait("Security", "HT-06")]
[Trait("Parity", "EXT-18")]
public sealed class HttpSizeTests
{
    private static string Ok(string headers, string body) => $"HTTP/1.1 200 OK\r\n{headers}\r\n{body}";

    private static byte[] Gzip(long length)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, true))
        {
            byte[] zeros = new byte[64 * 1024];
            for (long left = length; left > 0; left -= zeros.Length)
            {
                gzip.Write(zeros, 0, (int)Math.Min(left, zeros.Length));
            }
        }

        return compressed.ToArray();
    }

    private static byte[] WithHead(string headers, byte[] body) => [.. Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\n{headers}Content-Length: {body.Length.ToString(CultureInfo.InvariantCulture)}\r\n\r\n"), .. body];

    private static RawServer Sending(byte[] response) => new(async (connection, token) =>
    {
        while (await connection.ReadHeadAsync(token) is not null)
        {
            await connection.SendAsync(response, token);
        }
    });

    // Says the head, then the same piece until the other side has had enough.
    private static RawServer Endless(string head, string piece) => new(async (connection, token) =>
    {
        await connection.ReadHeadAsync(token);
        await connection.SendAsync(head, token);
        byte[] pieces = Encoding.Latin1.GetBytes(string.Concat(Enumerable.Repeat(piece, 1 + (16_000 / piece.Length))));
        while (true)
        {
            await connection.SendAsync(pieces, token);
        }
    });

    [Theory]
    [InlineData("length")]
    [InlineData("chunked")]
    [InlineData("close")]
    [InlineData("gzip")]
    public void So_many_bytes_pass_and_one_more_fails(string framing)
    {
        string body = new('x', 100);
        byte[] coded;
        using (var stream = new MemoryStream())
        {
            using (var gzip = new GZipStream(stream, CompressionMode.Compress, true))
            {
                gzip.Write(Encoding.ASCII.GetBytes(body));
            }

            coded = stream.ToArray();
        }

        byte[] response = framing switch
        {
            "length" => Encoding.Latin1.GetBytes(Ok("Content-Length: 100\r\n", body)),
            "chunked" => Encoding.Latin1.GetBytes(Ok("Transfer-Encoding: chunked\r\n", $"32\r\n{body[..50]}\r\n32\r\n{body[50..]}\r\n0\r\n\r\n")),
            "close" => Encoding.Latin1.GetBytes(Ok("Connection: close\r\n", body)),
            _ => WithHead("Content-Encoding: gzip\r\n", coded),
        };
        using var server = new RawServer(async (connection, token) =>
        {
            do
            {
                await connection.ReadHeadAsync(token);
                await connection.SendAsync(response, token);
            }
            while (framing != "close");
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        plugin.MaxHttpResponseBytes = 100;
        Assert.Equal(body, plugin.Send(server.Url()).Text);
        plugin.MaxHttpResponseBytes = 99;
        PluginException exception = plugin.SendFails(server.Url());
        Assert.Equal((PluginFailure.Limit, 1u), (exception.Failure, exception.ExitCode));
        Assert.Contains("maximum number of bytes: 99", exception.Message, StringComparison.Ordinal);
        Assert.Equal(200u, plugin.Call("status").ExitCode);
        plugin.MaxHttpResponseBytes = 0;
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url()).Failure);
        plugin.MaxHttpResponseBytes = long.MaxValue;
        Assert.Equal(body, plugin.Send(server.Url()).Text);
        Assert.Throws<ArgumentOutOfRangeException>(() => plugin.MaxHttpResponseBytes = -1);
    }

    [Theory]
    [InlineData(null, PluginMemoryLimits.DefaultMaxHttpResponseBytes)]
    [InlineData("-1", PluginMemoryLimits.DefaultMaxHttpResponseBytes)]
    [InlineData("0", 0L)]
    [InlineData("7", 7L)]
    [Trait("Parity", "EXT-01")]
    public void The_manifest_sets_the_limit(string? limit, long expected)
    {
        string memory = limit is null ? "{\"max_pages\":16}" : $"{{\"max_http_response_bytes\":{limit}}}";
        string module = Convert.ToBase64String("(module)"u8);
        using Plugin plugin = Plugin.Create(PluginManifest.FromJson($$"""{"wasm":[{"data":"{{module}}"}],"memory":{{memory}}}"""));
        Assert.Equal(expected, plugin.MaxHttpResponseBytes);
    }

    [Fact]
    public void With_0_empty_bodies_pass()
    {
        using RawServer server = RawServer.Answering(Ok("Content-Length: 0\r\n", ""));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        plugin.MaxHttpResponseBytes = 0;
        Assert.Equal(200, plugin.Send(server.Url()).Status);
        using var head = new HttpServer(context =>
        {
            context.Response.ContentLength = 1_000_000;
            return Task.CompletedTask;
        });
        Assert.Equal(200, plugin.Send(head.Url(), "HEAD").Status);
        Assert.Equal("1000000", plugin.LastHttpHeaders["content-length"]);
    }

    [Fact]
    public void A_bomb_costs_what_the_limit_allows()
    {
        using RawServer server = Sending(WithHead("Content-Encoding: gzip\r\n", Gzip(1_000_000_000)));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        plugin.MaxHttpResponseBytes = 1_000_000;
        plugin.SendFails(server.Url());
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url()).Failure);
    }

    [Fact]
    public void Codings_upon_codings_are_handed_over_as_they_are()
    {
        byte[] twice;
        using (var stream = new MemoryStream())
        {
            using (var gzip = new GZipStream(stream, CompressionMode.Compress, true))
            {
                gzip.Write(Gzip(100_000_000));
            }

            twice = stream.ToArray();
        }

        using RawServer server = Sending(WithHead("Content-Encoding: gzip, gzip\r\n", twice));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(twice, plugin.Send(server.Url()).Body);
        Assert.Equal("gzip, gzip", plugin.LastHttpHeaders["content-encoding"]);
    }

    [Theory]
    [InlineData("Content-Length: 9223372036854775807\r\n", PluginFailure.Limit)]
    [InlineData("Content-Length: 9223372036854775808\r\n", PluginFailure.Http)]
    [InlineData("Content-Length: 60000000\r\n", PluginFailure.Limit)]
    public void An_announced_size_takes_no_memory(string header, PluginFailure failure)
    {
        using var server = new RawServer(async (connection, token) =>
        {
            await connection.ReadHeadAsync(token);
            await connection.SendAsync(Ok(header, "x"), token);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(failure, plugin.SendFails(server.Url()).Failure);
    }

    [Fact]
    public async Task A_response_without_end_is_left_at_the_limit()
    {
        using RawServer server = Endless(Ok("Transfer-Encoding: chunked\r\n", ""), "1000\r\n" + new string('x', 0x1000) + "\r\n");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        plugin.MaxHttpResponseBytes = 1_000_000;
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url()).Failure);
        await server.Connections.First().Ended.Task.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void What_the_kernel_cannot_hold_is_a_limit()
    {
        using RawServer server = RawServer.Answering(Ok("Content-Length: 200000\r\n", new string('x', 200_000)));
        using CompiledPlugin compiled = HttpGuest.Compile(null, "127.0.0.1");
        PluginManifest manifest = HttpGuest.Manifest("127.0.0.1") with { Memory = new PluginMemoryLimits { MaxPages = 2 } };
        using Plugin plugin = Plugin.Create(manifest);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url()).Failure);
        }

        Assert.Equal(200u, plugin.Call("status").ExitCode);
    }

    [Theory]
    [InlineData(256, true)]
    [InlineData(257, false)]
    public void Headers_are_counted(int count, bool passes)
    {
        string headers = string.Concat(Enumerable.Range(0, count - 1).Select(static i => string.Create(CultureInfo.InvariantCulture, $"X-{i}: 1\r\n")));
        using RawServer server = RawServer.Answering(Ok(headers + "Content-Length: 0\r\n", ""));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        if (passes)
        {
            Assert.Equal(count, (plugin.Send(server.Url()).Status, plugin.LastHttpHeaders.Count).Count);
        }
        else
        {
            Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url()).Failure);
        }

        string same = string.Concat(Enumerable.Repeat("X: 1\r\n", count - 1));
        using RawServer repeating = RawServer.Answering(Ok(same + "Content-Length: 0\r\n", ""));
        Assert.Equal(passes, Record.Exception(() => { plugin.Send(repeating.Url()); }) is null);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\n", "X-Flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Long: ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Folded: a\r\n", " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n")]
    [InlineData("HTTP/1.1 200 ", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    [InlineData("", "\r\n")]
    public void Floods_of_headers_end_at_the_limit(string head, string piece)
    {
        using RawServer server = Endless(head, piece);
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Contains(plugin.SendFails(server.Url()).Failure, (PluginFailure[])[PluginFailure.Limit, PluginFailure.Http]);
        Assert.Equal(0u, plugin.Call("status").ExitCode);
    }

    // There is no size at which these fail; they hold one line or one response at a time, and time ends them. In a process of their own, whose memory nobody else uses.
    [Theory]
    [InlineData("informational")]
    [InlineData("continue")]
    [InlineData("chunk extension")]
    [InlineData("trailers")]
    [InlineData("chunk size")]
    [InlineData("empty blocks")]
    public void Other_floods_end_at_a_limit_or_in_time(string kind) => ChildProcess.Run(Flood, new() { Arguments = [kind] }).AssertSucceeded();

    private static void Flood(string[] arguments)
    {
        const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        (string head, string piece) = arguments[0] switch
        {
            "informational" => ("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            "continue" => ("", "HTTP/1.1 100 Continue\r\n\r\n"),
            "chunk extension" => (Chunked + "1;", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
            "trailers" => (Chunked + "0\r\n", "X-Trailer: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n"),
            "chunk size" => (Chunked, "0000000000000000000000000000000000000000"),
            _ => ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03", "\0\0\0\u00ff\u00ff"),
        };
        using RawServer server = Endless(head, piece);
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { RequestTimeout = TimeSpan.FromMilliseconds(500) }, "127.0.0.1");
        plugin.Call("status");
        long before = GC.GetTotalMemory(forceFullCollection: true);
        Assert.Contains(plugin.SendFails(server.Url()).Failure, (PluginFailure[])[PluginFailure.Limit, PluginFailure.Http]);
        Assert.True(GC.GetTotalMemory(forceFullCollection: true) - before < 16 * 1024 * 1024);
    }

    [Fact]
    public void Requests_have_limits_too()
    {
        using var server = new HttpServer(context => context.Request.Body.CopyToAsync(Stream.Null));
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { MaxRequestBodyBytes = 1000, MaxHeaderBytes = 2000, MaxHeaders = 3 }, "127.0.0.1");
        Assert.Equal(200, plugin.Send(server.Url(), "POST", null, new byte[1000]).Status);
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url(), "POST", null, new byte[1001]).Failure);
        Assert.Equal(200, plugin.Send(server.Url("/" + new string('x', 1000)), null, new Dictionary<string, string> { ["X"] = new('x', 900) }).Status);
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url("/" + new string('x', 1000)), null, new Dictionary<string, string> { ["X"] = new('x', 1000) }).Failure);
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url(), new string('X', 2000)).Failure);
        Assert.Equal(PluginFailure.Limit, plugin.SendFails(server.Url(), null, new Dictionary<string, string> { ["a"] = "1", ["b"] = "1", ["c"] = "1", ["d"] = "1" }).Failure);
        Assert.Equal(PluginFailure.Limit, Assert.Throws<PluginException>(() => { plugin.SendJson([.. "{\"x\":\""u8, .. new byte[100_000].Select(static _ => (byte)'x'), .. "\"}"u8]); }).Failure);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    [Trait("Security", "HT-05")]
    public void A_connection_whose_response_was_left_is_not_used_again()
    {
        using HttpServer server = new(context => context.Response.Body.WriteAsync(new byte[5000], 0, 5000));
        using CompiledPlugin compiled = HttpGuest.Compile(null, "127.0.0.1");
        using Plugin one = compiled.CreateInstance();
        using Plugin two = compiled.CreateInstance();
        Assert.Equal(5000, one.Send(server.Url()).Body.Length);
        Assert.Equal(5000, two.Send(server.Url()).Body.Length);
        Assert.Single(server.Connections);
        one.MaxHttpResponseBytes = 10;
        one.SendFails(server.Url());
        Assert.Equal(5000, two.Send(server.Url()).Body.Length);
        Assert.Equal(2, server.Connections.Count);
    }

    [Fact]
    public void A_body_of_many_pieces_comes_as_it_was_sent()
    {
        byte[] body = new byte[3_000_000];
        new Random(1).NextBytes(body);
        using var server = new HttpServer(context => context.Request.Body.CopyToAsync(context.Response.Body));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(body, plugin.Send(server.Url(), "POST", null, body).Body);
        foreach (int length in (int[])[65_535, 65_536, 65_537, 131_072])
        {
            Assert.Equal(body[..length], plugin.Send(server.Url(), "POST", null, body[..length]).Body);
        }
    }
}
