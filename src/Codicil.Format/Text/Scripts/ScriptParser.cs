using System.Buffers;
using System.Collections.Immutable;
using System.Text;

using Codicil.Format.Types;

namespace Codicil.Format.Text.Scripts;

/// <summary>Reads the commands of a script. Not thread-safe.</summary>
internal sealed class ScriptParser
{
    // Threads and either nest; no suite goes beyond 3.
    private const int LargestDepth = 64;

    private readonly SourceText _source;
    private readonly TokenStream _stream;
    private readonly TokenCursor _cursor;
    private readonly TypeParser _types;
    private readonly ImmediateParser _numbers;
    private int _depth;

    private ScriptParser(SourceText source)
    {
        _source = source;
        _stream = Lexer.Tokenize(source);
        _cursor = new TokenCursor(_stream);
        ModuleScopes scopes = new();
        _types = new TypeParser(_cursor, scopes, new AnnotationReader(_stream));
        _numbers = new ImmediateParser(_cursor, scopes, _types, new NameScope("local"), new LabelScope());
    }

    public static ImmutableArray<ScriptCommand> Parse(SourceText source)
    {
        ScriptParser parser = new(source);
        if (parser.StartsWithField())
        {
            return [new ModuleCommand(1, new ScriptModule(parser._stream, 0, ScriptModuleKind.Text, null, []), false)];
        }

        ImmutableArray<ScriptCommand> commands = parser.ReadCommands();
        if (parser._cursor.Kind != TokenKind.End)
        {
            parser._cursor.Unexpected();
        }

        return commands;
    }

    private bool StartsWithField() =>
        _cursor.AtForm("func"u8) || _cursor.AtForm("type"u8) || _cursor.AtForm("rec"u8) || _cursor.AtForm("import"u8) || _cursor.AtForm("export"u8)
        || _cursor.AtForm("global"u8) || _cursor.AtForm("table"u8) || _cursor.AtForm("memory"u8) || _cursor.AtForm("tag"u8)
        || _cursor.AtForm("elem"u8) || _cursor.AtForm("data"u8) || _cursor.AtForm("start"u8);

    private ImmutableArray<ScriptCommand> ReadCommands()
    {
        ImmutableArray<ScriptCommand>.Builder commands = ImmutableArray.CreateBuilder<ScriptCommand>();
        while (_cursor.Kind == TokenKind.LeftParenthesis)
        {
            commands.Add(ReadCommand());
        }

        return commands.DrainToImmutable();
    }

    private ScriptCommand ReadCommand()
    {
        int line = _source.GetLine(_cursor.Current.Start);
        if (_cursor.AtForm("module"u8))
        {
            return TryReadInstance(out string? instanceName, out string? moduleName)
                ? new InstanceCommand(line, instanceName, moduleName)
                : new ModuleCommand(line, ReadModule(out bool isDefinition), isDefinition);
        }

        if (_cursor.AtForm("invoke"u8) || _cursor.AtForm("get"u8))
        {
            return new ActionCommand(line, ReadAction());
        }

        ScriptCommand command = ReadInside(line);
        _cursor.Close();
        return command;
    }

    /// <summary>Reads a command that begins with a word of its own, up to its closing parenthesis.</summary>
    private ScriptCommand ReadInside(int line)
    {
        if (_cursor.TryForm("assert_return"u8))
        {
            ScriptAction action = ReadAction();
            return new AssertReturnCommand(line, action, ReadPatterns());
        }

        if (_cursor.TryForm("assert_trap"u8))
        {
            return _cursor.AtForm("module"u8)
                ? ReadModuleAssertion(line, ExpectedModuleError.Trap)
                : new AssertFailureCommand(line, ReadAction(), ExpectedFailure.Trap, ReadText());
        }

        if (_cursor.TryForm("assert_exhaustion"u8))
        {
            return new AssertFailureCommand(line, ReadAction(), ExpectedFailure.Exhaustion, ReadText());
        }

        if (_cursor.TryForm("assert_exception"u8))
        {
            return new AssertFailureCommand(line, ReadAction(), ExpectedFailure.Exception, "");
        }

        if (_cursor.TryForm("assert_suspension"u8))
        {
            return new AssertFailureCommand(line, ReadAction(), ExpectedFailure.Suspension, ReadText());
        }

        if (_cursor.TryForm("register"u8))
        {
            string name = ReadText();
            return new RegisterCommand(line, name, ReadOptionalIdentifier());
        }

        if (_cursor.TryForm("thread"u8))
        {
            return ReadThread(line);
        }

        if (_cursor.TryForm("wait"u8))
        {
            return new WaitCommand(line, ReadOptionalIdentifier() ?? throw _cursor.UnexpectedError());
        }

        ExpectedModuleError error =
            _cursor.TryForm("assert_malformed"u8) ? ExpectedModuleError.Malformed
            : _cursor.TryForm("assert_invalid"u8) ? ExpectedModuleError.Invalid
            : _cursor.TryForm("assert_unlinkable"u8) ? ExpectedModuleError.Unlinkable
            : _cursor.TryForm("assert_malformed_custom"u8) ? ExpectedModuleError.MalformedCustom
            : _cursor.TryForm("assert_invalid_custom"u8) ? ExpectedModuleError.InvalidCustom
            : throw UnknownCommand();
        return ReadModuleAssertion(line, error);
    }

    private MalformedModuleException UnknownCommand()
    {
        _cursor.Open();
        return _cursor.UnexpectedError();
    }

    private AssertModuleCommand ReadModuleAssertion(int line, ExpectedModuleError error)
    {
        ScriptModule? module = TryReadInstance(out _, out string? moduleName) ? null : ReadModule(out _);
        return new AssertModuleCommand(line, error, module, moduleName, ReadText());
    }

    /// <summary><c>(module instance $i? $m?)</c>; one name alone is the definition's.</summary>
    private bool TryReadInstance(out string? instanceName, out string? moduleName)
    {
        instanceName = null;
        moduleName = null;
        if (!_cursor.AtForm("module"u8) || !_cursor.PeekText(2).SequenceEqual("instance"u8))
        {
            return false;
        }

        _cursor.Position += 3;
        string? first = ReadOptionalIdentifier();
        string? second = ReadOptionalIdentifier();
        (instanceName, moduleName) = second is null ? (null, first) : (first, second);
        _cursor.Close();
        return true;
    }

    private ScriptModule ReadModule(out bool isDefinition)
    {
        int start = _cursor.Position;
        _cursor.ExpectForm("module"u8);
        isDefinition = _cursor.TryKeyword("definition"u8);
        byte[]? identifier = _cursor.AtIdentifier ? _cursor.ReadIdentifier() : null;
        ScriptModuleKind kind = _cursor.TryKeyword("binary"u8) ? ScriptModuleKind.Binary
            : _cursor.TryKeyword("quote"u8) ? ScriptModuleKind.Quote
            : ScriptModuleKind.Text;
        int position = _cursor.Position;
        if (kind == ScriptModuleKind.Text)
        {
            _cursor.Position = start;
            _cursor.SkipForm();
            return new ScriptModule(_stream, position, kind, identifier, []);
        }

        ArrayBufferWriter<byte> strings = new();
        while (_cursor.Kind == TokenKind.String)
        {
            StringLiteral.Decode(_source.Slice(_cursor.Next()), strings);
        }

        _cursor.Close();
        return new ScriptModule(_stream, position, kind, identifier, strings.WrittenSpan.ToArray());
    }

    private ThreadCommand ReadThread(int line)
    {
        EnterNested();
        string name = ReadOptionalIdentifier() ?? throw _cursor.UnexpectedError();
        ImmutableArray<string>.Builder shared = ImmutableArray.CreateBuilder<string>();
        while (_cursor.TryForm("shared"u8))
        {
            _cursor.ExpectForm("module"u8);
            shared.Add(ReadOptionalIdentifier() ?? throw _cursor.UnexpectedError());
            _cursor.Close();
            _cursor.Close();
        }

        ThreadCommand thread = new(line, name, shared.DrainToImmutable(), ReadCommands());
        _depth--;
        return thread;
    }

    private ScriptAction ReadAction()
    {
        ScriptAction action;
        if (_cursor.TryForm("get"u8))
        {
            action = new GetAction(ReadOptionalIdentifier(), ReadText());
        }
        else
        {
            _cursor.ExpectForm("invoke"u8);
            string? instance = ReadOptionalIdentifier();
            string name = ReadText();
            ImmutableArray<ScriptValue>.Builder arguments = ImmutableArray.CreateBuilder<ScriptValue>();
            while (_cursor.Kind == TokenKind.LeftParenthesis)
            {
                arguments.Add(ReadValue());
            }

            action = new InvokeAction(instance, name, arguments.DrainToImmutable());
        }

        _cursor.Close();
        return action;
    }

    private ScriptValue ReadValue()
    {
        ScriptValue value;
        if (_cursor.TryForm("i32.const"u8))
        {
            value = new ScriptValue(ScriptValueKind.Number, ValType.I32, _numbers.ReadInteger(32));
        }
        else if (_cursor.TryForm("i64.const"u8))
        {
            value = new ScriptValue(ScriptValueKind.Number, ValType.I64, _numbers.ReadInteger(64));
        }
        else if (_cursor.TryForm("f32.const"u8))
        {
            value = new ScriptValue(ScriptValueKind.Number, ValType.F32, _numbers.ReadFloat(isDouble: false));
        }
        else if (_cursor.TryForm("f64.const"u8))
        {
            value = new ScriptValue(ScriptValueKind.Number, ValType.F64, _numbers.ReadFloat(isDouble: true));
        }
        else if (_cursor.TryForm("v128.const"u8))
        {
            value = new ScriptValue(ScriptValueKind.Number, ValType.V128, _numbers.ReadVector());
        }
        else if (_cursor.TryForm("ref.null"u8))
        {
            value = new ScriptValue(ScriptValueKind.Null, ValType.Reference(true, _types.ReadHeapType()), 0);
        }
        else if (_cursor.TryForm("ref.extern"u8))
        {
            value = new ScriptValue(ScriptValueKind.Extern, ValType.Reference(false, HeapType.Extern), _cursor.ReadU32());
        }
        else if (_cursor.TryForm("ref.host"u8))
        {
            value = new ScriptValue(ScriptValueKind.Host, ValType.Reference(false, HeapType.Any), _cursor.ReadU32());
        }
        else
        {
            throw UnknownCommand();
        }

        _cursor.Close();
        return value;
    }

    private ImmutableArray<ResultPattern> ReadPatterns()
    {
        ImmutableArray<ResultPattern>.Builder patterns = ImmutableArray.CreateBuilder<ResultPattern>();
        while (_cursor.Kind == TokenKind.LeftParenthesis)
        {
            patterns.Add(ReadPattern());
        }

        return patterns.DrainToImmutable();
    }

    private ResultPattern ReadPattern()
    {
        ResultPattern pattern;
        if (_cursor.TryForm("i32.const"u8))
        {
            pattern = new NumberPattern(ValType.I32, new LanePattern(NanPattern.None, _numbers.ReadInteger(32)));
        }
        else if (_cursor.TryForm("i64.const"u8))
        {
            pattern = new NumberPattern(ValType.I64, new LanePattern(NanPattern.None, _numbers.ReadInteger(64)));
        }
        else if (_cursor.TryForm("f32.const"u8))
        {
            pattern = new NumberPattern(ValType.F32, ReadLane(new VectorShape(4, true)));
        }
        else if (_cursor.TryForm("f64.const"u8))
        {
            pattern = new NumberPattern(ValType.F64, ReadLane(new VectorShape(2, true)));
        }
        else if (_cursor.TryForm("v128.const"u8))
        {
            pattern = ReadVectorPattern();
        }
        else if (_cursor.TryForm("either"u8))
        {
            EnterNested();
            pattern = new EitherPattern(ReadPatterns());
            _depth--;
        }
        else if (_cursor.TryForm("ref.null"u8))
        {
            pattern = new NullPattern(_cursor.Kind == TokenKind.RightParenthesis ? null : _types.ReadHeapType());
        }
        else
        {
            pattern = ReadReferencePattern();
        }

        _cursor.Close();
        return pattern;
    }

    private ResultPattern ReadReferencePattern()
    {
        if (_cursor.TryForm("ref.host"u8))
        {
            return new HostReferencePattern(_cursor.ReadU32(), false);
        }

        if (_cursor.TryForm("ref.extern"u8))
        {
            return _cursor.Kind == TokenKind.Number ? new HostReferencePattern(_cursor.ReadU32(), true) : new ReferencePattern(HeapType.Extern);
        }

        if (_cursor.TryForm("ref.func"u8))
        {
            return new ReferencePattern(HeapType.Func, _cursor.Kind == TokenKind.Number ? _cursor.ReadU32() : null);
        }

        HeapType heapType =
            _cursor.TryForm("ref"u8) || _cursor.TryForm("ref.any"u8) ? HeapType.Any
            : _cursor.TryForm("ref.eq"u8) ? HeapType.Eq
            : _cursor.TryForm("ref.i31"u8) ? HeapType.I31
            : _cursor.TryForm("ref.struct"u8) ? HeapType.Struct
            : _cursor.TryForm("ref.array"u8) ? HeapType.Array
            : _cursor.TryForm("ref.exn"u8) ? HeapType.Exn
            : throw UnknownCommand();
        return new ReferencePattern(heapType);
    }

    private VectorPattern ReadVectorPattern()
    {
        VectorShape shape = _numbers.ReadShape();
        ImmutableArray<LanePattern>.Builder lanes = ImmutableArray.CreateBuilder<LanePattern>(shape.Lanes);
        while (_cursor.Kind != TokenKind.RightParenthesis)
        {
            lanes.Add(ReadLane(shape));
        }

        if (lanes.Count != shape.Lanes)
        {
            _cursor.Fail($"wrong number of lane literals: {lanes.Count} of {shape.Lanes}", _cursor.Position);
        }

        return new VectorPattern(shape, lanes.DrainToImmutable());
    }

    private LanePattern ReadLane(VectorShape shape)
    {
        if (!shape.IsFloat)
        {
            return new LanePattern(NanPattern.None, _numbers.ReadInteger(shape.LaneBits));
        }

        if (_cursor.TryKeyword("nan:canonical"u8))
        {
            return new LanePattern(NanPattern.Canonical, 0);
        }

        return _cursor.TryKeyword("nan:arithmetic"u8)
            ? new LanePattern(NanPattern.Arithmetic, 0)
            : new LanePattern(NanPattern.None, _numbers.ReadFloat(shape.LaneBits == 64));
    }

    private string? ReadOptionalIdentifier() => _cursor.AtIdentifier ? Encoding.UTF8.GetString(_cursor.ReadIdentifier()) : null;

    private string ReadText() => Encoding.UTF8.GetString(_cursor.ReadName());

    private void EnterNested()
    {
        if (++_depth > LargestDepth)
        {
            _cursor.Fail($"unexpected token: nested deeper than {LargestDepth}", _cursor.Position);
        }
    }
}
