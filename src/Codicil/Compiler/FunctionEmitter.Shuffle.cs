using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;

namespace Codicil.Compiler;

/// <summary>
/// i8x16.shuffle. Its indices are constants, and what compilers make are mostly patterns that the processor has an instruction for. In general it is two
/// shuffles by a constant and an or, or one permutation of both operands where there is AVX-512.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private const int LaneCount = 16;

    private void EmitShuffle(ulong low, ulong high)
    {
        Span<byte> indices = stackalloc byte[LaneCount];
        BinaryPrimitives.WriteUInt64LittleEndian(indices, low);
        BinaryPrimitives.WriteUInt64LittleEndian(indices[8..], high);
        if (TakesFrom(indices, 0))
        {
            DropTop();
            EmitSingleShuffle(indices);
            return;
        }

        if (TakesFrom(indices, LaneCount))
        {
            DropBelowTop();
            foreach (ref byte index in indices)
            {
                index -= LaneCount;
            }

            EmitSingleShuffle(indices);
            return;
        }

        if (Sse41.IsSupported && EmitPatternOfTwo(indices))
        {
            return;
        }

        if (Avx512Vbmi.VL.IsSupported)
        {
            // The indices go between the operands.
            PendingOperand? pending = TakeSecond(out LocalBuilder? second);
            EmitVectorConstant(low, high);
            PutSecond(pending, second);
            _il.Call(VectorIntrinsics.PermuteBoth);
            Pop(1);
            return;
        }

        (ulong lowOfFirst, ulong lowOfSecond) = SplitIndices(low);
        (ulong highOfFirst, ulong highOfSecond) = SplitIndices(high);
        EnsureTop(2);
        _il.LoadInt64((long)lowOfFirst);
        _il.LoadInt64((long)highOfFirst);
        _il.LoadInt64((long)lowOfSecond);
        _il.LoadInt64((long)highOfSecond);
        _il.Call(VectorIntrinsics.Shuffle);
        Pop(1);
    }

    private static bool TakesFrom(ReadOnlySpan<byte> indices, byte first)
    {
        foreach (byte index in indices)
        {
            if (index - first is < 0 or >= LaneCount)
            {
                return false;
            }
        }

        return true;
    }

    private void DropTop() => EmitDrop();

    private void DropBelowTop()
    {
        PendingOperand? pending = TakeSecond(out LocalBuilder? second);
        _il.Emit(OpCodes.Pop);
        Pop(1);
        PutSecond(pending, second);
    }

    /// <summary>Takes the top operand off, so that the one below is on top of the CIL stack.</summary>
    private PendingOperand? TakeSecond(out LocalBuilder? second)
    {
        second = null;
        if (_pending is PendingKind.Constant or PendingKind.Local && _onStack >= 2)
        {
            return TakePending();
        }

        EnsureTop(2);
        second = Scratch(OperandKind.V128);
        _il.StoreLocal(second);
        Pop(1);
        return null;
    }

    private void PutSecond(PendingOperand? pending, LocalBuilder? second)
    {
        if (pending is PendingOperand operand)
        {
            EmitPending(operand);
        }
        else
        {
            _il.LoadLocal(second!);
        }

        Push();
    }

    private void SwapTopVectors()
    {
        PendingOperand? pending = TakeSecond(out LocalBuilder? second);
        LocalBuilder first = Scratch(OperandKind.V128);
        _il.StoreLocal(first);
        Pop(1);
        PutSecond(pending, second);
        _il.LoadLocal(first);
        Push();
    }

    private void EmitSingleShuffle(ReadOnlySpan<byte> indices)
    {
        EnsureTop(1);
        if (Sse2.IsSupported && TryGetWideIndices(indices, 4, out int dwords))
        {
            if (dwords != 0b11_10_01_00)
            {
                _il.LoadInt32(dwords);
                _il.Call(VectorIntrinsics.ShuffleInt32);
            }

            return;
        }

        if (Avx2.IsSupported && !indices.ContainsAnyExcept((byte)0))
        {
            _il.Call(VectorIntrinsics.BroadcastByte);
            return;
        }

        EmitVectorConstant(BinaryPrimitives.ReadUInt64LittleEndian(indices), BinaryPrimitives.ReadUInt64LittleEndian(indices[8..]));
        _il.Call(Ssse3.IsSupported ? VectorIntrinsics.ShuffleBytes : VectorIntrinsics.Swizzle);
    }

    // Indices of lanes wider than a byte, 2 bits each; all below 4.
    private static bool TryGetWideIndices(ReadOnlySpan<byte> indices, int width, out int lanes)
    {
        lanes = 0;
        for (int i = 0; i < LaneCount; i++)
        {
            int first = indices[i - (i % width)];
            if (first % width != 0 || indices[i] != first + (i % width))
            {
                return false;
            }

            if (i % width == 0)
            {
                lanes |= (first / width & 3) << (2 * (i / width));
            }
        }

        return true;
    }

    private bool EmitPatternOfTwo(ReadOnlySpan<byte> indices)
    {
        foreach ((int width, bool high, MethodInfo method) in VectorIntrinsics.Interleaves)
        {
            int start = high ? LaneCount / 2 : 0;
            if (IsInterleave(indices, width, start, 0) || IsInterleave(indices, width, start, LaneCount))
            {
                if (indices[0] >= LaneCount)
                {
                    SwapTopVectors();
                }

                EnsureTop(2);
                _il.Call(method);
                Pop(1);
                return true;
            }
        }

        return TryEmitConcatenation(indices) || TryEmitWords(indices) || TryEmitBlend(indices);
    }

    // Lanes of the first operand (or the second, for an offset of 16) and the other in turn, from a half of each.
    private static bool IsInterleave(ReadOnlySpan<byte> indices, int width, int start, int offset)
    {
        for (int i = 0; i < LaneCount; i++)
        {
            int lane = i / width;
            int source = (lane % 2 == 0 ? offset : LaneCount - offset) + start + (lane / 2 * width) + (i % width);
            if (indices[i] != source)
            {
                return false;
            }
        }

        return true;
    }

    // 16 bytes in a row out of both.
    private bool TryEmitConcatenation(ReadOnlySpan<byte> indices)
    {
        int first = indices[0];
        for (int i = 1; i < LaneCount; i++)
        {
            if (indices[i] != (first + i) % (2 * LaneCount))
            {
                return false;
            }
        }

        // The instruction takes the upper operand first.
        if (first < LaneCount)
        {
            SwapTopVectors();
        }

        EnsureTop(2);
        _il.LoadInt32(first % LaneCount);
        _il.Call(VectorIntrinsics.AlignRight);
        Pop(1);
        return true;
    }

    // Two lanes of 32 bits from one operand, then two from the other.
    private bool TryEmitWords(ReadOnlySpan<byte> indices)
    {
        if (!TryGetWideIndices(indices, 4, out int lanes) || indices[0] / LaneCount != indices[4] / LaneCount || indices[8] / LaneCount != indices[12] / LaneCount)
        {
            return false;
        }

        if (indices[0] >= LaneCount)
        {
            SwapTopVectors();
        }

        EnsureTop(2);
        _il.LoadInt32(lanes);
        _il.Call(VectorIntrinsics.ShuffleSingle);
        Pop(1);
        return true;
    }

    // Every byte stays in its place.
    private bool TryEmitBlend(ReadOnlySpan<byte> indices)
    {
        int words = 0;
        Span<byte> mask = stackalloc byte[LaneCount];
        for (int i = 0; i < LaneCount; i++)
        {
            if (indices[i] % LaneCount != i)
            {
                return false;
            }

            mask[i] = indices[i] >= LaneCount ? byte.MaxValue : (byte)0;
            words |= (mask[i] & 1) << (i / 2);
        }

        EnsureTop(2);
        bool isOfWords = true;
        for (int i = 0; i < LaneCount; i += 2)
        {
            isOfWords &= mask[i] == mask[i + 1];
        }

        if (isOfWords)
        {
            _il.LoadInt32(words);
            _il.Call(VectorIntrinsics.BlendWords);
        }
        else
        {
            EmitVectorConstant(BinaryPrimitives.ReadUInt64LittleEndian(mask), BinaryPrimitives.ReadUInt64LittleEndian(mask[8..]));
            _il.Call(VectorIntrinsics.BlendBytes);
        }

        Pop(1);
        return true;
    }

    // Eight indices into both operands become eight into each; bit 7 stands for a byte of the other.
    private static (ulong First, ulong Second) SplitIndices(ulong indices)
    {
        const ulong Others = 0x8080_8080_8080_8080;
        ulong ofSecond = (indices >> 4 & 0x0101_0101_0101_0101) * 0xFF;
        ulong places = indices & 0x0F0F_0F0F_0F0F_0F0F;
        return ((places & ~ofSecond) | (Others & ofSecond), (places & ofSecond) | (Others & ~ofSecond));
    }
}
