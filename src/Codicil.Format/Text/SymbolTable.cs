using System.Diagnostics.CodeAnalysis;

namespace Codicil.Format.Text;

/// <summary>Gives every identifier of a text a small number, so that scopes are dictionaries of numbers. Not thread-safe.</summary>
internal sealed class SymbolTable
{
    private readonly Dictionary<byte[], int> _symbols = new(Utf8Comparer.Instance);
    private readonly Dictionary<byte[], int>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private readonly List<byte[]> _names = [];

    public SymbolTable() => _lookup = _symbols.GetAlternateLookup<ReadOnlySpan<byte>>();

    /// <summary>The number of a name.</summary>
    public int Intern(ReadOnlySpan<byte> name)
    {
        if (!_lookup.TryGetValue(name, out int symbol))
        {
            symbol = _names.Count;
            byte[] copy = name.ToArray();
            _names.Add(copy);
            _symbols.Add(copy, symbol);
        }

        return symbol;
    }

    /// <summary>The UTF-8 of a name.</summary>
    public byte[] NameOf(int symbol) => _names[symbol];

    private sealed class Utf8Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static Utf8Comparer Instance { get; } = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode([DisallowNull] byte[] obj) => GetHashCode(obj.AsSpan());

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            // HashCode is seeded per process, so a text can't be written to collide.
            HashCode hash = default;
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }
    }
}
