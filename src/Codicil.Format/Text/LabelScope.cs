namespace Codicil.Format.Text;

/// <summary>The labels around an instruction; an inner one hides an outer one of the same name. Every operation is O(1). Not thread-safe.</summary>
internal sealed class LabelScope
{
    /// <summary>The symbol of a label without a name.</summary>
    public const int Anonymous = -1;

    private readonly List<(int Symbol, int Hidden)> _labels = [];
    private readonly Dictionary<int, int> _depths = [];
    private int _count;

    /// <summary>The symbol of the innermost label.</summary>
    public int Innermost => _labels.Count == 0 ? Anonymous : _labels[^1].Symbol;

    /// <summary>Number and symbol of every named label of the function, numbered as the blocks come.</summary>
    public List<KeyValuePair<int, int>> Names { get; } = [];

    public void Push(int symbol)
    {
        int hidden = Anonymous;
        if (symbol != Anonymous)
        {
            hidden = _depths.GetValueOrDefault(symbol, Anonymous);
            _depths[symbol] = _labels.Count;
            Names.Add(new KeyValuePair<int, int>(_count, symbol));
        }

        _count++;
        _labels.Add((symbol, hidden));
    }

    public void Pop()
    {
        (int symbol, int hidden) = _labels[^1];
        _labels.RemoveAt(_labels.Count - 1);
        if (symbol == Anonymous)
        {
            return;
        }

        if (hidden == Anonymous)
        {
            _depths.Remove(symbol);
        }
        else
        {
            _depths[symbol] = hidden;
        }
    }

    /// <summary>The number of labels around.</summary>
    public int Depth => _labels.Count;

    /// <summary>The symbol of a label index; <see cref="Anonymous"/> for an index that has none.</summary>
    public int SymbolAt(uint index) => index < (uint)_labels.Count ? _labels[_labels.Count - 1 - (int)index].Symbol : Anonymous;

    /// <summary>The label index of a name: 0 is the innermost label.</summary>
    public bool TryFind(int symbol, out uint index)
    {
        bool found = _depths.TryGetValue(symbol, out int depth);
        index = found ? (uint)(_labels.Count - 1 - depth) : 0;
        return found;
    }

    public void Clear()
    {
        _labels.Clear();
        _depths.Clear();
        Names.Clear();
        _count = 0;
    }
}
