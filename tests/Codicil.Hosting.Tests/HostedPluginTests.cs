using Codicil.Plugins;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

using static Codicil.Hosting.Tests.HostedApplication;

namespace Codicil.Hosting.Tests;

/// <summary>Plug-ins among an application's services.</summary>
public sealed class HostedPluginTests
{
    [Fact]
    public async Task Plugins_are_keyed_services_with_options_from_configuration()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        folder.Write("two.wat", Answer(2));
        using IHost host = Build(folder, services => services.AddCodicil()
            .AddPlugin("one", Section(new()
            {
                ["Path"] = "one.wat",
                ["Timeout"] = "00:05:00",
                ["MaxPages"] = "10",
                ["Config:key"] = "value",
                ["AllowedHosts:0"] = "example.com",
                ["Pool:MaxSize"] = "3",
                ["Pool:WarmUp"] = "2",
                ["Pool:Policy"] = "Keep",
                ["Http:BlockedAddresses"] = "Loopback, Private",
                ["Http:MaxRedirects"] = "2",
            }))
            .AddPlugin("two", folder["two.wat"]));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin one = host.Services.GetRequiredKeyedService<HostedPlugin>("one");
        Assert.Equal(1u, (await one.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        Assert.Equal(2u, (await host.Services.GetRequiredKeyedService<HostedPlugin>("two").CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        await using (PluginLease lease = await one.RentAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal(TimeSpan.FromMinutes(5), lease.Plugin.Timeout);
            Assert.Equal("value", lease.Plugin.Config["key"]);
        }

        Assert.Equal(new PluginPoolState(2, 0, 0), one.Status.Pool);
        Assert.Equal(1, one.Status.Generation);
        HostedPlugins all = host.Services.GetRequiredService<HostedPlugins>();
        Assert.Equal(["one", "two"], all.Select(static plugin => plugin.Name));
        Assert.Same(one, all["one"]);
        Assert.Null(all.Find("three"));
        Assert.Throws<KeyNotFoundException>(() => all["three"]);
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Options_are_validated_when_the_application_starts_and_every_fault_is_named()
    {
        using var folder = new Folder();
        using IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("bad", Section(new()
        {
            ["Path"] = "a.wasm",
            ["ManifestPath"] = "b.json",
            ["Hash"] = "xyz",
            ["Timeout"] = "-00:00:01",
            ["MaxPages"] = "0",
            ["MaxVarBytes"] = "-1",
            ["AllowedPaths:/host"] = "/guest",
            ["PollInterval"] = "00:00:00",
            ["DrainTimeout"] = "25.00:00:00",
            ["Pool:MaxSize"] = "0",
            ["Pool:WarmUp"] = "5",
            ["Pool:IdleTimeout"] = "25.00:00:00",
            ["Http:MaxRedirects"] = "-1",
            ["Http:RequestTimeout"] = "25.00:00:00",
            ["Http:ConnectTimeout"] = "25.00:00:00",
        })));
        OptionsValidationException exception = await Assert.ThrowsAsync<OptionsValidationException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        string[] words =
        [
            "only one of Path", "Hash must", ": Timeout", "MaxPages", "MaxVarBytes", "AllowedPaths needs Wasi", "PollInterval", "DrainTimeout", "Pool:MaxSize", "Pool:WarmUp", "Pool:IdleTimeout",
            "Http:MaxRedirects", "Http:RequestTimeout", "Http:ConnectTimeout",
        ];
        foreach (string word in words)
        {
            Assert.Contains(exception.Failures, failure => failure.StartsWith("plug-in 'bad': ", StringComparison.Ordinal) && failure.Contains(word, StringComparison.Ordinal));
        }

        Assert.Equal(words.Length, exception.Failures.Count());
    }

    [Fact]
    public async Task The_longest_times_work()
    {
        const string Longest = "24.20:31:23.6470000";
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        using IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("one", Section(new()
        {
            ["Path"] = "one.wat",
            ["Timeout"] = "10675199.02:48:05.4775807",
            ["DrainTimeout"] = Longest,
            ["Pool:IdleTimeout"] = Longest,
            ["Http:RequestTimeout"] = Longest,
            ["Http:ConnectTimeout"] = Longest,
        })));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("one");
        PluginLease lease = await plugin.RentAsync(TestContext.Current.CancellationToken);
        await plugin.ReloadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(1u, lease.Plugin.Call("answer").ExitCode);
        lease.Dispose();
        await Eventually.IsTrueAsync(() => plugin.Status.Draining == 0);
    }

    [Fact]
    public async Task A_plugin_that_cannot_be_loaded_keeps_the_application_from_starting_unless_it_is_loaded_later()
    {
        using var folder = new Folder();
        folder.Write("bad.wat", "(module (func (export \"f\") (result i32)))");
        folder.Write("unlinked.wat", "(module (import \"no\" \"where\" (func)))");
        using (IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("absent", "absent.wasm")))
        {
            await Assert.ThrowsAsync<FileNotFoundException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        }

        using (IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("bad", "bad.wat")))
        {
            await Assert.ThrowsAsync<Format.InvalidModuleException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        }

        using (IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("unlinked", "unlinked.wat")))
        {
            await Assert.ThrowsAsync<LinkException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        }

        using (IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("late", static options =>
        {
            options.Path = "late.wat";
            options.LoadAtStart = false;
        })))
        {
            await host.StartAsync(TestContext.Current.CancellationToken);
            HostedPlugin late = host.Services.GetRequiredKeyedService<HostedPlugin>("late");
            await Assert.ThrowsAsync<FileNotFoundException>(() => late.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(host));
            folder.Write("late.wat", Answer(9));
            Assert.Equal(9u, (await late.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
            Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        }
    }

    [Fact]
    public async Task A_plugin_that_could_not_be_loaded_is_not_compiled_for_every_call()
    {
        using var folder = new Folder();
        var time = new ManualTime();
        int attempts = 0;
        IConfigurationRoot configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Path"] = "late.wat", ["LoadAtStart"] = "false" }).Build();
        using IHost host = Build(folder, services => services.AddSingleton<TimeProvider>(time).AddCodicil().AddPlugin("late", configuration).Configure((_, options) =>
        {
            attempts++;
            return options;
        }));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin late = host.Services.GetRequiredKeyedService<HostedPlugin>("late");
        foreach (bool isYoung in new[] { true, false })
        {
            // Young files are read again, others only looked at; bad ones are compiled in neither case.
            folder.Replace("late.wat", "(module (func (export \"answer\") (result i32)))" + (isYoung ? "" : " "));
            if (!isYoung)
            {
                File.SetLastWriteTimeUtc(folder["late.wat"], DateTime.UtcNow.AddDays(-1));
            }

            int before = attempts;
            Exception[] failures = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => Assert.ThrowsAnyAsync<Exception>(() => CallAsync())));
            Assert.All(failures, static failure => Assert.IsType<Format.InvalidModuleException>(failure));
            Assert.Equal(1, attempts - before);
            Assert.Equal(HealthStatus.Unhealthy, await HealthAsync(host));
            await Assert.ThrowsAsync<Format.InvalidModuleException>(() => late.ReloadAsync(TestContext.Current.CancellationToken));
            Assert.Equal(2, attempts - before);
            await Assert.ThrowsAsync<Format.InvalidModuleException>(CallAsync);
            Assert.Equal(2, attempts - before);
            time.Now += 5 * TimeSpan.TicksPerSecond;
            await Assert.ThrowsAsync<Format.InvalidModuleException>(CallAsync);
            await Assert.ThrowsAsync<Format.InvalidModuleException>(CallAsync);
            Assert.Equal(3, attempts - before);
        }

        // Options that change are another attempt, as a file is that changes.
        int last = attempts;
        configuration["Config:key"] = "new";
        configuration.Reload();
        await Assert.ThrowsAsync<Format.InvalidModuleException>(CallAsync);
        Assert.Equal(1, attempts - last);
        folder.Replace("late.wat", Answer(9));
        Assert.Equal(9u, (await CallAsync()).ExitCode);

        Task<PluginResult> CallAsync() => late.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task What_a_module_says_of_itself_stays_in_its_line_of_the_log()
    {
        using var folder = new Folder();
        folder.Write("bad.wat", "(module (import \"a\\0a\" \"b\\1b[2J\" (func)))");
        var log = new Lines();
        using IHost host = Build(folder, services => services.AddSingleton<ILoggerProvider>(log).AddCodicil().AddPlugin("bad", "bad.wat"));
        await Assert.ThrowsAsync<LinkException>(() => host.StartAsync(TestContext.Current.CancellationToken));
        string line = Assert.Single(log.All, static line => line.Contains("cannot be loaded", StringComparison.Ordinal));
        Assert.Contains("LinkException", line, StringComparison.Ordinal);
        Assert.Contains("a\\n::b\\u001b[2J", line, StringComparison.Ordinal);
        Assert.DoesNotContain(line, char.IsControl);
    }

    [Fact]
    public void A_name_is_given_once() =>
        Assert.Throws<ArgumentException>(() => new ServiceCollection().AddCodicil().AddPlugin("one", "a.wasm").AddPlugin("one", "b.wasm"));

    [Fact]
    public async Task Code_can_give_a_manifest_host_functions_and_more()
    {
        using var folder = new Folder();
        var manifest = new PluginManifest { Wasm = [PluginWasm.FromBytes(System.Text.Encoding.UTF8.GetBytes(Gated))], Config = new Dictionary<string, string> { ["a"] = "manifest", ["b"] = "manifest" } };
        using IHost host = Build(folder, services => services.AddSingleton(new Gate()).AddCodicil()
            .AddPlugin("code", options =>
            {
                options.UseManifest(manifest);
                options.Config["b"] = "options";
            })
            .AddHostFunction(static services => services.GetRequiredService<Gate>().Function)
            .Configure(static (_, options) => options with { LogLevel = PluginLogLevel.Warn }));
        await host.StartAsync(TestContext.Current.CancellationToken);
        host.Services.GetRequiredService<Gate>().Open.SetResult();
        HostedPlugin code = host.Services.GetRequiredKeyedService<HostedPlugin>("code");
        Assert.Equal(1u, (await code.CallAsync("gated", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        await using PluginLease lease = await code.RentAsync(TestContext.Current.CancellationToken);
        Assert.Equal(("manifest", "options"), (lease.Plugin.Config["a"], lease.Plugin.Config["b"]));
        Assert.Equal(PluginLogLevel.Warn, lease.Plugin.LogLevel);
    }

    [Fact]
    public async Task An_application_that_ends_ends_its_plugins()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        IHost host = await StartAsync(folder, Watched);
        HostedPlugin plugin = One(host);
        PluginLease lease = await plugin.RentAsync(TestContext.Current.CancellationToken);
        await host.StopAsync(TestContext.Current.CancellationToken);
        await ((IAsyncDisposable)host).DisposeAsync();
        Assert.Equal(1u, lease.Plugin.Call("answer").ExitCode);
        lease.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken));
    }
}
