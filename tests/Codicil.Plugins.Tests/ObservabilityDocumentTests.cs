using System.Diagnostics.Metrics;

namespace Codicil.Plugins.Tests;

/// <summary>docs/observability.md names every instrument with its unit.</summary>
[Collection("Listeners")]
public sealed class ObservabilityDocumentTests
{
    [Fact]
    public void Every_instrument_is_documented_with_its_unit_and_no_other_is()
    {
        string document = File.ReadAllText(Path.Combine(Fixtures.Root, "docs", "observability.md"));
        string[] documented = [.. document.Split('\n').Where(static line => line.StartsWith("| `codicil.plugin.", StringComparison.Ordinal))];
        var instruments = new List<Instrument>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == PluginDiagnostics.MeterName)
                {
                    instruments.Add(instrument);
                }
            },
        };
        _ = PluginTelemetry.Meter;
        listener.Start();
        Assert.Equal(documented.Length, instruments.Count);
        Assert.All(instruments, instrument => Assert.Contains(
            documented,
            line => line.StartsWith($"| `{instrument.Name}` | ", StringComparison.Ordinal) && line.Contains($"| `{instrument.Unit}` |", StringComparison.Ordinal)));
        Assert.All(instruments, static instrument => Assert.False(string.IsNullOrEmpty(instrument.Description)));
    }

    [Fact]
    public void Every_kind_of_error_is_documented()
    {
        string document = File.ReadAllText(Path.Combine(Fixtures.Root, "docs", "observability.md"));
        foreach (PluginFailure failure in Enum.GetValues<PluginFailure>())
        {
            string type = PluginTelemetry.ErrorType(new PluginException(failure, ""));
            Assert.Contains($"`{type}`", document, StringComparison.Ordinal);
        }
    }
}
