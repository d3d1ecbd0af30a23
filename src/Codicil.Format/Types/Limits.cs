using System.Globalization;

namespace Codicil.Format.Types;

/// <summary>The size range of a memory (in pages) or table (in elements). Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.12 Limits.</remarks>
/// <param name="Minimum">The initial size.</param>
/// <param name="Maximum">The largest size, or null when only the implementation bounds it.</param>
public readonly record struct Limits(ulong Minimum, ulong? Maximum = null)
{
    /// <summary>The text format's form: <c>1 10</c>.</summary>
    public override string ToString() => Maximum is ulong maximum
        ? string.Create(CultureInfo.InvariantCulture, $"{Minimum} {maximum}")
        : Minimum.ToString(CultureInfo.InvariantCulture);
}
