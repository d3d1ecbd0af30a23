namespace Codicil.Cli;

/// <summary>A plain table for pipes and files alike: columns aligned, numbers to the right.</summary>
internal static class TextTable
{
    public static void Write(TextWriter output, IReadOnlyList<string> header, IReadOnlyList<IReadOnlyList<string>> rows)
    {
        int[] widths = [.. header.Select((title, column) => rows.Select(row => row[column].Length).Append(title.Length).Max())];
        Line(header);
        foreach (IReadOnlyList<string> row in rows)
        {
            Line(row);
        }

        void Line(IReadOnlyList<string> cells)
        {
            string line = string.Join("  ", cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column])));
            output.WriteLine(line.TrimEnd());
        }
    }
}
