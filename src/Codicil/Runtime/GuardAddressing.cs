namespace Codicil.Runtime;

/// <summary>
/// Where code without checks lets its addresses start, so that the JIT learns nothing about one address from another.
/// </summary>
/// <remarks>
/// <para>
/// RyuJIT's value numbers describe the exception of an access by its address without constant offsets, as long as their sum is from 0 to a limit
/// (at most 32 KiB): for an object that is right, since the whole of it is there or not. An access at <c>x</c> that
/// succeeded then covers one at <c>x + 8</c>, and where the value of the second is not needed (<c>load * 0</c>, or a sum that is equal to one
/// that is known) the second is dropped with its trap. Offsets beyond the limit are not taken off, and those below 0 count as beyond it.
/// </para>
/// <para>
/// So no constant offset is ever from 0 to that limit. Small ones become negative, one byte in the instruction as before; a function that has one
/// which would not takes a base so low that every offset is above the limit.
/// </para>
/// </remarks>
internal static class GuardAddressing
{
    /// <summary>Added to the base of a function whose offsets are all small, or above the JIT's limit even without it.</summary>
    public const int NearBias = 128;

    /// <summary>Added to the base of any other function.</summary>
    public const int FarBias = -JitLimit;

    /// <summary>More than the largest offset up to which the JIT takes one address for another.</summary>
    private const int JitLimit = 32 * 1024;

    /// <summary>The widest access: the JIT may make pieces of one, with offsets of their own.</summary>
    private const int WidestAccess = 16;

    /// <summary>Whether accesses at this offset can be relative to the near base.</summary>
    public static bool IsNear(ulong offset) => offset is <= NearBias - WidestAccess or >= NearBias + JitLimit;
}
