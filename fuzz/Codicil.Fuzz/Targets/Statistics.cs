using System.Globalization;
using System.Text;

namespace Codicil.Fuzz.Targets;

/// <summary>What a run has covered: counts by name. Thread-safe.</summary>
internal sealed class Statistics
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    public void Add(string name, long count = 1)
    {
        lock (_counts)
        {
            _counts[name] = _counts.GetValueOrDefault(name) + count;
        }
    }

    public override string ToString()
    {
        var text = new StringBuilder();
        lock (_counts)
        {
            foreach ((string name, long count) in _counts)
            {
                text.Append(CultureInfo.InvariantCulture, $"  {name}: {count}\n");
            }
        }

        return text.ToString();
    }
}
