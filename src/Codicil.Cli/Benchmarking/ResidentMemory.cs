using System.Globalization;

namespace Codicil.Cli.Benchmarking;

/// <summary>The process's resident memory as the system counts it.</summary>
internal static class ResidentMemory
{
    /// <summary>The largest so far, in MiB.</summary>
    public static double PeakMebibytes() => Read("VmHWM:") ?? System.Diagnostics.Process.GetCurrentProcess().PeakWorkingSet64 / 1048576.0;

    /// <summary>The present one, in MiB.</summary>
    public static double PresentMebibytes() => Read("VmRSS:") ?? Environment.WorkingSet / 1048576.0;

    private static double? Read(string field)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        foreach (string line in File.ReadLines("/proc/self/status"))
        {
            if (line.StartsWith(field, StringComparison.Ordinal))
            {
                return double.Parse(line.AsSpan(field.Length).TrimEnd("kB "), NumberStyles.Float, CultureInfo.InvariantCulture) / 1024;
            }
        }

        return null;
    }
}
