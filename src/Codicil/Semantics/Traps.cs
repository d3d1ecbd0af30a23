using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;

using Codicil.Runtime;

namespace Codicil.Semantics;

/// <summary>Throws traps. Throw-only methods without NoInlining: only then does the JIT know that they do not return, and moves the calls out of the way.</summary>
internal static class Traps
{
    [DoesNotReturn]
    public static void MemoryOutOfBounds() => throw new TrapException(TrapCode.MemoryOutOfBounds);

    [DoesNotReturn]
    public static void TableOutOfBounds() => throw new TrapException(TrapCode.TableOutOfBounds);

    [DoesNotReturn]
    public static void UndefinedElement() => throw new TrapException(TrapCode.UndefinedElement);

    [DoesNotReturn]
    public static void Unreachable() => throw new TrapException(TrapCode.UnreachableCodeReached);

    [DoesNotReturn]
    public static void IntegerOverflow() => throw new TrapException(TrapCode.IntegerOverflow);

    [DoesNotReturn]
    public static void IntegerDivisionByZero() => throw new TrapException(TrapCode.IntegerDivisionByZero);

    [DoesNotReturn]
    public static void NullReference() => throw new TrapException(TrapCode.NullReference);

    /// <summary>A truncation of a number that no integer of the type holds.</summary>
    [DoesNotReturn]
    public static void BadTruncation(double value) => throw new TrapException(double.IsNaN(value) ? TrapCode.BadConversionToInteger : TrapCode.IntegerOverflow);

    /// <summary>The stack pointer is below the limit: the stack is exhausted, or the limit was raised by an interrupt.</summary>
    [DoesNotReturn]
    public static void StackCheckFailed(ModuleInstance instance)
    {
        instance.Context.Poll();
        throw new TrapException(TrapCode.StackOverflow);
    }

    /// <summary>A back-edge found the interrupt flag.</summary>
    [DoesNotReturn]
    public static void Interrupted(ModuleInstance instance) => ThrowInterrupt(instance.Context);

    /// <summary>Ends the call as the interrupt asked.</summary>
    [DoesNotReturn]
    public static void ThrowInterrupt(Runtime.ExecutionContext context)
    {
        if (context.InterruptReason is Exception reason)
        {
            ExceptionDispatchInfo.Throw(reason);
        }

        throw new TrapException(TrapCode.Interrupt);
    }
}
