using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>
/// The bytes of a shared memory (threads proposal), which instances of several stores, and so several threads, can have as theirs. Thread-safe; what threads make of the bytes is theirs.
/// </summary>
public sealed class SharedMemory : IDisposable
{
    private readonly LinearMemory _linear;
    private int _holders = 1;
    private int _disposed;

    internal SharedMemory(LinearMemory linear) => _linear = linear;

    internal LinearMemory Linear => _linear;

    /// <summary>A shared memory of no store. It lives until it is disposed and every store that has it is, too.</summary>
    /// <exception cref="ArgumentException">The type is not that of a shared memory.</exception>
    /// <exception cref="ResourceLimitException">The machine has no memory left.</exception>
    public static SharedMemory Create(Engine engine, MemoryType type)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(type);
        return type.IsShared ? engine.CreateSharedMemory(type) : throw new ArgumentException("the type is not that of a shared memory", nameof(type));
    }

    /// <summary>The declared type with the present size as the minimum.</summary>
    public MemoryType Type => new(new Limits(_linear.PageCount, _linear.Type.Limits.Maximum), _linear.Type.Is64, isShared: true, _linear.Type.PageSizeLog2);

    /// <summary>The present size in bytes.</summary>
    public ulong LengthInBytes => _linear.Length;

    /// <summary>The bytes of a range, as <see cref="Memory.GetSpan"/> gives them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range is not inside the memory.</exception>
    /// <exception cref="ObjectDisposedException">Nobody has the memory any more.</exception>
    public Span<byte> GetSpan(ulong offset, int length) => _linear.GetSpan(offset, length);

    /// <summary>Gives up this hold; for a memory of a module, which belongs to its stores, it does nothing.</summary>
    public void Dispose()
    {
        if (IsOwned && Interlocked.Exchange(ref _disposed, 1) == 0)
        {
            Leave();
        }
    }

    /// <summary>Whether the first hold is that of who made this object, and not of a store.</summary>
    internal bool IsOwned { get; init; }

    /// <summary>Another holder; false when there is none left.</summary>
    internal bool TryJoin()
    {
        int holders = Volatile.Read(ref _holders);
        while (holders > 0)
        {
            int seen = Interlocked.CompareExchange(ref _holders, holders + 1, holders);
            if (seen == holders)
            {
                return true;
            }

            holders = seen;
        }

        return false;
    }

    /// <summary>A holder less; the last one ends the memory.</summary>
    internal void Leave()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
        {
            _linear.Retire();
        }
    }
}
