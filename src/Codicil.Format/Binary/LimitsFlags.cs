namespace Codicil.Format.Binary;

/// <summary>The bits of the byte in front of limits (5.3.12, and the threads and custom-page-sizes proposals).</summary>
internal static class LimitsFlags
{
    public const uint HasMaximum = 1;
    public const uint Shared = 2;
    public const uint Is64 = 4;
    public const uint PageSize = 8;
}
