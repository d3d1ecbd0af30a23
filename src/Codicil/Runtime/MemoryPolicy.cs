using System.Diagnostics;

namespace Codicil.Runtime;

/// <summary>Decides between guard and checked memory from the host's option and the environment variable <c>CODICIL_MEMORY</c>. Thread-safe.</summary>
/// <remarks>The variable (<c>auto</c>, <c>guard</c>, <c>checked</c>) decides where the program's option is <see cref="MemoryProtection.Auto"/>.</remarks>
internal static class MemoryPolicy
{
    /// <summary>The environment variable's name.</summary>
    public const string VariableName = "CODICIL_MEMORY";

    /// <summary>The option and the variable together: what <see cref="Resolve"/> acts on. <see cref="MemoryProtection.Guard"/> also means <c>requireMode</c> of <see cref="MemoryAllocator.Create"/>.</summary>
    /// <exception cref="InvalidOperationException">The variable has an unknown value.</exception>
    public static MemoryProtection ReadSetting(MemoryProtection option) =>
        option == MemoryProtection.Auto ? Parse(Environment.GetEnvironmentVariable(VariableName)) ?? option : option;

    /// <summary>The mode for an engine with <paramref name="option"/> on this system; installs the signal filter when that is guard memory.</summary>
    /// <exception cref="PlatformNotSupportedException">Guard memory is demanded and cannot be had.</exception>
    /// <exception cref="InvalidOperationException">The variable has an unknown value.</exception>
    public static MemoryMode Resolve(MemoryProtection option)
    {
        MemoryProtection setting = ReadSetting(option);
        // A debugger stops at the fault before the filter can speak. Who wants guard memory under one has to say so.
        if (setting == MemoryProtection.Checked || (setting == MemoryProtection.Auto && Debugger.IsAttached))
        {
            return MemoryMode.Checked;
        }

        if (SignalFilter.TryInstall())
        {
            return MemoryMode.Guard;
        }

        return setting == MemoryProtection.Auto
            ? MemoryMode.Checked
            : throw new PlatformNotSupportedException($"Guard memory was demanded and cannot be had: {SignalFilter.UnavailableReason}.");
    }

    /// <summary>The setting that a value of the variable names; null for none.</summary>
    internal static MemoryProtection? Parse(string? value) => value switch
    {
        null or "" => null,
        "auto" => MemoryProtection.Auto,
        "guard" => MemoryProtection.Guard,
        "checked" => MemoryProtection.Checked,
        _ => throw new InvalidOperationException($"{VariableName} is '{value}'; it can be auto, guard or checked."),
    };
}
