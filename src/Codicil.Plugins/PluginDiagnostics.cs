namespace Codicil.Plugins;

/// <summary>The names under which plug-ins are observed; every span, metric, attribute and log category is in docs/observability.md.</summary>
public static class PluginDiagnostics
{
    /// <summary>The name of the <see cref="System.Diagnostics.ActivitySource"/>.</summary>
    public const string ActivitySourceName = "Codicil";

    /// <summary>The name of the <see cref="System.Diagnostics.Metrics.Meter"/>.</summary>
    public const string MeterName = "Codicil";

    /// <summary>What log categories begin with; the plug-in's name follows.</summary>
    public const string LogCategoryPrefix = "Codicil.Plugins.";
}
