using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A memory as the host sees it.</summary>
internal sealed class MemoryInstance(ManagedStore store, LinearMemory memory) : Memory
{
    public LinearMemory Linear => memory;

    public override Store Store => store;

    public override SharedMemory? Shared => memory.Shared;

    public override MemoryType Type => new(new Limits(memory.PageCount, memory.Type.Limits.Maximum), memory.Type.Is64, memory.Type.IsShared, memory.Type.PageSizeLog2);

    public override ulong PageCount
    {
        get
        {
            store.CheckUsable();
            return memory.PageCount;
        }
    }

    public override ulong LengthInBytes
    {
        get
        {
            store.CheckUsable();
            return memory.Length;
        }
    }

    public override nint BaseAddress
    {
        get
        {
            store.CheckUsable();
            return memory.Expose();
        }
    }

    public override Span<byte> GetSpan(ulong offset, int length)
    {
        store.CheckUsable();
        return memory.GetSpan(offset, length);
    }

    public override bool TryGrow(ulong deltaPages, out ulong previousPages)
    {
        store.CheckUsable();
        long previous = memory.Grow(deltaPages);
        previousPages = previous < 0 ? 0 : (ulong)previous;
        return previous >= 0;
    }
}
