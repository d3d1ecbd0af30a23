using System.Numerics;
using System.Reflection.Emit;

using Codicil.Format.Instructions;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>
/// Indices into tables at constant addresses: <c>table[byte]</c> is a load8_u, a shift, an addition of a constant and a load. Where the index is so
/// small that none of this can wrap around 2^32, it is done in 64 bits, and the JIT makes one access of it, with scale and displacement.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private OperandBounds _bounds;

    /// <summary>Whether the topmost written operand, an i32, is on the CIL stack as 64 bits, the upper ones 0.</summary>
    private bool _isWide;

    /// <summary>What is still to be added to the wide operand. The sum is below 2^32.</summary>
    private uint _wideOffset;

    /// <summary>
    /// Called before each instruction: a wide operand stays wide for those that <see cref="TryIndex"/> takes over, and for loads, and becomes an i32 for every other.
    /// </summary>
    private void BeginIndexing(in Instruction instruction)
    {
        if (!_isWide)
        {
            return;
        }

        bool stays = instruction.Opcode switch
        {
            Opcode.I32Const => _pending == PendingKind.None && _nextOpcode == Opcode.I32Add && _onStack < MostStackOperands,
            Opcode.I32Add => _pending == PendingKind.Constant && _bounds.IsSumSmall,
            _ => IsScalarLoad(instruction.Opcode) && _pending == PendingKind.None && instruction.Index == 0 && CanAddOffset(instruction.Bits + _wideOffset),
        };
        if (!stays)
        {
            Narrow();
        }
    }

    /// <summary>Takes over an instruction that makes an index: a small number shifted, or a constant added to one.</summary>
    private bool TryIndex(Opcode opcode)
    {
        if (_pending != PendingKind.Constant || _onStack < 2)
        {
            return false;
        }

        switch (opcode)
        {
            case Opcode.I32Shl when _bounds.IsShiftSmall && (_nextOpcode == Opcode.I32Const || IsScalarLoad(_nextOpcode)):
                int count = (int)TakePending().Bits & 31;
                _il.Emit(OpCodes.Conv_U8);
                _il.LoadInt32(count);
                _il.Emit(OpCodes.Shl);
                _isWide = true;
                _wideOffset = 0;
                return true;
            case Opcode.I32Add when _isWide:
                _wideOffset += (uint)TakePending().Bits;
                return true;
            case Opcode.I32Add when _bounds.IsSumSmall && IsScalarLoad(_nextOpcode):
                _wideOffset = (uint)TakePending().Bits;
                _il.Emit(OpCodes.Conv_U8);
                _isWide = true;
                return true;
            default:
                return false;
        }
    }

    private static bool IsScalarLoad(Opcode opcode) => opcode is >= Opcode.I32Load and <= Opcode.I64Load32U;

    // In guard mode the sum becomes one displacement, and that must be one of those that GuardAddressing allows.
    private bool CanAddOffset(ulong sum) => _access.IsChecked || _access.Bias == GuardAddressing.FarBias || GuardAddressing.IsNear(sum);

    private void Narrow()
    {
        _il.Emit(OpCodes.Conv_I4);
        uint offset = TakeWideOffset();
        if (offset != 0)
        {
            _il.LoadInt32((int)offset);
            _il.Emit(OpCodes.Add);
        }
    }

    /// <summary>What is to be added to the operand on top beyond an access's own offset: more than 0 for a wide one.</summary>
    private uint TakeWideOffset()
    {
        uint offset = _isWide ? _wideOffset : 0;
        _isWide = false;
        return offset;
    }
}

/// <summary>
/// What is known of the topmost operands where they are i32: the most that each can be, as an unsigned number. Only instructions that are listed
/// here leave anything known.
/// </summary>
internal struct OperandBounds
{
    private const int Capacity = 8;
    private const uint Unknown = uint.MaxValue;

    private Values _most;
    private int _count;

    /// <summary>The most that the topmost operand can be.</summary>
    public readonly uint Top => At(0);

    /// <summary>Whether the topmost two operands, a constant above, have a sum that does not wrap.</summary>
    public readonly bool IsSumSmall => (ulong)At(1) + At(0) <= uint.MaxValue;

    /// <summary>Whether the second operand does not lose bits when it is shifted left by the topmost.</summary>
    public readonly bool IsShiftSmall => At(0) < 32 && (ulong)At(1) << (int)At(0) <= uint.MaxValue;

    /// <summary>Follows an instruction.</summary>
    public void Step(in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.LocalGet:
                Push(Unknown);
                break;
            case Opcode.I32Const:
                Push((uint)instruction.I32);
                break;
            case Opcode.LocalTee:
                break;
            case Opcode.I32Load8U:
                Replace(1, byte.MaxValue);
                break;
            case Opcode.I32Load16U:
                Replace(1, ushort.MaxValue);
                break;
            case Opcode.I32Load or Opcode.I32Load8S or Opcode.I32Load16S:
                Replace(1, Unknown);
                break;
            case Opcode.I32And:
                Replace(2, Math.Min(At(0), At(1)));
                break;
            case Opcode.I32Or or Opcode.I32Xor:
                Replace(2, (uint)((1UL << (BitOperations.Log2(At(0) | At(1)) + 1)) - 1));
                break;
            case Opcode.I32Add:
                Replace(2, IsSumSmall ? At(1) + At(0) : Unknown);
                break;
            case Opcode.I32Shl:
                Replace(2, IsShiftSmall ? At(1) << (int)At(0) : Unknown);
                break;
            case Opcode.I32ShrU or Opcode.I32DivU:
                Replace(2, At(1));
                break;
            case Opcode.I32RemU:
                Replace(2, Math.Min(At(1), At(0)));
                break;
            case Opcode.I32Sub or Opcode.I32Mul or Opcode.I32ShrS:
                Replace(2, Unknown);
                break;
            default:
                _count = 0;
                break;
        }
    }

    private readonly uint At(int depth) => depth < _count ? _most[_count - 1 - depth] : Unknown;

    private void Replace(int operands, uint most)
    {
        _count = Math.Max(0, _count - operands);
        Push(most);
    }

    private void Push(uint most)
    {
        if (_count == Capacity)
        {
            // The oldest is forgotten: the others move down.
            ((ReadOnlySpan<uint>)_most)[1..].CopyTo(_most);
            _count--;
        }

        _most[_count++] = most;
    }

    [System.Runtime.CompilerServices.InlineArray(Capacity)]
    private struct Values
    {
        private uint _first;
    }
}

/// <summary>Finds, while a function is scanned, the constants that <see cref="FunctionEmitter"/> may add to the offset of a load.</summary>
internal struct ConstantIndexScan
{
    private Opcode _last;
    private Opcode _beforeConstant;
    private uint _constant;
    private bool _isSum;

    /// <summary>The constant that a load right after the instructions seen so far may take into its offset.</summary>
    public readonly uint Offset => _isSum ? _constant : 0;

    /// <summary>Sees the next instruction.</summary>
    public void See(in Instruction instruction)
    {
        _isSum = instruction.Opcode == Opcode.I32Add && _last == Opcode.I32Const
            && _beforeConstant is Opcode.I32Shl or Opcode.I32And or Opcode.I32Or or Opcode.I32Xor or Opcode.I32Add or Opcode.I32ShrU or Opcode.I32Load8U or Opcode.I32Load16U;
        if (instruction.Opcode == Opcode.I32Const)
        {
            _beforeConstant = _last;
            _constant = (uint)instruction.I32;
        }

        _last = instruction.Opcode;
    }
}
