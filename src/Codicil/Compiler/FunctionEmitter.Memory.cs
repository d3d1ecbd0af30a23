using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

using Codicil.Format.Instructions;
using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Linear memory. Addresses are native integers, never references: the JIT knows nothing of what lies behind them. In guard mode the access itself
/// traps; in checked mode a comparison does. What the JIT may do with an access that is unused or only partly used is kept from losing a trap:
/// see <see cref="EmitWideLoad"/>, <see cref="CanBeNarrowed"/>, <see cref="GuardAddressing"/>.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private bool EmitMemory(in Instruction instruction)
    {
        int index = (int)instruction.Index;
        int second = (int)instruction.SecondIndex;
        switch (instruction.Opcode)
        {
            case >= Opcode.I32Load and <= Opcode.I64Load32U:
                SelectMemory((int)instruction.Index);
                EmitLoad(instruction);
                SelectMemory(0);
                return true;
            case >= Opcode.I32Store and <= Opcode.I64Store32:
                SelectMemory((int)instruction.Index);
                EmitStore(instruction);
                SelectMemory(0);
                return true;
            case Opcode.MemorySize:
                Materialize();
                EmitLoadMemory(index);
                _il.Call(RuntimeMembers.Operation(Is64(index) ? nameof(InstanceOps.MemorySize64) : nameof(InstanceOps.MemorySize)));
                Push();
                return true;
            case Opcode.MemoryGrow:
                EnsureTop(1);
                EmitLoadMemory(index);
                _il.Call(RuntimeMembers.Operation(Is64(index) ? nameof(InstanceOps.MemoryGrow64) : nameof(InstanceOps.MemoryGrow)));
                return true;
            case Opcode.MemoryFill:
                EnsureTop(3);
                EmitLoadMemory(index);
                CallOperation(Is64(index) ? nameof(InstanceOps.MemoryFill64) : nameof(InstanceOps.MemoryFill), 3);
                return true;
            case Opcode.MemoryCopy:
                EnsureTop(3);
                bool isWide = Is64(index) || Is64(second);
                if (isWide)
                {
                    EmitWidened(Is64(index), Is64(second), Is64(index) && Is64(second));
                }

                EmitLoadMemory(index);
                EmitLoadMemory(second);
                CallOperation(isWide ? nameof(InstanceOps.MemoryCopy64) : nameof(InstanceOps.MemoryCopy), 3);
                return true;
            case Opcode.MemoryInit:
                EnsureTop(3);
                _il.LoadInt32(index);
                EmitLoadMemory(second);
                CallOperation(Is64(second) ? nameof(InstanceOps.MemoryInit64) : nameof(InstanceOps.MemoryInit), 3);
                return true;
            case Opcode.DataDrop:
                Materialize();
                _il.LoadInt32((int)instruction.Index);
                CallOperation(nameof(InstanceOps.DataDrop), 0);
                return true;
            default:
                return false;
        }
    }

    private bool Is64(int memory) => _format.Memories[memory].Is64;

    // The addresses and the length on top as 64 bits, whichever of them are not.
    private void EmitWidened(params ReadOnlySpan<bool> areWide)
    {
        var operands = new LocalBuilder[areWide.Length];
        for (int i = areWide.Length - 1; i >= 0; i--)
        {
            operands[i] = Scratch(areWide[i] ? OperandKind.I64 : OperandKind.I32);
            _il.StoreLocal(operands[i]);
        }

        for (int i = 0; i < operands.Length; i++)
        {
            _il.LoadLocal(operands[i]);
            if (!areWide[i])
            {
                _il.Emit(OpCodes.Conv_U8);
            }
        }
    }

    private void CallOperation(string name, int operands)
    {
        LoadInstance();
        _il.Call(RuntimeMembers.Operation(name));
        Pop(operands);
    }

    private void EmitLoadMemory(int index)
    {
        LoadInstance();
        if (index == 0)
        {
            _il.LoadField(RuntimeMembers.Memory0);
            return;
        }

        _il.LoadField(RuntimeMembers.LinearMemories);
        _il.LoadInt32(index);
        _il.Emit(OpCodes.Ldelem_Ref);
    }

    private void EmitLoad(in Instruction instruction)
    {
        int width = OpcodeTable.Width(instruction.Opcode);
        EmitLoadAddress(instruction.Bits, width);
        if (!_access.IsChecked && (instruction.Opcode is Opcode.I64Load or Opcode.F64Load))
        {
            EmitWideLoad(instruction.Opcode);
            return;
        }

        switch (instruction.Opcode)
        {
            case Opcode.I32Load:
                _il.Emit(OpCodes.Ldind_I4);
                break;
            case Opcode.I64Load:
                _il.Emit(OpCodes.Ldind_I8);
                break;
            case Opcode.F32Load:
                _il.Emit(OpCodes.Ldind_R4);
                break;
            case Opcode.F64Load:
                _il.Emit(OpCodes.Ldind_R8);
                break;
            case Opcode.I32Load8S:
                _il.Emit(OpCodes.Ldind_I1);
                break;
            case Opcode.I32Load8U:
                _il.Emit(OpCodes.Ldind_U1);
                break;
            case Opcode.I32Load16S:
                _il.Emit(OpCodes.Ldind_I2);
                break;
            case Opcode.I32Load16U:
                _il.Emit(OpCodes.Ldind_U2);
                break;
            case Opcode.I64Load8S:
                _il.Emit(OpCodes.Ldind_I1);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case Opcode.I64Load8U:
                _il.Emit(OpCodes.Ldind_U1);
                _il.Emit(OpCodes.Conv_U8);
                break;
            case Opcode.I64Load16S:
                _il.Emit(OpCodes.Ldind_I2);
                _il.Emit(OpCodes.Conv_I8);
                break;
            case Opcode.I64Load16U:
                _il.Emit(OpCodes.Ldind_U2);
                _il.Emit(OpCodes.Conv_U8);
                break;
            case Opcode.I64Load32S:
                _il.Emit(OpCodes.Ldind_I4);
                if (_access.IsChecked || !CanBeNarrowed(Opcode.I64Load32S, _nextOpcode))
                {
                    _il.Emit(OpCodes.Conv_I8);
                }

                break;
            default:
                _il.Emit(OpCodes.Ldind_U4);
                _il.Emit(OpCodes.Conv_U8);
                break;
        }

        if (!_access.IsChecked && CanBeNarrowed(instruction.Opcode, _nextOpcode))
        {
            EmitNarrowingBarrier();
            if (instruction.Opcode == Opcode.I64Load32S)
            {
                _il.Emit(OpCodes.Conv_I8);
            }
        }
    }

    /// <summary>
    /// A load of 8 bytes in guard mode, from the address on top. As an indirection of the JIT it would become one of 4 bytes where its value is not
    /// used, or a narrower one where only a part is, and the trap in the last bytes of the memory would be lost. As an intrinsic it stays what it is,
    /// and the machine code is the same: one load into a register of either kind. There is no guard memory without them; see SignalFilter.
    /// </summary>
    private void EmitWideLoad(Opcode opcode)
    {
        bool isFloat = opcode == Opcode.F64Load;
        if (_nextOpcode == (isFloat ? Opcode.F64Store : Opcode.I64Store))
        {
            // The whole value is used.
            _il.Emit(isFloat ? OpCodes.Ldind_R8 : OpCodes.Ldind_I8);
            return;
        }

        _il.Call(isFloat ? s_loadScalarDouble : s_loadScalarInt64);
        _il.Call(isFloat ? s_toScalarDouble : s_toScalarInt64);
    }

    /// <summary>
    /// Whether the JIT could make a load of 2 or 4 bytes narrower in guard mode: where only the low bits of its value are used, through masks, casts
    /// and bitwise operations, in the same expression or one that a local carries it to. An instruction that needs all bits rules that out.
    /// </summary>
    private static bool CanBeNarrowed(Opcode load, Opcode next) => load switch
    {
        Opcode.I32Load or Opcode.I32Load16S or Opcode.I32Load16U => next switch
        {
            >= Opcode.I32Eqz and <= Opcode.I32GeU => false,
            >= Opcode.I32Clz and <= Opcode.I32RemU => false,
            >= Opcode.I32Shl and <= Opcode.I32Rotr => false,
            >= Opcode.I32Load and <= Opcode.I64Load32U => false,
            Opcode.I32Store or Opcode.If or Opcode.BrIf or Opcode.BrTable or Opcode.I64ExtendI32U => false,
            Opcode.F32ConvertI32S or Opcode.F32ConvertI32U or Opcode.F64ConvertI32S or Opcode.F64ConvertI32U => false,
            _ => true,
        },
        Opcode.I64Load32S => next is not (Opcode.I64Store or (>= Opcode.I64Eqz and <= Opcode.I64GeU)),
        _ => false,
    };

    /// <summary>
    /// Two casts that leave an i32 as it is, and that the JIT's narrowing (<c>optNarrowTree</c>) does not pass: it stops at a cast from an unsigned
    /// number to a wider one. At most a move between registers, often nothing: a load of 4 bytes clears the upper half anyway.
    /// </summary>
    private void EmitNarrowingBarrier()
    {
        _il.Emit(OpCodes.Conv_U8);
        _il.Emit(OpCodes.Conv_I4);
    }

    private void EmitStore(in Instruction instruction)
    {
        int width = OpcodeTable.Width(instruction.Opcode);
        bool isConstant = _pending == PendingKind.Constant;
        EmitAddressBelow(StoredKind(instruction.Opcode), instruction.Bits, width);
        if (!_access.IsChecked && (isConstant || width == 1))
        {
            // The JIT merges adjacent stores of constants into a wider one, and the first would be lost when the second traps. RyuJIT 10 does so
            // with bytes, which may be constant without our knowing it, through a local. A volatile store is not merged with one before.
            _il.Emit(OpCodes.Volatile);
        }

        _il.Emit(instruction.Opcode switch
        {
            Opcode.I32Store or Opcode.I64Store32 => OpCodes.Stind_I4,
            Opcode.I64Store => OpCodes.Stind_I8,
            Opcode.F32Store => OpCodes.Stind_R4,
            Opcode.F64Store => OpCodes.Stind_R8,
            Opcode.I32Store8 or Opcode.I64Store8 => OpCodes.Stind_I1,
            _ => OpCodes.Stind_I2,
        });
        Pop(2);
    }

    private static OperandKind StoredKind(Opcode opcode) => opcode switch
    {
        Opcode.I32Store or Opcode.I32Store8 or Opcode.I32Store16 => OperandKind.I32,
        Opcode.F32Store => OperandKind.F32,
        Opcode.F64Store => OperandKind.F64,
        _ => OperandKind.I64,
    };

    // The intrinsics take pointers: found by the parameter's element type.
    private static MethodInfo LoadScalar(Type element) =>
        typeof(Sse2).GetMethod(nameof(Sse2.LoadScalarVector128), [element.MakePointerType()])!;

    private static readonly MethodInfo s_loadScalarInt64 = LoadScalar(typeof(long));
    private static readonly MethodInfo s_loadScalarDouble = LoadScalar(typeof(double));
    private static readonly MethodInfo s_toScalarInt64 = Method((Func<Vector128<long>, long>)Vector128.ToScalar);
    private static readonly MethodInfo s_toScalarDouble = Method((Func<Vector128<double>, double>)Vector128.ToScalar);
}
