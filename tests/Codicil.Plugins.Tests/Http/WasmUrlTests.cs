using System.Security.Cryptography;

using Codicil.Plugins.Http;

using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests.Http;

[Trait("Security", "HT-09")]
[Trait("Parity", "EXT-02")]
public sealed class WasmUrlTests
{
    private static readonly byte[] s_module = "(module (func (export \"run\") (result i32) (i32.const 7)))"u8.ToArray();

    private static string Hash(byte[] bytes) => Convert.ToHexString(SHA256.HashData(bytes));

    private static HttpServer Serving(byte[] bytes, int status = 200) => new(context =>
    {
        context.Response.StatusCode = status;
        return context.Response.Body.WriteAsync(bytes, 0, bytes.Length);
    });

    private static CompiledPlugin Compile(PluginWasm wasm, PluginHttpOptions? http = null, CancellationToken cancellationToken = default) =>
        CompiledPlugin.Create(new PluginManifest { Wasm = [wasm] }, new PluginOptions { Http = http ?? PluginHttpOptions.Default }, cancellationToken);

    private static PluginException Fails(PluginWasm wasm, PluginHttpOptions? http = null)
    {
        PluginException exception = Assert.Throws<PluginException>(() => Compile(wasm, http));
        Assert.Equal(PluginFailure.Load, exception.Failure);
        Assert.Contains("failed to fetch Wasm data from URL", exception.Message, StringComparison.Ordinal);
        return exception;
    }

    [Fact]
    public void A_module_is_loaded_from_its_URL_with_method_and_headers()
    {
        string? seen = null;
        using var server = new HttpServer(context =>
        {
            seen = $"{context.Request.Method} {context.Request.Headers["X-Token"]} {context.Request.Headers.Authorization}";
            return context.Response.Body.WriteAsync(s_module, 0, s_module.Length);
        });
        using CompiledPlugin compiled = Compile(PluginWasm.FromUrl(server.Url("/plugin.wasm"), hash: Hash(s_module)));
        using Plugin plugin = compiled.CreateInstance();
        Assert.Equal(7u, plugin.Call("run").ExitCode);
        Assert.Equal("GET  ", seen);
        string json = $$"""{"wasm":[{"url":"{{server.Url("/x")}}","method":"post","headers":{"x-token":"t","Authorization":"a"},"hash":"{{Hash(s_module)}}"}]}""";
        using Plugin second = Plugin.Create(PluginManifest.FromJson(json));
        Assert.Equal(7u, second.Call("run").ExitCode);
        Assert.Equal("POST t a", seen);
        var again = (PluginWasmUrl)Assert.Single(PluginManifest.FromJson(PluginManifest.FromJson(json).ToJson()).Wasm);
        Assert.Equal((server.Url("/x"), "post", "t", Hash(s_module)), (again.Url, again.Method, again.Headers["x-token"], again.Hash));
    }

    [Fact]
    public async Task A_module_is_loaded_without_a_thread_that_waits()
    {
        using HttpServer server = Serving(s_module);
        using CompiledPlugin compiled = await CompiledPlugin.CreateAsync(new PluginManifest { Wasm = [PluginWasm.FromUrl(server.Url()), new OwnSource("lib")] });
        using Plugin plugin = compiled.CreateInstance();
        Assert.Equal(7u, plugin.Call("run").ExitCode);
        using HttpServer broken = Serving(s_module, 500);
        PluginException exception = await Assert.ThrowsAsync<PluginException>(() => CompiledPlugin.CreateAsync(new PluginManifest { Wasm = [PluginWasm.FromUrl(broken.Url())] }));
        Assert.Equal(PluginFailure.Load, exception.Failure);
        using RawServer silent = new(static (connection, token) => connection.ReadToEndAsync(token));
        using var source = new CancellationTokenSource();
        Task<CompiledPlugin> loading = CompiledPlugin.CreateAsync(new PluginManifest { Wasm = [PluginWasm.FromUrl(silent.Url())] }, null, source.Token);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loading);
        var hasty = new PluginOptions { Http = new PluginHttpOptions { RequestTimeout = TimeSpan.FromMilliseconds(200) } };
        exception = await Assert.ThrowsAsync<PluginException>(() => CompiledPlugin.CreateAsync(new PluginManifest { Wasm = [PluginWasm.FromUrl(silent.Url())] }, hasty));
        Assert.Contains("no complete response", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Callers_supply_their_own_kind_of_source()
    {
        using (CompiledPlugin compiled = Compile(new OwnSource("main")))
        {
            Assert.True(compiled.CreateInstance().FunctionExists("run"));
        }

        using (CompiledPlugin compiled = await CompiledPlugin.CreateAsync(new PluginManifest { Wasm = [new OwnSource("main") { Hash = Hash(s_module) }] }))
        {
            Assert.True(compiled.CreateInstance().FunctionExists("run"));
        }

        PluginException exception = Assert.Throws<PluginException>(() => Compile(new OwnSource("main") { Hash = "00" }));
        Assert.Equal(PluginFailure.HashMismatch, exception.Failure);
        Assert.Throws<NotSupportedException>(() => new PluginManifest { Wasm = [new OwnSource("main")] }.ToJson());
    }

    [Theory]
    [InlineData(201)]
    [InlineData(204)]
    [InlineData(206)]
    [InlineData(304)]
    [InlineData(404)]
    [InlineData(500)]
    public void The_status_must_be_200(int status)
    {
        using HttpServer server = new(context =>
        {
            context.Response.StatusCode = status;
            return status is 204 or 304 ? Task.CompletedTask : context.Response.Body.WriteAsync(s_module, 0, s_module.Length);
        });
        Assert.Contains($"the status is {status}", Fails(PluginWasm.FromUrl(server.Url())).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-03")]
    public void The_hash_is_compared_before_anything_is_decoded()
    {
        using HttpServer server = Serving("\0asm no module at all"u8.ToArray());
        PluginException exception = Assert.Throws<PluginException>(() => Compile(PluginWasm.FromUrl(server.Url(), hash: Hash(s_module))));
        Assert.Equal(PluginFailure.HashMismatch, exception.Failure);
        Assert.Contains(server.Url(), exception.Message, StringComparison.Ordinal);
        Assert.Throws<Codicil.Format.MalformedModuleException>(() => Compile(PluginWasm.FromUrl(server.Url())));
    }

    [Theory]
    [InlineData("file:///etc/passwd")]
    [InlineData("FILE:///etc/passwd")]
    [InlineData("file://server/share/x.wasm")]
    [InlineData("\\\\server\\share\\x.wasm")]
    [InlineData("//server/share/x.wasm")]
    [InlineData("/etc/passwd")]
    [InlineData("C:\\x.wasm")]
    [InlineData("C:/x.wasm")]
    [InlineData("ftp://server/x.wasm")]
    [InlineData("data:application/wasm;base64,AGFzbQEAAAA=")]
    [InlineData("plugin.wasm")]
    [InlineData("http://")]
    [InlineData("http://2130706433/")]
    [InlineData("http://a/\r\nX: y")]
    public void Only_http_and_https_are_loaded(string url) => Fails(PluginWasm.FromUrl(url));

    [Fact]
    public void Headers_and_method_have_the_rules_of_a_guests_request()
    {
        using HttpServer server = Serving(s_module);
        Fails(new PluginWasmUrl(server.Url()) { Headers = new Dictionary<string, string> { ["X"] = "a\r\nY: b" } });
        Fails(new PluginWasmUrl(server.Url()) { Headers = new Dictionary<string, string> { ["Host"] = "internal.corp" } });
        Fails(new PluginWasmUrl(server.Url()) { Method = "GET /x HTTP/1.1\r\n" });
        Assert.Empty(server.Connections);
    }

    [Fact]
    public void The_size_is_limited()
    {
        using HttpServer server = Serving(s_module);
        PluginHttpOptions options = new() { MaxWasmBytes = s_module.Length };
        using CompiledPlugin compiled = Compile(PluginWasm.FromUrl(server.Url()), options);
        Assert.Contains("maximum number of bytes", Fails(PluginWasm.FromUrl(server.Url()), options with { MaxWasmBytes = s_module.Length - 1 }).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_is_limited_and_the_token_ends_the_loading()
    {
        using RawServer server = new(static (connection, token) => connection.ReadToEndAsync(token));
        Fails(PluginWasm.FromUrl(server.Url()), new PluginHttpOptions { RequestTimeout = TimeSpan.FromMilliseconds(200) });

        // A server of its own: what the first request left may be accepted late.
        using var source = new CancellationTokenSource();
        using RawServer other = new((connection, token) =>
        {
            source.Cancel();
            return connection.ReadToEndAsync(token);
        });
        Assert.ThrowsAny<OperationCanceledException>(() => Compile(PluginWasm.FromUrl(other.Url()), null, source.Token));
        Assert.ThrowsAny<OperationCanceledException>(() => Compile(PluginWasm.FromUrl(other.Url()), null, source.Token));
    }

    private static Task Redirect(HttpContext context, string url)
    {
        context.Response.Redirect(url);
        return Task.CompletedTask;
    }

    [Fact]
    public void Redirects_lead_to_the_same_host_and_port_or_to_those_that_are_named()
    {
        using HttpServer target = Serving(s_module);
        TestResolver resolver = new TestResolver().Add("start.example").Add("cdn.example");
        using HttpServer same = new(context => context.Request.Path == "/x" ? context.Response.Body.WriteAsync(s_module, 0, s_module.Length) : Redirect(context, "/x"));
        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl(same.Url("/", "start.example")), resolver.Options))
        {
            Assert.Equal(2, same.Requests.Count);
        }

        // Another port is another server.
        using HttpServer port = new(context => Redirect(context, target.Url("/x", "start.example")));
        Assert.Contains("is not allowed", Fails(PluginWasm.FromUrl(port.Url("/", "start.example")), resolver.Options).Message, StringComparison.Ordinal);
        Assert.Empty(target.Requests);
        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl(port.Url("/", "start.example")), resolver.Options with { WasmRedirectHosts = [$"start.example:{target.Port}"] }))
        {
            Assert.Single(target.Requests);
        }

        using HttpServer other = new(context => Redirect(context, target.Url("/x", "cdn.example")));
        Assert.Contains("is not allowed", Fails(PluginWasm.FromUrl(other.Url("/", "start.example")), resolver.Options).Message, StringComparison.Ordinal);
        Assert.Single(target.Requests);
        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl(other.Url("/", "start.example")), resolver.Options with { WasmRedirectHosts = ["*.example"] }))
        {
            Assert.Equal(2, target.Requests.Count);
        }

        using HttpServer file = new(context => Redirect(context, "file:///etc/passwd"));
        Fails(PluginWasm.FromUrl(file.Url("/", "start.example")), resolver.Options with { WasmRedirectHosts = ["*"] });
        Assert.Throws<ArgumentException>(() => Compile(new OwnSource("main"), new PluginHttpOptions { WasmRedirectHosts = ["["] }));
    }

    // By names, so that the ports are those that the schemes have.
    [Fact]
    [Trait("Security", "HT-08")]
    public void Each_hop_is_vetted_and_there_is_no_way_from_https_to_http()
    {
        using var certificate = new TestCertificate("start.example");
        using HttpServer plain = Serving(s_module);
        using var secure = new HttpServer(context => context.Request.Path == "/down" ? Redirect(context, "http://start.example/x") : context.Response.Body.WriteAsync(s_module, 0, s_module.Length), certificate.Server);
        using HttpServer up = new(context => Redirect(context, "https://start.example/x"));
        using HttpServer inside = new(context => Redirect(context, "http://inside.example/x"));
        using HttpServer literal = new(context => Redirect(context, "http://10.0.0.1/x"));
        var asked = new System.Collections.Concurrent.ConcurrentQueue<string>();
        PluginHttpOptions To(HttpServer server) => new()
        {
            TrustedRoots = [certificate.Root],
            WasmRedirectHosts = ["inside.example", "10.0.0.1"],
            BlockedAddresses = AddressKinds.Private | AddressKinds.LinkLocal,
            Resolver = (host, _) =>
            {
                asked.Enqueue($"{host.Host}:{host.Port}");
                return new ValueTask<IReadOnlyList<System.Net.IPEndPoint>>(
                    [host.Host == "inside.example" ? new(System.Net.IPAddress.Parse("10.0.0.1"), 80) : new(System.Net.IPAddress.Loopback, host.Port == 443 ? secure.Port : server.Port)]);
            },
        };
        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl("http://start.example/"), To(up)))
        {
            Assert.Equal(["start.example:80", "start.example:443"], asked);
        }

        Assert.Contains("from https to http", Fails(PluginWasm.FromUrl("https://start.example/down"), To(plain) with { WasmRedirectHosts = ["*"] }).Message, StringComparison.Ordinal);
        Assert.Empty(plain.Requests);
        foreach (HttpServer server in (HttpServer[])[inside, literal])
        {
            Assert.Contains("is not allowed", Fails(PluginWasm.FromUrl("http://start.example/"), To(server)).Message, StringComparison.Ordinal);
            Assert.Single(server.Requests);
        }
    }

    [Fact]
    [Trait("Security", "HT-08")]
    public void Blocked_addresses_are_not_asked_for_modules()
    {
        using HttpServer server = Serving(s_module);
        Fails(PluginWasm.FromUrl("http://169.254.169.254/latest/user-data"));
        Fails(PluginWasm.FromUrl(server.Url()), new PluginHttpOptions { BlockedAddresses = AddressKinds.NonPublic });
        Assert.Empty(server.Connections);
    }

    [Fact]
    public void Allowed_hosts_are_the_guests_and_do_not_matter_here()
    {
        using HttpServer server = Serving(s_module);
        using CompiledPlugin compiled = CompiledPlugin.Create(new PluginManifest { Wasm = [PluginWasm.FromUrl(server.Url())], AllowedHosts = ["other.example"] });
        Assert.True(compiled.CreateInstance().FunctionExists("run"));
    }

    [Fact]
    public void A_source_can_be_loaded_by_itself()
    {
        using HttpServer server = Serving(s_module);
        PluginWasm source = PluginWasm.FromUrl(server.Url());
        Assert.Equal(s_module, source.Load(default).ToArray());
        Assert.Equal(s_module, source.Load(default).ToArray());
        Assert.Equal(2, server.Connections.Count);
        Assert.Equal(server.Url(), source.Location);
    }

    [Fact]
    public void Certificates_are_checked_and_what_they_name_is_not_fetched()
    {
        using RawServer issuer = RawServer.Answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        using var certificate = new TestCertificate("secure.example", issuer.Url("/root.crt"));
        using var server = new HttpServer(context => context.Response.Body.WriteAsync(s_module, 0, s_module.Length), certificate.Server);
        string url = $"https://secure.example:{server.Port}/";
        TestResolver resolver = new TestResolver().Add("secure.example").Add("other.example");
        Fails(PluginWasm.FromUrl(url), resolver.Options);
        Fails(PluginWasm.FromUrl(url.Replace("secure", "other", StringComparison.Ordinal)), resolver.Options with { TrustedRoots = [certificate.Root] });
        Assert.Empty(server.Requests);
        Assert.Empty(issuer.Connections);
        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl(url), resolver.Options with { TrustedRoots = [certificate.Root] }))
        {
            Assert.Single(server.Requests);
        }

        using (CompiledPlugin compiled = Compile(PluginWasm.FromUrl(url), resolver.Options with { CertificateValidation = (_, shown, _, _) => certificate.Server.GetCertHashString() == shown?.GetCertHashString() }))
        {
            Assert.Equal(2, server.Requests.Count);
        }

        Assert.Empty(issuer.Connections);
    }

    [Fact]
    [Trait("Parity", "EXT-30")]
    public void The_fixture_that_the_SDKs_load_by_URL()
    {
        byte[] module = File.ReadAllBytes(Fixtures.Go("count_vowels.wasm"));
        using HttpServer server = Serving(module);
        TestResolver resolver = new TestResolver().Add("raw.githubusercontent.com", server.Port);
        PluginManifest manifest = PluginManifest.FromJson(
            """{"wasm":[{"url":"http://raw.githubusercontent.com/extism/extism/main/wasm/code.wasm","hash":"0c1779c48f56f94b3e3624d76f55e38215870c59ccb3d41f6ba8b2bc22f218f5"}]}""");
        using Plugin plugin = Plugin.Create(manifest, new PluginOptions { Http = resolver.Options });
        Assert.Equal("""{"count":3,"total":3,"vowels":"aeiouAEIOU"}""", plugin.Call("count_vowels", "hello world"));
        Assert.Contains("raw.githubusercontent.com/extism/extism/main/wasm/code.wasm", Assert.Single(server.Requests), StringComparison.Ordinal);
    }

    private sealed class OwnSource : PluginWasm
    {
        public OwnSource(string name) => Name = name;

        public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken) => s_module;
    }
}
