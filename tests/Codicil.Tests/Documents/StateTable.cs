using System.Text.RegularExpressions;

namespace Codicil.Tests.Documents;

/// <summary>A document with a table whose rows begin with an id: <c>| DV-01 | what | state: remark | ... |</c>.</summary>
internal sealed partial class StateTable
{
    private readonly string _path;
    private readonly string[] _lines;

    public StateTable(string document)
    {
        _path = Path.Combine(Repository.Root, "docs", document);
        _lines = File.ReadAllLines(_path);
        for (int i = 0; i < _lines.Length; i++)
        {
            if (RowPattern.IsMatch(_lines[i]))
            {
                string[] cells = [.. _lines[i].Trim('|').Split('|').Select(cell => cell.Trim())];
                Rows.Add(new Row(i, cells[0], cells[1], cells[2].Split(':')[0], cells[3]));
            }
        }
    }

    /// <summary>A row; the state is without its remark.</summary>
    public sealed record Row(int Line, string Id, string What, string State, string Last);

    public List<Row> Rows { get; } = [];

    /// <summary>Puts something else into the last cell of a row.</summary>
    public void SetLast(Row row, string text)
    {
        string line = _lines[row.Line];
        string kept = line[..(line.TrimEnd().TrimEnd('|').LastIndexOf('|') + 1)];
        _lines[row.Line] = text.Length == 0 ? kept + " |" : $"{kept} {text} |";
    }

    /// <summary>Makes a row "part" that has tests and does not say so, and "open" that says so and has none.</summary>
    public void FollowTests(Row row, bool hasTests, string complete)
    {
        bool claims = row.State == "part" || row.State == complete;
        if (claims != hasTests)
        {
            string[] cells = _lines[row.Line].Split('|');
            cells[3] = hasTests ? " part " : " open ";
            _lines[row.Line] = string.Join('|', cells);
        }
    }

    /// <summary>Writes the document into the source tree.</summary>
    public void Save() => File.WriteAllText(_path, string.Join('\n', _lines) + "\n");

    [GeneratedRegex("""^\| [A-Z]{2,3}-\d\d \|""")]
    private static partial Regex RowPattern { get; }
}
