using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Codicil.Format.Types;

/// <summary>
/// Gives equal defined types, of any number of modules, the same id: recursion groups are hash-consed, so that two types are equal exactly when
/// their ids are. Linear in the size of the types. Thread-safe; <see cref="IsSubtype"/> takes no lock.
/// </summary>
/// <remarks>
/// WebAssembly 3.0, 3.1.1 and 3.3.9: types are equal when their recursion groups, with references inside the group made relative and those to earlier
/// types made canonical, are. Ids are dense, begin at 0 and are never reused while the canonicalizer lives; a canonicalizer holds every group it has seen.
/// </remarks>
public sealed class TypeCanonicalizer
{
    // A reference to a defined type is two numbers in a key: these flags in a free bit of the value type's encoding, then the place.
    private const int InsideGroup = 0x20;
    private const int CanonicalId = 0x40;

    private readonly Lock _lock = new();
    private readonly Dictionary<int[], int> _groups;
    private readonly Dictionary<int[], int>.AlternateLookup<ReadOnlySpan<int>> _groupsByKey;
    private int[] _key = new int[64];
    private int _keyLength;
    private int _count;

    // Read without the lock: an element is written before its id is given out, and growing copies.
    private volatile int[] _supertypes = new int[64];
    private volatile CompositeKind[] _kinds = new CompositeKind[64];

    /// <summary>A canonicalizer that has seen no type.</summary>
    public TypeCanonicalizer()
    {
        _groups = new Dictionary<int[], int>(KeyComparer.Instance);
        _groupsByKey = _groups.GetAlternateLookup<ReadOnlySpan<int>>();
    }

    /// <summary>The number of different types seen.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>The canonical id of every type of a module, by type index.</summary>
    /// <param name="types">The type index space of a module.</param>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group, or is its own supertype.</exception>
    public int[] Canonicalize(ImmutableArray<SubType> types)
    {
        int[] ids = new int[types.Length];
        lock (_lock)
        {
            for (int start = 0; start < types.Length;)
            {
                int length = types[start].RecursiveGroupLength;
                if (length < 1 || length > types.Length - start || types[start].RecursiveGroupStart != start)
                {
                    throw new ArgumentException($"the recursion group of type {start} is not whole", nameof(types));
                }

                AddGroup(types.AsSpan().Slice(start, length), start, ids);
                start += length;
            }
        }

        return ids;
    }

    /// <summary>The meaning of a module's type indices, for <see cref="TypeMatching"/>.</summary>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group, or is its own supertype.</exception>
    public TypeContext CreateContext(ImmutableArray<SubType> types) => new(this, Canonicalize(types));

    /// <summary>The id of a function type that stands alone: final, without supertypes, as those of 2.0 modules and of the host are.</summary>
    /// <param name="type">The type.</param>
    /// <param name="context">What its type indices mean; needed only when it has some.</param>
    /// <exception cref="ArgumentException">The type has type indices, and no context of this canonicalizer was given.</exception>
    public int GetFunctionTypeId(FunctionType type, TypeContext? context = null)
    {
        if (context is not null && !ReferenceEquals(context.Canonicalizer, this))
        {
            throw new ArgumentException("the context belongs to another canonicalizer", nameof(context));
        }

        lock (_lock)
        {
            BeginKey(1);
            AppendHeader(CompositeKind.Function, isFinal: true, supertypes: 0);
            AppendFunction(type, int.MaxValue, 0, context is null ? [] : context.Ids);
            return FindOrAddGroup(1, CompositeKind.Function);
        }
    }

    /// <summary>Whether a type is another, or was declared below it, at any distance (3.3.9).</summary>
    public bool IsSubtype(int subtype, int supertype)
    {
        // Validation bounds the depth of declarations, so the walk is short; a final function type, the common case, has none.
        int[] supertypes = _supertypes;
        while (subtype != supertype)
        {
            subtype = supertypes[subtype];
            if (subtype < 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Which composite type an id stands for.</summary>
    public CompositeKind GetKind(int id) => _kinds[id];

    /// <summary>The declared supertype of an id, or -1.</summary>
    public int GetSupertype(int id) => _supertypes[id];

    private void AddGroup(ReadOnlySpan<SubType> group, int start, int[] ids)
    {
        BeginKey(group.Length);
        for (int i = 0; i < group.Length; i++)
        {
            SubType type = group[i];
            AppendHeader(type.Composite.Kind, type.IsFinal, type.Supertypes.Length);
            foreach (int supertype in type.Supertypes)
            {
                if (supertype >= start + i)
                {
                    throw new ArgumentException($"type {start + i} has a supertype that is not before it", nameof(group));
                }

                AppendReference(0, supertype, start, group.Length, ids);
            }

            if (type.Composite.Function is FunctionType function)
            {
                AppendFunction(function, start, group.Length, ids);
                continue;
            }

            Append(type.Composite.Fields.Length);
            foreach (FieldType field in type.Composite.Fields)
            {
                Append((int)field.Storage | (field.IsMutable ? 0x10 : 0));
                AppendType(field.Type, start, group.Length, ids);
            }
        }

        int known = _count;
        int first = FindOrAddGroup(group.Length, CompositeKind.Function);
        bool isNew = first >= known;
        for (int i = 0; i < group.Length; i++)
        {
            ids[start + i] = first + i;
            if (isNew)
            {
                _kinds[first + i] = group[i].Composite.Kind;
                _supertypes[first + i] = group[i].Supertypes.IsEmpty ? -1 : ids[group[i].Supertypes[0]];
            }
        }
    }

    private int FindOrAddGroup(int length, CompositeKind kind)
    {
        ReadOnlySpan<int> key = _key.AsSpan(0, _keyLength);
        if (_groupsByKey.TryGetValue(key, out int first))
        {
            return first;
        }

        first = _count;
        int count = checked(first + length);
        if (count > _supertypes.Length)
        {
            int capacity = (int)uint.Max((uint)count, uint.Min((uint)_supertypes.Length * 2, (uint)Array.MaxLength));
            int[] supertypes = new int[capacity];
            _supertypes.AsSpan(0, first).CopyTo(supertypes);
            CompositeKind[] kinds = new CompositeKind[capacity];
            _kinds.AsSpan(0, first).CopyTo(kinds);
            _supertypes = supertypes;
            _kinds = kinds;
        }

        _supertypes.AsSpan(first, length).Fill(-1);
        _kinds.AsSpan(first, length).Fill(kind);
        _groups.Add(key.ToArray(), first);
        _count = count;
        return first;
    }

    private void BeginKey(int length)
    {
        _keyLength = 0;
        Append(length);
    }

    private void AppendHeader(CompositeKind kind, bool isFinal, int supertypes) => Append((int)kind | (isFinal ? 0x100 : 0) | (supertypes << 9));

    private void AppendFunction(FunctionType type, int start, int length, ReadOnlySpan<int> ids)
    {
        Append(type.Parameters.Length);
        foreach (ValType parameter in type.Parameters)
        {
            AppendType(parameter, start, length, ids);
        }

        Append(type.Results.Length);
        foreach (ValType result in type.Results)
        {
            AppendType(result, start, length, ids);
        }
    }

    private void AppendType(ValType type, int start, int length, ReadOnlySpan<int> ids)
    {
        if (type.IsReference && type.HeapType.IsConcrete)
        {
            AppendReference(type.Bits & 0x1F, type.HeapType.TypeIndex, start, length, ids);
        }
        else
        {
            Append(type.Bits);
        }
    }

    private void AppendReference(int flags, int typeIndex, int start, int length, ReadOnlySpan<int> ids)
    {
        if (typeIndex >= start && typeIndex - start < length)
        {
            Append(flags | InsideGroup);
            Append(typeIndex - start);
        }
        else if (typeIndex < start && typeIndex < ids.Length)
        {
            Append(flags | CanonicalId);
            Append(ids[typeIndex]);
        }
        else
        {
            ThrowUnknownType(typeIndex);
        }
    }

    private void Append(int value)
    {
        if (_keyLength == _key.Length)
        {
            Array.Resize(ref _key, _key.Length * 2);
        }

        _key[_keyLength++] = value;
    }

    [DoesNotReturn]
    private static void ThrowUnknownType(int typeIndex) => throw new ArgumentException($"type {typeIndex} has no meaning here");

    private sealed class KeyComparer : IEqualityComparer<int[]>, IAlternateEqualityComparer<ReadOnlySpan<int>, int[]>
    {
        public static KeyComparer Instance { get; } = new();

        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj) => GetHashCode(obj.AsSpan());

        public bool Equals(ReadOnlySpan<int> alternate, int[] other) => alternate.SequenceEqual(other);

        public int[] Create(ReadOnlySpan<int> alternate) => alternate.ToArray();

        public int GetHashCode(ReadOnlySpan<int> alternate)
        {
            // Seeded at random for each process, so that a module cannot be made to collide.
            HashCode hash = default;
            foreach (int value in alternate)
            {
                hash.Add(value);
            }

            return hash.ToHashCode();
        }
    }
}
