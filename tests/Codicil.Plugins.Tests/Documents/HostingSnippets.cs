using Codicil.Hosting;
using Codicil.Plugins;
using Codicil.Plugins.Tests.Documents;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace DocumentSnippets;

/// <summary>The snippets of docs/hosting.md, in their order.</summary>
public sealed class HostingSnippets
{
    static HostingSnippets() => Environment.CurrentDirectory = AppContext.BaseDirectory;

    private SnippetConsole Console { get; } = new();

    [Fact]
    public async Task Server()
    {
        CancellationToken stopped = TestContext.Current.CancellationToken;
        string[] args =
        [
            "--contentRoot", AppContext.BaseDirectory, "--urls", "http://127.0.0.1:0", "--Logging:LogLevel:Default", "None",
            "--Plugins:greeter:Path", "greet.wat", "--Plugins:greeter:Config:greeting", "Hello",
        ];

        // snippet: hosting-server
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.Services.AddCodicil()
            .AddPlugin("greeter", builder.Configuration.GetSection("Plugins:greeter"))
            .AddHostFunctions(HostFunction.Create("visitor", _ => "You are welcome."));
        builder.Services.AddHealthChecks().AddCodicil();

        WebApplication app = builder.Build();
        app.MapHealthChecks("/health");
        app.MapPost("/greet", async ([FromKeyedServices("greeter")] HostedPlugin greeter, HttpRequest request, CancellationToken stopped) =>
        {
            using var reader = new StreamReader(request.Body);
            string name = await reader.ReadToEndAsync(stopped);
            return await greeter.CallAsync("greet", name, stopped);
        });
        await app.StartAsync();
        // end
        await using WebApplication ends = app;
        using var client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
        using HttpResponseMessage answer = await client.PostAsync("/greet", new StringContent("Ada"), stopped);
        Assert.Equal("Hello, Ada! You are welcome.", await answer.Content.ReadAsStringAsync(stopped));
        Assert.Equal("Healthy", await client.GetStringAsync("/health", stopped));
        HostedPlugin greeter = app.Services.GetRequiredKeyedService<HostedPlugin>("greeter");
        await Lease(greeter, stopped);
        Assert.Equal("Hello, Ada! You are welcome.", await greeter.CallAsync("greet", "Ada", stopped));
    }

    private async Task Lease(HostedPlugin greeter, CancellationToken stopped)
    {
        // snippet: hosting-lease
        await using PluginLease lease = await greeter.RentAsync(stopped);
        lease.Plugin.Config["greeting"] = "Good morning";
        string text = await lease.Plugin.CallAsync("greet", "Ada", stopped);
        Console.WriteLine(text);
        // => Good morning, Ada! You are welcome.
        // end
        Console.AssertShown("hosting-lease");
    }

    [Fact]
    public async Task Configured()
    {
        var traces = new List<PluginTrace>();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        IServiceCollection services = builder.Services.AddSingleton(PluginTracer.Create(traces.Add, new PluginTracerOptions { AllFunctions = true }));

        // snippet: hosting-configure
        services.AddCodicil()
            .AddPlugin("vowels", "count_vowels.wasm")
            .Configure((services, options) => options with { Tracer = services.GetRequiredService<PluginTracer>() });
        // end
        using IHost host = builder.Build();
        await host.Services.GetRequiredKeyedService<HostedPlugin>("vowels").CallAsync("count_vowels", "a", TestContext.Current.CancellationToken);
        Assert.Equal("count_vowels", Assert.Single(traces).FunctionName);
    }

    [Fact]
    public async Task Pool()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;

        // snippet: hosting-pool
        using CompiledPlugin compiled = CompiledPlugin.Create(PluginManifest.FromWasmFile("reverse.wasm"));
        await using var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 16 });
        pool.WarmUp(4);
        await using (PluginLease lease = await pool.RentAsync(cancellationToken))
        {
            Console.WriteLine(lease.Plugin.Call("reverse", "stressed"));
        }
        // => desserts
        // end
        Console.AssertShown("hosting-pool");
    }
}
