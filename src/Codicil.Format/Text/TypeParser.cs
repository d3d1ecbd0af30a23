using System.Collections.Immutable;
using System.Text;

using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>Reads types, indices and type uses (6.4, 6.6.4). Not thread-safe.</summary>
internal sealed class TypeParser
{
    // The bound of HeapType: more types than any implementation limit allows.
    private const uint LargestTypeIndex = 1 << 22;

    private readonly TokenCursor _cursor;
    private readonly ModuleScopes _scopes;
    private readonly AnnotationReader _annotations;

    public TypeParser(TokenCursor cursor, ModuleScopes scopes, AnnotationReader annotations)
    {
        _cursor = cursor;
        _scopes = scopes;
        _annotations = annotations;
    }

    /// <summary>Whether an identifier is bound here, or a name given by an annotation.</summary>
    public bool AtBinding => _cursor.AtIdentifier || _annotations.HasName(_cursor.Position);

    /// <summary>The number of the identifier that is the current token.</summary>
    public int ReadSymbol()
    {
        Token token = _cursor.Current;
        if (token.Kind == TokenKind.Identifier)
        {
            _cursor.Position++;
            return _scopes.Symbols.Intern(_cursor.Source.Slice(token)[1..]);
        }

        if (token.Kind != TokenKind.QuotedIdentifier)
        {
            _cursor.Unexpected();
        }

        return _scopes.Symbols.Intern(_cursor.ReadIdentifier());
    }

    /// <summary>The number of the identifier if there is one here.</summary>
    public bool TryReadSymbol(out int symbol)
    {
        bool found = _cursor.AtIdentifier;
        symbol = found ? ReadSymbol() : -1;
        return found;
    }

    /// <summary>Adds an entry to an index space, with the identifier that is here or without.</summary>
    public int Bind(NameScope scope)
    {
        int position = _cursor.Position;
        int index;
        if (!TryReadSymbol(out int symbol))
        {
            index = scope.AddAnonymous();
        }
        else if (!scope.TryAdd(symbol, out index))
        {
            _cursor.Fail($"duplicate {scope.Category} {IdentifierText(symbol)}", position);
        }

        if (TryTakeName(scope.Category, out int name))
        {
            scope.NameLatest(name);
        }

        return index;
    }

    private bool TryTakeName(string category, out int symbol)
    {
        byte[]? name = _annotations.TakeName(_cursor.Position, category);
        symbol = name is null ? -1 : _scopes.Symbols.Intern(name);
        return name is not null;
    }

    /// <summary>An index as a number or an identifier.</summary>
    public uint ReadIndex(NameScope scope)
    {
        if (_cursor.Kind == TokenKind.Number)
        {
            return _cursor.ReadU32();
        }

        int position = _cursor.Position;
        int symbol = ReadSymbol();
        if (!scope.TryFind(symbol, out int index))
        {
            _cursor.Fail($"unknown {scope.Category} {IdentifierText(symbol)}", position);
        }

        return (uint)index;
    }

    /// <summary>An index if there is one here, else 0.</summary>
    public uint ReadOptionalIndex(NameScope scope) => _cursor.AtIndex ? ReadIndex(scope) : 0;

    public string IdentifierText(int symbol) => "$" + Encoding.UTF8.GetString(_scopes.Symbols.NameOf(symbol));

    public HeapType ReadHeapType()
    {
        if (_cursor.AtIndex)
        {
            int position = _cursor.Position;
            uint index = ReadIndex(_scopes.Types);
            if (index > LargestTypeIndex)
            {
                _cursor.Fail($"unknown type {index}", position);
            }

            return HeapType.Concrete((int)index);
        }

        if (_cursor.Kind != TokenKind.Keyword || !Keywords.TryFindHeapType(_cursor.Text, out HeapType heapType))
        {
            throw _cursor.UnexpectedError();
        }

        _cursor.Position++;
        return heapType;
    }

    public ValType ReadReferenceType()
    {
        int position = _cursor.Position;
        ValType type = ReadValType();
        if (!type.IsReference)
        {
            _cursor.Position = position;
            _cursor.Unexpected();
        }

        return type;
    }

    public ValType ReadValType()
    {
        if (_cursor.TryForm("ref"u8))
        {
            bool nullable = _cursor.TryKeyword("null"u8);
            HeapType heapType = ReadHeapType();
            _cursor.Close();
            return ValType.Reference(nullable, heapType);
        }

        if (_cursor.Kind != TokenKind.Keyword || !Keywords.TryFindValType(_cursor.Text, out ValType type))
        {
            throw _cursor.UnexpectedError();
        }

        _cursor.Position++;
        return type;
    }

    public GlobalType ReadGlobalType()
    {
        if (!_cursor.TryForm("mut"u8))
        {
            return new GlobalType(ReadValType(), false);
        }

        ValType type = ReadValType();
        _cursor.Close();
        return new GlobalType(type, true);
    }

    /// <summary><c>i64</c> or <c>i32</c> before limits; i32 when there is neither.</summary>
    public bool ReadIs64()
    {
        if (_cursor.TryKeyword("i64"u8))
        {
            return true;
        }

        _cursor.TryKeyword("i32"u8);
        return false;
    }

    public Limits ReadLimits()
    {
        ulong minimum = _cursor.ReadU64();
        return new Limits(minimum, _cursor.Kind == TokenKind.Number ? _cursor.ReadU64() : null);
    }

    public TableType ReadTableType()
    {
        bool is64 = ReadIs64();
        Limits limits = ReadLimits();
        return new TableType(ReadReferenceType(), limits, is64);
    }

    public MemoryType ReadMemoryType()
    {
        bool is64 = ReadIs64();
        Limits limits = ReadLimits();
        bool isShared = _cursor.TryKeyword("shared"u8);
        return new MemoryType(limits, is64, isShared, ReadPageSizeLog2());
    }

    /// <summary><c>(pagesize n)</c> as its logarithm; 16 when it is not there.</summary>
    public int ReadPageSizeLog2()
    {
        if (!_cursor.TryForm("pagesize"u8))
        {
            return 16;
        }

        int position = _cursor.Position;
        ulong size = _cursor.ReadU64();
        if (!System.Numerics.BitOperations.IsPow2(size))
        {
            _cursor.Fail("invalid custom page size: no power of two", position);
        }

        _cursor.Close();
        return System.Numerics.BitOperations.Log2(size);
    }

    /// <summary><c>(param ...)* (result ...)*</c>.</summary>
    /// <param name="locals">Where identifiers of parameters are bound, or null where the grammar allows identifiers but nothing can refer to them.</param>
    /// <param name="allowIdentifiers">Whether parameters may have identifiers.</param>
    public FunctionType ReadFunctionType(NameScope? locals, bool allowIdentifiers)
    {
        if (_cursor.Kind != TokenKind.LeftParenthesis)
        {
            return FunctionType.Empty;
        }

        ImmutableArray<ValType>.Builder parameters = ImmutableArray.CreateBuilder<ValType>();
        ImmutableArray<ValType>.Builder results = ImmutableArray.CreateBuilder<ValType>();
        while (_cursor.TryForm("param"u8))
        {
            if (allowIdentifiers && AtBinding)
            {
                if (locals is null)
                {
                    _cursor.Position += _cursor.AtIdentifier ? 1 : 0;
                    TryTakeName("local", out _);
                }
                else
                {
                    Bind(locals);
                }

                parameters.Add(ReadValType());
            }
            else
            {
                int before = parameters.Count;
                ReadValTypes(parameters);
                locals?.AddAnonymous(parameters.Count - before);
            }

            _cursor.Close();
        }

        while (_cursor.TryForm("result"u8))
        {
            ReadValTypes(results);
            _cursor.Close();
        }

        if (_cursor.AtForm("param"u8))
        {
            _cursor.Position++;
            _cursor.Unexpected();
        }

        return parameters.Count == 0 && results.Count == 0
            ? FunctionType.Empty
            : new FunctionType(parameters.DrainToImmutable(), results.DrainToImmutable());
    }

    /// <summary>Value types up to the closing parenthesis.</summary>
    public void ReadValTypes(ImmutableArray<ValType>.Builder types)
    {
        while (_cursor.Kind != TokenKind.RightParenthesis)
        {
            types.Add(ReadValType());
        }
    }

    /// <summary>
    /// A type use: <c>(type x)</c>, parameters and results, or both. With neither it is the empty function type.
    /// </summary>
    /// <param name="locals">The index space that the parameters join, or null.</param>
    /// <param name="allowIdentifiers">Whether parameters may have identifiers.</param>
    public uint ReadTypeUse(NameScope? locals, bool allowIdentifiers)
    {
        uint index = ReadTypeUse(locals, allowIdentifiers, out FunctionType inline, out bool isExplicit);
        return isExplicit ? index : (uint)_scopes.TypeTable.FindOrAdd(inline);
    }

    /// <summary>The parts of a type use; the index means nothing unless it is explicit.</summary>
    public uint ReadTypeUse(NameScope? locals, bool allowIdentifiers, out FunctionType inline, out bool isExplicit)
    {
        isExplicit = _cursor.TryForm("type"u8);
        if (!isExplicit)
        {
            inline = ReadFunctionType(locals, allowIdentifiers);
            return 0;
        }

        int position = _cursor.Position;
        uint index = ReadIndex(_scopes.Types);
        _cursor.Close();
        bool hasInline = _cursor.AtForm("param"u8) || _cursor.AtForm("result"u8);
        inline = ReadFunctionType(locals, allowIdentifiers);
        FunctionType? declared = _scopes.TypeTable.FindFunction(index);
        bool isEmpty = inline.Parameters.IsEmpty && inline.Results.IsEmpty;
        if (hasInline && !isEmpty && !inline.Equals(declared))
        {
            _cursor.Fail(
                declared is null && index >= _scopes.TypeTable.Count
                    ? $"unknown type {index}"
                    : $"inline function type does not match explicit type {index}",
                position);
        }

        if (isEmpty && declared is not null)
        {
            // Locals of the function come behind its parameters even when these are not repeated.
            locals?.AddAnonymous(declared.Parameters.Length);
        }

        return index;
    }

    /// <summary><c>(sub final? x* (struct|array|func ...))</c>, or the composite type alone.</summary>
    /// <param name="index">The index of the type, for the names of its fields.</param>
    /// <param name="groupStart">The index of the first type of its recursion group.</param>
    /// <param name="groupLength">The number of types in the group.</param>
    public SubType ReadSubType(int index, int groupStart, int groupLength)
    {
        if (!_cursor.TryForm("sub"u8))
        {
            return new SubType(ReadCompositeType(index), true, ImmutableArray<int>.Empty, groupStart, groupLength);
        }

        bool isFinal = _cursor.TryKeyword("final"u8);
        ImmutableArray<int>.Builder supertypes = ImmutableArray.CreateBuilder<int>();
        while (_cursor.AtIndex)
        {
            supertypes.Add(checked((int)Math.Min(ReadIndex(_scopes.Types), int.MaxValue)));
        }

        CompositeType composite = ReadCompositeType(index);
        _cursor.Close();
        return new SubType(composite, isFinal, supertypes.DrainToImmutable(), groupStart, groupLength);
    }

    private CompositeType ReadCompositeType(int index)
    {
        CompositeType composite;
        if (_cursor.TryForm("func"u8))
        {
            composite = CompositeType.OfFunction(ReadFunctionType(null, allowIdentifiers: true));
        }
        else if (_cursor.TryForm("struct"u8))
        {
            composite = CompositeType.OfStruct(ReadFields(index));
        }
        else
        {
            _cursor.ExpectForm("array"u8);
            composite = CompositeType.OfArray(ReadFieldType());
        }

        _cursor.Close();
        return composite;
    }

    private ImmutableArray<FieldType> ReadFields(int typeIndex)
    {
        ImmutableArray<FieldType>.Builder fields = ImmutableArray.CreateBuilder<FieldType>();
        while (_cursor.TryForm("field"u8))
        {
            int position = _cursor.Position;
            if (AtBinding)
            {
                bool hasIdentifier = TryReadSymbol(out int symbol);
                if (hasIdentifier && !_scopes.TypeTable.TryAddField(typeIndex, symbol, fields.Count))
                {
                    _cursor.Fail($"duplicate field {IdentifierText(symbol)}", position);
                }

                if (TryTakeName("field", out int name) || hasIdentifier)
                {
                    _scopes.TypeTable.NameField(typeIndex, fields.Count, name >= 0 ? name : symbol);
                }

                fields.Add(ReadFieldType());
            }
            else
            {
                while (_cursor.Kind != TokenKind.RightParenthesis)
                {
                    fields.Add(ReadFieldType());
                }
            }

            _cursor.Close();
        }

        return fields.DrainToImmutable();
    }

    private FieldType ReadFieldType()
    {
        if (!_cursor.TryForm("mut"u8))
        {
            return ReadStorageType(false);
        }

        FieldType field = ReadStorageType(true);
        _cursor.Close();
        return field;
    }

    private FieldType ReadStorageType(bool isMutable)
    {
        if (_cursor.TryKeyword("i8"u8))
        {
            return new FieldType(ValType.I32, StorageKind.I8, isMutable);
        }

        return _cursor.TryKeyword("i16"u8)
            ? new FieldType(ValType.I32, StorageKind.I16, isMutable)
            : new FieldType(ReadValType(), StorageKind.Value, isMutable);
    }
}
