using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Exceptions. What may throw stands in a protected block of CIL, whose filter takes an exception of WebAssembly with one of the block's tags and no
/// other; the handler does nothing but leave, so that guest code never runs in one. Into a protected block and out of it the CIL stack is empty: operands
/// are in their places, and branches out are the instruction made for it.
/// </summary>
internal sealed partial class FunctionEmitter
{
    // The protected blocks that are open, from the outermost.
    private readonly List<TryBlock> _regions = [];
    private Dictionary<int, TryBlock>? _legacyBlocks;
    private Label? _functionLanding;
    private LocalBuilder? _caught;
    private LocalBuilder? _clause;
    private LocalBuilder? _delegated;
    private int _tryBlocks;
    private int _deepestTry;

    private int _tryDepth => _regions.Count;

    /// <summary>A try_table or a try of the first proposal.</summary>
    private sealed class TryBlock
    {
        /// <summary>The tag of each clause, -1 for one that takes all.</summary>
        public readonly List<int> Tags = [];

        /// <summary>For a try_table: its clauses.</summary>
        public readonly List<CatchClause> Clauses = [];

        /// <summary>For a try: whether it ends in delegate.</summary>
        public bool IsDelegate;

        public bool IsOpen;

        /// <summary>For a try: the exception that its catch clauses were given, for rethrow.</summary>
        public LocalBuilder? Exception;

        /// <summary>For a try: where its clauses begin.</summary>
        public Label[] Labels = [];

        public int NextClause;

        /// <summary>Where exceptions are thrown again that were delegated to this block.</summary>
        public Label? Landing;
    }

    private void EmitThrow(int tagIndex)
    {
        FunctionType type = _format.GetFunctionType(_format.Tags[tagIndex]);
        int count = type.Parameters.Length;
        EnsureTop(count);
        LocalBuilder exception = ScratchException();
        _il.LoadInt32(tagIndex);
        LoadInstance();
        _il.Call(RuntimeMembers.Exception(nameof(ExceptionOps.Create)));
        _il.StoreLocal(exception);
        for (int i = count - 1; i >= 0; i--)
        {
            _il.LoadLocal(exception);
            _il.LoadInt32(i);
            _il.Call(RuntimeMembers.Exception("Put" + ClrTypes.KindOf(type.Parameters[i])));
        }

        Pop(count);
        PopAll();
        EmitThrowLocal(exception);
    }

    private void EmitThrowRef()
    {
        LocalBuilder reference = Scratch(OperandKind.Reference);
        EnsureTop(1);
        _il.StoreLocal(reference);
        Pop(1);
        PopAll();
        _il.LoadLocal(reference);
        _il.Call(RuntimeMembers.Exception(nameof(ExceptionOps.ToThrow)));
        _il.Emit(OpCodes.Throw);
        _reachable = false;
    }

    private void EmitRethrow(int depth)
    {
        PopAll();
        EmitThrowLocal(FrameAt(depth).Try!.Exception!);
    }

    private void EmitThrowLocal(LocalBuilder exception)
    {
        _il.LoadLocal(exception);
        _il.Emit(OpCodes.Throw);
        _reachable = false;
    }

    private void EmitTryTable(in Instruction instruction)
    {
        Flush();
        PushFrame(instruction, default);
        if (instruction.VectorCount == 0)
        {
            return;
        }

        var block = new TryBlock();
        var reader = new VectorReader(instruction);
        for (int i = 0; i < instruction.VectorCount; i++)
        {
            CatchClause clause = reader.ReadCatch();
            block.Clauses.Add(clause);
            block.Tags.Add(clause.Kind is CatchKind.Catch or CatchKind.CatchRef ? (int)clause.Tag : -1);
        }

        OpenRegion(block);
    }

    private void EmitTry(in Instruction instruction)
    {
        Flush();
        PushFrame(instruction, default);
        _legacyBlocks ??= ScanLegacyBlocks();
        TryBlock block = _legacyBlocks[instruction.Offset];
        if (block.Tags.Count > 0 || block.IsDelegate)
        {
            OpenRegion(block);
        }
    }

    private void OpenRegion(TryBlock block)
    {
        if (_regions.Count >= CompilerLimits.NestedTryBlocks)
        {
            ThrowTooComplex();
        }

        // A label in front, if there is one, is not the block's first instruction: branches to it from inside leave.
        _il.Emit(OpCodes.Nop);
        _il.BeginTry();
        FrameAt(0).Try = block;
        block.IsOpen = true;
        _regions.Add(block);
        _tryBlocks++;
        _deepestTry = Math.Max(_deepestTry, _regions.Count);
    }

    // Ends what is protected, with the code that must be in it but not in the way.
    private void CloseRegion(TryBlock block, ref EmitFrame frame)
    {
        if (_reachable)
        {
            Flush();
            _il.Branch(OpCodes.Leave, frame.Label);
            frame.LabelUsed = true;
        }

        EmitDelegated(block.Landing);
        block.IsOpen = false;
        _regions.RemoveAt(_regions.Count - 1);
        _reachable = false;
        _onStack = 0;
    }

    private void EmitDelegated(Label? landing)
    {
        if (landing is Label label)
        {
            _il.Mark(label);
            _il.LoadLocal(_delegated!);
            _il.Emit(OpCodes.Throw);
        }
    }

    // The filter, which leaves the exception and the number of its clause in locals, and the handler; then the code behind.
    private void EmitFilter(List<int> tags)
    {
        _caught ??= _il.DeclareLocal(typeof(GuestException));
        _clause ??= _il.DeclareLocal(typeof(int));
        Label done = _il.DefineLabel();
        _il.BeginFilter();
        _il.Call(RuntimeMembers.Exception(nameof(ExceptionOps.Caught)));
        _il.StoreLocal(_caught);
        _il.LoadInt32(-1);
        _il.StoreLocal(_clause);
        for (int i = 0; i < tags.Count; i++)
        {
            Label next = _il.DefineLabel();
            _il.LoadLocal(_caught);
            if (tags[i] >= 0)
            {
                _il.LoadInt32(tags[i]);
                LoadInstance();
                _il.Call(RuntimeMembers.Exception(nameof(ExceptionOps.Has)));
            }

            _il.Branch(OpCodes.Brfalse, next);
            _il.LoadInt32(i);
            _il.StoreLocal(_clause);
            _il.Branch(OpCodes.Br, done);
            _il.Mark(next);
            if (tags[i] < 0)
            {
                break;
            }
        }

        _il.Mark(done);
        _il.LoadLocal(_clause);
        _il.LoadInt32(-1);
        _il.Emit(OpCodes.Cgt);
        _il.BeginHandler();
        _il.Emit(OpCodes.Pop);
        _il.EndTry();
    }

    // One of several places, by the number of the clause.
    private void EmitClauseSwitch(Label[] labels)
    {
        if (labels.Length > 1)
        {
            _il.LoadLocal(_clause!);
            _il.Switch(labels[..^1]);
        }

        _il.Branch(OpCodes.Br, labels[^1]);
    }

    private Label[] DefineLabels(int count)
    {
        var labels = new Label[count];
        for (int i = 0; i < count; i++)
        {
            labels[i] = _il.DefineLabel();
        }

        return labels;
    }

    // The frame is the block's and already off the list: the labels of its clauses count from outside.
    private void EmitEndOfTryTable(ref EmitFrame frame)
    {
        TryBlock block = frame.Try!;
        CloseRegion(block, ref frame);
        EmitFilter(block.Tags);
        Label[] labels = DefineLabels(block.Clauses.Count);
        EmitClauseSwitch(labels);
        for (int i = 0; i < labels.Length; i++)
        {
            _il.Mark(labels[i]);
            EmitCatchJump(block.Clauses[i]);
            CheckCilBytes();
        }
    }

    private void EmitCatchJump(CatchClause clause)
    {
        ref EmitFrame target = ref FrameAt((int)clause.Label);
        int height = target.IsFunction ? 0 : target.Height;
        if (clause.Kind is CatchKind.Catch or CatchKind.CatchRef)
        {
            foreach (ValType type in _format.GetFunctionType(_format.Tags[(int)clause.Tag]).Parameters)
            {
                OperandKind kind = ClrTypes.KindOf(type);
                EmitLoadCaught(_caught!, height - (target.IsFunction ? 0 : target.Height), kind);
                _il.StoreLocal(Slot(height++, kind));
            }
        }

        if (clause.Kind is CatchKind.CatchRef or CatchKind.CatchAllRef)
        {
            _il.LoadLocal(_caught!);
            _il.StoreLocal(Slot(height, OperandKind.Reference));
        }

        if (target.IsFunction)
        {
            _commonReturn ??= _il.DefineLabel();
            _il.Branch(_tryDepth > 0 ? OpCodes.Leave : OpCodes.Br, _commonReturn.Value);
            return;
        }

        Use(ref target);
        _il.Branch(JumpTo(target), target.Label);
    }

    private void EmitLoadCaught(LocalBuilder exception, int index, OperandKind kind)
    {
        _il.LoadLocal(exception);
        _il.LoadInt32(index);
        _il.Call(RuntimeMembers.Exception("Get" + kind));
    }

    // A clause of a try: the first ends what is protected.
    private void EmitCatch()
    {
        ref EmitFrame frame = ref FrameAt(0);
        if (!frame.ReachableAtStart)
        {
            return;
        }

        TryBlock block = frame.Try!;
        if (frame.Opcode == Opcode.Try)
        {
            CloseRegion(block, ref frame);
            frame.Opcode = Opcode.Catch;
            EmitFilter(block.Tags);
            block.Exception = _il.DeclareLocal(typeof(GuestException));
            block.Labels = DefineLabels(block.Tags.Count);
            _il.LoadLocal(_caught!);
            _il.StoreLocal(block.Exception);
            EmitClauseSwitch(block.Labels);
        }
        else if (_reachable)
        {
            Flush();
            _il.Branch(OpCodes.Br, frame.Label);
            frame.LabelUsed = true;
        }

        int clause = block.NextClause++;
        _il.Mark(block.Labels[clause]);
        _reachable = true;
        _onStack = 0;
        _count = frame.Height;
        if (block.Tags[clause] < 0)
        {
            return;
        }

        int index = 0;
        foreach (ValType type in _format.GetFunctionType(_format.Tags[block.Tags[clause]]).Parameters)
        {
            EmitLoadCaught(block.Exception!, index++, ClrTypes.KindOf(type));
            Push();
        }
    }

    // Exceptions go to the block of a label as if they had been thrown there: out of the blocks between, and then again.
    private void EmitDelegate(int depth)
    {
        EmitFrame frame = _frames[^1];
        _frames.RemoveAt(_frames.Count - 1);
        if (!frame.ReachableAtStart)
        {
            return;
        }

        ControlFrame control = _validator.GetFrame(0);
        CloseRegion(frame.Try!, ref frame);
        EmitFilter([-1]);
        ref EmitFrame target = ref FrameAt(depth);
        int region = target.TryDepth + (target.Try is { IsOpen: true } ? 1 : 0);
        if (region == _tryDepth)
        {
            EmitThrowLocal(_caught!);
        }
        else
        {
            _delegated ??= _il.DeclareLocal(typeof(GuestException));
            _il.LoadLocal(_caught!);
            _il.StoreLocal(_delegated);
            ref Label? landing = ref region == 0 ? ref _functionLanding : ref _regions[region - 1].Landing;
            landing ??= _il.DefineLabel();
            _il.Branch(OpCodes.Leave, landing.Value);
        }

        _reachable = false;
        EmitJoin(frame, control, missingElse: false, isLoop: false);
    }

    // What each try of the body catches: its filter comes before its clauses.
    private Dictionary<int, TryBlock> ScanLegacyBlocks()
    {
        FunctionBody body = _format.Bodies[_functionIndex - _format.ImportedFunctionCount];
        var blocks = new Dictionary<int, TryBlock>();
        var open = new Stack<TryBlock?>();
        var reader = new InstructionReader(_format.Bytes.Span, body.InstructionsStart, body.Range.End);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            switch (instruction.Opcode)
            {
                case Opcode.Block or Opcode.Loop or Opcode.If or Opcode.TryTable:
                    open.Push(null);
                    break;
                case Opcode.Try:
                    open.Push(blocks[instruction.Offset] = new TryBlock());
                    break;
                case Opcode.Catch:
                    open.Peek()!.Tags.Add((int)instruction.Index);
                    break;
                case Opcode.CatchAll:
                    open.Peek()!.Tags.Add(-1);
                    break;
                case Opcode.Delegate:
                    open.Pop()!.IsDelegate = true;
                    break;
                case Opcode.End when open.Count > 0:
                    open.Pop();
                    break;
            }
        }

        return blocks;
    }

    private LocalBuilder ScratchException() => Scratch(9, typeof(GuestException));
}
