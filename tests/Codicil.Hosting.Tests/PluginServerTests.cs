using System.Net;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

using PluginServer;

namespace Codicil.Hosting.Tests;

/// <summary>The sample application, asked by a real client on loopback.</summary>
public sealed class PluginServerTests
{
    private static readonly string s_sample = Path.Combine(Folder.Repository, "samples", "plugin-server");

    [Fact]
    public async Task Two_plugins_answer_and_one_is_replaced_while_requests_come()
    {
        using var folder = new Folder();
        await using WebApplication app = await StartAsync(folder);
        using var client = new HttpClient { BaseAddress = AddressOf(app) };
        Assert.Equal("Hello, Ada! You are visitor 1.", await PostAsync(client, "/greet", "Ada"));
        Assert.Equal("""{"count":3,"total":3,"vowels":"aeiouAEIOU"}""", await PostAsync(client, "/count-vowels", "Hello, World!"));

        // Nothing of a request is left for the next one.
        Assert.Equal("""{"count":3,"total":3,"vowels":"aeiouAEIOU"}""", await PostAsync(client, "/count-vowels", "Hello, World!"));
        Assert.Equal("Healthy", await client.GetStringAsync("/health", TestContext.Current.CancellationToken));

        using var stop = new CancellationTokenSource();
        Task<HashSet<char>>[] visitors = [.. Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            var marks = new HashSet<char>();
            while (!stop.IsCancellationRequested)
            {
                string answer = await PostAsync(client, "/greet", "you");
                Assert.StartsWith("Hello, you", answer, StringComparison.Ordinal);
                marks.Add(answer["Hello, you".Length]);
            }

            return marks;
        }))];
        string source = await File.ReadAllTextAsync(Path.Combine(s_sample, "plugins", "greet.wat"), TestContext.Current.CancellationToken);
        folder.Replace("plugins/greet.wat", source.Replace("(i32.const 33)", "(i32.const 63)", StringComparison.Ordinal));
        await UntilAsync(async () => (await PostAsync(client, "/greet", "you")).StartsWith("Hello, you?", StringComparison.Ordinal));
        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(visitors), static marks => Assert.Subset(new HashSet<char> { '!', '?' }, marks));

        // What is no module is reported and changes nothing.
        folder.Replace("plugins/greet.wat", source[..(source.Length / 2)]);
        await UntilAsync(async () => await client.GetStringAsync("/health", TestContext.Current.CancellationToken) == "Degraded");
        Assert.StartsWith("Hello, you?", await PostAsync(client, "/greet", "you"), StringComparison.Ordinal);
        folder.Replace("plugins/greet.wat", source);
        await UntilAsync(async () => await client.GetStringAsync("/health", TestContext.Current.CancellationToken) == "Healthy");
        Assert.StartsWith("Hello, you!", await PostAsync(client, "/greet", "you"), StringComparison.Ordinal);
        Assert.Contains("greeter: generation 3", await client.GetStringAsync("/plugins", TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await app.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_plugin_that_takes_too_long_or_fails_is_an_error_of_the_gateway()
    {
        using var folder = new Folder();
        await using WebApplication app = await StartAsync(folder, """(module (func (export "greet") (loop (br 0))))""", """(module (func (export "count_vowels") unreachable))""");
        using var client = new HttpClient { BaseAddress = AddressOf(app) };
        using HttpResponseMessage late = await client.PostAsync("/greet", new StringContent("x"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.GatewayTimeout, late.StatusCode);
        using HttpResponseMessage failed = await client.PostAsync("/count-vowels", new StringContent("x"), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.BadGateway, failed.StatusCode);
    }

    private static async Task<WebApplication> StartAsync(Folder folder, string? greeter = null, string? vowels = null)
    {
        folder.Write("plugins/greet.wat", greeter ?? await File.ReadAllTextAsync(Path.Combine(s_sample, "plugins", "greet.wat")));
        File.Copy(Path.Combine(s_sample, "appsettings.json"), folder["appsettings.json"]);
        string vowelsPath = vowels is null ? Path.Combine(s_sample, "..", "count-vowels-plugin", "count_vowels.wasm") : folder.Write("plugins/vowels.wat", vowels);
        WebApplication app = Server.Create(
            new WebApplicationOptions
            {
                ContentRootPath = folder.Path,
                Args =
                [
                    "--urls", "http://127.0.0.1:0", "--Plugins:vowels:Path", vowelsPath, "--Plugins:greeter:Timeout", greeter is null ? "00:00:30" : "00:00:03",
                    "--Plugins:greeter:ReloadDelay", "00:00:00.050", "--Plugins:greeter:PollInterval", "00:00:00.100",
                ],
            },
            static builder => builder.Logging.ClearProviders());
        await app.StartAsync();
        return app;
    }

    private static Uri AddressOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private static async Task<string> PostAsync(HttpClient client, string path, string body)
    {
        using HttpResponseMessage response = await client.PostAsync(path, new StringContent(body));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return await response.Content.ReadAsStringAsync();
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; i < 3600; i++)
        {
            if (await condition())
            {
                return;
            }

            await Task.Delay(50);
        }

        Assert.Fail("it did not happen within 3 minutes");
    }
}
