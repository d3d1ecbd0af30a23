using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Codicil.Format.Types;

/// <summary>
/// Gives equal defined types, of any number of modules, the same <see cref="CanonicalType"/>: recursion groups are hash-consed. Linear in the size of the
/// types. Thread-safe.
/// </summary>
/// <remarks>
/// WebAssembly 3.0, 3.1.1 and 3.3.9: types are equal when their recursion groups, with references inside the group made relative and those to earlier
/// types made canonical, are. A group is known as long as somebody holds one of its types; then it is forgotten, and what is left of it is removed when types
/// are added after a full garbage collection, or when as many groups have come as were there. Ids are never given out again, so that code that compares with
/// the id of a forgotten type finds it nowhere.
/// </remarks>
public sealed class TypeCanonicalizer
{
    // A reference to a defined type in a key is a number with one of these flags in a free bit of the value type's encoding, then its place: one number
    // inside the group, an id's two halves outside.
    private const int InsideGroup = 0x20;
    private const int CanonicalId = 0x40;

    /// <summary>So few groups are not worth looking through.</summary>
    private const int FewGroups = 256;

    private readonly Lock _lock = new();
    private readonly bool _keepsTypes;
    private readonly HashSet<Entry> _groups;
    private readonly HashSet<Entry>.AlternateLookup<ReadOnlySpan<int>> _groupsByKey;
    private readonly List<CanonicalType> _references = [];
    private int[] _key = new int[64];
    private int _keyLength;
    private long _nextId;
    private int _fullCollections = GC.CollectionCount(GC.MaxGeneration);
    private int _manyGroups = FewGroups;

    /// <summary>A canonicalizer that has seen no type.</summary>
    public TypeCanonicalizer()
        : this(keepsTypes: false)
    {
    }

    /// <summary>A canonicalizer that has seen no type.</summary>
    /// <param name="keepsTypes">Whether it holds its types itself: what lives no longer than they do saves a weak reference for each group.</param>
    internal TypeCanonicalizer(bool keepsTypes)
    {
        _keepsTypes = keepsTypes;
        _groups = new HashSet<Entry>(KeyComparer.Instance);
        _groupsByKey = _groups.GetAlternateLookup<ReadOnlySpan<int>>();
    }

    /// <summary>The number of different types that are known. Linear in it.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                RemoveForgotten();
                int count = 0;
                foreach (Entry entry in _groups)
                {
                    count += entry.Group?.Types.Length ?? 0;
                }

                return count;
            }
        }
    }

    /// <summary>The canonical type of every type of a module, by type index.</summary>
    /// <param name="types">The type index space of a module.</param>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group, or is its own supertype.</exception>
    public CanonicalType[] Canonicalize(ImmutableArray<SubType> types)
    {
        var canonical = new CanonicalType[types.Length];
        lock (_lock)
        {
            RemoveForgottenIfMany();
            for (int start = 0; start < types.Length;)
            {
                int length = types[start].RecursiveGroupLength;
                if (length < 1 || length > types.Length - start || types[start].RecursiveGroupStart != start)
                {
                    throw new ArgumentException($"the recursion group of type {start} is not whole", nameof(types));
                }

                AddGroup(types.AsSpan().Slice(start, length), start, canonical);
                start += length;
            }

            // They would hold types that nobody has any more.
            _references.Clear();
        }

        return canonical;
    }

    /// <summary>The meaning of a module's type indices, for <see cref="TypeMatching"/>.</summary>
    /// <exception cref="ArgumentException">A type refers to a type behind its recursion group, or is its own supertype.</exception>
    public TypeContext CreateContext(ImmutableArray<SubType> types) => new(this, Canonicalize(types));

    /// <summary>A function type that stands alone: final, without supertypes, as those of 2.0 modules and of the host are.</summary>
    /// <param name="type">The type.</param>
    /// <param name="context">What its type indices mean; needed only when it has some.</param>
    /// <exception cref="ArgumentException">The type has type indices, and no context of this canonicalizer was given.</exception>
    public CanonicalType GetFunctionType(FunctionType type, TypeContext? context = null)
    {
        if (context is not null && !ReferenceEquals(context.Canonicalizer, this))
        {
            throw new ArgumentException("the context belongs to another canonicalizer", nameof(context));
        }

        lock (_lock)
        {
            RemoveForgottenIfMany();
            BeginKey(1);
            AppendHeader(CompositeKind.Function, isFinal: true, supertypes: 0);
            AppendFunction(type, int.MaxValue, 0, context is null ? [] : context.Types);
            if (FindGroup() is not CanonicalGroup group)
            {
                group = NewGroup(1);
                NewType(group, 0, CompositeKind.Function, null);
                Add(group);
            }

            _references.Clear();
            return group.Types[0];
        }
    }

    private void AddGroup(ReadOnlySpan<SubType> group, int start, CanonicalType[] types)
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

                AppendReference(0, supertype, start, group.Length, types);
            }

            if (type.Composite.Function is FunctionType function)
            {
                AppendFunction(function, start, group.Length, types);
                continue;
            }

            Append(type.Composite.Fields.Length);
            foreach (FieldType field in type.Composite.Fields)
            {
                Append((int)field.Storage | (field.IsMutable ? 0x10 : 0));
                AppendType(field.Type, start, group.Length, types);
            }
        }

        if (FindGroup() is CanonicalGroup known)
        {
            known.Types.CopyTo(types, start);
            return;
        }

        CanonicalGroup added = NewGroup(group.Length);
        for (int i = 0; i < group.Length; i++)
        {
            // A supertype comes before: its own type is there.
            types[start + i] = NewType(added, i, group[i].Composite.Kind, group[i].Supertypes.IsEmpty ? null : types[group[i].Supertypes[0]]);
        }

        Add(added);
    }

    private CanonicalGroup? FindGroup() => _groupsByKey.TryGetValue(_key.AsSpan(0, _keyLength), out Entry entry) ? entry.Group : null;

    private CanonicalGroup NewGroup(int length) => new(_key.AsSpan(0, _keyLength).ToArray(), length, [.. _references]);

    private void Add(CanonicalGroup group) =>
        _groups.Add(new Entry(_keepsTypes ? group : new WeakReference<CanonicalGroup>(group), KeyComparer.Instance.GetHashCode(group.Key.AsSpan())));

    private CanonicalType NewType(CanonicalGroup group, int index, CompositeKind kind, CanonicalType? supertype) =>
        group.Types[index] = new CanonicalType(group, _nextId++, kind, supertype);

    private void RemoveForgottenIfMany()
    {
        // Types are forgotten by collections. Those of old modules go in full ones; young ones must not pile up between these.
        if (!_keepsTypes && _groups.Count > 0 && (GC.CollectionCount(GC.MaxGeneration) != _fullCollections || _groups.Count >= _manyGroups))
        {
            RemoveForgotten();
        }
    }

    private void RemoveForgotten()
    {
        if (_keepsTypes)
        {
            return;
        }

        _fullCollections = GC.CollectionCount(GC.MaxGeneration);
        _groups.RemoveWhere(static entry => entry.Group is null);
        if (_groups.Capacity > FewGroups && _groups.Count < _groups.Capacity / 4)
        {
            _groups.TrimExcess(_groups.Count * 2);
        }

        _manyGroups = Math.Max(FewGroups, _groups.Count * 2);
    }

    private void BeginKey(int length)
    {
        _keyLength = 0;
        _references.Clear();
        Append(length);
    }

    private void AppendHeader(CompositeKind kind, bool isFinal, int supertypes) => Append((int)kind | (isFinal ? 0x100 : 0) | (supertypes << 9));

    private void AppendFunction(FunctionType type, int start, int length, ReadOnlySpan<CanonicalType> types)
    {
        Append(type.Parameters.Length);
        foreach (ValType parameter in type.Parameters)
        {
            AppendType(parameter, start, length, types);
        }

        Append(type.Results.Length);
        foreach (ValType result in type.Results)
        {
            AppendType(result, start, length, types);
        }
    }

    private void AppendType(ValType type, int start, int length, ReadOnlySpan<CanonicalType> types)
    {
        if (type.IsReference && type.HeapType.IsConcrete)
        {
            AppendReference(type.Bits & 0x1F, type.HeapType.TypeIndex, start, length, types);
        }
        else
        {
            Append(type.Bits);
        }
    }

    private void AppendReference(int flags, int typeIndex, int start, int length, ReadOnlySpan<CanonicalType> types)
    {
        if (typeIndex >= start && typeIndex - start < length)
        {
            Append(flags | InsideGroup);
            Append(typeIndex - start);
        }
        else if (typeIndex < start && typeIndex < types.Length)
        {
            CanonicalType type = types[typeIndex];
            Append(flags | CanonicalId);
            Append((int)type.Id);
            Append((int)(type.Id >> 32));
            _references.Add(type);
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

    /// <summary>A group, or a weak reference to one, under the hash code of its key.</summary>
    private readonly struct Entry(object holder, int hashCode)
    {
        public int HashCode => hashCode;

        /// <summary>The group, unless it was forgotten.</summary>
        public CanonicalGroup? Group => holder is WeakReference<CanonicalGroup> weak ? (weak.TryGetTarget(out CanonicalGroup? group) ? group : null) : (CanonicalGroup)holder;

        public bool IsSame(Entry other) => ReferenceEquals(holder, other.Holder);

        private object Holder => holder;
    }

    private sealed class KeyComparer : IEqualityComparer<Entry>, IAlternateEqualityComparer<ReadOnlySpan<int>, Entry>
    {
        public static KeyComparer Instance { get; } = new();

        // A group is looked for before it is added: two entries never hold equal ones, but one may be left of a forgotten group.
        public bool Equals(Entry x, Entry y) => x.IsSame(y);

        public int GetHashCode(Entry obj) => obj.HashCode;

        public bool Equals(ReadOnlySpan<int> alternate, Entry other) => other.Group is CanonicalGroup group && alternate.SequenceEqual(group.Key);

        public Entry Create(ReadOnlySpan<int> alternate) => throw new System.Diagnostics.UnreachableException();

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
