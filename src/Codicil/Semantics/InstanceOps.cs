using System.Diagnostics.CodeAnalysis;

using Codicil.Runtime;

namespace Codicil.Semantics;

/// <summary>The meaning of instructions that work on an instance's memories, tables and segments (4.6.6 to 4.6.9); called by emitted code.</summary>
internal static class InstanceOps
{
    public static int MemorySize(LinearMemory memory) => (int)memory.PageCount;

    public static int MemoryGrow(int delta, LinearMemory memory) => (int)memory.Grow((uint)delta);

    public static long MemorySize64(LinearMemory memory) => (long)memory.PageCount;

    public static long MemoryGrow64(long delta, LinearMemory memory) => memory.Grow((ulong)delta);

    public static void MemoryFill(uint offset, int value, uint length, LinearMemory memory, ModuleInstance instance) =>
        MemoryFill64(offset, value, length, memory, instance);

    public static void MemoryFill64(ulong offset, int value, ulong length, LinearMemory memory, ModuleInstance instance)
    {
        try
        {
            if (!memory.Fill(offset, (byte)value, length, instance.Context))
            {
                Traps.MemoryOutOfBounds();
            }
        }
        catch (NullReferenceException)
        {
            // The range was checked: the memory went away meanwhile, with its store.
            instance.Context.Poll();
            throw;
        }
    }

    public static void MemoryCopy(uint destination, uint source, uint length, LinearMemory destinationMemory, LinearMemory sourceMemory, ModuleInstance instance) =>
        MemoryCopy64(destination, source, length, destinationMemory, sourceMemory, instance);

    public static void MemoryCopy64(ulong destination, ulong source, ulong length, LinearMemory destinationMemory, LinearMemory sourceMemory, ModuleInstance instance)
    {
        try
        {
            if (!destinationMemory.CopyFrom(sourceMemory, source, destination, length, instance.Context))
            {
                Traps.MemoryOutOfBounds();
            }
        }
        catch (NullReferenceException)
        {
            // The range was checked: the memory went away meanwhile, with its store.
            instance.Context.Poll();
            throw;
        }
    }

    public static void MemoryInit(uint destination, int source, int length, int segment, LinearMemory memory, ModuleInstance instance) =>
        MemoryInit64(destination, source, length, segment, memory, instance);

    public static void MemoryInit64(ulong destination, int source, int length, int segment, LinearMemory memory, ModuleInstance instance)
    {
        try
        {
            if (!memory.Init(instance.GetData(segment), (uint)source, destination, (uint)length, instance.Context))
            {
                Traps.MemoryOutOfBounds();
            }
        }
        catch (NullReferenceException)
        {
            // The range was checked: the memory went away meanwhile, with its store.
            instance.Context.Poll();
            throw;
        }
    }

    public static void DataDrop(int segment, ModuleInstance instance) => instance.DropData(segment);

    public static FunctionInstance? TableGetFunction(uint index, TableInstance table)
    {
        FunctionInstance[] functions = table.Functions;
        if (index >= (uint)functions.Length)
        {
            Traps.TableOutOfBounds();
        }

        FunctionInstance function = functions[index];
        return ReferenceEquals(function, FunctionInstance.Null) ? null : function;
    }

    public static object? TableGetObject(uint index, TableInstance table)
    {
        object?[] objects = table.Objects;
        if (index >= (uint)objects.Length)
        {
            Traps.TableOutOfBounds();
        }

        return objects[index];
    }

    public static void TableSetFunction(uint index, object? value, TableInstance table)
    {
        FunctionInstance[] functions = table.Functions;
        if (index >= (uint)functions.Length)
        {
            Traps.TableOutOfBounds();
        }

        functions[index] = (FunctionInstance?)value ?? FunctionInstance.Null;
    }

    public static void TableSetObject(uint index, object? value, TableInstance table)
    {
        object?[] objects = table.Objects;
        if (index >= (uint)objects.Length)
        {
            Traps.TableOutOfBounds();
        }

        objects[index] = value;
    }

    /// <summary>An index or length of 64 bits for a table: none has as many elements as the greatest i32 says.</summary>
    public static int ClampIndex(long index) => (ulong)index > uint.MaxValue ? -1 : (int)index;

    public static int TableSize(TableInstance table) => (int)table.Length;

    public static int TableGrow(object? value, uint delta, TableInstance table) => (int)table.GrowRaw(delta, value);

    public static void TableFill(uint index, object? value, uint length, TableInstance table, ModuleInstance instance)
    {
        CheckTableRange(table, index, length);
        for (ulong done = 0; done < length; done++)
        {
            table.SetRaw(index + done, value);
            PollSometimes(done, instance);
        }
    }

    public static void TableCopy(uint destination, uint source, uint length, TableInstance destinationTable, TableInstance sourceTable, ModuleInstance instance)
    {
        CheckTableRange(sourceTable, source, length);
        CheckTableRange(destinationTable, destination, length);
        if (destination <= source)
        {
            for (ulong i = 0; i < length; i++)
            {
                destinationTable.SetRaw(destination + i, sourceTable.GetRaw(source + i));
                PollSometimes(i, instance);
            }
        }
        else
        {
            for (ulong i = length; i-- > 0;)
            {
                destinationTable.SetRaw(destination + i, sourceTable.GetRaw(source + i));
                PollSometimes(i, instance);
            }
        }
    }

    public static void TableInit(uint destination, int source, int length, int segment, TableInstance table, ModuleInstance instance)
    {
        object?[] elements = instance.GetElements(segment);
        if ((uint)source > (uint)elements.Length || (uint)length > (uint)elements.Length - (uint)source)
        {
            Traps.TableOutOfBounds();
        }

        CheckTableRange(table, destination, (uint)length);
        for (int i = 0; i < length; i++)
        {
            table.SetRaw(destination + (ulong)i, elements[source + i]);
            PollSometimes((ulong)i, instance);
        }
    }

    public static void ElementDrop(int segment, ModuleInstance instance) => instance.SetElements(segment, null);

    public static FunctionInstance RefFunc(int functionIndex, ModuleInstance instance) => instance.GetFunction(functionIndex);

    /// <summary>The slow path of call_ref: the function has no code yet.</summary>
    public static void Compile(FunctionInstance function) => function.GetCode();

    /// <summary>The slow path of call_indirect: compiles the function, accepts a subtype, or traps.</summary>
    public static FunctionInstance ResolveIndirect(FunctionInstance function, long typeId)
    {
        if (ReferenceEquals(function, FunctionInstance.Null))
        {
            throw new TrapException(TrapCode.IndirectCallToNull);
        }

        if (!function.CanonicalType.IsSubtypeOf(typeId))
        {
            throw new TrapException(TrapCode.BadSignature);
        }

        _ = function.GetCode();
        return function;
    }

    /// <summary>A reference among the results beyond the first; cleared, so that nothing is kept alive by it.</summary>
    public static object? TakeReference(int index, ModuleInstance instance)
    {
        ref object? slot = ref instance.Context.ExtraReferences[index];
        object? reference = slot;
        slot = null;
        return reference;
    }

    /// <summary>The address of a function of another chunk, compiled now if it is not yet.</summary>
    public static nint ResolveSlot(int functionIndex, ModuleInstance instance) => instance.Code.GetCode(functionIndex);

    /// <summary>The code of a function that could not be compiled.</summary>
    [DoesNotReturn]
    public static void ThrowRefusal(int functionIndex, ModuleInstance instance) => throw new ResourceLimitException(instance.Code.Refusals[functionIndex]);

    private static void CheckTableRange(TableInstance table, ulong start, ulong length)
    {
        ulong size = table.Length;
        if (start > size || length > size - start)
        {
            Traps.TableOutOfBounds();
        }
    }

    private static void PollSometimes(ulong count, ModuleInstance instance)
    {
        if ((count & 0xFFFF) == 0xFFFF)
        {
            instance.Context.Poll();
        }
    }
}
