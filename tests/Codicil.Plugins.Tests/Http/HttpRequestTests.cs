using System.Globalization;
using System.IO.Compression;
using System.Net;
using System.Text;

using Codicil.Plugins.Http;

using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests.Http;

[Trait("Parity", "EXT-18")]
public sealed class HttpRequestTests
{
    private static readonly PluginOptions s_withHeaders = new() { HttpResponseHeaders = true };

    [Fact]
    [Trait("Security", "HT-01")]
    public void Nothing_is_looked_up_or_connected_to_unless_a_host_is_allowed()
    {
        using HttpServer server = HttpServer.Of("secret");
        TestResolver resolver = new TestResolver().Add("example.com");
        using Plugin nothing = HttpGuest.Create(resolver.Options);
        using Plugin other = HttpGuest.Create(resolver.Options, "example.org");
        foreach (Plugin plugin in (Plugin[])[nothing, other])
        {
            foreach (string host in (string[])["example.com", "127.0.0.1"])
            {
                PluginException exception = plugin.SendFails(server.Url("/x", host));
                Assert.Equal((PluginFailure.NotAllowed, 1u), (exception.Failure, exception.ExitCode));
                Assert.Contains($"HTTP request to '{server.Url("/x", host)}' is not allowed", exception.Message, StringComparison.Ordinal);
                Assert.False(plugin.IsClosed);
            }
        }

        Assert.Empty(resolver.Asked);
        Assert.Empty(server.Connections);
    }

    [Fact]
    [Trait("Parity", "EXT-12")]
    public void Allowed_hosts_can_be_changed_between_calls()
    {
        using HttpServer server = HttpServer.Of("hello");
        using CompiledPlugin compiled = HttpGuest.Compile(null, "example.com");
        using Plugin plugin = compiled.CreateInstance();
        using Plugin neighbour = compiled.CreateInstance();
        Assert.Equal(["example.com"], plugin.AllowedHosts);
        plugin.SendFails(server.Url());
        plugin.AllowedHosts = ["127.0.0.*"];
        Assert.Equal("hello", plugin.Send(server.Url()).Text);
        Assert.Equal(PluginFailure.NotAllowed, neighbour.SendFails(server.Url()).Failure);
        plugin.AllowedHosts = [];
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails(server.Url()).Failure);
        Assert.Throws<ArgumentNullException>(() => plugin.AllowedHosts = null!);
    }

    [Fact]
    public void A_request_has_method_headers_and_body()
    {
        using var server = new HttpServer(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            string body = await reader.ReadToEndAsync();
            await context.Response.WriteAsync($"{context.Request.Method} {context.Request.Headers["X-A"]} {context.Request.ContentType} {context.Request.ContentLength} {body}");
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        var headers = new Dictionary<string, string> { ["x-a"] = " 1, 2\t", ["Content-Type"] = "text/x" };
        Assert.Equal("POST 1, 2 text/x 5 hello", plugin.Send(server.Url(), "post", headers, "hello"u8.ToArray()).Text);
        Assert.Equal("DELETE 1, 2 text/x 0 ", plugin.Send(server.Url(), "Delete", headers).Text);
        Assert.Equal("GET   5 hello", plugin.Send(server.Url(), null, null, "hello"u8.ToArray()).Text);
        Assert.Equal("GET    ", plugin.Send(server.Url()).Text);
        Assert.Equal("X-OWN!   0 ", plugin.Send(server.Url(), "x-own!", new Dictionary<string, string> { ["content-length"] = "0" }, null).Text);
    }

    [Theory]
    [InlineData("""{"url":"URL","method":"PUT","headers":{"X-A":"b"}}""", "PUT b")]
    [InlineData("""{"URL":"URL","Method":"put","HEADERS":{"X-A":"b","x-a":"c"},"unknown":[{"url":1}]}""", "PUT c")]
    [InlineData("""{"url":"http://wrong.example/","url":"URL","method":null,"headers":null}""", "GET ")]
    [InlineData(""" {"url":"URL","method":"","headers":{}} """, "GET ")]
    public void The_case_of_keys_does_not_matter_and_the_last_of_duplicates_counts(string json, string expected)
    {
        using var server = new HttpServer(context => context.Response.WriteAsync($"{context.Request.Method} {context.Request.Headers["X-A"]}"));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(expected, Encoding.UTF8.GetString(plugin.SendJson(Encoding.UTF8.GetBytes(json.Replace("URL\"", server.Url() + "\"", StringComparison.Ordinal).Replace($"\"{server.Url()}\":", "\"URL\":", StringComparison.Ordinal))).Body));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"http://127.0.0.1/\"")]
    [InlineData("{")]
    [InlineData("{}}")]
    [InlineData("""{"url":1}""")]
    [InlineData("""{"url":"http://127.0.0.1/","method":1}""")]
    [InlineData("""{"url":"http://127.0.0.1/","headers":[]}""")]
    [InlineData("""{"url":"http://127.0.0.1/","headers":{"a":1}}""")]
    [InlineData("""{"url":"http://127.0.0.1/","headers":{"a":null}}""")]
    [InlineData("""{"url":"http://127.0.0.1/\ud800"}""")]
    [InlineData("{\"url\":\"http://127.0.0.1/\u00FF\"}")]
    public void What_is_no_request_is_refused(string json)
    {
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.SendJson(Encoding.Latin1.GetBytes(json)); });
        Assert.Equal((PluginFailure.InvalidRequest, 1u), (exception.Failure, exception.ExitCode));
        Assert.StartsWith("invalid http request: ", exception.Message, StringComparison.Ordinal);
        Assert.False(plugin.IsClosed);
    }

    [Fact]
    public void A_request_nested_without_end_is_refused()
    {
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        byte[] json = Encoding.UTF8.GetBytes("{\"x\":" + new string('[', 100_000));
        Assert.Equal(PluginFailure.InvalidRequest, Assert.Throws<PluginException>(() => { plugin.SendJson(json); }).Failure);
    }

    [Fact]
    public void An_empty_response_is_offset_0_and_every_status_is_a_response()
    {
        using var server = new HttpServer(context =>
        {
            context.Response.StatusCode = int.Parse(context.Request.Path.Value![1..], CultureInfo.InvariantCulture);
            return Task.CompletedTask;
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        foreach (int status in (int[])[200, 201, 204, 301, 304, 400, 404, 500, 599])
        {
            Assert.Equal((status, ""), (plugin.Send(server.Url($"/{status}")).Status, plugin.Send(server.Url($"/{status}")).Text));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-12")]
    [Trait("Parity", "EXT-19")]
    public void Status_and_headers_are_kept_across_calls_and_cleared_by_each_request()
    {
        using var server = new HttpServer(context =>
        {
            context.Response.Headers["X-One"] = "1";
            return context.Response.WriteAsync("x");
        });
        using Plugin plugin = HttpGuest.Create(s_withHeaders, "127.0.0.1");
        Assert.Equal(0u, plugin.Call("status").ExitCode);
        Assert.Equal("{}", plugin.Headers());
        plugin.Send(server.Url());
        Assert.Equal(200u, plugin.Call("status").ExitCode);
        Assert.Equal(200, plugin.LastHttpStatusCode);
        Assert.Equal("1", plugin.LastHttpHeaders["x-one"]);
        Assert.Contains("\"x-one\":\"1\"", plugin.Headers(), StringComparison.Ordinal);
        plugin.SendFails("http://denied.example/");
        Assert.Equal(0u, plugin.Call("status").ExitCode);
        Assert.Equal("{}", plugin.Headers());
        Assert.Empty(plugin.LastHttpHeaders);
        plugin.Send(server.Url());
        Assert.Throws<PluginException>(() => { plugin.SendJson("{"u8.ToArray()); });
        Assert.Equal(0, plugin.LastHttpStatusCode);
    }

    [Fact]
    [Trait("Parity", "EXT-19")]
    public void Headers_are_a_sorted_JSON_object_of_lower_case_names_and_joined_values()
    {
        using RawServer server = RawServer.Answering(
            "HTTP/1.1 200 OK\r\nX-B: one\r\nx-a: <&>\"\\\r\nX-B: two, three\r\nContent-Type: text/plain\r\nContent-Length: 2\r\nX-Bytes: \xC3\xA9\xFF\r\n\r\nok");
        using Plugin plugin = HttpGuest.Create(s_withHeaders, "127.0.0.1");
        Assert.Equal("ok", plugin.Send(server.Url()).Text);
        Assert.Equal(
            """{"content-length":"2","content-type":"text/plain","x-a":"\u003c\u0026\u003e\"\\","x-b":"one,two, three","x-bytes":"é�"}""",
            plugin.Headers());
    }

    [Fact]
    [Trait("Parity", "EXT-19")]
    public void Headers_are_offset_0_unless_they_are_asked_for()
    {
        using HttpServer server = HttpServer.Of("x");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Null(plugin.Headers());
        plugin.Send(server.Url());
        Assert.Null(plugin.Headers());
        Assert.NotEmpty(plugin.LastHttpHeaders);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    [InlineData("raw")]
    public void Compressed_responses_are_decompressed_and_their_headers_say_so(string encoding)
    {
        using var server = new HttpServer(async context =>
        {
            context.Response.Headers.ContentEncoding = encoding == "raw" ? "deflate" : encoding;
            using var compressed = new MemoryStream();
            using (Stream stream = encoding switch
            {
                "gzip" => new GZipStream(compressed, CompressionMode.Compress, true),
                "br" => new BrotliStream(compressed, CompressionMode.Compress, true),
                "raw" => new DeflateStream(compressed, CompressionMode.Compress, true),
                _ => new ZLibStream(compressed, CompressionMode.Compress, true),
            })
            {
                stream.Write(Encoding.UTF8.GetBytes(new string('a', 10_000)));
            }

            context.Response.ContentLength = compressed.Length;
            await context.Response.Body.WriteAsync(compressed.ToArray());
        });
        using Plugin plugin = HttpGuest.Create(s_withHeaders, "127.0.0.1");
        Assert.Equal(new string('a', 10_000), plugin.Send(server.Url()).Text);
        Assert.DoesNotContain("content-encoding", plugin.Headers(), StringComparison.Ordinal);
        Assert.DoesNotContain("content-length", plugin.Headers(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_and_what_the_guest_accepts_itself_is_handed_over_as_it_comes()
    {
        using var server = new HttpServer(context => context.Response.WriteAsync(context.Request.Headers.AcceptEncoding.ToString()));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal("gzip, deflate, br", plugin.Send(server.Url()).Text);
        Assert.Equal("", plugin.Send(server.Url(), null, new Dictionary<string, string> { ["range"] = "bytes=0-1" }).Text);
        Assert.Equal("gzip;q=0.5", plugin.Send(server.Url(), null, new Dictionary<string, string> { ["accept-encoding"] = "gzip;q=0.5" }).Text);
        using RawServer coded = RawServer.Answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nraw");
        Assert.Equal("raw", plugin.Send(coded.Url(), null, new Dictionary<string, string> { ["accept-encoding"] = "gzip" }).Text);
        Assert.Equal("gzip", plugin.LastHttpHeaders["content-encoding"]);
    }

    [Theory]
    [InlineData("http://nowhere.example/")]
    [InlineData("http://127.0.0.1:1/")]
    public void What_cannot_be_reached_fails_the_call_and_the_plug_in_lives_on(string url)
    {
        using Plugin plugin = HttpGuest.Create(new TestResolver().Options, "*");
        PluginException exception = plugin.SendFails(url);
        Assert.Equal((PluginFailure.Http, 1u), (exception.Failure, exception.ExitCode));
        Assert.NotNull(exception.InnerException);
        Assert.Equal(0u, plugin.Call("status").ExitCode);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")]
    [InlineData("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n")]
    public void A_broken_response_fails_the_call(string response)
    {
        using var server = new RawServer(async (connection, token) =>
        {
            await connection.ReadHeadAsync(token);
            await connection.SendAsync(response, token);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal(PluginFailure.Http, plugin.SendFails(server.Url()).Failure);
        Assert.Equal(0u, plugin.Call("headers").ExitCode);
    }

    [Fact]
    public void Blocks_of_the_request_are_freed_also_when_it_is_refused()
    {
        using HttpServer server = HttpServer.Of("x");
        PluginManifest manifest = Fixtures.WatManifest("""
            (module
              (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
              (import "extism:host/env" "length" (func $length (param i64) (result i64)))
              (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
              (import "extism:host/env" "input_length" (func $input_length (result i64)))
              (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
              (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
              (global $request (mut i64) (i64.const 0))
              (global $body (mut i64) (i64.const 0))
              (func (export "request") (local $i i64)
                (global.set $request (call $alloc (call $input_length)))
                (global.set $body (call $alloc (i64.const 16)))
                (loop $next
                  (call $store_u8 (i64.add (global.get $request) (local.get $i)) (call $input_load_u8 (local.get $i)))
                  (br_if $next (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (call $input_length))))
                (drop (call $http_request (global.get $request) (global.get $body)))
                (call $check))
              (func $check (export "check")
                (if (i64.ne (call $length (global.get $request)) (i64.const 0)) (then (unreachable)))
                (if (i64.ne (call $length (global.get $body)) (i64.const 0)) (then (unreachable)))))
            """) with { AllowedHosts = ["127.0.0.1"] };
        using Plugin plugin = Plugin.Create(manifest);
        plugin.Call("request", Encoding.UTF8.GetBytes($$"""{"url":"{{server.Url()}}","method":"POST"}"""));
    }

    [Theory]
    [InlineData(0x7FFF_FFFF_FFFFL, 0L)]
    [InlineData(-1L, 0L)]
    public void Handles_outside_of_memory_trap(long request, long body)
    {
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "*");
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("raw", [.. BitConverter.GetBytes(request), .. BitConverter.GetBytes(body)]); });
        Assert.Equal(PluginFailure.Trap, exception.Failure);
        Assert.Contains("failed to read http request from memory: invalid memory block", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void A_reset_forgets_responses_and_what_was_allowed()
    {
        using HttpServer server = HttpServer.Of("x");
        using Plugin plugin = HttpGuest.Create(s_withHeaders, "127.0.0.1");
        plugin.Send(server.Url());
        plugin.AllowedHosts = ["*"];
        plugin.MaxHttpResponseBytes = 1;
        plugin.Reset();
        Assert.Equal(0u, plugin.Call("status").ExitCode);
        Assert.Equal("{}", plugin.Headers());
        Assert.Equal(["127.0.0.1"], plugin.AllowedHosts);
        Assert.Equal(PluginMemoryLimits.DefaultMaxHttpResponseBytes, plugin.MaxHttpResponseBytes);
        Assert.Equal("x", plugin.Send(server.Url()).Text);
    }

    [Theory]
    [InlineData("Content-Encoding: gzip\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("Content-Encoding: br\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("Content-Encoding: deflate\r\nContent-Length: 0\r\n\r\n")]
    public void An_empty_body_needs_no_coding(string rest)
    {
        foreach (string status in (string[])["200 OK", "404 Not Found"])
        {
            using RawServer server = RawServer.Answering($"HTTP/1.1 {status}\r\n{rest}");
            using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
            Assert.Empty(plugin.Send(server.Url()).Body);
        }
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public void A_compressed_body_that_ends_early_is_no_body(string encoding)
    {
        using var compressed = new MemoryStream();
        using (Stream stream = encoding switch
        {
            "gzip" => new GZipStream(compressed, CompressionMode.Compress, true),
            "br" => new BrotliStream(compressed, CompressionMode.Compress, true),
            _ => new ZLibStream(compressed, CompressionMode.Compress, true),
        })
        {
            byte[] noise = new byte[10_000];
            new Random(1).NextBytes(noise);
            stream.Write(noise);
        }

        using var server = new HttpServer(context =>
        {
            context.Response.Headers.ContentEncoding = encoding;
            byte[] half = compressed.ToArray()[..5_000];
            context.Response.ContentLength = half.Length;
            return context.Response.Body.WriteAsync(half, 0, half.Length);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        PluginException exception = plugin.SendFails(server.Url());
        Assert.Equal(PluginFailure.Http, exception.Failure);
        Assert.Contains("ends early", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Members_of_gzip_one_after_the_other_are_one_body()
    {
        using var compressed = new MemoryStream();
        foreach (string part in (string[])["one ", "", "two"])
        {
            using var gzip = new GZipStream(compressed, CompressionMode.Compress, true);
            gzip.Write(Encoding.ASCII.GetBytes(part));
            gzip.Flush();
        }

        using var server = new HttpServer(context =>
        {
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.Body.WriteAsync(compressed.ToArray(), 0, (int)compressed.Length);
        });
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        Assert.Equal("one two", plugin.Send(server.Url()).Text);
    }

    [Fact]
    public void HTTP_2_is_spoken_where_it_is_asked_for()
    {
        using var certificate = new TestCertificate("secure.example");
        using var server = new HttpServer(
            context =>
            {
                context.Response.Headers["X-Two"] = "2";
                return context.Response.WriteAsync($"{context.Request.Protocol} {context.Request.Headers["X-A"]}");
            },
            certificate.Server);
        PluginHttpOptions options = new TestResolver().Add("secure.example", server.Port).Options with { TrustedRoots = [certificate.Root] };
        foreach (bool two in (bool[])[false, true])
        {
            using Plugin plugin = HttpGuest.Create(options with { Http2 = two }, "secure.example");
            for (int i = 0; i < 3; i++)
            {
                Assert.Equal(two ? "HTTP/2 b" : "HTTP/1.1 b", plugin.Send("https://secure.example/", "POST", new Dictionary<string, string> { ["X-A"] = "b" }, "body"u8.ToArray()).Text);
                Assert.Equal("2", plugin.LastHttpHeaders["x-two"]);
            }
        }

        Assert.Equal(2, server.Connections.Count);
    }

    [Fact]
    public void A_client_certificate_is_shown()
    {
        using var certificate = new TestCertificate("secure.example");
        using var server = new HttpServer(
            async context => await context.Response.WriteAsync((await context.Connection.GetClientCertificateAsync())?.Subject ?? "none"),
            certificate.Server,
            requireCertificate: true);
        PluginHttpOptions options = new TestResolver().Add("secure.example", server.Port).Options with { TrustedRoots = [certificate.Root] };
        using Plugin plugin = HttpGuest.Create(options with { ClientCertificates = [certificate.Server] }, "secure.example");
        Assert.Equal("CN=secure.example", plugin.Send("https://secure.example/").Text);
        using Plugin without = HttpGuest.Create(options, "secure.example");
        Assert.Equal(PluginFailure.Http, without.SendFails("https://secure.example/").Failure);
    }

    [Fact]
    public void The_systems_resolver_finds_this_machine()
    {
        using HttpServer server = HttpServer.Of("here");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "localhost", "*.invalid");
        Assert.Equal("here", plugin.Send(server.Url("/", "localhost")).Text);
        Assert.Equal(PluginFailure.Http, plugin.SendFails("http://nowhere.invalid/").Failure);
    }

    [Fact]
    public void Instances_of_a_plug_in_keep_their_state_apart()
    {
        using HttpServer server = HttpServer.Of("x");
        using CompiledPlugin compiled = HttpGuest.Compile(s_withHeaders, "127.0.0.1");
        using Plugin one = compiled.CreateInstance();
        using Plugin two = compiled.CreateInstance();
        one.Send(server.Url());
        Assert.Equal((200, 0), (one.LastHttpStatusCode, two.LastHttpStatusCode));
        Assert.Equal("{}", two.Headers());
        two.MaxHttpResponseBytes = 0;
        Assert.Equal("x", one.Send(server.Url()).Text);
    }

    [Fact]
    public void Requests_do_not_bring_what_the_host_would_rather_keep()
    {
        using RawServer server = RawServer.Answering("HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        using var activity = new System.Diagnostics.Activity("host");
        activity.SetIdFormat(System.Diagnostics.ActivityIdFormat.W3C).AddBaggage("secret", "1").Start();
        plugin.Send(server.Url());
        plugin.Send(server.Url());
        string received = string.Concat(server.Connections.Select(static connection => connection.Received)).ToLowerInvariant();
        Assert.Equal(2, received.Split("get / http/1.1\r\n").Length - 1);
        foreach (string name in (string[])["cookie", "traceparent", "tracestate", "baggage", "correlation-context", "request-id", "authorization"])
        {
            Assert.DoesNotContain(name, received, StringComparison.Ordinal);
        }

        Assert.Contains("user-agent: codicil\r\n", received, StringComparison.Ordinal);
    }

    [Fact]
    public void User_and_password_of_a_URL_are_a_Basic_authorization()
    {
        using var server = new HttpServer(context => context.Response.WriteAsync(context.Request.Headers.Authorization + " " + context.Request.Host));
        using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        string url = server.Url("/", "user:p%40ss@127.0.0.1");
        Assert.Equal($"Basic {Convert.ToBase64String("user:p@ss"u8)} 127.0.0.1:{server.Port}", plugin.Send(url).Text);
        Assert.StartsWith("own ", plugin.Send(url, null, new Dictionary<string, string> { ["authorization"] = "own" }).Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plug_in_without_options_of_its_own_can_belong_to_a_group()
    {
        using HttpServer server = HttpServer.Of("x");
        using var group = new PluginHttpGroup();
        using Plugin one = HttpGuest.Create(new PluginOptions { HttpGroup = group }, "127.0.0.1");
        using Plugin two = HttpGuest.Create(new PluginOptions { HttpGroup = group }, "127.0.0.1");
        one.Send(server.Url());
        two.Send(server.Url());
        Assert.Single(server.Connections);
        Assert.Throws<ArgumentException>(() => HttpGuest.Create(new PluginOptions { HttpGroup = group, Http = new PluginHttpOptions { MaxRedirects = 1 } }));
        group.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { one.Send(server.Url()); });
    }

    [Fact]
    [Trait("Security", "HT-09")]
    public void Connections_are_not_shared_by_plug_ins_compiled_apart_nor_is_the_environments_proxy_used()
    {
        using HttpServer server = HttpServer.Of("x");
        using Plugin one = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        using Plugin two = HttpGuest.Create(PluginHttpOptions.Default, "127.0.0.1");
        one.Send(server.Url());
        two.Send(server.Url());
        one.Send(server.Url());
        Assert.Equal(2, server.Connections.Count);
        Codicil.Tests.ChildProcess.Run(
            static _ =>
            {
                using HttpServer server = HttpServer.Of("direct");
                using Plugin plugin = HttpGuest.Create(PluginHttpOptions.Default, "*");
                Assert.Equal("direct", plugin.Send(server.Url()).Text);
            },
            new() { Environment = { ["http_proxy"] = "http://127.0.0.1:1", ["HTTP_PROXY"] = "http://127.0.0.1:1", ["all_proxy"] = "http://127.0.0.1:1" } }).AssertSucceeded();
    }

    [Fact]
    public void A_proxy_of_the_options_is_used_although_its_address_is_blocked()
    {
        using RawServer proxy = RawServer.Answering("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nproxy");
        TestResolver resolver = new();
        using Plugin plugin = HttpGuest.Create(
            resolver.Options with { Proxy = new WebProxy($"http://127.0.0.1:{proxy.Port}"), BlockedAddresses = AddressKinds.NonPublic }, "example.com", "10.0.0.1");
        Assert.Equal("proxy", plugin.Send("http://example.com/x").Text);
        Assert.StartsWith("GET http://example.com/x HTTP/1.1\r\n", Assert.Single(proxy.Connections).Received, StringComparison.Ordinal);
        Assert.Empty(resolver.Asked);
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://10.0.0.1/").Failure);
    }

    [Fact]
    public void A_foreign_client_sends_where_the_options_name_one()
    {
        using var client = new HttpMessageInvoker(new Echo());
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { UnguardedClient = client }, "example.com");
        Assert.Equal("GET http://example.com/x", plugin.Send("http://example.com/x#f").Text);
        Assert.Equal(PluginFailure.NotAllowed, plugin.SendFails("http://example.org/").Failure);
        plugin.MaxHttpResponseBytes = 3;
        Assert.Equal(PluginFailure.Limit, plugin.SendFails("http://example.com/").Failure);
        plugin.Dispose();
        using HttpResponseMessage response = client.Send(new HttpRequestMessage(HttpMethod.Get, "http://example.com/"), default);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private sealed class Echo : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(Send(request, cancellationToken));

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            new(HttpStatusCode.OK) { Content = new StringContent($"{request.Method} {request.RequestUri}") };
    }
}
