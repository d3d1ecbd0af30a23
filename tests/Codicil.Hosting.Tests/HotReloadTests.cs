using Codicil.Plugins;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

using static Codicil.Hosting.Tests.HostedApplication;

namespace Codicil.Hosting.Tests;

/// <summary>Plug-ins that are replaced while an application runs.</summary>
public sealed class HotReloadTests
{
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
}
