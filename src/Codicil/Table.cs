using Codicil.Format.Types;

namespace Codicil;

/// <summary>A table of references of one store (4.2.7). Not thread-safe.</summary>
public abstract class Table : Extern
{
    private protected Table()
    {
    }

    /// <summary>A table that the host makes, every element <paramref name="initial"/>.</summary>
    /// <exception cref="ArgumentException">The value is not of the element type.</exception>
    /// <exception cref="ResourceLimitException">A limit of the store was met.</exception>
    public static Table Create(Store store, TableType type, Value initial)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(type);
        return store.CreateTable(type, initial);
    }

    /// <summary>The declared type with the present size as the minimum.</summary>
    public abstract TableType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;

    /// <summary>The present size in elements.</summary>
    public abstract ulong Length { get; }

    /// <summary>An element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    public abstract Value Get(ulong index);

    /// <summary>Sets an element.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such element.</exception>
    /// <exception cref="ArgumentException">The value is not of the element type, or belongs to another store.</exception>
    public abstract void Set(ulong index, Value value);

    /// <summary>Grows by a number of elements.</summary>
    /// <returns>The size before.</returns>
    /// <exception cref="ArgumentException">The value is not of the element type.</exception>
    /// <exception cref="ResourceLimitException">The maximum or a limit would be exceeded; nothing has changed.</exception>
    public abstract ulong Grow(ulong delta, Value value);
}
