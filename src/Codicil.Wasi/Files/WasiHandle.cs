using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>
/// An open file or directory. It stays what it is when its name is removed or given to something else. Used by one thread at a time, but for <see cref="Dispose()"/>, which a store that ends calls on any thread while
/// a call may be inside: that call then ends with an error of its own, and touches nothing that is not its own any more.
/// </summary>
public abstract class WasiHandle : IDisposable
{
    /// <summary>What it is; never <see cref="FileType.SymbolicLink"/>.</summary>
    public abstract FileType Type { get; }

    /// <summary>Its attributes. <see cref="FileStatus.Type"/> is <see cref="Type"/>.</summary>
    public abstract Errno GetStatus(out FileStatus status);

    /// <summary>Sets times, in nanoseconds since 1970; those that are null stay.</summary>
    public abstract Errno SetTimes(ulong? accessTime, ulong? modificationTime);

    /// <summary>Makes what was written durable: the data and the size, and the other attributes too unless <paramref name="dataOnly"/>.</summary>
    public abstract Errno Sync(bool dataOnly);

    /// <summary>Gives back what it holds. Called more than once.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what it holds. Called more than once.</summary>
    /// <param name="disposing">False when a finalizer calls.</param>
    protected virtual void Dispose(bool disposing)
    {
    }
}
