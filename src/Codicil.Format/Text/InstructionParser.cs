using Codicil.Format.Binary;
using Codicil.Format.Instructions;

namespace Codicil.Format.Text;

/// <summary>
/// Reads instructions, flat and folded, and writes them in binary (6.5). Nesting lives on a stack of its own, so that its depth is
/// bounded by the text alone; time is linear in the text. Not thread-safe.
/// </summary>
internal sealed class InstructionParser
{
    private readonly TokenCursor _cursor;
    private readonly ModuleScopes _scopes;
    private readonly TypeParser _types;
    private readonly ImmediateParser _immediates;
    private readonly LabelScope _labels;
    private readonly AnnotationReader _annotations;
    private readonly List<Frame> _frames = [];

    // Folded instructions that wait for their operands to be written: encoded when their immediates are read, moved when they close.
    private readonly ByteWriter _pending = new();

    // Expressions outside of functions have no place in the section of hints.
    private bool _inBody;

    public InstructionParser(TokenCursor cursor, ModuleScopes scopes, TypeParser types, AnnotationReader annotations)
    {
        _annotations = annotations;
        _cursor = cursor;
        _scopes = scopes;
        _types = types;
        _labels = new LabelScope();
        _immediates = new ImmediateParser(cursor, scopes, types, Locals, _labels);
    }

    /// <summary>The locals of the function whose body is read.</summary>
    public NameScope Locals { get; } = new("local");

    /// <summary>The labels of that function.</summary>
    public LabelScope Labels => _labels;

    /// <summary>Whether an instruction so far refers to a data segment, which makes the data count section necessary (5.5.16).</summary>
    public bool UsesDataSegments { get; private set; }

    private enum FrameKind : byte
    {
        /// <summary>block, loop or try_table up to its <c>end</c>.</summary>
        FlatBlock,

        /// <summary>if, before its <c>else</c>.</summary>
        FlatIf,

        /// <summary>if, behind its <c>else</c>.</summary>
        FlatElse,

        /// <summary>The legacy try, before any catch.</summary>
        FlatTry,

        /// <summary>The legacy try behind a catch.</summary>
        FlatCatch,

        /// <summary>The legacy try behind catch_all.</summary>
        FlatCatchAll,

        /// <summary>An instruction whose operands are being read.</summary>
        FoldedPlain,

        /// <summary>block, loop or try_table up to its parenthesis.</summary>
        FoldedBlock,

        /// <summary>if, before its <c>(then</c>.</summary>
        FoldedIf,

        /// <summary>if, behind its <c>(then ...)</c>.</summary>
        FoldedIfAfterThen,

        /// <summary>if, behind its <c>(else ...)</c>.</summary>
        FoldedIfAfterElse,

        /// <summary>The inside of <c>(then</c>, <c>(else</c>, <c>(do</c>, <c>(catch</c>.</summary>
        FoldedArm,

        /// <summary>The legacy try, before its <c>(do</c>.</summary>
        FoldedTry,

        /// <summary>The legacy try, behind its <c>(do ...)</c>.</summary>
        FoldedTryAfterDo,

        /// <summary>The legacy try, behind a <c>(catch ...)</c>.</summary>
        FoldedTryAfterCatch,

        /// <summary>The legacy try behind catch_all.</summary>
        FoldedTryAfterCatchAll,

        /// <summary>The legacy try, ended by a delegate clause.</summary>
        FoldedTryDelegated,
    }

    /// <summary>Hints for branches of the body that was read last: the offset in the body and 0 for unlikely, 1 for likely; offsets ascend.</summary>
    public List<(int Offset, byte Hint)> BranchHints { get; } = [];

    /// <summary>Reads the instructions of a function behind its locals, as <see cref="ReadSequence"/>.</summary>
    /// <param name="output">The body, locals included and nothing before them.</param>
    public void ReadBody(CodeBuffer output)
    {
        BranchHints.Clear();
        _inBody = true;
        Read(output, onlyOne: false);
        _inBody = false;
    }

    /// <summary>Reads instructions up to the parenthesis that closes the surrounding form, which is not taken.</summary>
    public void ReadSequence(CodeBuffer output) => Read(output, onlyOne: false);

    /// <summary>Reads one folded instruction.</summary>
    public void ReadFolded(CodeBuffer output)
    {
        if (_cursor.Kind != TokenKind.LeftParenthesis)
        {
            _cursor.Unexpected();
        }

        Read(output, onlyOne: true);
    }

    /// <summary>Forgets locals and labels of the function before.</summary>
    public void BeginFunction()
    {
        Locals.Clear();
        _labels.Clear();
    }

    private void Read(CodeBuffer output, bool onlyOne)
    {
        _frames.Clear();
        _pending.Length = 0;
        do
        {
            switch (_cursor.Kind)
            {
                case TokenKind.RightParenthesis when _frames.Count == 0:
                    return;

                case TokenKind.RightParenthesis:
                    CloseFolded(output);
                    break;

                case TokenKind.LeftParenthesis:
                    OpenFolded(output);
                    break;

                case TokenKind.Keyword when _frames.Count == 0 || TakesFlat(_frames[^1].Kind):
                    ReadFlat(output);
                    break;

                default:
                    _cursor.Unexpected();
                    break;
            }
        }
        while (!onlyOne || _frames.Count > 0);
    }

    private static bool TakesFlat(FrameKind kind) => kind is FrameKind.FoldedArm or FrameKind.FoldedBlock or <= FrameKind.FlatCatchAll;

    private Opcode ReadOpcode()
    {
        if (_cursor.Kind != TokenKind.Keyword || !Keywords.TryFindOpcode(_cursor.Text, out Opcode opcode))
        {
            throw _cursor.UnexpectedError();
        }

        return opcode;
    }

    private void ReadFlat(CodeBuffer output)
    {
        Token token = _cursor.Current;
        Opcode opcode = ReadOpcode();
        if (TakeBranchHint(_cursor.Position, opcode) is byte hint)
        {
            BranchHints.Add((output.Code.Length, hint));
        }

        _cursor.Position++;
        switch (opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.TryTable:
                OpenBlock(opcode, token, FrameKind.FlatBlock, output);
                break;
            case Opcode.If:
                OpenBlock(opcode, token, FrameKind.FlatIf, output);
                break;
            case Opcode.Try:
                OpenBlock(opcode, token, FrameKind.FlatTry, output);
                break;
            case Opcode.Else:
                ContinueFlat(token, opcode, output, FrameKind.FlatIf, FrameKind.FlatIf, FrameKind.FlatElse);
                break;
            case Opcode.Catch:
                ContinueFlat(token, opcode, output, FrameKind.FlatTry, FrameKind.FlatCatch, FrameKind.FlatCatch);
                break;
            case Opcode.CatchAll:
                ContinueFlat(token, opcode, output, FrameKind.FlatTry, FrameKind.FlatCatch, FrameKind.FlatCatchAll);
                break;
            case Opcode.Delegate:
                EndFlat(isEnd: false, FrameKind.FlatTry);
                WriteInstruction(opcode, token, output);
                break;
            case Opcode.End:
                EndFlat(isEnd: true, FrameKind.FlatCatchAll);
                output.Mark(token.Start);
                output.Code.WriteByte((byte)Opcode.End);
                break;
            default:
                WriteInstruction(opcode, token, output);
                break;
        }
    }

    /// <summary>else, catch, catch_all: the block goes on with another arm.</summary>
    private void ContinueFlat(Token token, Opcode opcode, CodeBuffer output, FrameKind first, FrameKind last, FrameKind next)
    {
        if (_frames.Count == 0 || _frames[^1].Kind < first || _frames[^1].Kind > last)
        {
            _cursor.Position--;
            _cursor.Unexpected();
        }

        if (opcode == Opcode.Else)
        {
            CheckLabel();
        }

        _frames[^1] = _frames[^1] with { Kind = next };
        WriteInstruction(opcode, token, output);
    }

    private void EndFlat(bool isEnd, FrameKind last)
    {
        if (_frames.Count == 0 || _frames[^1].Kind > last || (!isEnd && _frames[^1].Kind != last))
        {
            _cursor.Position--;
            _cursor.Unexpected();
        }

        if (isEnd)
        {
            CheckLabel();
        }

        _labels.Pop();
        _frames.RemoveAt(_frames.Count - 1);
    }

    /// <summary>A label behind end or else repeats the block's.</summary>
    private void CheckLabel()
    {
        int position = _cursor.Position;
        if (_types.TryReadSymbol(out int symbol) && symbol != _labels.Innermost)
        {
            _cursor.Fail($"mismatching label {_types.IdentifierText(symbol)}", position);
        }
    }

    /// <summary>A block whose opcode comes before everything inside: written at once.</summary>
    private void OpenBlock(Opcode opcode, Token token, FrameKind kind, CodeBuffer output)
    {
        if (!_types.TryReadSymbol(out int symbol))
        {
            symbol = LabelScope.Anonymous;
        }

        WriteInstruction(opcode, token, output);
        _labels.Push(symbol);
        _frames.Add(new Frame(kind, 0, token.Start, symbol));
    }

    private void OpenFolded(CodeBuffer output)
    {
        FrameKind? top = _frames.Count == 0 ? null : _frames[^1].Kind;
        _cursor.Position++;
        Token token = _cursor.Current;
        if (top is FrameKind.FoldedIf or FrameKind.FoldedIfAfterThen && TryOpenArmOfIf(top.Value, token, output))
        {
            return;
        }

        if (top is FrameKind.FoldedTry or FrameKind.FoldedTryAfterDo or FrameKind.FoldedTryAfterCatch)
        {
            OpenArmOfTry(top.Value, token, output);
            return;
        }

        if (top is FrameKind.FoldedIfAfterThen or FrameKind.FoldedIfAfterElse or FrameKind.FoldedTryAfterCatchAll or FrameKind.FoldedTryDelegated)
        {
            _cursor.Unexpected();
        }

        Opcode opcode = ReadOpcode();
        byte? hint = TakeBranchHint(_cursor.Position - 1, opcode);
        _cursor.Position++;
        switch (opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.TryTable:
                OpenBlock(opcode, token, FrameKind.FoldedBlock, output);
                break;

            case Opcode.Try:
                OpenBlock(opcode, token, FrameKind.FoldedTry, output);
                break;

            case Opcode.If:
                OpenPending(opcode, token, FrameKind.FoldedIf, _types.TryReadSymbol(out int symbol) ? symbol : LabelScope.Anonymous, hint);
                break;

            case Opcode.Else or Opcode.End or Opcode.Catch or Opcode.CatchAll or Opcode.Delegate:
                _cursor.Position--;
                _cursor.Unexpected();
                break;

            default:
                OpenPending(opcode, token, FrameKind.FoldedPlain, LabelScope.Anonymous, hint);
                break;
        }
    }

    private bool TryOpenArmOfIf(FrameKind top, Token token, CodeBuffer output)
    {
        if (top == FrameKind.FoldedIf && _cursor.TryKeyword("then"u8))
        {
            // The condition stands outside of the label, the arms inside.
            Frame frame = _frames[^1];
            FlushPending(frame, output);
            _labels.Push(frame.Symbol);
            _frames[^1] = frame with { Kind = FrameKind.FoldedIfAfterThen };
        }
        else if (top == FrameKind.FoldedIfAfterThen && _cursor.TryKeyword("else"u8))
        {
            output.Mark(token.Start);
            output.Code.WriteByte((byte)Opcode.Else);
            _frames[^1] = _frames[^1] with { Kind = FrameKind.FoldedIfAfterElse };
        }
        else
        {
            return false;
        }

        _frames.Add(new Frame(FrameKind.FoldedArm, 0, token.Start, LabelScope.Anonymous));
        return true;
    }

    private void OpenArmOfTry(FrameKind top, Token token, CodeBuffer output)
    {
        if (top == FrameKind.FoldedTry)
        {
            if (!_cursor.TryKeyword("do"u8))
            {
                _cursor.Unexpected();
            }

            _frames[^1] = _frames[^1] with { Kind = FrameKind.FoldedTryAfterDo };
        }
        else
        {
            Opcode opcode = ReadOpcode();
            if (opcode is not (Opcode.Catch or Opcode.CatchAll) && (opcode != Opcode.Delegate || top != FrameKind.FoldedTryAfterDo))
            {
                _cursor.Unexpected();
            }

            _cursor.Position++;
            if (opcode == Opcode.Delegate)
            {
                // The label of delegate counts from outside of the try.
                _labels.Pop();
            }

            WriteInstruction(opcode, token, output);
            if (opcode == Opcode.Delegate)
            {
                _frames[^1] = _frames[^1] with { Kind = FrameKind.FoldedTryDelegated };
                _cursor.Close();
                return;
            }

            _frames[^1] = _frames[^1] with { Kind = opcode == Opcode.CatchAll ? FrameKind.FoldedTryAfterCatchAll : FrameKind.FoldedTryAfterCatch };
        }

        _frames.Add(new Frame(FrameKind.FoldedArm, 0, token.Start, LabelScope.Anonymous));
    }

    private void CloseFolded(CodeBuffer output)
    {
        Frame frame = _frames[^1];
        switch (frame.Kind)
        {
            case FrameKind.FoldedPlain:
                FlushPending(frame, output);
                break;

            case FrameKind.FoldedBlock or FrameKind.FoldedIfAfterThen or FrameKind.FoldedIfAfterElse
                or FrameKind.FoldedTryAfterDo or FrameKind.FoldedTryAfterCatch or FrameKind.FoldedTryAfterCatchAll:
                _labels.Pop();
                output.Mark(_cursor.Current.Start);
                output.Code.WriteByte((byte)Opcode.End);
                break;

            case FrameKind.FoldedArm or FrameKind.FoldedTryDelegated:
                break;

            default:
                _cursor.Unexpected();
                break;
        }

        _frames.RemoveAt(_frames.Count - 1);
        _cursor.Position++;
    }

    private void OpenPending(Opcode opcode, Token token, FrameKind kind, int symbol, byte? hint)
    {
        int start = _pending.Length;
        Write(opcode, _pending);
        _frames.Add(new Frame(kind, start, token.Start, symbol, hint));
    }

    private byte? TakeBranchHint(int tokenIndex, Opcode opcode) =>
        _inBody ? _annotations.TakeBranchHint(tokenIndex, opcode is Opcode.If or Opcode.BrIf) : null;

    private void FlushPending(Frame frame, CodeBuffer output)
    {
        if (frame.Hint is byte hint)
        {
            BranchHints.Add((output.Code.Length, hint));
        }

        output.Mark(frame.SourceOffset);
        output.Code.WriteBytes(_pending.Written[frame.PendingStart..]);
        _pending.Length = frame.PendingStart;
    }

    private void WriteInstruction(Opcode opcode, Token token, CodeBuffer output)
    {
        output.Mark(token.Start);
        Write(opcode, output.Code);
    }

    private void Write(Opcode opcode, ByteWriter writer)
    {
        _immediates.Read(opcode, out Instruction instruction);
        InstructionWriter.Write(writer, in instruction);
        UsesDataSegments |= OpcodeTable.Immediate(instruction.Opcode) is ImmediateKind.Data or ImmediateKind.DataAndMemory or ImmediateKind.TypeAndData;
    }

    private readonly record struct Frame(FrameKind Kind, int PendingStart, int SourceOffset, int Symbol, byte? Hint = null);
}
