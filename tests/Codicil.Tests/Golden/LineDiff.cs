using System.Text;

namespace Codicil.Tests.Golden;

/// <summary>The difference of two texts by lines, over their longest common subsequence. For small texts: time and memory grow with the product of their lengths.</summary>
internal static class LineDiff
{
    public static string Of(string before, string after)
    {
        string[] left = Lines(before);
        string[] right = Lines(after);

        // common[i, j]: the length of the longest common subsequence of what begins at i and at j.
        int[,] common = new int[left.Length + 1, right.Length + 1];
        for (int i = left.Length - 1; i >= 0; i--)
        {
            for (int j = right.Length - 1; j >= 0; j--)
            {
                common[i, j] = left[i] == right[j] ? common[i + 1, j + 1] + 1 : Math.Max(common[i + 1, j], common[i, j + 1]);
            }
        }

        var text = new StringBuilder();
        int x = 0;
        int y = 0;
        while (x < left.Length || y < right.Length)
        {
            if (x < left.Length && y < right.Length && left[x] == right[y])
            {
                text.Append("  ").Append(left[x++]).Append('\n');
                y++;
            }
            else if (x < left.Length && (y == right.Length || common[x + 1, y] >= common[x, y + 1]))
            {
                text.Append("- ").Append(left[x++]).Append('\n');
            }
            else
            {
                text.Append("+ ").Append(right[y++]).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string[] Lines(string text) => text.Length == 0 ? [] : text.TrimEnd('\n').Split('\n');
}
