namespace Codicil.Format.Text;

/// <summary>An index space and the identifiers bound in it (6.1.3). Not thread-safe.</summary>
internal sealed class NameScope
{
    private readonly Dictionary<int, int> _indices = [];
    private readonly List<KeyValuePair<int, int>> _names = [];

    /// <summary>A scope whose entries errors call by a word: <c>unknown local $x</c>.</summary>
    public NameScope(string category) => Category = category;

    public string Category { get; }

    /// <summary>The number of entries, with or without a name.</summary>
    public int Count { get; private set; }

    /// <summary>Index and symbol of every named entry, in the order of the indices.</summary>
    public List<KeyValuePair<int, int>> Names => _names;

    /// <summary>Adds entries without names.</summary>
    public int AddAnonymous(int count = 1)
    {
        int index = Count;
        Count += count;
        return index;
    }

    /// <summary>Adds an entry; false when its name is taken.</summary>
    public bool TryAdd(int symbol, out int index)
    {
        index = Count;
        if (!_indices.TryAdd(symbol, index))
        {
            return false;
        }

        Count++;
        _names.Add(new KeyValuePair<int, int>(index, symbol));
        return true;
    }

    /// <summary>Gives the latest entry another name than its identifier, or a name where it has no identifier: nobody finds it by that.</summary>
    public void NameLatest(int symbol)
    {
        var name = new KeyValuePair<int, int>(Count - 1, symbol);
        if (_names.Count > 0 && _names[^1].Key == name.Key)
        {
            _names[^1] = name;
        }
        else
        {
            _names.Add(name);
        }
    }

    public bool TryFind(int symbol, out int index) => _indices.TryGetValue(symbol, out index);

    /// <summary>Empties the scope for another function.</summary>
    public void Clear()
    {
        _indices.Clear();
        _names.Clear();
        Count = 0;
    }
}
