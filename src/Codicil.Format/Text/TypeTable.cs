using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>The types of a module in the making: the declared ones and, behind them, those that type uses imply (6.6.4). Not thread-safe.</summary>
internal sealed class TypeTable
{
    private readonly List<SubType> _types = [];
    private readonly Dictionary<FunctionType, int> _functionTypes = [];
    private readonly Dictionary<(int Type, int Symbol), int> _fields = [];

    public int Count => _types.Count;

    public SubType this[int index] => _types[index];

    /// <summary>Type, field index and symbol of every named field, in order.</summary>
    public List<(int Type, int Field, int Symbol)> FieldNames { get; } = [];

    /// <summary>Adds a type.</summary>
    public void Add(SubType type)
    {
        // Only a final type without supertypes in a group of its own is what an inline function type abbreviates.
        if (type is { IsFinal: true, Supertypes.IsEmpty: true, RecursiveGroupLength: 1, Composite.Function: FunctionType function })
        {
            _functionTypes.TryAdd(function, _types.Count);
        }

        _types.Add(type);
    }

    /// <summary>The index of a function type, which is added if no type is the same.</summary>
    public int FindOrAdd(FunctionType function)
    {
        if (!_functionTypes.TryGetValue(function, out int index))
        {
            index = _types.Count;
            Add(new SubType(CompositeType.OfFunction(function), true, ImmutableArray<int>.Empty, index, 1));
        }

        return index;
    }

    /// <summary>The function type of an index; null when it is no function's or does not exist.</summary>
    public FunctionType? FindFunction(uint index) => index < (uint)_types.Count ? _types[(int)index].Composite.Function : null;

    public bool TryAddField(int type, int symbol, int field) => _fields.TryAdd((type, symbol), field);

    public void NameField(int type, int field, int symbol) => FieldNames.Add((type, field, symbol));

    public bool TryFindField(int type, int symbol, out int field) => _fields.TryGetValue((type, symbol), out field);
}
