using System.Globalization;

using Codicil.Plugins;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

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
    public async Task A_call_that_runs_when_its_plugin_is_replaced_ends_with_the_old_one()
    {
        using var folder = new Folder();
        var gate = new Gate();
        folder.Write("gated.wat", Gated);
        using IHost host = Build(folder, services => services.AddCodicil().AddPlugin("gated", "gated.wat").AddHostFunctions(gate.Function));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("gated");
        Task<PluginResult> running = plugin.CallAsync("gated", cancellationToken: TestContext.Current.CancellationToken);
        await gate.Entered.Task;
        folder.Replace("gated.wat", Gated.Replace("i32.const 1", "i32.const 2", StringComparison.Ordinal));
        await plugin.ReloadAsync(TestContext.Current.CancellationToken);
        Assert.Equal(2u, (await plugin.CallAsync("quick", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        Assert.False(running.IsCompleted);
        Assert.Equal((2, 1), (plugin.Status.Generation, plugin.Status.Draining));
        gate.Open.SetResult();
        Assert.Equal(1u, (await running).ExitCode);
        await Eventually.IsTrueAsync(() => plugin.Status.Draining == 0);
    }

    [Fact]
    public async Task Calls_that_outlast_the_time_to_drain_are_ended()
    {
        using var folder = new Folder();
        var gate = new Gate();
        folder.Write("gated.wat", Gated);
        using IHost host = Build(folder, services => services.AddCodicil()
            .AddPlugin("gated", options =>
            {
                options.Path = "gated.wat";
                options.DrainTimeout = TimeSpan.FromMilliseconds(20);
            })
            .AddHostFunctions(gate.Function));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("gated");
        Task<PluginResult> running = plugin.CallAsync("spin", cancellationToken: TestContext.Current.CancellationToken);
        await Eventually.IsTrueAsync(() => plugin.Status.Pool.Lent == 1);
        await plugin.ReloadAsync(TestContext.Current.CancellationToken);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => running);
        await Eventually.IsTrueAsync(() => plugin.Status.Draining == 0);
    }

    [Fact]
    public async Task What_flows_with_the_first_request_does_not_stay_with_the_watch_over_files()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        var request = new AsyncLocal<string?>();
        var seen = new System.Collections.Concurrent.ConcurrentQueue<string?>();
        using IHost host = Build(folder, services => services.AddCodicil()
            .AddPlugin("one", static options =>
            {
                Watched(options);
                options.LoadAtStart = false;
            })
            .Configure((_, options) =>
            {
                seen.Enqueue(request.Value);
                return options;
            }));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("one");
        request.Value = "the first";
        await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken);
        folder.Replace("one.wat", Answer(2));
        await Eventually.IsTrueAsync(() => plugin.Status.Generation == 2);
        Assert.Equal(["the first", null], seen);
    }

    [Fact]
    public async Task Who_waits_for_an_instance_of_the_old_plugin_gets_one_of_the_new()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        using IHost host = await StartAsync(folder, static options =>
        {
            options.Path = "one.wat";
            options.Pool.MaxSize = 1;
        });
        HostedPlugin plugin = One(host);
        PluginLease held = await plugin.RentAsync(TestContext.Current.CancellationToken);
        Task<PluginResult>[] waiting = [.. Enumerable.Range(0, 5).Select(_ => plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken))];
        Assert.Equal(5, plugin.Status.Pool.Waiting);
        folder.Replace("one.wat", Answer(2));
        await plugin.ReloadAsync(TestContext.Current.CancellationToken);
        Assert.All(await Task.WhenAll(waiting), static result => Assert.Equal(2u, result.ExitCode));
        Assert.Equal(1u, held.Plugin.Call("answer").ExitCode);
        held.Dispose();
        await Eventually.IsTrueAsync(() => plugin.Status.Draining == 0);
    }

    [Theory]
    [InlineData("replaced")]
    [InlineData("in place")]
    [InlineData("in pieces")]
    [InlineData("deleted first")]
    [InlineData("link")]
    [InlineData("same time")]
    public async Task A_file_that_changes_is_loaded_anew_however_it_is_written(string way)
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        if (way == "link")
        {
            folder.Write("v1/one.wat", Answer(1));
            folder.Write("v2/one.wat", Answer(2));
            File.Delete(folder["one.wat"]);
            File.CreateSymbolicLink(folder["one.wat"], folder["v1/one.wat"]);
        }

        using IHost host = await StartAsync(folder, Watched);
        HostedPlugin plugin = One(host);
        string text = Answer(2);
        switch (way)
        {
            case "replaced":
                folder.Replace("one.wat", text);
                break;
            case "same time":
                // As two writes within one step of the file system's clock.
                DateTime written = File.GetLastWriteTimeUtc(folder["one.wat"]);
                File.WriteAllText(folder["new"], text);
                File.SetLastWriteTimeUtc(folder["new"], written);
                File.Move(folder["new"], folder["one.wat"], overwrite: true);
                break;
            case "in place":
                folder.Write("one.wat", text);
                break;
            case "in pieces":
                await using (var file = new StreamWriter(folder["one.wat"]))
                {
                    foreach (char c in text)
                    {
                        await file.WriteAsync(c);
                        await file.FlushAsync(TestContext.Current.CancellationToken);
                        await Task.Delay(1, TestContext.Current.CancellationToken);
                    }
                }

                break;
            case "deleted first":
                File.Delete(folder["one.wat"]);
                await Task.Delay(30, TestContext.Current.CancellationToken);
                folder.Write("one.wat", text);
                break;
            default:
                File.CreateSymbolicLink(folder["new"], folder["v2/one.wat"]);
                File.Move(folder["new"], folder["one.wat"], overwrite: true);
                break;
        }

        await Eventually.IsTrueAsync(() => plugin.Status is { Failure: null, Generation: 2 });
        Assert.Equal(2u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
    }

    [Fact]
    public async Task A_bad_file_keeps_the_old_plugin_and_is_reported_until_it_is_right()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        using IHost host = await StartAsync(folder, Watched);
        HostedPlugin plugin = One(host);
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        folder.Replace("one.wat", "(module (func (export \"answer\") (result i32)))");
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is Format.InvalidModuleException);
        Assert.Equal(HealthStatus.Degraded, await HealthAsync(host));
        Assert.Equal(1u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);

        // One that is a module but cannot be instantiated.
        folder.Replace("one.wat", "(module (import \"no\" \"where\" (func)))");
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is LinkException);
        Assert.Equal(1u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);

        File.Delete(folder["one.wat"]);
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is FileNotFoundException);
        folder.Write("one.wat", Answer(3));
        await Eventually.IsTrueAsync(() => plugin.Status is { Failure: null, Generation: 2 });
        Assert.Equal(HealthStatus.Healthy, await HealthAsync(host));
        Assert.Equal(3u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
    }

    [Fact]
    public async Task A_file_that_is_empty_for_now_is_not_loaded()
    {
        // Text without anything in it would be a module.
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        using IHost host = Build(folder, static services => services.AddCodicil().AddPlugin("one", Watched));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("one");
        folder.Write("one.wat", "");
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is IOException);
        Assert.Equal(1u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        folder.Write("one.wat", Answer(2));
        await Eventually.IsTrueAsync(() => plugin.Status is { Failure: null, Generation: 2 });
        Assert.Equal(2u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
    }

    [Fact]
    public async Task A_bad_file_that_becomes_what_it_was_is_right_again_without_a_load()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        using IHost host = await StartAsync(folder, Watched);
        HostedPlugin plugin = One(host);
        folder.Replace("one.wat", "(module");
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is not null);
        folder.Replace("one.wat", Answer(1));
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is null);
        Assert.Equal(1, plugin.Status.Generation);
    }

    [Fact]
    public async Task A_manifest_and_the_modules_it_names_are_watched()
    {
        using var folder = new Folder();
        folder.Write("plugins/main.wat", "(module (import \"lib\" \"answer\" (func $f (result i32))) (func (export \"answer\") (result i32) (call $f)))");
        folder.Write("plugins/lib.wat", Answer(1));
        folder.Write("plugins/plugin.json", """{"wasm":[{"path":"lib.wat","name":"lib"},{"path":"main.wat","name":"main"}]}""");
        using IHost host = await StartAsync(folder, static options =>
        {
            Watched(options);
            options.Path = null;
            options.ManifestPath = "plugins/plugin.json";
        });
        HostedPlugin plugin = One(host);
        Assert.Equal(1u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        folder.Replace("plugins/lib.wat", Answer(2));
        await Eventually.IsTrueAsync(() => plugin.Status.Generation == 2);
        Assert.Equal(2u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);

        // A manifest that names what comes later.
        folder.Replace("plugins/plugin.json", """{"wasm":[{"path":"other/lib.wat","name":"lib"},{"path":"main.wat","name":"main"}]}""");
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is IOException);
        folder.Write("plugins/other/lib.wat", Answer(3));
        await Eventually.IsTrueAsync(() => plugin.Status is { Failure: null, Generation: 3 });
        Assert.Equal(3u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
    }

    [Fact]
    public async Task Options_that_change_load_the_plugin_anew()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(1));
        IConfigurationRoot configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { ["Path"] = "one.wat", ["HotReload"] = "true", ["ReloadDelay"] = "00:00:00.010", ["Config:key"] = "old" }).Build();
        using IHost host = Build(folder, services => services.AddCodicil().AddPlugin("one", configuration));
        await host.StartAsync(TestContext.Current.CancellationToken);
        HostedPlugin plugin = host.Services.GetRequiredKeyedService<HostedPlugin>("one");
        configuration["Config:key"] = "new";
        configuration["MaxPages"] = "-1";
        configuration.Reload();
        await Eventually.IsTrueAsync(() => plugin.Status.Failure is OptionsValidationException);
        configuration["MaxPages"] = "5";
        configuration.Reload();
        await Eventually.IsTrueAsync(() => plugin.Status is { Failure: null, Generation: 2 });
        await using PluginLease lease = await plugin.RentAsync(TestContext.Current.CancellationToken);
        Assert.Equal("new", lease.Plugin.Config["key"]);
    }

    [Fact]
    public async Task Many_reloads_under_load_fail_no_call()
    {
        using var folder = new Folder();
        folder.Write("one.wat", Answer(0));
        using IHost host = await StartAsync(folder, static options =>
        {
            options.Path = "one.wat";
            options.Pool.MaxSize = 3;
        });
        HostedPlugin plugin = One(host);
        using var stop = new CancellationTokenSource();
        Task<int>[] callers = [.. Enumerable.Range(0, 6).Select(_ => Task.Run(async () =>
        {
            uint last = 0;
            int calls = 0;
            do
            {
                uint answer = (await plugin.CallAsync("answer")).ExitCode;
                Assert.True(answer >= last, "an old plug-in answered after a new one");
                last = answer;
                calls++;
            }
            while (!stop.IsCancellationRequested);

            return calls;
        }))];
        for (int i = 1; i <= 20; i++)
        {
            folder.Replace("one.wat", Answer(i));
            await plugin.ReloadAsync(TestContext.Current.CancellationToken);
        }

        await stop.CancelAsync();
        Assert.All(await Task.WhenAll(callers), static calls => Assert.True(calls > 0));
        Assert.Equal(20u, (await plugin.CallAsync("answer", cancellationToken: TestContext.Current.CancellationToken)).ExitCode);
        await Eventually.IsTrueAsync(() => plugin.Status.Draining == 0);
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

    private static string Answer(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"""(module (func (export "answer") (result i32) (i32.const {number})) (func (export "spin") (loop (br 0))))""");

    private const string Gated = """
        (module
          (import "extism:host/user" "gate" (func $gate))
          (func (export "gated") (result i32) (call $gate) (i32.const 1))
          (func (export "quick") (result i32) (i32.const 1))
          (func (export "spin") (loop (br 0))))
        """;

    private static void Watched(HostedPluginOptions options)
    {
        options.Path = "one.wat";
        options.HotReload = true;
        options.ReloadDelay = TimeSpan.FromMilliseconds(50);
        options.PollInterval = TimeSpan.FromMilliseconds(50);
    }

    private static IConfigurationSection Section(Dictionary<string, string?> values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(static pair => KeyValuePair.Create("s:" + pair.Key, pair.Value))).Build().GetSection("s");

    private static IHost Build(Folder folder, Action<IServiceCollection> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = folder.Path });
        add(builder.Services);
        builder.Services.AddHealthChecks().AddCodicil();
        return builder.Build();
    }

    // An application with one plug-in, named one.
    private static async Task<IHost> StartAsync(Folder folder, Action<HostedPluginOptions> configure)
    {
        IHost host = Build(folder, services => services.AddCodicil().AddPlugin("one", configure));
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    private static HostedPlugin One(IHost host) => host.Services.GetRequiredKeyedService<HostedPlugin>("one");

    private static async Task<HealthStatus> HealthAsync(IHost host) => (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    private sealed class Gate
    {
        public Gate() => Function = HostFunction.Create("gate", async _ =>
        {
            Entered.TrySetResult();
            await Open.Task;
        });

        public TaskCompletionSource Entered { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Open { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public HostFunction Function { get; }
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }

    /// <summary>What a log has: messages with the texts of exceptions behind them.</summary>
    private sealed class Lines : ILoggerProvider, ILogger
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

        public IReadOnlyCollection<string> All => _lines;

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _lines.Enqueue(formatter(state, exception) + exception);

        public void Dispose()
        {
        }
    }
}
