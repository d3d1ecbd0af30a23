using System.Net;

using Codicil.Plugins;
using Codicil.Plugins.Http;
using Codicil.Plugins.Tests.Documents;
using Codicil.Plugins.Tests.Http;

using Microsoft.AspNetCore.Http;

namespace DocumentSnippets;

/// <summary>The snippets of docs/http.md, in their order.</summary>
public sealed class HttpSnippets
{
    static HttpSnippets() => Environment.CurrentDirectory = AppContext.BaseDirectory;

    private SnippetConsole Console { get; } = new();

    [Fact]
    public void Options()
    {
        // snippet: http-options
        PluginManifest manifest = PluginManifest.FromWasmFile("json_guest.wasm") with { AllowedHosts = ["api.example.com", "*.cdn.example.com"] };
        var options = new PluginOptions
        {
            HostFunctions = [HostFunction.Create("translate", (CurrentPlugin _, string text, string _) => text)],    // this guest imports it
            HttpResponseHeaders = true,                                          // off by default: http_headers gives 0
            Http = new PluginHttpOptions { BlockedAddresses = AddressKinds.NonPublic, RequestTimeout = TimeSpan.FromSeconds(10) },
        };
        using Plugin plugin = Plugin.Create(manifest, options);
        plugin.AllowedHosts = ["*.cdn.example.com"];                             // can be changed between calls, as MaxHttpResponseBytes
        try
        {
            plugin.Call("fetch", "https://api.example.com/v1/items");
        }
        catch (PluginException exception) when (exception.Failure == PluginFailure.NotAllowed)
        {
            Console.WriteLine(exception.Message);
        }
        // => HTTP request to 'https://api.example.com/v1/items' is not allowed
        // end
        Console.AssertShown("http-options");
    }

    [Fact]
    public void Resolver()
    {
        using var server = new HttpServer(static context =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync("[ \"one\", \"two\" ]");
        });
        int port = server.Port;

        // snippet: http-resolver
        // The port is that of a server on this machine, which answers for every name.
        var options = new PluginOptions
        {
            HostFunctions = [HostFunction.Create("translate", (CurrentPlugin _, string text, string _) => text)],
            Http = new PluginHttpOptions
            {
                Resolver = (host, cancellationToken) => ValueTask.FromResult<IReadOnlyList<IPEndPoint>>([new IPEndPoint(IPAddress.Loopback, port)]),
            },
        };
        using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile("json_guest.wasm") with { AllowedHosts = ["api.example.com"] }, options);
        Console.WriteLine(plugin.Call("fetch", "http://api.example.com/v1/items"));
        // => ["one","two"]
        Console.WriteLine($"{plugin.LastHttpStatusCode} {plugin.LastHttpHeaders["content-type"]}");
        // => 200 application/json
        // end
        Console.AssertShown("http-resolver");
    }
}
