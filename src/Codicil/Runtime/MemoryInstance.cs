using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A memory as the host sees it.</summary>
internal sealed class MemoryInstance(ManagedStore store, LinearMemory memory) : Memory(store, memory)
{
    public LinearMemory Linear => _linear;

    public override Store Store => _store;

    public override SharedMemory? Shared => _linear.Shared;

    public override MemoryType Type => new(new Limits(_linear.PageCount, _linear.Type.Limits.Maximum), _linear.Type.Is64, _linear.Type.IsShared, _linear.Type.PageSizeLog2);

    public override ulong PageCount
    {
        get
        {
            _store.CheckUsable();
            return _linear.PageCount;
        }
    }

    public override nint BaseAddress
    {
        get
        {
            _store.CheckUsable();
            return _linear.Expose();
        }
    }

    public override bool TryGrow(ulong deltaPages, out ulong previousPages)
    {
        _store.CheckUsable();
        long previous = _linear.Grow(deltaPages);
        previousPages = previous < 0 ? 0 : (ulong)previous;
        return previous >= 0;
    }
}
