using System.Globalization;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A table: for functions an array of <see cref="FunctionInstance"/> without nulls (<see cref="FunctionInstance.Null"/>), else of objects.</summary>
internal sealed class TableInstance : Table
{
    // Read by emitted code.

    /// <summary>The elements of a function table; its length is the table's.</summary>
    public FunctionInstance[] Functions;

    /// <summary>The elements of any other table.</summary>
    public object?[] Objects;

    private readonly ManagedStore _store;
    private readonly TableType _type;
    private readonly ulong _maximum;

    public TableInstance(ManagedStore store, TableType type, TypeContext types, object? initial)
    {
        _store = store;
        _type = type;
        Types = types;
        IsFunctionTable = References.IsFunction(type.ElementType, types);
        _maximum = Math.Min(Math.Min(type.Limits.Maximum ?? ulong.MaxValue, (ulong)store.Limits.TableElements), (ulong)Array.MaxLength);
        if (!type.Is64)
        {
            _maximum = Math.Min(_maximum, uint.MaxValue);
        }

        if (type.Limits.Minimum > _maximum)
        {
            throw new ResourceLimitException(string.Create(CultureInfo.InvariantCulture, $"table size exceeds limit: {type.Limits.Minimum} elements are declared, {_maximum} are allowed"));
        }

        if (!store.TableBudget.TryReserve(type.Limits.Minimum))
        {
            throw new ResourceLimitException(string.Create(
                CultureInfo.InvariantCulture, $"out of memory for a table: {type.Limits.Minimum} elements are declared, {store.Limits.TotalTableElements} are allowed in all tables together"));
        }

        Functions = [];
        Objects = [];
        int count = (int)type.Limits.Minimum;
        try
        {
            if (IsFunctionTable)
            {
                Functions = new FunctionInstance[count];
                Array.Fill(Functions, (FunctionInstance?)initial ?? FunctionInstance.Null);
            }
            else
            {
                Objects = new object?[count];
                if (initial is not null)
                {
                    Array.Fill(Objects, initial);
                }
            }
        }
        catch (OutOfMemoryException exception)
        {
            store.TableBudget.Release(type.Limits.Minimum);
            throw new ResourceLimitException("out of memory for a table", exception);
        }
    }

    public bool IsFunctionTable { get; }

    /// <summary>What the type indices of <see cref="DeclaredType"/> mean.</summary>
    public TypeContext Types { get; }

    public override Store Store => _store;

    public TableType DeclaredType => _type;

    public override TableType Type => new(_type.ElementType, new Limits(Length, _type.Limits.Maximum), _type.Is64);

    public override ulong Length => (ulong)(IsFunctionTable ? Functions.Length : Objects.Length);

    public override Value Get(ulong index)
    {
        _store.CheckUsable();
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Length);
        return References.ToValue(GetRaw(index), _type.ElementType, Types);
    }

    public override void Set(ulong index, Value value)
    {
        _store.CheckUsable();
        object? reference = References.FromValue(value, _type.ElementType, Types, _store);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Length);
        SetRaw(index, reference);
    }

    public override ulong Grow(ulong delta, Value value)
    {
        _store.CheckUsable();
        object? reference = References.FromValue(value, _type.ElementType, Types, _store);
        long previous = GrowRaw(delta, reference);
        return previous >= 0
            ? (ulong)previous
            : throw new ResourceLimitException(string.Create(CultureInfo.InvariantCulture, $"failed to grow table by {delta} elements"));
    }

    /// <summary>An element, null for null; the index is in range.</summary>
    public object? GetRaw(ulong index)
    {
        if (!IsFunctionTable)
        {
            return Objects[index];
        }

        FunctionInstance function = Functions[index];
        return ReferenceEquals(function, FunctionInstance.Null) ? null : function;
    }

    /// <summary>Sets an element; the index is in range and the reference of the type.</summary>
    public void SetRaw(ulong index, object? reference)
    {
        if (IsFunctionTable)
        {
            Functions[index] = (FunctionInstance?)reference ?? FunctionInstance.Null;
        }
        else
        {
            Objects[index] = reference;
        }
    }

    /// <summary>The size before, or -1.</summary>
    public long GrowRaw(ulong delta, object? reference)
    {
        ulong length = Length;
        if (delta > _maximum || length > _maximum - delta)
        {
            return -1;
        }

        if (delta == 0)
        {
            return (long)length;
        }

        if (!_store.TableBudget.TryReserve(delta))
        {
            return -1;
        }

        int newLength = (int)(length + delta);
        try
        {
            if (IsFunctionTable)
            {
                FunctionInstance[] functions = new FunctionInstance[newLength];
                Functions.CopyTo(functions, 0);
                Array.Fill(functions, (FunctionInstance?)reference ?? FunctionInstance.Null, (int)length, (int)delta);
                Functions = functions;
            }
            else
            {
                object?[] objects = new object?[newLength];
                Objects.CopyTo(objects, 0);
                Array.Fill(objects, reference, (int)length, (int)delta);
                Objects = objects;
            }
        }
        catch (OutOfMemoryException)
        {
            _store.TableBudget.Release(delta);
            return -1;
        }

        return (long)length;
    }
}
