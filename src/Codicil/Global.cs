using Codicil.Format.Types;

namespace Codicil;

/// <summary>A global of one store (4.2.9). Not thread-safe.</summary>
public abstract class Global : Extern
{
    private protected Global()
    {
    }

    /// <summary>A global that the host makes.</summary>
    /// <exception cref="ArgumentException">The value is not of the type.</exception>
    public static Global Create(Store store, GlobalType type, Value value)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(type);
        return store.CreateGlobal(type, value);
    }

    /// <summary>The type.</summary>
    public abstract GlobalType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">Set: the global is immutable.</exception>
    /// <exception cref="ArgumentException">Set: the value is of another type.</exception>
    public abstract Value Value { get; set; }
}
