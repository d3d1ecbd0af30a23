using System.Diagnostics;

namespace Codicil.Plugins.Tests;

/// <summary>Resets that somebody listens to.</summary>
[Collection("Listeners")]
public sealed class PluginResetListenerTests
{
    [Theory]
    [Trait("Security", "CL-02")]
    [InlineData(true)]
    [InlineData(false)]
    public void A_disposal_at_the_beginning_of_a_reset_keeps_the_start_function_from_running(bool hasTimeout)
    {
        const string Started = """(module (import "extism:host/user" "started" (func $started)) (func $start (call $started)) (start $start))""";
        string name = "disposed in reset " + hasTimeout;
        int starts = 0;
        using CompiledPlugin compiled = CompiledPlugin.Create(
            Fixtures.WatManifest(Started) with { Timeout = hasTimeout ? TimeSpan.FromSeconds(30) : null },
            new PluginOptions { Name = name, HostFunctions = [HostFunction.Create("started", _ => { starts++; })] });
        Plugin plugin = compiled.CreateInstance();

        // Whoever listens to spans runs code between the steps of a reset.
        using var listener = new ActivityListener
        {
            ShouldListenTo = static source => source.Name == PluginDiagnostics.ActivitySourceName,
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStarted = activity =>
            {
                if (activity.OperationName == "instantiate " + name)
                {
                    plugin.Dispose();
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        Assert.Throws<ObjectDisposedException>(() => plugin.Reset());
        Assert.Equal(1, starts);
        Assert.True(plugin.IsClosed);
    }
}
