using System.Buffers;

using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>
/// Reads the fields of a module and writes the module in binary: fields are collected and their identifiers bound, then types, then all
/// else is read in order. Not thread-safe; one parser reads one module.
/// </summary>
/// <remarks>WebAssembly 3.0, 6.6 Modules.</remarks>
internal sealed partial class ModuleParser
{
    private readonly TokenCursor _cursor;
    private readonly ModuleScopes _scopes = new();
    private readonly AnnotationReader _annotations;
    private readonly TypeParser _types;
    private readonly InstructionParser _instructions;
    private readonly ModuleAssembler _assembler;
    private readonly List<(FieldKind Kind, int Position)> _fields = [];
    private readonly List<int> _fieldEnds = [];
    private readonly CodeBuffer _scratch = new();
    private readonly CodeBuffer _offset = new();
    private int _nextFunction;
    private int _nextTable;
    private int _nextMemory;
    private int _nextGlobal;
    private int _nextTag;
    private bool _hasStart;

    private ModuleParser(TokenCursor cursor)
    {
        _cursor = cursor;
        _annotations = new AnnotationReader(cursor.Stream);
        _types = new TypeParser(cursor, _scopes, _annotations);
        _instructions = new InstructionParser(cursor, _scopes, _types, _annotations);
        _assembler = new ModuleAssembler(cursor.Source, _scopes);
    }

    private enum FieldKind : byte
    {
        Type,
        RecursiveTypes,
        Import,
        Function,
        Table,
        Memory,
        Global,
        Tag,
        Export,
        Start,
        Elements,
        Data,
    }

    /// <summary>Reads fields up to the parenthesis that closes the module, or up to the end of the text.</summary>
    /// <param name="cursor">Stands at the first field.</param>
    /// <param name="name">The module's identifier without the dollar sign, or null.</param>
    public static ParsedModule ParseFields(TokenCursor cursor, byte[]? name)
    {
        ModuleParser parser = new(cursor);
        int start = cursor.Position;
        byte[]? annotatedName = parser._annotations.TakeName(start, "module");
        parser.CollectFields();
        int end = cursor.Position;
        parser.ReadCustomAnnotations(start, end);
        parser.ReadTypes();
        parser.ReadFields();
        parser._annotations.CheckAllTaken(start, end, parser.IsInFunction);
        cursor.Position = end;
        return parser._assembler.Assemble(annotatedName ?? name, parser._instructions.UsesDataSegments, cursor.TokenAt(start).Start);
    }

    /// <summary>The first pass: where the fields are, what is an import, which identifiers there are.</summary>
    private void CollectFields()
    {
        string? definition = null;
        while (_cursor.Kind is not (TokenKind.RightParenthesis or TokenKind.End))
        {
            int position = _cursor.Position;
            FieldKind kind = ReadFieldKind();
            _fields.Add((kind, position));
            bool isImport = CollectField(kind);
            _cursor.Position = position;
            if (isImport && definition is not null)
            {
                _cursor.Fail($"import after {definition} definition", position);
            }

            if (!isImport)
            {
                definition ??= kind switch
                {
                    FieldKind.Function => "function",
                    FieldKind.Table => "table",
                    FieldKind.Memory => "memory",
                    FieldKind.Global => "global",
                    FieldKind.Tag => "tag",
                    _ => null,
                };
            }

            _cursor.SkipForm();
            _fieldEnds.Add(_cursor.Position);
        }
    }

    /// <summary>Custom annotations between the fields are sections; inside of a field they are misplaced.</summary>
    private void ReadCustomAnnotations(int start, int end)
    {
        // A script's annotations are those of all its modules: only this one's are looked at.
        List<Annotation> annotations = _cursor.Stream.CustomAnnotations;
        for (int i = TokenStream.FirstFrom(annotations, start); i < annotations.Count && annotations[i].TokenIndex <= end; i++)
        {
            Annotation annotation = annotations[i];
            if (FindField(annotation.TokenIndex) >= 0)
            {
                throw _cursor.Source.Error("misplaced @custom annotation: it belongs between the fields of a module", annotation.Start);
            }

            _assembler.AddCustomSection(CustomAnnotationParser.Parse(_cursor.Source, annotation));
        }
    }

    /// <summary>The index of the field that an annotation before a token is in, or -1.</summary>
    private int FindField(int tokenIndex)
    {
        // The first field that ends behind the annotation: the annotation is in it or before it.
        int field = _fieldEnds.BinarySearch(tokenIndex);
        field = field >= 0 ? field + 1 : ~field;
        return field < _fields.Count && _fields[field].Position < tokenIndex ? field : -1;
    }

    private bool IsInFunction(int tokenIndex) => FindField(tokenIndex) is >= 0 and int field && _fields[field].Kind == FieldKind.Function;

    private FieldKind ReadFieldKind()
    {
        _cursor.Open();
        FieldKind? kind = _cursor.Kind != TokenKind.Keyword ? null
            : _cursor.TryKeyword("func"u8) ? FieldKind.Function
            : _cursor.TryKeyword("type"u8) ? FieldKind.Type
            : _cursor.TryKeyword("rec"u8) ? FieldKind.RecursiveTypes
            : _cursor.TryKeyword("import"u8) ? FieldKind.Import
            : _cursor.TryKeyword("export"u8) ? FieldKind.Export
            : _cursor.TryKeyword("global"u8) ? FieldKind.Global
            : _cursor.TryKeyword("table"u8) ? FieldKind.Table
            : _cursor.TryKeyword("memory"u8) ? FieldKind.Memory
            : _cursor.TryKeyword("tag"u8) ? FieldKind.Tag
            : _cursor.TryKeyword("elem"u8) ? FieldKind.Elements
            : _cursor.TryKeyword("data"u8) ? FieldKind.Data
            : _cursor.TryKeyword("start"u8) ? FieldKind.Start
            : null;
        return kind ?? throw _cursor.UnexpectedError();
    }

    /// <summary>Binds what a field declares; the cursor stands behind its keyword. Returns whether it is an import.</summary>
    private bool CollectField(FieldKind kind)
    {
        switch (kind)
        {
            case FieldKind.Type:
                _types.Bind(_scopes.Types);
                return false;

            case FieldKind.RecursiveTypes:
                while (_cursor.Kind != TokenKind.RightParenthesis)
                {
                    int position = _cursor.Position;
                    _cursor.ExpectForm("type"u8);
                    _types.Bind(_scopes.Types);
                    _cursor.Position = position;
                    _cursor.SkipForm();
                }

                return false;

            case FieldKind.Import:
                _cursor.ReadName();
                _cursor.ReadName();
                _types.Bind(ScopeOf(ReadExternKind()));
                return true;

            case FieldKind.Elements:
                _types.Bind(_scopes.ElementSegments);
                return false;

            case FieldKind.Data:
                _types.Bind(_scopes.DataSegments);
                return false;

            case FieldKind.Function or FieldKind.Table or FieldKind.Memory or FieldKind.Global or FieldKind.Tag:
                _types.Bind(ScopeOf(ExternKindOf(kind)));
                while (_cursor.AtForm("export"u8))
                {
                    _cursor.SkipForm();
                }

                bool isImport = _cursor.AtForm("import"u8);
                if (!isImport && kind == FieldKind.Table && HasForm("elem"u8))
                {
                    _scopes.ElementSegments.AddAnonymous();
                }
                else if (!isImport && kind == FieldKind.Memory && HasForm("data"u8))
                {
                    _scopes.DataSegments.AddAnonymous();
                }

                return isImport;

            default:
                return false;
        }
    }

    /// <summary>Whether a form stands directly inside of the one that the cursor is in.</summary>
    private bool HasForm(ReadOnlySpan<byte> keyword)
    {
        while (_cursor.Kind is not (TokenKind.RightParenthesis or TokenKind.End))
        {
            if (_cursor.Kind != TokenKind.LeftParenthesis)
            {
                _cursor.Position++;
            }
            else if (_cursor.AtForm(keyword))
            {
                return true;
            }
            else
            {
                _cursor.SkipForm();
            }
        }

        return false;
    }

    private static ExternKind ExternKindOf(FieldKind kind) => kind switch
    {
        FieldKind.Function => ExternKind.Function,
        FieldKind.Table => ExternKind.Table,
        FieldKind.Memory => ExternKind.Memory,
        FieldKind.Global => ExternKind.Global,
        _ => ExternKind.Tag,
    };

    private NameScope ScopeOf(ExternKind kind) => kind switch
    {
        ExternKind.Function => _scopes.Functions,
        ExternKind.Table => _scopes.Tables,
        ExternKind.Memory => _scopes.Memories,
        ExternKind.Global => _scopes.Globals,
        _ => _scopes.Tags,
    };

    /// <summary>Takes <c>(func</c>, <c>(table</c> and so on.</summary>
    private ExternKind ReadExternKind() =>
        _cursor.TryForm("func"u8) ? ExternKind.Function
        : _cursor.TryForm("global"u8) ? ExternKind.Global
        : _cursor.TryForm("memory"u8) ? ExternKind.Memory
        : _cursor.TryForm("table"u8) ? ExternKind.Table
        : _cursor.TryForm("tag"u8) ? ExternKind.Tag
        : throw _cursor.UnexpectedError();

    /// <summary>The second pass: types can refer to one another in any order, and type uses need all of them.</summary>
    private void ReadTypes()
    {
        foreach ((FieldKind kind, int position) in _fields)
        {
            if (kind == FieldKind.Type)
            {
                _cursor.Position = position;
                ReadTypeDefinition(_scopes.TypeTable.Count, _scopes.TypeTable.Count, 1);
            }
            else if (kind == FieldKind.RecursiveTypes)
            {
                ReadRecursiveTypes(position);
            }
        }
    }

    private void ReadRecursiveTypes(int position)
    {
        _cursor.Position = position + 2;
        int length = 0;
        while (_cursor.Kind != TokenKind.RightParenthesis)
        {
            _cursor.SkipForm();
            length++;
        }

        _cursor.Position = position + 2;
        int start = _scopes.TypeTable.Count;
        if (length == 0)
        {
            _assembler.AddEmptyRecursiveGroup(start);
        }

        for (int i = 0; i < length; i++)
        {
            ReadTypeDefinition(start + i, start, length);
        }

        _cursor.Close();
    }

    private void ReadTypeDefinition(int index, int groupStart, int groupLength)
    {
        _assembler.MarkType(_cursor.Current.Start);
        _cursor.ExpectForm("type"u8);
        SkipIdentifier();
        _scopes.TypeTable.Add(_types.ReadSubType(index, groupStart, groupLength));
        _cursor.Close();
    }

    /// <summary>The third pass.</summary>
    private void ReadFields()
    {
        foreach ((FieldKind kind, int position) in _fields)
        {
            _cursor.Position = position + 2;
            int source = _cursor.TokenAt(position).Start;
            switch (kind)
            {
                case FieldKind.Import:
                    ReadImport(source);
                    break;
                case FieldKind.Function:
                    ReadFunction(source);
                    break;
                case FieldKind.Table:
                    ReadTable(source);
                    break;
                case FieldKind.Memory:
                    ReadMemory(source);
                    break;
                case FieldKind.Global:
                    ReadGlobal(source);
                    break;
                case FieldKind.Tag:
                    ReadTag(source);
                    break;
                case FieldKind.Export:
                    ReadExport(source);
                    break;
                case FieldKind.Start:
                    ReadStart(source);
                    break;
                case FieldKind.Elements:
                    ReadElements(source);
                    break;
                case FieldKind.Data:
                    ReadData(source);
                    break;
                default:
                    continue;
            }

            _cursor.Close();
        }
    }

    private void SkipIdentifier() => _cursor.Position += _cursor.AtIdentifier ? 1 : 0;

    /// <summary>Strings up to the closing parenthesis, joined.</summary>
    private ReadOnlySpan<byte> ReadStrings()
    {
        ArrayBufferWriter<byte> bytes = new();
        while (_cursor.Kind == TokenKind.String)
        {
            StringLiteral.Decode(_cursor.Source.Slice(_cursor.Next()), bytes);
        }

        return bytes.WrittenSpan;
    }
}
