using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;

using Codicil.Execution;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Emits the CIL of one function, in lockstep with the validator, which knows the types. Operands live on the CIL stack as long as no branch
/// or label is near; at labels they are in locals, one for each operand position and kind, so that the CIL stack is empty there.
/// </summary>
internal sealed partial class FunctionEmitter
{
    /// <summary>
    /// More operands than this do not stay on the CIL stack: wherever a block ends the JIT moves each to a temporary of its own. With 48 a body of
    /// 600 bytes had a frame of 16 KiB, and one of 100 KiB a frame of 3 MiB.
    /// </summary>
    private const int MostStackOperands = 16;

    /// <summary>CIL has 65,534 locals.</summary>
    private const int MostLocals = 65_000;

    /// <summary>Scratch locals of a kind before they are used again: the JIT prefers locals with one definition.</summary>
    private const int MostScratchLocals = 128;

    /// <summary>
    /// Above this bound the stack is checked by an entry of its own before the frame exists. Smaller frames may reach below the limit, into
    /// <see cref="ManagedStore.StackReserve"/>: the caller's, which has checked its own address, and that of a function without calls, which does not check.
    /// </summary>
    private const int LargeFrameBytes = 32 * 1024;

    /// <summary>A leaf of at most this much CIL becomes part of its callers, as much as the JIT itself considers. It would often decide against it: see docs/decisions.md.</summary>
    private const int InlinedCilBytes = 100;

    /// <summary>Above this estimate CIL is zeroed as a whole.</summary>
    private const int MostExplicitlyZeroedLocals = 64;

    private readonly ModuleEmitter _module;
    private readonly WasmModule _format;
    private readonly FunctionValidator _validator;
    private readonly int _functionIndex;
    private readonly FunctionType _type;
    private readonly int _parameterCount;
    private readonly Dictionary<int, LocalBuilder> _slots = [];
    private readonly List<LocalBuilder>[] _scratch = new List<LocalBuilder>[ElementAddressPool + 1];
    private readonly int[] _nextScratch = new int[ElementAddressPool + 1];
    private readonly int[] _takenScratch = new int[ElementAddressPool + 1];

    private CilWriter _il = null!;
    private LocalBuilder[] _locals = [];
    private readonly LocalBuilder?[] _states = new LocalBuilder?[InlineStates.Capacity];
    private readonly Dictionary<int, MemoryAccess> _memories = [];
    private MemoryAccess _access = s_noAccess;
    private int _mostCilBytes;

    // Operands on the stack, and how many of the topmost are on the CIL stack (the pending one counts).
    private int _count;
    private int _onStack;
    private bool _reachable = true;
    private Opcode _nextOpcode;

    public FunctionEmitter(ModuleEmitter module, int functionIndex)
    {
        _module = module;
        _format = module.Format;
        _validator = module.Validator;
        _functionIndex = functionIndex;
        _type = _format.GetTypeOfFunction(functionIndex);
        _parameterCount = _type.Parameters.Length;
    }

    public FunctionFacts Emit(MethodBuilder method)
    {
        FunctionBody body = _format.Bodies[_functionIndex - _format.ImportedFunctionCount];
        if (body.Range.Length > CompilerLimits.FunctionBodyBytes)
        {
            throw new ResourceLimitException(
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"function {_functionIndex} is too large to compile: {body.Range.Length} bytes, the limit is {CompilerLimits.FunctionBodyBytes}"));
        }

        _validator.Begin(_functionIndex);
        Summary summary = Scan(body);
        bool large = BoundFrame(summary, body.LocalCount + summary.MostLocals, summary.MostTemporaries) > LargeFrameBytes;
        bool isListened = _module.Module.IsListened(_functionIndex);
        MethodBuilder target = large || isListened ? _module.DefineBody(_functionIndex) : method;
        if (body.LocalCount > MostExplicitlyZeroedLocals)
        {
            target.InitLocals = true;
        }

        _il = _module.CreateWriter(target);
        EmitPrologue(summary, body.LocalCount);
        EmitBody(body);
        int frame = BoundFrame(summary, _il.LocalCount, _il.Temporaries);
        if (large || isListened)
        {
            EmitCheckedEntry(method, target, large ? frame : 0, isListened, summary.HasTailCall);
        }

        bool isRefusedOptimization = _il.MostBranchesToOnePlace > CompilerLimits.OptimizedBranchesToOnePlace || _deepestLoop > CompilerLimits.OptimizedLoopDepth
            || _tryBlocks > CompilerLimits.OptimizedTryBlocks || _deepestTry > CompilerLimits.OptimizedTryDepth;
        if (isRefusedOptimization)
        {
            target.SetImplementationFlags(target.GetMethodImplementationFlags() | MethodImplAttributes.NoInlining | MethodImplAttributes.NoOptimization);
        }

        else if (target == method && IsInlinedLeaf(summary))
        {
            method.SetImplementationFlags(method.GetMethodImplementationFlags() | MethodImplAttributes.AggressiveInlining);
        }

        _module.Record(target, _il);
        return new FunctionFacts(_functionIndex, _il.Bytes, _il.Instructions, _il.LocalReferences, _il.Blocks, frame, isRefusedOptimization);
    }

    // One that is there to trap keeps its frame, whose name is what a trap is read for, and stays out of the way.
    private bool IsInlinedLeaf(in Summary summary) => _il.Bytes <= InlinedCilBytes && summary.Calls == 0 && !summary.HasLoop && !summary.HasUnreachable && _tryBlocks == 0;

    // Everything may have a place of its own, 8 bytes each, or 16 where there are vectors; the arguments of calls that do not fit in registers are in the frame, too. The JIT's own
    // spills were 2 % at most.
    private int BoundFrame(in Summary summary, int locals, int temporaries) =>
        (int)Math.Min(int.MaxValue / 2, ((long)_parameterCount + locals + temporaries + summary.MostArguments + 64) * (summary.UsesVectors ? 34 : 17) / 2);

    private Summary Scan(FunctionBody body)
    {
        Summary summary = default;
        ConstantIndexScan index = default;
        LoopScan loops = default;
        summary.UsesVectors = _validator.Locals.Contains(ValType.V128);
        int instructions = 0;
        int branches = 0;
        var reader = new InstructionReader(_format.Bytes.Span, body.InstructionsStart, body.Range.End);
        while (!reader.AtEnd)
        {
            reader.Read(out Instruction instruction);
            instructions++;
            switch (instruction.Opcode)
            {
                case Opcode.Call or Opcode.ReturnCall:
                    summary.HasTailCall |= instruction.Opcode == Opcode.ReturnCall;
                    summary.AddCall(_format.GetTypeOfFunction((int)instruction.Index));
                    if (FindBoundImport((int)instruction.Index) is not null)
                    {
                        summary.StateSlots |= 1u << _module.Module.StateSlots[(int)instruction.Index];
                    }

                    break;
                case Opcode.CallIndirect or Opcode.CallRef or Opcode.ReturnCallIndirect or Opcode.ReturnCallRef:
                    summary.AddCall(_format.GetFunctionType((int)instruction.Index));
                    summary.HasTailCall |= instruction.Opcode is Opcode.ReturnCallIndirect or Opcode.ReturnCallRef;
                    branches += 2;
                    break;
                case Opcode.Throw or Opcode.Catch:
                    summary.UsesVectors |= _format.GetFunctionType(_format.Tags[(int)instruction.Index]).Parameters.Contains(ValType.V128);
                    branches++;
                    break;
                case Opcode.Loop:
                    summary.HasLoop = true;
                    break;
                case Opcode.Unreachable:
                    summary.HasUnreachable = true;
                    break;
                default:
                    summary.UsesVectors |= IsVector(instruction.Opcode) || (instruction.Opcode == Opcode.GlobalGet && _format.Globals[(int)instruction.Index].Type == ValType.V128);
                    if (OpcodeTable.Immediate(instruction.Opcode) is ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane)
                    {
                        int memory = (int)instruction.Index;
                        summary.Use(memory).See(instruction, index.Offset, loops.Depth);
                        branches += IsChecked(memory) || Is64(memory) ? 2 : 0;
                    }

                    break;
            }

            loops.See(instruction.Opcode);
            index.See(instruction);
        }

        // Only these branch with operands on the CIL stack, and few have many there; the bound is checked against what is written.
        summary.MostTemporaries = (2 * instructions) + (branches * MostStackOperands);
        summary.MostLocals = Math.Min(instructions, 1024);
        return summary;
    }

    private void EmitPrologue(Summary summary, int localCount)
    {
        ReadOnlySpan<ValType> types = _validator.Locals[_parameterCount..];
        if (localCount > MostLocals)
        {
            ThrowTooComplex();
        }

        _locals = new LocalBuilder[localCount];
        for (int i = 0; i < localCount; i++)
        {
            OperandKind kind = ClrTypes.KindOf(types[i]);
            _locals[i] = _il.DeclareLocal(ClrTypes.Of(kind));
            if (localCount <= MostExplicitlyZeroedLocals)
            {
                EmitDefault(kind);
                _il.StoreLocal(_locals[i]);
            }
        }

        if (summary.Calls > 0)
        {
            EmitStackCheck(_il, _parameterCount, 0);
        }

        if (summary.HasLoop)
        {
            // The poll at a back-edge makes the JIT read fields anew in each round; a local it keeps.
            for (uint slots = summary.StateSlots; slots != 0; slots &= slots - 1)
            {
                int slot = BitOperations.TrailingZeroCount(slots);
                _states[slot] = _il.DeclareLocal(typeof(object));
                EmitLoadState(slot);
                _il.StoreLocal(_states[slot]!);
            }
        }

        foreach ((int memory, MemoryUse use) in summary.Memories ?? [])
        {
            _memories.Add(memory, EmitMemoryAccess(memory, use));
        }

        SelectMemory(0);
    }

    // The address of a local against the limit. The local also keeps the JIT from turning a call before ret into a jump, which would
    // make an endless recursion an endless loop.
    private static void EmitStackCheck(CilWriter il, int instanceArgument, int frameBytes)
    {
        LocalBuilder marker = il.DeclareLocal(typeof(int));
        Label ok = il.DefineLabel();
        il.LoadLocalAddress(marker);
        il.Emit(OpCodes.Conv_U);
        if (frameBytes != 0)
        {
            il.LoadInt32(frameBytes);
            il.Emit(OpCodes.Conv_U);
            il.Emit(OpCodes.Sub);
        }

        il.LoadArgument(instanceArgument);
        il.LoadField(RuntimeMembers.Context);
        il.LoadVolatileField(RuntimeMembers.StackLimit);
        il.Branch(OpCodes.Bge_Un, ok);
        il.LoadArgument(instanceArgument);
        il.Call(RuntimeMembers.Trap(nameof(Traps.StackCheckFailed)));
        il.Mark(ok);
    }

    private void EmitCheckedEntry(MethodBuilder entry, MethodBuilder body, int frameBytes, bool isListened, bool isTailCall)
    {
        CilWriter il = _module.CreateWriter(entry);
        if (frameBytes >= _module.MaxStackBytes)
        {
            il.LoadInt32(_functionIndex);
            il.LoadInt32(frameBytes);
            il.LoadArgument(_parameterCount);
            il.Call(RuntimeMembers.Trap(nameof(Traps.FrameTooLarge)));
        }

        EmitStackCheck(il, _parameterCount, frameBytes);
        if (isListened)
        {
            entry.SetImplementationFlags(MethodImplAttributes.IL | MethodImplAttributes.NoInlining);
            ListenerEmitter.EmitEntry(entry.GetILGenerator(), _type, _functionIndex, body);
            return;
        }

        for (int i = 0; i <= _parameterCount; i++)
        {
            il.LoadArgument(i);
        }

        if (isTailCall)
        {
            // The body gives its frame up for others: so must its entry.
            il.TailCall(body);
        }
        else
        {
            il.Call(body);
            il.Emit(OpCodes.Ret);
        }

        _module.Record(entry, il);
    }

    private void EmitBody(FunctionBody body)
    {
        PushFunctionFrame();
        _mostCilBytes = (int)Math.Min(CompilerLimits.CilBytes, CompilerLimits.LeastCilBytes + ((long)body.Range.Length * CompilerLimits.CilBytesPerByte));
        var reader = new InstructionReader(_format.Bytes.Span, body.InstructionsStart, body.Range.End);
        reader.Read(out Instruction instruction);
        while (true)
        {
            bool last = reader.AtEnd;
            Instruction next = default;
            if (!last)
            {
                reader.Read(out next);
            }

            _nextOpcode = next.Opcode;
            Array.Clear(_takenScratch);
            BeginIndexing(instruction);
            if (_onStack > MostStackOperands)
            {
                Flush();
            }

            _il.Operands = _onStack;

            if (!_reachable)
            {
                EmitUnreachable(instruction);
            }
            else if (!TryIndex(instruction.Opcode))
            {
                EmitInstruction(instruction);
            }

            _bounds.Step(instruction);
            FollowGlobal(instruction);

            _validator.Step(instruction);
            CheckCilBytes();
            if (last)
            {
                return;
            }

            instruction = next;
        }
    }

    private void CheckCilBytes()
    {
        if (_il.Bytes > _mostCilBytes)
        {
            ThrowTooComplex();
        }
    }

    private void EmitInstruction(in Instruction instruction)
    {
        if (IsVector(instruction.Opcode) ? EmitVector(instruction) : EmitControl(instruction) || EmitConstant(instruction) || EmitNumeric(instruction.Opcode) || EmitWide(instruction.Opcode) || EmitMemory(instruction) || EmitReference(instruction) || EmitAggregate(instruction) || EmitCast(instruction) || EmitAtomic(instruction))
        {
            return;
        }

        throw new Format.UnsupportedModuleException(
            $"{OpcodeTable.Mnemonic(instruction.Opcode)} is not supported by the compiler engine", OpcodeTable.Feature(instruction.Opcode), instruction.Offset);
    }

    private void ThrowTooComplex() => throw new ResourceLimitException(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"function {_functionIndex} is too complex to compile: too many locals, operands or branches"));

    private void LoadInstance() => _il.LoadArgument(_parameterCount);

    private void EmitDefault(OperandKind kind)
    {
        switch (kind)
        {
            case OperandKind.I32:
                _il.LoadInt32(0);
                break;
            case OperandKind.I64:
                _il.LoadInt64(0);
                break;
            case OperandKind.F32:
                _il.LoadSingle(0);
                break;
            case OperandKind.F64:
                _il.LoadDouble(0);
                break;
            case OperandKind.V128:
                EmitVectorConstant(0, 0);
                break;
            default:
                _il.Emit(OpCodes.Ldnull);
                break;
        }
    }

    private OperandKind KindAt(int position) => ClrTypes.KindOf(_validator.PeekOperand(_validator.OperandCount - 1 - position));

    private LocalBuilder Slot(int position, OperandKind kind)
    {
        int key = (position << 3) | (int)kind;
        if (!_slots.TryGetValue(key, out LocalBuilder? slot))
        {
            if (_il.LocalCount >= MostLocals)
            {
                ThrowTooComplex();
            }

            slot = _il.DeclareLocal(ClrTypes.Of(kind));
            _slots.Add(key, slot);
        }

        return slot;
    }

    private LocalBuilder Scratch(OperandKind kind) => Scratch((int)kind, ClrTypes.Of(kind));

    private LocalBuilder ScratchFunction() => Scratch(7, typeof(FunctionInstance));

    private LocalBuilder ScratchFunctions() => Scratch(8, typeof(FunctionInstance[]));

    // An instruction may need all that it takes at once, so none is given to it twice: the reused ones are those that were taken longest ago.
    private LocalBuilder Scratch(int kind, Type type)
    {
        List<LocalBuilder> pool = _scratch[kind] ??= [];
        int taken = _takenScratch[kind]++;
        bool hasRoom = _il.LocalCount < MostLocals;
        if (taken >= pool.Count ? hasRoom : pool.Count < MostScratchLocals && hasRoom)
        {
            LocalBuilder local = _il.DeclareLocal(type);
            pool.Add(local);
            _nextScratch[kind] = 0;
            return local;
        }

        if (taken >= pool.Count)
        {
            ThrowTooComplex();
        }

        int next = _nextScratch[kind];
        _nextScratch[kind] = (next + 1) % pool.Count;
        return pool[next];
    }

    private void Push()
    {
        _count++;
        _onStack++;
    }

    private void Pop(int count)
    {
        _count -= count;
        _onStack -= count;
    }

    /// <summary>Moves every operand from the CIL stack to the local of its position.</summary>
    private void Flush()
    {
        Materialize();
        for (int position = _count - 1; _onStack > 0; position--)
        {
            _il.StoreLocal(Slot(position, KindAt(position)));
            _onStack--;
        }

        _il.Operands = 0;
    }

    /// <summary>Makes sure that the topmost operands are on the CIL stack.</summary>
    private void EnsureTop(int count)
    {
        Materialize();
        if (_onStack >= count)
        {
            return;
        }

        Flush();
        LoadSlots(_count - count, count);
        _onStack = count;
    }

    private void LoadSlots(int position, int count)
    {
        for (int i = 0; i < count; i++)
        {
            _il.LoadLocal(Slot(position + i, KindAt(position + i)));
        }
    }

    /// <summary>Drops what is on the CIL stack, for code that does not go on.</summary>
    private void PopAll()
    {
        Materialize();
        for (; _onStack > 0; _onStack--)
        {
            _il.Emit(OpCodes.Pop);
        }
    }

    private struct Summary
    {
        public int Calls;
        /// <summary>The memories that loads and stores access; null for none.</summary>
        public SortedDictionary<int, MemoryUse>? Memories;

        public bool HasLoop;
        public bool HasTailCall;
        public bool HasUnreachable;
        public bool UsesVectors;
        public uint StateSlots;

        /// <summary>The parameters of the call that has the most.</summary>
        public int MostArguments;

        /// <summary>A bound for the emitter's own locals.</summary>
        public int MostLocals;

        /// <summary>A bound for <see cref="CilWriter.Temporaries"/>.</summary>
        public int MostTemporaries;

        public MemoryUse Use(int memory)
        {
            Memories ??= [];
            if (!Memories.TryGetValue(memory, out MemoryUse? use))
            {
                Memories.Add(memory, use = new MemoryUse());
            }

            return use;
        }

        public void AddCall(FunctionType type)
        {
            Calls++;
            MostArguments = Math.Max(MostArguments, type.Parameters.Length);
            UsesVectors |= type.Parameters.Contains(ValType.V128) || type.Results.Contains(ValType.V128);
        }
    }
}

/// <summary>What the compiler engine refuses, with a typed error.</summary>
internal static class CompilerLimits
{
    /// <summary>The largest body in bytes: beyond, the JIT's time and memory for one method are out of proportion (measured in docs/decisions.md).</summary>
    public const int FunctionBodyBytes = 1024 * 1024;

    /// <summary>
    /// The most blocks that branches back to loops may span in one function, added up: the JIT walks over all of them for each branch, some 4 ns a
    /// block. Interpreters that toolchains compile have a thousand branches over a thousand blocks.
    /// </summary>
    public const long BackwardBranchBlocks = 1L << 28;

    /// <summary>Above this the JIT does not optimise: 1,000 forward branches to one place take it 0.4 s, and 1,900 take 2.5 s.</summary>
    public const int OptimizedBranchesToOnePlace = 1000;

    /// <summary>Above this the JIT does not optimise: loops in loops take it 0.1 s at a depth of 250, and 1.2 s at 600.</summary>
    public const int OptimizedLoopDepth = 250;

    /// <summary>Protected blocks in protected blocks: 600 take the JIT a second even without optimisation, and 1,000 take it four.</summary>
    public const int NestedTryBlocks = 640;

    /// <summary>Above this the JIT does not optimise: 99 protected blocks in each other take it 0.8 s.</summary>
    public const int OptimizedTryDepth = 40;

    /// <summary>Above this the JIT does not optimise: it looks at every protected block for each of its values.</summary>
    public const int OptimizedTryBlocks = 400;

    /// <summary>Returns that end where they are; further ones go to a common end. The JIT makes one end of them in time that grows with the square of their number.</summary>
    public const int SeparateReturns = 256;

    /// <summary>The most CIL of one function. Instructions with a thousand operands make much of little; real code has about three times its bytes.</summary>
    public const int CilBytes = 8 * 1024 * 1024;

    /// <summary>The CIL that every function may have.</summary>
    public const int LeastCilBytes = 256 * 1024;

    /// <summary>The CIL that a function may have beyond <see cref="LeastCilBytes"/> for each byte of its body.</summary>
    public const int CilBytesPerByte = 64;
}
