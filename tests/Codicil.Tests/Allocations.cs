namespace Codicil.Tests;

/// <summary>Counts what code allocates on its own thread.</summary>
internal static class Allocations
{
    /// <summary>
    /// The least that any of some rounds allocates. What the runtime does once on the way (it compiles anew what runs often, and sets up what that needs) is in one round or two and not the
    /// code's; what each call allocates is in all of them.
    /// </summary>
    public static long Least(Action round)
    {
        const int Rounds = 10;
        long least = long.MaxValue;
        for (int i = 0; i < Rounds && least != 0; i++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            round();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
