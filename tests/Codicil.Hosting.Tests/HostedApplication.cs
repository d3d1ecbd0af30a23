using System.Globalization;

using Codicil.Plugins;

using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Codicil.Hosting.Tests;

/// <summary>What the tests of plug-ins among an application's services share: an application with a plug-in, and what surrounds it.</summary>
internal static class HostedApplication
{
    public static string Answer(int number) =>
        string.Create(CultureInfo.InvariantCulture, $"""(module (func (export "answer") (result i32) (i32.const {number})) (func (export "spin") (loop (br 0))))""");

    public const string Gated = """
        (module
          (import "extism:host/user" "gate" (func $gate))
          (func (export "gated") (result i32) (call $gate) (i32.const 1))
          (func (export "quick") (result i32) (i32.const 1))
          (func (export "spin") (loop (br 0))))
        """;

    public static void Watched(HostedPluginOptions options)
    {
        options.Path = "one.wat";
        options.HotReload = true;
        options.ReloadDelay = TimeSpan.FromMilliseconds(50);
        options.PollInterval = TimeSpan.FromMilliseconds(50);
    }

    public static IConfigurationSection Section(Dictionary<string, string?> values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(static pair => KeyValuePair.Create("s:" + pair.Key, pair.Value))).Build().GetSection("s");

    public static IHost Build(Folder folder, Action<IServiceCollection> add)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = folder.Path });
        add(builder.Services);
        builder.Services.AddHealthChecks().AddCodicil();
        return builder.Build();
    }

    // An application with one plug-in, named one.
    public static async Task<IHost> StartAsync(Folder folder, Action<HostedPluginOptions> configure)
    {
        IHost host = Build(folder, services => services.AddCodicil().AddPlugin("one", configure));
        await host.StartAsync(TestContext.Current.CancellationToken);
        return host;
    }

    public static HostedPlugin One(IHost host) => host.Services.GetRequiredKeyedService<HostedPlugin>("one");

    public static async Task<HealthStatus> HealthAsync(IHost host) => (await host.Services.GetRequiredService<HealthCheckService>().CheckHealthAsync()).Status;

    public sealed class Gate
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

    public sealed class ManualTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }

    /// <summary>What a log has: messages with the texts of exceptions behind them.</summary>
    public sealed class Lines : ILoggerProvider, ILogger
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
