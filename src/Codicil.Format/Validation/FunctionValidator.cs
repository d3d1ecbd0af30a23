using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

/// <summary>
/// Validates the instructions of one function after another, in lockstep with whoever reads them: a consumer reads an instruction, lets the validator step,
/// and asks it for the types and heights before or after. Linear in the size of the body, no recursion; its buffers are kept from function to function.
/// Not thread-safe; several can walk functions of one module at the same time. The <see cref="InstructionReader"/> refuses the instructions of
/// proposals that are switched off.
/// </summary>
/// <remarks>WebAssembly 3.0, 3.4 Instructions and A.3 Validation Algorithm.</remarks>
public sealed partial class FunctionValidator
{
    private readonly ModuleContext _context;
    private readonly WasmModule _module;
    private readonly WasmFeatures _features;
    private readonly FunctionType?[] _functionTypes;
    private readonly ValType _addressOfMemory0;

    private FunctionType _functionType = FunctionType.Empty;
    private int _functionIndex = -1;
    private int _offset;
    private int _visibleGlobals;
    private bool _isConstant;

    /// <summary>A validator of functions of <paramref name="module"/>, whose own parts (types, tables, segments and so on) must be valid.</summary>
    public FunctionValidator(WasmModule module)
        : this(new ModuleContext(module))
    {
    }

    /// <summary>A validator that shares what is known of a valid module with others, so that making one costs little even where there are many types.</summary>
    public FunctionValidator(ValidatedModule module)
        : this(module.Context)
    {
    }

    internal FunctionValidator(ModuleContext context)
    {
        _context = context;
        _module = context.Module;
        _features = _module.Features;
        _functionTypes = context.FunctionTypes;
        _addressOfMemory0 = _module.Memories.IsEmpty ? default : _module.Memories[0].AddressType;
    }

    /// <summary>The function being walked, in the function index space; -1 in a constant expression.</summary>
    public int FunctionIndex => _functionIndex;

    /// <summary>The type of the function being walked; empty in a constant expression.</summary>
    public FunctionType FunctionType => _functionType;

    /// <summary>Whether the function's final <c>end</c> was seen.</summary>
    public bool IsFinished => _depth == 0;

    /// <summary>The number of operands on the stack, those of all frames.</summary>
    public int OperandCount => _count;

    /// <summary>The number of open frames, that of the function included.</summary>
    public int ControlDepth => _depth;

    /// <summary>Begins the walk of a defined function: reads its local declarations and opens its frame. The next step is its first instruction.</summary>
    /// <param name="functionIndex">The index in the function index space, behind the imports.</param>
    /// <exception cref="InvalidModuleException">A local's type does not exist.</exception>
    public void Begin(int functionIndex)
    {
        int bodyIndex = functionIndex - _module.ImportedFunctionCount;
        ArgumentOutOfRangeException.ThrowIfNegative(bodyIndex, nameof(functionIndex));
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bodyIndex, _module.Bodies.Length, nameof(functionIndex));
        int typeIndex = _module.Functions[functionIndex];
        _functionIndex = functionIndex;
        _functionType = _module.GetFunctionType(typeIndex);
        _isConstant = false;
        _visibleGlobals = _module.Globals.Length;
        Reset();
        BeginLocals(_functionType, _module.Bodies[bodyIndex]);
        PushFrame(Opcode.Block, new BlockType(typeIndex, default), isFunction: true);
    }

    /// <summary>Begins the walk of a constant expression (3.4.12).</summary>
    /// <param name="resultType">The type that the expression must have.</param>
    /// <param name="visibleGlobals">The number of globals that it can see, from the first import on.</param>
    public void BeginExpression(ValType resultType, int visibleGlobals)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(visibleGlobals, _module.Globals.Length);
        _functionIndex = -1;
        _functionType = FunctionType.Empty;
        _isConstant = true;
        _visibleGlobals = visibleGlobals;
        Reset();
        BeginLocals(_functionType, default);
        PushFrame(Opcode.Block, new BlockType(-1, resultType), isFunction: true);
    }

    /// <summary>The type of an operand, 0 being the top of the stack; bottom below the height of an unreachable frame.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many operands.</exception>
    public ValType PeekOperand(int depth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(depth);
        int index = _count - 1 - depth;
        if (index < _height && _isUnreachable)
        {
            return ValType.Bottom;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(index, nameof(depth));
        return _operands[index];
    }

    /// <summary>An open frame, 0 being the innermost: what a label of that depth means.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many frames.</exception>
    public ControlFrame GetFrame(uint depth)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(depth, (uint)_depth);
        ref readonly Frame frame = ref _frames[_depth - 1 - (int)depth];
        return new ControlFrame(frame.Opcode, frame.BlockType, frame.Height, frame.IsFunction, depth == 0 ? _isUnreachable : frame.IsUnreachable);
    }

    /// <summary>The parameters of a frame's block; empty for the frame of the function.</summary>
    public ReadOnlySpan<ValType> GetStartTypes(in ControlFrame frame) => frame.IsFunction ? [] : GetParameters(frame.BlockType);

    /// <summary>The results of a frame's block.</summary>
    public ReadOnlySpan<ValType> GetEndTypes(in ControlFrame frame) => GetResults(frame.BlockType);

    /// <summary>The operands that a branch to a frame takes: the parameters of a loop, the results of any other block.</summary>
    public ReadOnlySpan<ValType> GetLabelTypes(in ControlFrame frame) =>
        frame.Opcode == Opcode.Loop ? GetParameters(frame.BlockType) : GetResults(frame.BlockType);

    /// <summary>The parameters of a block type of the module.</summary>
    public ReadOnlySpan<ValType> GetParameters(BlockType type) =>
        type.TypeIndex >= 0 ? _functionTypes[type.TypeIndex]!.Parameters.AsSpan() : [];

    /// <summary>The results of a block type of the module.</summary>
    public ReadOnlySpan<ValType> GetResults(BlockType type) =>
        type.TypeIndex >= 0 ? _functionTypes[type.TypeIndex]!.Results.AsSpan()
        : type.Result == default ? []
        : Single(type.Result);

    /// <summary>Checks one instruction and lets it take and leave its operands.</summary>
    /// <exception cref="InvalidModuleException">The instruction is invalid where it stands.</exception>
    /// <exception cref="UnsupportedModuleException">A limit is exceeded, or a block has parameters and that proposal is switched off.</exception>
    /// <exception cref="MalformedModuleException">The instruction needs a data count section, and there is none, or it stands outside the block it belongs to.</exception>
    public void Step(in Instruction instruction)
    {
        _offset = instruction.Offset;
        if (_depth == 0)
        {
            ThrowFinished();
        }

        if (_isConstant)
        {
            CheckConstant(in instruction);
        }

        switch (instruction.Opcode)
        {
            case Opcode.Block:
            case Opcode.Loop:
            case Opcode.If:
                StepBlock(in instruction);
                break;
            case Opcode.Else:
                StepElse();
                break;
            case Opcode.End:
                StepEnd();
                break;
            case Opcode.Br:
                PopTypes(LabelTypes(Label(instruction.Index)));
                SetUnreachable();
                break;
            case Opcode.BrIf:
                StepBrIf(instruction.Index);
                break;
            case Opcode.Call:
                StepCall(instruction.Index);
                break;
            case Opcode.Drop:
                PopAny();
                break;
            case Opcode.Select:
                StepSelect();
                break;
            case Opcode.LocalGet:
                Push(ReadLocal(instruction.Index));
                break;
            case Opcode.LocalSet:
                Pop(WriteLocal(instruction.Index));
                break;
            case Opcode.LocalTee:
                StepLocalTee(instruction.Index);
                break;
            case Opcode.GlobalGet:
                Push(Global(instruction.Index).Type);
                break;
            case Opcode.GlobalSet:
                StepGlobalSet(instruction.Index);
                break;
            default:
                StepRow(in instruction);
                break;
        }
    }

    // Instructions that the table types: the fast paths test that the operands are there and are exactly the row's, everything else is
    // left to StepGeneral, which also finds the error.
    private void StepRow(in Instruction instruction)
    {
        int slot = (uint)instruction.Opcode < 0xFB ? (int)instruction.Opcode : OpcodeTable.Slot(instruction.Opcode);
        InstructionRow row = InstructionRow.All[slot];
        ValType[] operands = _operands;
        int top = _count - 1;
        switch (row.Shape)
        {
            case RowShape.Special:
                StepSpecial(in instruction);
                return;
            case RowShape.Push:
                Push(ValType.FromBits(row.Result));
                return;
            case RowShape.Unary:
                if (top >= _height && operands[top].Bits == row.Operand)
                {
                    operands[top] = ValType.FromBits(row.Result);
                    return;
                }

                break;
            case RowShape.Binary:
                if (top > _height && operands[top].Bits == row.Operand && operands[top - 1].Bits == row.GetOperand(1))
                {
                    operands[top - 1] = ValType.FromBits(row.Result);
                    _count = top;
                    return;
                }

                break;
            case RowShape.Load:
                {
                    ValType address = CheckAccess(in instruction, row);
                    if (top >= _height && operands[top] == address)
                    {
                        operands[top] = ValType.FromBits(row.Result);
                        return;
                    }

                    Pop(address);
                    Push(ValType.FromBits(row.Result));
                    return;
                }

            case RowShape.Store:
                {
                    ValType address = CheckAccess(in instruction, row);
                    Pop(ValType.FromBits(row.Operand));
                    Pop(address);
                    return;
                }
        }

        StepGeneral(in instruction, row);
    }

    private void StepGeneral(in Instruction instruction, InstructionRow row)
    {
        ValType address = default;
        switch (row.Immediate)
        {
            case ImmediateKind.MemoryArgument:
                address = CheckAccess(in instruction, row);
                break;
            case ImmediateKind.MemoryArgumentAndLane:
                address = CheckAccess(in instruction, row);
                CheckLane(instruction.Lane, 16 >> row.WidthLog2);
                break;
            case ImmediateKind.Memory:
                address = Address(instruction.Index);
                break;
            case ImmediateKind.Lane:
                CheckLane(instruction.Lane, 16 >> row.WidthLog2);
                break;
            case ImmediateKind.Lanes:
                CheckShuffle(instruction.Bits, instruction.HighBits);
                break;
        }

        for (int i = 0; i < row.OperandCount; i++)
        {
            Pop(TypeOf(row.GetOperand(i), address));
        }

        for (int i = 0; i < row.ResultCount; i++)
        {
            Push(TypeOf(row.GetResult(i), address));
        }
    }

    private static ValType TypeOf(int kind, ValType address) => kind == (int)OperandKind.Address ? address : ValType.FromBits(kind);

    private void CheckConstant(in Instruction instruction)
    {
        Opcode opcode = instruction.Opcode;
        if (OpcodeTable.IsConstant(opcode))
        {
            // Constant where a proposal is on that is off here: that is what the module lacks.
            FeatureGate.Require(_features, OpcodeTable.ConstantFeature(opcode), instruction.Offset);
        }
        else
        {
            Fail($"constant expression required: {OpcodeTable.Mnemonic(opcode)} is not constant");
        }

        if (opcode == Opcode.GlobalGet && instruction.Index < (uint)_visibleGlobals && _module.Globals[(int)instruction.Index].IsMutable)
        {
            Fail($"constant expression required: global {instruction.Index} is mutable");
        }
    }
}
