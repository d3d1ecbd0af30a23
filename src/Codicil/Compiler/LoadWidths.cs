using System.Numerics;

using Codicil.Format.Instructions;

namespace Codicil.Compiler;

/// <summary>
/// Which widths a function loads from a memory, so that in guard mode loads of different widths never have the same address in the JIT's eyes: each width has a base of its own.
/// </summary>
/// <remarks>
/// RyuJIT names the exception of an access by the address, whatever the width. Where it finds that an expression has a value it has already, as <c>y + (x - x) * load</c> has
/// that of <c>y</c>, it leaves the expression out with the load in it, if an access at the same address is known to have succeeded: one of a single byte covers one of eight.
/// The bases are the same number, read anew for each width with <c>volatile.</c>, so that the JIT cannot know it; nor does an inlined function share one with its caller.
/// </remarks>
internal struct LoadWidths
{
    /// <summary>The widest load, in bytes.</summary>
    public const int Widest = 16;

    private const int MostDepth = 8;

    private Weights _weights;

    /// <summary>Sees an instruction that accesses the memory.</summary>
    /// <param name="opcode">The instruction.</param>
    /// <param name="loopDepth">In how many loops it is.</param>
    public void See(Opcode opcode, int loopDepth)
    {
        if (IsLoad(opcode))
        {
            _weights[BitOperations.Log2((uint)OpcodeTable.Width(opcode))] += 1L << (3 * Math.Min(loopDepth, MostDepth));
        }
    }

    /// <summary>Whether there are loads of a width, of 1, 2, 4, 8 or 16 bytes.</summary>
    public readonly bool Has(int width) => _weights[BitOperations.Log2((uint)width)] != 0;

    /// <summary>The width that is loaded most, by the depth of loops; of none, 1.</summary>
    public readonly int Most
    {
        get
        {
            int most = 1;
            for (int width = 2; width <= Widest; width *= 2)
            {
                most = _weights[BitOperations.Log2((uint)width)] > _weights[BitOperations.Log2((uint)most)] ? width : most;
            }

            return most;
        }
    }

    private static bool IsLoad(Opcode opcode) => opcode is (>= Opcode.I32Load and <= Opcode.I64Load32U) or (>= Opcode.V128Load and <= Opcode.V128Load64Splat)
        or (>= Opcode.V128Load8Lane and <= Opcode.V128Load64Lane) or Opcode.V128Load32Zero or Opcode.V128Load64Zero;

    [System.Runtime.CompilerServices.InlineArray(5)]
    private struct Weights
    {
        private long _first;
    }
}

/// <summary>Follows, while a function is scanned, in how many loops the next instruction is.</summary>
internal struct LoopScan
{
    private Stack<int>? _loops;
    private int _nesting;

    /// <summary>How many loops are open.</summary>
    public readonly int Depth => _loops?.Count ?? 0;

    /// <summary>Sees the next instruction.</summary>
    public void See(Opcode opcode)
    {
        switch (opcode)
        {
            case Opcode.Block or Opcode.If or Opcode.Try or Opcode.TryTable:
                _nesting++;
                break;
            case Opcode.Loop:
                (_loops ??= []).Push(++_nesting);
                break;
            case Opcode.End or Opcode.Delegate:
                if (_loops is not null && _loops.TryPeek(out int innermost) && innermost == _nesting)
                {
                    _loops.Pop();
                }

                _nesting--;
                break;
            default:
                break;
        }
    }
}
