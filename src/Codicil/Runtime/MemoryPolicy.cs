using System.Diagnostics;

namespace Codicil.Runtime;

/// <summary>Decides between guard and checked memory from the host's option and the environment variable <c>CODICIL_MEMORY</c>. Thread-safe.</summary>
/// <remarks>The variable (<c>auto</c>, <c>guard</c>, <c>checked</c>) is the operator's word and goes over the program's option.</remarks>
internal static class MemoryPolicy
{
    /// <summary>The environment variable's name.</summary>
    public const string VariableName = "CODICIL_MEMORY";

    /// <summary>The variable's setting, or <paramref name="option"/> where it isn't set.</summary>
    /// <exception cref="InvalidOperationException">The variable has an unknown value.</exception>
    public static MemorySetting ReadSetting(MemorySetting option) => Parse(Environment.GetEnvironmentVariable(VariableName)) ?? option;

    /// <summary>The mode for <paramref name="setting"/> on this system; installs the signal filter when that is guard memory.</summary>
    /// <exception cref="PlatformNotSupportedException">Guard memory is demanded and cannot be had.</exception>
    public static MemoryMode Resolve(MemorySetting setting)
    {
        // A debugger stops at the fault before the filter can speak. Who wants guard memory under one has to say so.
        if (setting == MemorySetting.Checked || (setting == MemorySetting.Auto && Debugger.IsAttached))
        {
            return MemoryMode.Checked;
        }

        if (SignalFilter.TryInstall())
        {
            return MemoryMode.Guard;
        }

        return setting == MemorySetting.Auto
            ? MemoryMode.Checked
            : throw new PlatformNotSupportedException($"Guard memory was demanded and cannot be had: {SignalFilter.UnavailableReason}.");
    }

    /// <summary>The setting that a value of the variable names; null for none.</summary>
    internal static MemorySetting? Parse(string? value) => value switch
    {
        null or "" => null,
        "auto" => MemorySetting.Auto,
        "guard" => MemorySetting.Guard,
        "checked" => MemorySetting.Checked,
        _ => throw new InvalidOperationException($"{VariableName} is '{value}'; it can be auto, guard or checked."),
    };
}
