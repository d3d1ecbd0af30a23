using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>Blocks, branches and returns. At every label the CIL stack is empty and the label's operands are in their positions' locals.</summary>
internal sealed partial class FunctionEmitter
{
    private readonly List<EmitFrame> _frames = [];
    private long _backwardBranchBlocks;
    private int _loopDepth;
    private int _deepestLoop;
    private int _returns;
    private Label? _commonReturn;

    private struct EmitFrame
    {
        public Opcode Opcode;
        public Label Label;
        public Label Else;
        public bool IsFunction;
        public bool HasElse;
        public bool LabelUsed;
        public bool ReachableAtStart;

        /// <summary>Operands below the block, its parameters not counted.</summary>
        public int Height;

        /// <summary><see cref="CilWriter.Blocks"/> where it begins.</summary>
        public int FirstBlock;

        /// <summary>How many protected blocks are around its label.</summary>
        public int TryDepth;

        /// <summary>For a try block: its handlers.</summary>
        public TryBlock? Try;
    }

    private void PushFunctionFrame() => _frames.Add(new EmitFrame { Opcode = Opcode.Block, IsFunction = true, ReachableAtStart = true });

    private void EmitUnreachable(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable or Opcode.Try:
                _frames.Add(new EmitFrame { Opcode = instruction.Opcode });
                break;
            case Opcode.Catch or Opcode.CatchAll:
                EmitCatch();
                break;
            case Opcode.Delegate:
                EmitDelegate((int)instruction.Index);
                break;
            case Opcode.Else:
                EmitElse();
                break;
            case Opcode.End:
                EmitEnd();
                break;
        }
    }

    private bool EmitControl(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Nop:
                return true;
            case Opcode.Unreachable:
                PopAll();
                _il.Call(RuntimeMembers.Trap(nameof(Traps.Unreachable)));
                EndReachable();
                return true;
            case Opcode.Block:
                Flush();
                PushFrame(instruction, default);
                return true;
            case Opcode.Loop:
                Flush();
                PushFrame(instruction, default);
                _il.Mark(_frames[^1].Label);
                EmitInterruptPoll();
                return true;
            case Opcode.If:
                {
                    Label otherwise = _il.DefineLabel();
                    DetachCondition();
                    EmitBranch(otherwise, whenTrue: false);
                    PushFrame(instruction, otherwise, popped: 1);
                    return true;
                }

            case Opcode.TryTable:
                EmitTryTable(instruction);
                return true;
            case Opcode.Try:
                EmitTry(instruction);
                return true;
            case Opcode.Catch or Opcode.CatchAll:
                EmitCatch();
                return true;
            case Opcode.Delegate:
                EmitDelegate((int)instruction.Index);
                return true;
            case Opcode.Throw:
                EmitThrow((int)instruction.Index);
                return true;
            case Opcode.ThrowRef:
                EmitThrowRef();
                return true;
            case Opcode.Rethrow:
                EmitRethrow((int)instruction.Index);
                return true;
            case Opcode.Else:
                EmitElse();
                return true;
            case Opcode.End:
                EmitEnd();
                return true;
            case Opcode.Br:
                EmitJump((int)instruction.Index);
                _reachable = false;
                return true;
            case Opcode.BrIf:
                EmitBranchIf((int)instruction.Index);
                return true;
            case Opcode.BrTable:
                EmitBranchTable(instruction);
                return true;
            case Opcode.Return:
                EmitReturn();
                return true;
            case Opcode.Call:
                EmitCall((int)instruction.Index);
                return true;
            case Opcode.CallIndirect:
                EmitCallIndirect((int)instruction.Index, (int)instruction.SecondIndex);
                return true;
            case Opcode.CallRef:
                EmitCallRef((int)instruction.Index);
                return true;
            case Opcode.ReturnCall:
                EmitReturnCall((int)instruction.Index);
                return true;
            case Opcode.ReturnCallIndirect:
                EmitReturnCallIndirect((int)instruction.Index, (int)instruction.SecondIndex);
                return true;
            case Opcode.ReturnCallRef:
                EmitReturnCallRef((int)instruction.Index);
                return true;
            case Opcode.Drop:
                EmitDrop();
                return true;
            case Opcode.Select or Opcode.SelectTyped:
                EmitSelect();
                return true;
            default:
                return false;
        }
    }

    // After a call that does not return the JIT needs an end of the block.
    private void EndReachable()
    {
        _il.Emit(OpCodes.Ldnull);
        _il.Emit(OpCodes.Throw);
        _reachable = false;
    }

    private void PushFrame(in Instruction instruction, Label otherwise, int popped = 0)
    {
        int parameters = _validator.GetParameters(instruction.BlockType).Length;
        _frames.Add(new EmitFrame
        {
            Opcode = instruction.Opcode,
            Label = _il.DefineLabel(),
            Else = otherwise,
            ReachableAtStart = true,
            Height = _validator.OperandCount - popped - parameters,
            FirstBlock = _il.Blocks,
            TryDepth = _tryDepth,
        });
        if (instruction.Opcode == Opcode.Loop)
        {
            _deepestLoop = Math.Max(_deepestLoop, ++_loopDepth);
        }
    }

    private void EmitElse()
    {
        int index = _frames.Count - 1;
        EmitFrame frame = _frames[index];
        ControlFrame control = _validator.GetFrame(0);
        if (frame.ReachableAtStart)
        {
            if (_reachable)
            {
                Flush();
                _il.Branch(OpCodes.Br, frame.Label);
                frame.LabelUsed = true;
            }

            _il.Mark(frame.Else);
            _reachable = true;
            _onStack = 0;
            _count = frame.Height + _validator.GetStartTypes(control).Length;
        }

        frame.HasElse = true;
        _frames[index] = frame;
    }

    private void EmitEnd()
    {
        EmitFrame frame = _frames[^1];
        _frames.RemoveAt(_frames.Count - 1);
        ControlFrame control = _validator.GetFrame(0);
        if (frame.IsFunction)
        {
            if (_reachable)
            {
                EmitReturnValues();
            }

            EmitCommonReturn();
            EmitLandings();
            return;
        }

        if (!frame.ReachableAtStart)
        {
            return;
        }

        if (frame.Try is not null && frame.Opcode is Opcode.TryTable)
        {
            EmitEndOfTryTable(ref frame);
        }

        bool missingElse = frame.Opcode == Opcode.If && !frame.HasElse;
        bool isLoop = frame.Opcode == Opcode.Loop;
        _loopDepth -= isLoop ? 1 : 0;
        EmitJoin(frame, control, missingElse, isLoop);
    }

    // What is left of a block goes on here.
    private void EmitJoin(in EmitFrame frame, in ControlFrame control, bool missingElse, bool isLoop)
    {
        int results = _validator.GetEndTypes(control).Length;
        if (!missingElse && (isLoop || !frame.LabelUsed))
        {
            // Nothing joins here.
            if (!_reachable)
            {
                _onStack = 0;
                _count = frame.Height + results;
            }

            return;
        }

        if (_reachable)
        {
            Flush();
        }

        if (missingElse)
        {
            _il.Mark(frame.Else);
        }

        if (frame.LabelUsed)
        {
            _il.Mark(frame.Label);
        }

        _reachable = true;
        _onStack = 0;
        _count = frame.Height + results;
        if (results is > 0 and <= 4)
        {
            ReadOnlySpan<ValType> types = _validator.GetEndTypes(control);
            for (int i = 0; i < results; i++)
            {
                _il.LoadLocal(Slot(frame.Height + i, ClrTypes.KindOf(types[i])));
            }

            _onStack = results;
        }
    }

    private void EmitInterruptPoll()
    {
        if (!_module.IsInterruptible)
        {
            return;
        }

        Label go = _il.DefineLabel();
        LoadInstance();
        _il.LoadVolatileField(RuntimeMembers.InterruptFlag);
        _il.Branch(OpCodes.Brfalse, go);
        LoadInstance();
        _il.Call(RuntimeMembers.Trap(nameof(Traps.Interrupted)));
        _il.Mark(go);
    }

    private void Use(ref EmitFrame frame)
    {
        frame.LabelUsed = true;
        if (frame.Opcode == Opcode.Loop)
        {
            _backwardBranchBlocks += _il.Blocks - frame.FirstBlock;
            if (_backwardBranchBlocks > CompilerLimits.BackwardBranchBlocks)
            {
                ThrowTooComplex();
            }
        }
    }

    private ref EmitFrame FrameAt(int depth) => ref System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_frames)[_frames.Count - 1 - depth];

    private ReadOnlySpan<ValType> LabelTypes(int depth)
    {
        ControlFrame control = _validator.GetFrame((uint)depth);
        return control.Opcode == Opcode.Loop ? _validator.GetParameters(control.BlockType) : _validator.GetResults(control.BlockType);
    }

    /// <summary>An unconditional branch; the CIL stack is empty afterwards.</summary>
    private void EmitJump(int depth)
    {
        if (FrameAt(depth).IsFunction)
        {
            EmitReturnValues();
            return;
        }

        int arity = LabelTypes(depth).Length;
        if (arity > 0)
        {
            MoveToLabel(depth, arity);
        }

        PopAll();
        ref EmitFrame frame = ref FrameAt(depth);
        Use(ref frame);
        _il.Branch(JumpTo(frame), frame.Label);
    }

    // A branch out of a protected block is another instruction, which takes neither condition nor operands.
    private OpCode JumpTo(in EmitFrame frame) => frame.TryDepth == _tryDepth ? OpCodes.Br : OpCodes.Leave;

    // Moves the topmost operands to the places where the label wants them. They stay on the stack for the validator's count, not in CIL.
    private void MoveToLabel(int depth, int arity)
    {
        int height = FrameAt(depth).Height;
        if (_count - arity == height)
        {
            Flush();
            return;
        }

        EnsureTop(arity);
        int first = _count - arity;
        for (int i = arity - 1; i >= 0; i--)
        {
            _il.StoreLocal(Slot(height + i, KindAt(first + i)));
            _onStack--;
        }
    }

    private void EmitBranchIf(int depth)
    {
        DetachCondition();
        EmitConditionalJump(depth, whenTrue: true);
    }

    // The condition is on the CIL stack, or waits; everything else is in its place.
    private void EmitConditionalJump(int depth, bool whenTrue)
    {
        int arity = LabelTypes(depth).Length;
        bool isFunction = FrameAt(depth).IsFunction;
        int remaining = _count;
        if (!isFunction && (arity == 0 || remaining - arity == FrameAt(depth).Height) && FrameAt(depth).TryDepth == _tryDepth)
        {
            ref EmitFrame frame = ref FrameAt(depth);
            Use(ref frame);
            EmitBranch(frame.Label, whenTrue);
            return;
        }

        Label skip = _il.DefineLabel();
        EmitBranch(skip, !whenTrue);
        if (isFunction)
        {
            EmitReturnValues();
            _onStack = 0;
        }
        else
        {
            int height = FrameAt(depth).Height;
            int first = _count - arity;
            for (int i = 0; first != height && i < arity; i++)
            {
                OperandKind kind = KindAt(first + i);
                _il.LoadLocal(Slot(first + i, kind));
                _il.StoreLocal(Slot(height + i, kind));
            }

            Use(ref FrameAt(depth));
            _il.Branch(JumpTo(FrameAt(depth)), FrameAt(depth).Label);
        }

        _il.Mark(skip);
    }

    private void EmitBranchTable(in Instruction instruction)
    {
        Materialize();
        EnsureTop(1);
        LocalBuilder? index = null;
        int arity = LabelTypes((int)instruction.Index).Length;
        if (_onStack > 1)
        {
            index = Scratch(OperandKind.I32);
            _il.StoreLocal(index);
        }

        Pop(1);
        if (arity > 0)
        {
            Flush();
        }
        else
        {
            for (; _onStack > 0; _onStack--)
            {
                _il.Emit(OpCodes.Pop);
            }
        }

        if (index is not null)
        {
            _il.LoadLocal(index);
        }

        var trampolines = new Dictionary<int, Label>();
        var targets = new Label[instruction.VectorCount];
        var reader = new VectorReader(instruction);
        for (int i = 0; i < targets.Length; i++)
        {
            targets[i] = TableTarget((int)reader.ReadLabel(), arity, trampolines);
        }

        _il.Switch(targets);
        _il.Branch(OpCodes.Br, TableTarget((int)instruction.Index, arity, trampolines));
        foreach ((int depth, Label label) in trampolines)
        {
            _il.Mark(label);
            _onStack = 0;
            EmitJump(depth);
            CheckCilBytes();
        }

        _onStack = 0;
        _reachable = false;
    }

    private Label TableTarget(int depth, int arity, Dictionary<int, Label> trampolines)
    {
        ref EmitFrame frame = ref FrameAt(depth);
        if (!frame.IsFunction && (arity == 0 || _count - arity == frame.Height) && frame.TryDepth == _tryDepth)
        {
            Use(ref frame);
            return frame.Label;
        }

        if (!trampolines.TryGetValue(depth, out Label label))
        {
            label = _il.DefineLabel();
            trampolines.Add(depth, label);
        }

        return label;
    }

    private void EmitReturn()
    {
        EmitReturnValues();
        _reachable = false;
    }

    // ret wants nothing but the first result on the CIL stack; the others go into the context.
    private void EmitReturnValues()
    {
        int results = _type.Results.Length;
        if (++_returns > CompilerLimits.SeparateReturns || _tryDepth > 0)
        {
            EmitJumpToCommonReturn(results);
            return;
        }

        if (results == 0)
        {
            PopAll();
            _il.Emit(OpCodes.Ret);
            return;
        }

        EnsureTop(results);
        for (int i = results - 1; i > 0; i--)
        {
            OperandKind kind = ClrTypes.KindOf(_type.Results[i]);
            LocalBuilder value = Scratch(kind);
            _il.StoreLocal(value);
            EmitStoreExtraResult(i - 1, kind, value);
            _onStack--;
        }

        if (_onStack > 1)
        {
            LocalBuilder first = Scratch(ClrTypes.KindOf(_type.Results[0]));
            _il.StoreLocal(first);
            _onStack--;
            for (; _onStack > 0; _onStack--)
            {
                _il.Emit(OpCodes.Pop);
            }

            _il.LoadLocal(first);
        }

        _il.Emit(OpCodes.Ret);
    }

    // The results go to the places that the function's label would have.
    private void EmitJumpToCommonReturn(int results)
    {
        EnsureTop(results);
        for (int i = results - 1; i >= 0; i--)
        {
            _il.StoreLocal(Slot(i, ClrTypes.KindOf(_type.Results[i])));
            _onStack--;
        }

        PopAll();
        _commonReturn ??= _il.DefineLabel();
        _il.Branch(_tryDepth > 0 ? OpCodes.Leave : OpCodes.Br, _commonReturn.Value);
    }

    private void EmitCommonReturn()
    {
        if (_commonReturn is not Label label)
        {
            return;
        }

        _il.Mark(label);
        for (int i = _type.Results.Length - 1; i > 0; i--)
        {
            OperandKind kind = ClrTypes.KindOf(_type.Results[i]);
            EmitStoreExtraResult(i - 1, kind, Slot(i, kind));
        }

        if (_type.Results.Length > 0)
        {
            _il.LoadLocal(Slot(0, ClrTypes.KindOf(_type.Results[0])));
        }

        _il.Emit(OpCodes.Ret);
    }
}
