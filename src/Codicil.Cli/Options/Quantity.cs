using System.Globalization;

namespace Codicil.Cli.Options;

/// <summary>Durations (<c>500ms</c>, <c>2s</c>) and sizes (<c>64MiB</c>) as the command line writes them.</summary>
internal static class Quantity
{
    private static readonly (string Suffix, double Milliseconds)[] s_durations =
    [
        ("ms", 1), ("us", 0.001), ("s", 1000), ("m", 60_000), ("h", 3_600_000),
    ];

    private static readonly (string Suffix, long Bytes)[] s_sizes =
    [
        ("KiB", 1L << 10), ("MiB", 1L << 20), ("GiB", 1L << 30), ("TiB", 1L << 40),
        ("kB", 1000), ("KB", 1000), ("MB", 1_000_000), ("GB", 1_000_000_000),
        ("K", 1L << 10), ("M", 1L << 20), ("G", 1L << 30), ("B", 1),
    ];

    /// <summary>A positive duration with its unit.</summary>
    /// <exception cref="UsageException">The text is no duration.</exception>
    public static TimeSpan ParseDuration(string option, string text)
    {
        foreach ((string suffix, double milliseconds) in s_durations)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal)
                && double.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count))
            {
                double total = count * milliseconds;
                if (total > 0 && total <= int.MaxValue)
                {
                    return TimeSpan.FromMilliseconds(total);
                }

                break;
            }
        }

        throw new UsageException($"{option}: `{text}` is no duration; write for instance 500ms, 2s or 1m");
    }

    /// <summary>A size in bytes, with or without a unit.</summary>
    /// <exception cref="UsageException">The text is no size.</exception>
    public static long ParseSize(string option, string text)
    {
        (string suffix, long unit) = s_sizes.FirstOrDefault(entry => text.EndsWith(entry.Suffix, StringComparison.Ordinal), ("", 1));
        if (decimal.TryParse(text.AsSpan(0, text.Length - suffix.Length), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal count)
            && count <= long.MaxValue / unit)
        {
            return (long)(count * unit);
        }

        throw new UsageException($"{option}: `{text}` is no size; write for instance 65536, 512KiB or 64MiB");
    }
}
