using System.Net;

using Codicil.Plugins;
using Codicil.Plugins.Http;

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging.Abstractions;

namespace Codicil.Hosting.Tests;

/// <summary>From an application's options and HTTP clients to those of plug-ins.</summary>
public sealed class HttpBridgeTests
{
    // Sends the request that its input describes, and gives the response's body.
    private const string Guest = """
        (module
          (import "extism:host/env" "input_offset" (func $input (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "http_request" (func $http (param i64 i64) (result i64)))
          (import "extism:host/env" "http_status_code" (func $status (result i32)))
          (import "extism:host/env" "output_set" (func $output (param i64 i64)))
          (func (export "get") (result i32) (local $body i64)
            (local.set $body (call $http (call $input) (i64.const 0)))
            (call $output (local.get $body) (call $length (local.get $body)))
            (call $status)))
        """;

    [Fact]
    public async Task Requests_go_through_a_client_of_the_factory_when_that_is_asked_for()
    {
        using var folder = new Folder();
        folder.Write("guest.wat", Guest);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = folder.Path });
        builder.Services.AddHttpClient("partner").ConfigurePrimaryHttpMessageHandler(static () => new Echo());
        builder.Services.AddCodicil().AddPlugin("guest", static options =>
        {
            options.Path = "guest.wat";
            options.AllowedHosts = ["partner.example"];
            options.Http.UnguardedClientName = "partner";
        });
        using IHost host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("guest");
        for (int i = 0; i < 3; i++)
        {
            PluginResult result = await plugin.CallAsync("get", """{"url":"http://partner.example/path"}"""u8.ToArray(), TestContext.Current.CancellationToken);
            Assert.Equal(202u, result.ExitCode);
            Assert.Equal("GET http://partner.example/path", result.ToString());
        }

        // The list of hosts holds all the same.
        PluginException denied = await Assert.ThrowsAsync<PluginException>(
            () => plugin.CallAsync("get", """{"url":"http://other.example/"}"""u8.ToArray(), TestContext.Current.CancellationToken));
        Assert.Equal(PluginFailure.NotAllowed, denied.Failure);
    }

    [Fact]
    public void Every_option_reaches_the_plugins()
    {
        var options = new HostedPluginOptions
        {
            Wasi = true,
            Http = new HostedPluginHttpOptions
            {
                BlockedAddresses = AddressKinds.NonPublic,
                RequestTimeout = TimeSpan.FromSeconds(1),
                ConnectTimeout = TimeSpan.FromSeconds(2),
                MaxRedirects = 3,
                MaxConnectionsPerHost = 4,
                UserAgent = "agent",
                Http2 = true,
                ResponseHeaders = true,
            },
        };
        PluginOptions mapped = HostedPluginMapping.ToPluginOptions(options, "name", NullLoggerFactory.Instance, new ServiceCollection().BuildServiceProvider());
        Assert.Equal("name", mapped.Name);
        Assert.True(mapped.Wasi);
        Assert.True(mapped.HttpResponseHeaders);
        Assert.Null(mapped.Http.UnguardedClient);
        Assert.Equal(
            (AddressKinds.NonPublic, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(2), 3, 4, "agent", true),
            (mapped.Http.BlockedAddresses, mapped.Http.RequestTimeout, mapped.Http.ConnectTimeout, mapped.Http.MaxRedirects, mapped.Http.MaxConnectionsPerHost, mapped.Http.UserAgent, mapped.Http.Http2));
        mapped = HostedPluginMapping.ToPluginOptions(new HostedPluginOptions(), "name", NullLoggerFactory.Instance, new ServiceCollection().BuildServiceProvider());
        Assert.Equal(PluginHttpOptions.Default, mapped.Http);

        options.Timeout = TimeSpan.FromSeconds(5);
        options.MaxPages = 6;
        options.MaxVarBytes = 7;
        options.MaxHttpResponseBytes = 8;
        options.AllowedHosts = ["a"];
        options.AllowedPaths = new Dictionary<string, string> { ["ro:data"] = "/data", ["/work"] = "/work" };
        options.Config["k"] = "v";
        PluginManifest manifest = HostedPluginMapping.Apply(options, new PluginManifest { Config = new Dictionary<string, string> { ["m"] = "w" } }, "/root");
        Assert.Equal((TimeSpan.FromSeconds(5), 6, 7, 8), (manifest.Timeout, manifest.Memory.MaxPages, manifest.Memory.MaxVarBytes, manifest.Memory.MaxHttpResponseBytes));
        Assert.Equal(["a"], manifest.AllowedHosts);
        Assert.Equal(["/work", "ro:" + Path.GetFullPath("data", "/root")], manifest.AllowedPaths.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["k", "m"], manifest.Config.Keys.Order(StringComparer.Ordinal));
    }

    private sealed class Echo : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Task.FromResult(Send(request, cancellationToken));

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken) =>
            new(HttpStatusCode.Accepted) { Content = new StringContent($"{request.Method} {request.RequestUri}") };
    }
}
