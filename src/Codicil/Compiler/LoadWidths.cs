using System.Collections;
using System.Numerics;
using System.Reflection.Emit;
using System.Runtime.InteropServices;

using Codicil.Format.Instructions;

namespace Codicil.Compiler;

/// <summary>
/// Which widths a function loads at which offsets, so that in guard mode loads of different widths never have the same address in the JIT's eyes.
/// </summary>
/// <remarks>
/// <para>
/// RyuJIT names the exception of an access by the address, whatever the width. Where it finds that an expression has a value it has already, as <c>y + (x - x) * load</c> has
/// that of <c>y</c>, it leaves the expression out with the load in it, if an access at the same address is known to have succeeded: one of a single byte covers one of eight.
/// </para>
/// <para>
/// Addresses with different offsets have different names (see <see cref="GuardAddressing"/>). At an offset where several widths are loaded, all but one have their index marked:
/// casts there and back, in a sequence for each width, which leave the number as it is. The JIT takes the result for another number and later makes nothing of it, or a
/// move. The width without a mark is the one that is loaded most, by the depth of loops.
/// </para>
/// <para>
/// A mark of a constant is that constant. So the JIT must not know an index that may be at the end of a memory: see <see cref="MayReachEnd"/>.
/// </para>
/// </remarks>
internal sealed class LoadWidths
{
    private const int Widths = 5;
    private const int MostDepth = 8;
    private const int WidestLoad = 16;
    private const int PageBytes = 65536;

    private static readonly OpCode[][] s_marks =
    [
        [OpCodes.Conv_U8, OpCodes.Conv_U4],
        [OpCodes.Conv_U8, OpCodes.Conv_U4, OpCodes.Conv_U8, OpCodes.Conv_U4],
        [OpCodes.Conv_U8, OpCodes.Conv_I4],
        [OpCodes.Conv_U8, OpCodes.Conv_I4, OpCodes.Conv_U8, OpCodes.Conv_I4],
        [OpCodes.Conv_U8, OpCodes.Conv_U4, OpCodes.Conv_U8, OpCodes.Conv_I4],
    ];

    private readonly Dictionary<ulong, Weights> _offsets = [];
    private readonly Stack<int> _loops = [];
    private int _nesting;
    private int _seen;
    private ulong _mostOffset;
    private BitArray? _ends;

    /// <summary>Sees an instruction.</summary>
    /// <param name="instruction">The instruction.</param>
    /// <param name="indexOffset">What may be added to its offset where it is a load.</param>
    public void See(in Instruction instruction, uint indexOffset)
    {
        switch (instruction.Opcode)
        {
            case Opcode.Block or Opcode.If or Opcode.TryTable or Opcode.Try:
                _nesting++;
                break;
            case Opcode.Loop:
                _loops.Push(++_nesting);
                break;
            case Opcode.End or Opcode.Delegate:
                if (_loops.TryPeek(out int innermost) && innermost == _nesting)
                {
                    _loops.Pop();
                }

                _nesting--;
                break;
            default:
                if (IsLoad(instruction.Opcode) && instruction.Index == 0)
                {
                    int width = OpcodeTable.Width(instruction.Opcode);
                    Add(instruction.Bits, width);
                    if (indexOffset != 0)
                    {
                        Add(instruction.Bits + indexOffset, width);
                    }
                }

                break;
        }
    }

    /// <summary>The casts that the index of a load carries.</summary>
    public ReadOnlySpan<OpCode> MarkOf(ulong offset, int width)
    {
        if (!_offsets.TryGetValue(offset, out Weights weights))
        {
            return [];
        }

        int most = 0;
        for (int i = 1; i < Widths; i++)
        {
            most = weights[i] > weights[most] ? i : most;
        }

        int log2 = BitOperations.Log2((uint)width);
        return log2 == most ? [] : s_marks[log2];
    }

    /// <summary>Whether a constant and the offset of some load may be the address of bytes on both sides of a memory's end, where loads of several widths differ.</summary>
    /// <param name="index">The constant.</param>
    /// <param name="minimumBytes">What the memory has at least.</param>
    public bool MayReachEnd(uint index, ulong minimumBytes)
    {
        if (BitOperations.IsPow2(_seen) || _seen == 0 || index + _mostOffset + WidestLoad <= minimumBytes)
        {
            return false;
        }

        if (_ends is null)
        {
            _ends = new BitArray(PageBytes);
            foreach (ulong offset in _offsets.Keys)
            {
                for (int i = 1; i < WidestLoad; i++)
                {
                    _ends[(int)((ulong)(PageBytes - i) - offset) & (PageBytes - 1)] = true;
                }
            }
        }

        return _ends[(int)index & (PageBytes - 1)];
    }

    private static bool IsLoad(Opcode opcode) => opcode is (>= Opcode.I32Load and <= Opcode.I64Load32U) or (>= Opcode.V128Load and <= Opcode.V128Load64Splat)
        or (>= Opcode.V128Load8Lane and <= Opcode.V128Load64Lane) or Opcode.V128Load32Zero or Opcode.V128Load64Zero;

    private void Add(ulong offset, int width)
    {
        _seen |= width;
        _mostOffset = Math.Max(_mostOffset, offset);
        ref Weights weights = ref CollectionsMarshal.GetValueRefOrAddDefault(_offsets, offset, out _);
        weights[BitOperations.Log2((uint)width)] += 1L << (3 * Math.Min(_loops.Count, MostDepth));
    }

    [System.Runtime.CompilerServices.InlineArray(Widths)]
    private struct Weights
    {
        private long _first;
    }
}
