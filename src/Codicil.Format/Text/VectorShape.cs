namespace Codicil.Format.Text;

/// <summary>A shape of v128 (2.4.2): how many lanes of which class.</summary>
/// <param name="Lanes">The number of lanes: 16, 8, 4 or 2.</param>
/// <param name="IsFloat">Whether the lanes are floats.</param>
public readonly record struct VectorShape(int Lanes, bool IsFloat)
{
    /// <summary>The size of a lane in bits.</summary>
    public int LaneBits => 128 / Lanes;

    /// <summary>The text format's name: <c>i32x4</c>.</summary>
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{(IsFloat ? 'f' : 'i')}{LaneBits}x{Lanes}");
}
