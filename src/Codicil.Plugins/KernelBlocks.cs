using System.Numerics;

namespace Codicil.Plugins;

/// <summary>
/// Which parts of the kernel's memory are handed out: a block table beside the memory, never inside it, so that nothing a guest writes can reach it.
/// Offsets never move; a neighbour that is free is merged at once, so free blocks are never adjacent.
/// </summary>
/// <remarks>Not thread-safe. Work per call: O(1) for length, reset and most allocations; a search in one size class looks at 8 blocks at most.</remarks>
internal sealed class KernelBlocks
{
    /// <summary>Every block begins at a multiple of this and takes a multiple of it.</summary>
    public const int Granule = 16;

    private const int None = -1;
    private const int Free = -1;
    private const int SearchLimit = 8;

    private readonly int _start;
    private readonly int[] _bins = new int[32];
    private uint _binsInUse;
    private Block[] _blocks = new Block[16];
    private int _count;
    private int _recycled = None;
    private int _last = None;
    private Slot[] _slots = new Slot[32];
    private int _shift = 32 - 5;
    private int _live;
    private uint _epoch = 1;

    /// <summary>An empty table.</summary>
    /// <param name="start">The offset of the first block, a multiple of <see cref="Granule"/>.</param>
    public KernelBlocks(int start)
    {
        _start = start;
        Top = start;
    }

    /// <summary>Nothing at or above this offset is handed out.</summary>
    public int Top { get; private set; }

    /// <summary>How many blocks are handed out.</summary>
    public int LiveCount => _live;

    /// <summary>The bytes a block of a length takes, or a number no memory can hold.</summary>
    public static long CapacityOf(long length) => (length + (Granule - 1)) & -Granule;

    /// <summary>Takes a free block that is large enough.</summary>
    /// <returns>Its offset, or 0 when there is none: then the memory must reach <see cref="Top"/> plus the capacity, and <see cref="Append"/> takes it there.</returns>
    public int TryReuse(int length)
    {
        int capacity = (int)CapacityOf(length);
        int bin = BinOf(capacity);
        int found = SearchOwnBin(bin, capacity);
        if (found == None)
        {
            uint larger = bin == 31 ? 0 : _binsInUse & (uint.MaxValue << (bin + 1));
            if (larger == 0)
            {
                return 0;
            }

            found = _bins[BitOperations.TrailingZeroCount(larger)];
        }

        RemoveFromBin(found);
        if (_blocks[found].Capacity > capacity)
        {
            SplitOff(found, capacity);
        }

        _blocks[found].Length = length;
        AddSlot(_blocks[found].Offset, found);
        return _blocks[found].Offset;
    }

    /// <summary>Hands out a block at <see cref="Top"/>; the caller has made room for it.</summary>
    public int Append(int length)
    {
        int index = NewRecord();
        int capacity = (int)CapacityOf(length);
        int offset = Top;
        _blocks[index] = new Block { Offset = offset, Capacity = capacity, Length = length, Previous = _last, Next = None };
        if (_last != None)
        {
            _blocks[_last].Next = index;
        }

        _last = index;
        Top = offset + capacity;
        AddSlot(offset, index);
        return offset;
    }

    /// <summary>The length of the block that begins at an offset, or -1 when no block does.</summary>
    public int LengthOf(long offset)
    {
        int index = Find(offset);
        return index == None ? -1 : _blocks[index].Length;
    }

    /// <summary>Changes the length of a block; it stays within its capacity.</summary>
    public void SetLength(long offset, int length) => _blocks[Find(offset)].Length = length;

    /// <summary>Takes back the block that begins at an offset; nothing happens when no block does.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Release(long offset)
    {
        int index = Find(offset);
        if (index == None)
        {
            return false;
        }

        RemoveSlot((int)offset);
        int next = _blocks[index].Next;
        if (next != None && _blocks[next].Length == Free)
        {
            RemoveFromBin(next);
            Absorb(index, next);
        }

        int previous = _blocks[index].Previous;
        if (previous != None && _blocks[previous].Length == Free)
        {
            RemoveFromBin(previous);
            Absorb(previous, index);
            index = previous;
        }

        _blocks[index].Length = Free;
        if (index == _last)
        {
            DropLast();
        }
        else
        {
            AddToBin(index);
        }

        return true;
    }

    /// <summary>Takes back every block, whatever their number, in a handful of stores.</summary>
    public void Reset()
    {
        _count = 0;
        _live = 0;
        _recycled = None;
        _last = None;
        _binsInUse = 0;
        Top = _start;
        _epoch++;
        if (_epoch == 0)
        {
            Array.Clear(_slots);
            _epoch = 1;
        }
    }

    private static int BinOf(int capacity) => BitOperations.Log2((uint)capacity);

    private int SearchOwnBin(int bin, int capacity)
    {
        if ((_binsInUse & (1u << bin)) == 0)
        {
            return None;
        }

        int index = _bins[bin];
        for (int i = 0; i < SearchLimit && index != None; i++)
        {
            if (_blocks[index].Capacity >= capacity)
            {
                return index;
            }

            index = _blocks[index].NextFree;
        }

        return None;
    }

    private void SplitOff(int index, int capacity)
    {
        int rest = NewRecord();
        ref Block block = ref _blocks[index];
        _blocks[rest] = new Block
        {
            Offset = block.Offset + capacity,
            Capacity = block.Capacity - capacity,
            Length = Free,
            Previous = index,
            Next = block.Next,
        };
        // A free block is never the last one, so there is a next.
        _blocks[block.Next].Previous = rest;
        block.Next = rest;
        block.Capacity = capacity;
        AddToBin(rest);
    }

    private void Absorb(int index, int next)
    {
        ref Block block = ref _blocks[index];
        block.Capacity += _blocks[next].Capacity;
        block.Next = _blocks[next].Next;
        if (block.Next != None)
        {
            _blocks[block.Next].Previous = index;
        }
        else
        {
            _last = index;
        }

        Recycle(next);
    }

    private void DropLast()
    {
        int index = _last;
        Top = _blocks[index].Offset;
        _last = _blocks[index].Previous;
        if (_last != None)
        {
            _blocks[_last].Next = None;
        }

        Recycle(index);
    }

    private void AddToBin(int index)
    {
        int bin = BinOf(_blocks[index].Capacity);
        int head = (_binsInUse & (1u << bin)) != 0 ? _bins[bin] : None;
        _blocks[index].NextFree = head;
        _blocks[index].PreviousFree = None;
        if (head != None)
        {
            _blocks[head].PreviousFree = index;
        }

        _bins[bin] = index;
        _binsInUse |= 1u << bin;
    }

    private void RemoveFromBin(int index)
    {
        Block block = _blocks[index];
        if (block.NextFree != None)
        {
            _blocks[block.NextFree].PreviousFree = block.PreviousFree;
        }

        if (block.PreviousFree != None)
        {
            _blocks[block.PreviousFree].NextFree = block.NextFree;
            return;
        }

        int bin = BinOf(block.Capacity);
        _bins[bin] = block.NextFree;
        if (block.NextFree == None)
        {
            _binsInUse &= ~(1u << bin);
        }
    }

    private int NewRecord()
    {
        if (_recycled != None)
        {
            int index = _recycled;
            _recycled = _blocks[index].NextFree;
            return index;
        }

        if (_count == _blocks.Length)
        {
            Array.Resize(ref _blocks, _blocks.Length * 2);
        }

        return _count++;
    }

    private void Recycle(int index)
    {
        _blocks[index].NextFree = _recycled;
        _recycled = index;
    }

    // The index from offsets to live blocks: linear probing; slots of an older epoch are empty, which makes a reset one increment.
    private int Home(int offset) => (int)(((uint)offset / Granule * 2654435769u) >> _shift);

    private int Find(long offset)
    {
        Slot[] slots = _slots;
        if ((ulong)offset > int.MaxValue)
        {
            return None;
        }

        for (int i = Home((int)offset); ; i = (i + 1) & (slots.Length - 1))
        {
            ref Slot slot = ref slots[i];
            if (slot.Epoch != _epoch)
            {
                return None;
            }

            if (slot.Offset == (int)offset)
            {
                return slot.Block;
            }
        }
    }

    private void AddSlot(int offset, int block)
    {
        _live++;
        if (_live * 2 > _slots.Length)
        {
            GrowSlots();
        }

        Place(offset, block);
    }

    private void Place(int offset, int block)
    {
        int i = Home(offset);
        while (_slots[i].Epoch == _epoch)
        {
            i = (i + 1) & (_slots.Length - 1);
        }

        _slots[i] = new Slot { Offset = offset, Block = block, Epoch = _epoch };
    }

    private void GrowSlots()
    {
        Slot[] old = _slots;
        _slots = new Slot[old.Length * 2];
        _shift--;
        foreach (Slot slot in old)
        {
            if (slot.Epoch == _epoch)
            {
                Place(slot.Offset, slot.Block);
            }
        }
    }

    private void RemoveSlot(int offset)
    {
        Slot[] slots = _slots;
        int mask = slots.Length - 1;
        int hole = Home(offset);
        while (slots[hole].Offset != offset || slots[hole].Epoch != _epoch)
        {
            hole = (hole + 1) & mask;
        }

        _live--;
        // Later entries of the same run move back into the hole unless that would put them before their home.
        for (int i = (hole + 1) & mask; slots[i].Epoch == _epoch; i = (i + 1) & mask)
        {
            int home = Home(slots[i].Offset);
            if (((i - home) & mask) >= ((i - hole) & mask))
            {
                slots[hole] = slots[i];
                hole = i;
            }
        }

        slots[hole].Epoch = 0;
    }

    private struct Block
    {
        public int Offset;
        public int Capacity;
        public int Length;
        public int Previous;
        public int Next;
        public int PreviousFree;
        public int NextFree;
    }

    private struct Slot
    {
        public int Offset;
        public int Block;
        public uint Epoch;
    }
}
