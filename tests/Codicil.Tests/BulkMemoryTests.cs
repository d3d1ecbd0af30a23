using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Copies of all lengths, distances and alignments against the runtime's own.</summary>
public sealed class BulkMemoryTests
{
    private static readonly int[] s_lengths = [.. Enumerable.Range(0, 300), 511, 512, 513, 1000, 2048, 2049, 4095, 4096, 4097, 5000];
    private static readonly int[] s_distances = [-5000, -4096, -4095, -300, -128, -65, -64, -33, -32, -31, -16, -1, 0, 1, 15, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300, 4095, 4096, 4097, 5000, 6000];

    [Fact]
    public unsafe void Copies_what_a_copy_through_a_buffer_would()
    {
        const int Size = 20_000;
        const int Middle = 7_000;
        byte[] original = new byte[Size];
        new Random(7).NextBytes(original);
        byte[] actual = new byte[Size];
        byte[] expected = new byte[Size];
        foreach (int length in s_lengths)
        {
            foreach (int distance in s_distances)
            {
                int start = Middle + (length % 37);
                original.CopyTo(actual, 0);
                original.CopyTo(expected, 0);
                original.AsSpan(start, length).CopyTo(expected.AsSpan(start + distance));
                fixed (byte* memory = actual)
                {
                    BulkMemory.Copy(memory + start, memory + start + distance, (nuint)length);
                }

                Assert.True(actual.AsSpan().SequenceEqual(expected), $"{length} bytes by {distance}");
            }
        }
    }
}
