namespace Codicil.Fuzz;

/// <summary>A repeatable source of choices: SplitMix64. The same seed makes the same case on every machine and in every version of the runtime.</summary>
internal sealed class FuzzRandom(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        ulong z = _state += 0x9E37_79B9_7F4A_7C15;
        z = (z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9;
        z = (z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB;
        return z ^ (z >> 31);
    }

    /// <summary>A number from 0 to below <paramref name="end"/>.</summary>
    public int Below(int end) => (int)((Next() >> 33) % (uint)end);

    /// <summary>A number from <paramref name="start"/> to below <paramref name="end"/>.</summary>
    public int Between(int start, int end) => start + Below(end - start);

    public bool Chance(int percent) => Below(100) < percent;

    public T Pick<T>(ReadOnlySpan<T> items) => items[Below(items.Length)];

    public byte[] Bytes(int count)
    {
        byte[] bytes = new byte[count];
        for (int i = 0; i < count; i++)
        {
            bytes[i] = (byte)(Next() >> 40);
        }

        return bytes;
    }

    /// <summary>A source of its own for a part of a case, so that a part can change without changing the others.</summary>
    public static FuzzRandom For(string purpose, ulong seed)
    {
        ulong hash = 14695981039346656037;
        foreach (char c in purpose)
        {
            hash = (hash ^ c) * 1099511628211;
        }

        return new FuzzRandom(hash ^ (seed * 0xD6E8_FEB8_6659_FD93));
    }
}
