using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

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

    [DoesNotReturn]
    public static void ArrayOutOfBounds() => throw new TrapException(TrapCode.ArrayOutOfBounds);

    [DoesNotReturn]
    public static void Unaligned() => throw new TrapException(TrapCode.HeapMisaligned);

    [DoesNotReturn]
    public static void CastFailure() => throw new TrapException(TrapCode.CastFailure);

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

    /// <summary>A function whose frame may be larger than the whole stack that WebAssembly has: a limit, since no call of it can succeed.</summary>
    [DoesNotReturn]
    public static void FrameTooLarge(int functionIndex, int frameBytes, ModuleInstance instance) => throw new ResourceLimitException(
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"function {functionIndex} may need {frameBytes} bytes of stack, more than {nameof(EngineOptions.MaxStackBytes)}: {instance.Context.MaxStackBytes}"));

    /// <summary>A back-edge found the interrupt flag. One block that ends in a throw: otherwise the JIT takes it for a call that returns, and spills every loop's variables around it.</summary>
    [DoesNotReturn]
    public static void Interrupted(ModuleInstance instance) => throw MakeInterrupt(instance.Context);

    /// <summary>Ends the call as the interrupt asked.</summary>
    [DoesNotReturn]
    public static void ThrowInterrupt(Runtime.ExecutionContext context) => throw MakeInterrupt(context);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Exception MakeInterrupt(Runtime.ExecutionContext context) => context.InterruptReason ?? new TrapException(TrapCode.Interrupt);
}
