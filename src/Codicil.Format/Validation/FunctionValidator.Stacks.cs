using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

// The operand stack and the control stack (A.3.1), and what goes wrong with them.
public sealed partial class FunctionValidator
{
    // Spans of one type, for the blocks whose type is one result.
    private static readonly ValType[] s_singles = [default, ValType.I32, ValType.I64, ValType.F32, ValType.F64, ValType.V128, ValType.FuncRef, ValType.ExternRef];

    private readonly Dictionary<ValType, ValType[]> _singleReferences = [];

    private ValType[] _operands = new ValType[64];
    private int _count;

    private Frame[] _frames = new Frame[16];
    private int _depth;

    // Copies from the innermost frame.
    private int _height;
    private bool _isUnreachable;

    private struct Frame
    {
        public Opcode Opcode;
        public BlockType BlockType;
        public int Height;

        /// <summary>The number of entries of the list of initialised locals when the block began.</summary>
        public int InitializedHeight;

        /// <summary>The last br_table that took this frame for a target.</summary>
        public int BranchTable;
        public bool IsFunction;
        public bool IsUnreachable;
    }

    private void Reset()
    {
        _count = 0;
        _depth = 0;
        _height = 0;
        _isUnreachable = false;
        _branchTables = 0;
    }

    private void Push(ValType type)
    {
        ValType[] operands = _operands;
        int count = _count;
        if ((uint)count < (uint)operands.Length)
        {
            operands[count] = type;
            _count = count + 1;
        }
        else
        {
            Grow(1);
            _operands[_count++] = type;
        }
    }

    private void PushTypes(ReadOnlySpan<ValType> types)
    {
        if (types.Length > _operands.Length - _count)
        {
            Grow(types.Length);
        }

        if (types.Length == 1)
        {
            _operands[_count] = types[0];
        }
        else
        {
            types.CopyTo(_operands.AsSpan(_count));
        }

        _count += types.Length;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int additional)
    {
        int needed = _count + additional;
        if (needed > ImplementationLimits.Operands)
        {
            throw new UnsupportedModuleException($"function {_functionIndex} has more than {ImplementationLimits.Operands} operands on the stack", WasmFeatures.None, _offset);
        }

        Array.Resize(ref _operands, int.Min(int.Max(needed, _operands.Length * 2), ImplementationLimits.Operands));
    }

    private void Pop(ValType expected)
    {
        ValType[] operands = _operands;
        int top = _count - 1;
        if (top >= _height && operands[top] == expected)
        {
            _count = top;
        }
        else
        {
            PopSlowly(expected);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void PopSlowly(ValType expected)
    {
        if (_count > _height)
        {
            ValType actual = _operands[_count - 1];
            if (!Matches(actual, expected))
            {
                FailMismatch(expected, actual);
            }

            _count--;
        }
        else if (!_isUnreachable)
        {
            FailMissing(expected);
        }
    }

    /// <summary>Takes the top operand, whatever it is: bottom where it is unknown.</summary>
    private ValType PopAny()
    {
        if (_count > _height)
        {
            return _operands[--_count];
        }

        if (!_isUnreachable)
        {
            Fail("type mismatch: instruction requires an operand but stack has []");
        }

        return ValType.Bottom;
    }

    /// <summary>Takes a reference of any type (A.3's pop_ref): one to bottom where it is unknown.</summary>
    private ValType PopReference()
    {
        ValType actual = PopAny();
        if (actual.IsBottom)
        {
            return ValType.Reference(false, HeapType.Bottom);
        }

        if (!actual.IsReference)
        {
            Fail($"type mismatch: instruction requires a reference but stack has [{actual}]");
        }

        return actual;
    }

    private void PopTypes(ReadOnlySpan<ValType> types)
    {
        for (int i = types.Length - 1; i >= 0; i--)
        {
            Pop(types[i]);
        }
    }

    /// <summary>Checks that the operands on the stack could be popped as <paramref name="types"/>, and leaves them.</summary>
    private void CheckTypes(ReadOnlySpan<ValType> types)
    {
        for (int i = types.Length - 1, index = _count - 1; i >= 0; i--, index--)
        {
            if (index < _height)
            {
                if (!_isUnreachable)
                {
                    FailMissing(types[i]);
                }

                return;
            }

            ValType actual = _operands[index];
            if (actual != types[i] && !Matches(actual, types[i]))
            {
                FailMismatch(types[i], actual);
            }
        }
    }

    private bool Matches(ValType actual, ValType expected)
    {
        if (actual == expected || actual.IsBottom)
        {
            return true;
        }

        // Only references have subtypes, and only then are canonical types needed.
        return actual.IsReference && expected.IsReference && TypeMatching.Matches(actual, expected, _context.Types);
    }

    private void PushFrame(Opcode opcode, BlockType blockType, bool isFunction)
    {
        if (_depth == _frames.Length)
        {
            Array.Resize(ref _frames, _frames.Length * 2);
        }

        if (_depth > 0)
        {
            _frames[_depth - 1].IsUnreachable = _isUnreachable;
        }

        ref Frame frame = ref _frames[_depth++];
        frame.Opcode = opcode;
        frame.BlockType = blockType;
        frame.Height = _count;
        frame.InitializedHeight = _initializedCount;
        frame.BranchTable = 0;
        frame.IsFunction = isFunction;
        frame.IsUnreachable = false;
        _height = _count;
        _isUnreachable = false;
    }

    /// <summary>Closes the innermost frame: its results, and nothing else, must be on the stack; they are taken.</summary>
    private void PopFrame(out Opcode opcode, out BlockType blockType)
    {
        ref readonly Frame frame = ref _frames[_depth - 1];
        opcode = frame.Opcode;
        blockType = frame.BlockType;
        if (!blockType.IsEmpty)
        {
            PopTypes(GetResults(blockType));
        }

        if (_count != _height)
        {
            FailSuperfluous();
        }

        if (_initializedCount != frame.InitializedHeight)
        {
            ForgetInitialized(frame.InitializedHeight);
        }

        if (--_depth > 0)
        {
            ref readonly Frame outer = ref _frames[_depth - 1];
            _height = outer.Height;
            _isUnreachable = outer.IsUnreachable;
        }
        else
        {
            _height = 0;
            _isUnreachable = false;
        }
    }

    private void SetUnreachable()
    {
        _count = _height;
        _isUnreachable = true;
    }

    private ref Frame Label(uint depth)
    {
        if (depth >= (uint)_depth)
        {
            Fail($"unknown label {depth}: {_depth} are open");
        }

        return ref _frames[_depth - 1 - (int)depth];
    }

    private ReadOnlySpan<ValType> LabelTypes(in Frame frame) =>
        frame.BlockType.IsEmpty ? [] : frame.Opcode == Opcode.Loop ? GetParameters(frame.BlockType) : GetResults(frame.BlockType);

    private ReadOnlySpan<ValType> Single(ValType type)
    {
        if (!type.IsReference)
        {
            return s_singles.AsSpan((int)type.Kind, 1);
        }

        if (type == ValType.FuncRef || type == ValType.ExternRef)
        {
            return s_singles.AsSpan(type == ValType.FuncRef ? 6 : 7, 1);
        }

        if (!_singleReferences.TryGetValue(type, out ValType[]? single))
        {
            single = [type];
            _singleReferences.Add(type, single);
        }

        return single;
    }

    [DoesNotReturn]
    private void Fail(string message) => throw new InvalidModuleException(message, _offset, _functionIndex < 0 ? null : _functionIndex);

    [DoesNotReturn]
    private void FailMismatch(ValType expected, ValType actual) => Fail($"type mismatch: instruction requires [{expected}] but stack has [{actual}]");

    [DoesNotReturn]
    private void FailMissing(ValType expected) => Fail($"type mismatch: instruction requires [{expected}] but stack has []");

    [DoesNotReturn]
    private void FailSuperfluous() => Fail($"type mismatch: {_count - _height} operands too many at the end of the block");

    [DoesNotReturn]
    private void FailUnknown(string what, uint index, int count) => Fail($"unknown {what} {index}: the module has {count}");

    // The grammar of 5.4.1 has these only inside their blocks, so what is wrong is the format, not the typing.
    [DoesNotReturn]
    private void ThrowMisplaced(string message) => throw new MalformedModuleException($"unexpected token: {message}", _offset);

    [DoesNotReturn]
    private static void ThrowFinished() => throw new InvalidOperationException("the function has ended, or none was begun");
}
