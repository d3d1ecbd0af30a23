namespace Codicil.Cli.Wast;

/// <summary>The host value that <c>(ref.extern n)</c> and <c>(ref.host n)</c> mean.</summary>
internal sealed record HostValue(uint Number)
{
    public override string ToString() => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ref.extern {Number}");
}
