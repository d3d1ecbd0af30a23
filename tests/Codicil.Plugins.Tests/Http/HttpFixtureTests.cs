using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>The HTTP plug-ins of the SDKs' tests, against a server that has their hosts' names.</summary>
[Trait("Parity", "EXT-30")]
[Trait("Parity", "EXT-18")]
public sealed class HttpFixtureTests
{
    private const string Todo = """
        {
          "userId": 1,
          "id": 1,
          "title": "delectus aut autem",
          "completed": false
        }
        """;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Http_allowed(bool go)
    {
        const string Host = "jsonplaceholder.typicode.com";
        using var certificate = new TestCertificate(Host);
        string? seen = null;
        using var server = new HttpServer(
            context =>
            {
                seen = $"{context.Request.Headers["some-name"]} {context.Request.Headers["another"]}";
                return context.Response.WriteAsync(Todo);
            },
            certificate.Server);
        var options = new PluginOptions { Wasi = true, Http = new TestResolver().Add(Host, server.Port).Options with { TrustedRoots = [certificate.Root] } };
        PluginManifest manifest = PluginManifest.FromWasmFile(go ? Fixtures.Go("http.wasm") : Fixtures.DotNet("http.wasm")) with { AllowedHosts = ["jsonplaceholder.*.com"] };
        using Plugin plugin = Plugin.Create(manifest, options);
        Assert.Equal(Todo, plugin.Call("run_test", ""));
        Assert.Equal("GET https://jsonplaceholder.typicode.com/todos/1", Assert.Single(server.Requests));
        Assert.Equal("some-value again", seen);
        Assert.Equal(200, plugin.LastHttpStatusCode);
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(true, "google.*")]
    [InlineData(false, "google.*")]
    public void Http_denied(bool go, string? allowed)
    {
        var options = new PluginOptions { Wasi = true, Http = new TestResolver().Options };
        PluginManifest manifest = PluginManifest.FromWasmFile(go ? Fixtures.Go("http.wasm") : Fixtures.DotNet("http.wasm")) with { AllowedHosts = allowed is null ? [] : [allowed] };
        using Plugin plugin = Plugin.Create(manifest, options);
        PluginException exception = Assert.Throws<PluginException>(() => { plugin.Call("run_test"); });
        Assert.Equal(1u, exception.ExitCode);
        Assert.Contains("HTTP request to 'https://jsonplaceholder.typicode.com/todos/1' is not allowed", exception.Message, StringComparison.Ordinal);
        Assert.False(plugin.IsClosed);
    }

    [Fact]
    [Trait("Parity", "EXT-19")]
    public void Http_headers_allowed()
    {
        using var server = new HttpServer(context =>
        {
            context.Response.ContentType = "text/html; charset=utf-8";
            return context.Response.WriteAsync("<html>");
        });
        var options = new PluginOptions { HttpResponseHeaders = true, Http = new TestResolver().Add("extism.org", server.Port).Options };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile(Fixtures.Go("http_headers.wasm")) with { AllowedHosts = ["extism.org"] }, options);
        using var json = System.Text.Json.JsonDocument.Parse(plugin.Call("http_get", """{"url":"http://extism.org"}"""));
        Assert.Equal("text/html; charset=utf-8", json.RootElement.GetProperty("content-type").GetString());
    }

    [Fact]
    [Trait("Parity", "EXT-19")]
    public void Http_headers_denied()
    {
        using HttpServer server = HttpServer.Of("x");
        var options = new PluginOptions { Http = new TestResolver().Add("extism.org", server.Port).Options };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile(Fixtures.Go("http_headers.wasm")) with { AllowedHosts = ["extism.org"] }, options);
        Assert.Equal("{}", plugin.Call("http_get", """{"url":"http://extism.org"}"""));
    }
}
