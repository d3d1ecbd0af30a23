using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

using Codicil.Execution;

namespace Codicil.Runtime;

/// <summary>What emitted entries from the host call: enter, leave, tell traps from the host's own exceptions.</summary>
internal static class EntryOps
{
    private const int LargeStackBytes = 4 * 1024 * 1024;
    private const int MostFrames = 1000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryEnter(FunctionInstance function, out nuint saved) => ManagedStore.TryEnter(function, out saved);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Exit(FunctionInstance function, nuint saved)
    {
        ManagedStore.Exit(function, saved);
        GC.KeepAlive(function);
    }

    /// <summary>
    /// The filter of an entry: whether the exception is a fault of emitted code that must become a trap. Traps get their frames in passing;
    /// everything else goes through unchanged.
    /// </summary>
    public static bool IsFault(Exception exception)
    {
        switch (exception)
        {
            case TrapException trap:
                if (trap.Frames.IsDefaultOrEmpty && trap.Code is not null)
                {
                    trap.SetFrames(FindFrames(exception));
                }

                return false;
            case NullReferenceException or DivideByZeroException or OverflowException or InvalidProgramException:
                return IsThrownByEmittedCode(exception);
            default:
                return false;
        }
    }

    /// <summary>The trap that a fault of emitted code is; for a callee that the JIT refused, the limit.</summary>
    public static Exception ToTrap(Exception exception)
    {
        if (exception is InvalidProgramException invalid)
        {
            return CodeVariant.JitRefusal(invalid);
        }

        TrapCode code = exception switch
        {
            DivideByZeroException => TrapCode.IntegerDivisionByZero,
            OverflowException => TrapCode.IntegerOverflow,
            _ => TrapCode.MemoryOutOfBounds,
        };
        return new TrapException(code, "wasm trap: " + TrapMessages.Of(code), FindFrames(exception), exception);
    }

    /// <summary>Makes a call on a thread with a large stack; the caller waits.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The method is emitted.")]
    public static object? InvokeOnLargeStack(RuntimeMethodHandle method, object?[] arguments)
    {
        var entry = (MethodInfo)MethodBase.GetMethodFromHandle(method)!;
        object? result = null;
        RunOnLargeStack(
            ((FunctionInstance)arguments[0]!).ManagedStore,
            () => result = entry.Invoke(null, BindingFlags.DoNotWrapExceptions, null, arguments, CultureInfo.InvariantCulture));
        return result;
    }

    /// <summary>The same for calls with values: spans cannot change threads, their contents can.</summary>
    public static void InvokeDynamicOnLargeStack(FunctionInstance function, ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        Value[] copiedArguments = arguments.ToArray();
        var copiedResults = new Value[function.Type.Results.Length];
        Action call = () => function.ManagedStore.ManagedEngine.Adapters.GetDynamicEntry(function.Type).Invoke(function, copiedArguments, copiedResults);
        RunOnLargeStack(function.ManagedStore, call);
        copiedResults.CopyTo(results);
    }

    public static ManagedStore StoreOf(FunctionInstance function) => function.ManagedStore;

    /// <summary>An argument of a reference type that not every reference is of.</summary>
    /// <exception cref="ArgumentException">The reference is not of the type, or is another store's.</exception>
    public static object? CheckArgument(object? argument, FunctionInstance function, int parameter) =>
        References.Check(argument, function.Type.Parameters[parameter], function.Types, function.ManagedStore);

    public static unsafe int TakeResultI32(FunctionInstance function, int index) => *(int*)Place(function, index);

    public static unsafe long TakeResultI64(FunctionInstance function, int index) => *(long*)Place(function, index);

    public static unsafe float TakeResultF32(FunctionInstance function, int index) => *(float*)Place(function, index);

    public static unsafe double TakeResultF64(FunctionInstance function, int index) => *(double*)Place(function, index);

    public static unsafe Vector128<byte> TakeResultV128(FunctionInstance function, int index) => Vector128.Load(Place(function, index));

    public static object? TakeResultReference(FunctionInstance function, int index)
    {
        ref object? slot = ref function.ManagedStore.Context.ExtraReferences[index];
        object? reference = slot;
        slot = null;
        return reference;
    }

    public static unsafe void PutResultI32(int value, HostFunction host, int index) => *(int*)Room(host, index) = value;

    public static unsafe void PutResultI64(long value, HostFunction host, int index) => *(long*)Room(host, index) = value;

    public static unsafe void PutResultF32(float value, HostFunction host, int index) => *(float*)Room(host, index) = value;

    public static unsafe void PutResultF64(double value, HostFunction host, int index) => *(double*)Room(host, index) = value;

    public static unsafe void PutResultV128(Vector128<byte> value, HostFunction host, int index) => value.Store(Room(host, index));

    public static unsafe void PutResultReference(object? value, HostFunction host, int index)
    {
        _ = Room(host, index);
        host.Store.Context.ExtraReferences[index] = value;
    }

    // SAFETY: the function that has just returned wrote its result there; see Room.
    private static unsafe byte* Place(FunctionInstance function, int index) =>
        (byte*)function.ManagedStore.Context.ExtraResults + (index * ExecutionContext.ExtraResultBytes);

    // Results are put from the last to the first, so that the room is made before anything is in it.
    private static unsafe byte* Room(HostFunction host, int index)
    {
        host.Store.Context.EnsureExtraResults(index + 1);

        // SAFETY: the context's pinned array has more than index elements.
        return (byte*)host.Store.Context.ExtraResults + (index * ExecutionContext.ExtraResultBytes);
    }

    private static void RunOnLargeStack(ManagedStore store, Action action)
    {
        System.Runtime.ExceptionServices.ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
#pragma warning disable CA1031 // Carried to the caller as it is.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    failure = System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(exception);
                }
            },
            LargeStackBytes + store.ManagedEngine.Options.MaxStackBytes)
        {
            IsBackground = true,
            Name = "Codicil call",
        };
        thread.Start();
        thread.Join();
        failure?.Throw();
    }

    private static bool IsThrownByEmittedCode(Exception exception)
    {
        StackFrame? top = new StackTrace(exception, false).GetFrame(0);
        MethodBase? method = MethodOf(top);
        return ModuleCode.Find(method?.DeclaringType) is not null && !method!.Name.StartsWith(ModuleCode.HostStubPrefix, StringComparison.Ordinal);
    }

    private static ImmutableArray<WasmFrame> FindFrames(Exception exception)
    {
        ImmutableArray<WasmFrame>.Builder frames = ImmutableArray.CreateBuilder<WasmFrame>();
        var trace = new StackTrace(exception, false);
        int lastBody = -1;
        Type? lastType = null;
        for (int i = 0; i < trace.FrameCount && frames.Count < MostFrames; i++)
        {
            MethodBase? method = MethodOf(trace.GetFrame(i));
            if (method is null || ModuleCode.Find(method.DeclaringType) is not CodeVariant variant || !TryParseName(method.Name, out int index))
            {
                continue;
            }

            // A large function is a body and an entry that checks the stack for it.
            bool isEntryOfLast = lastBody == index && ReferenceEquals(lastType, method.DeclaringType) && !method.Name.EndsWith("_body", StringComparison.Ordinal);
            lastBody = method.Name.EndsWith("_body", StringComparison.Ordinal) ? index : -1;
            lastType = method.DeclaringType;
            if (isEntryOfLast)
            {
                continue;
            }

            ManagedModule module = variant.Module.Owner;
            frames.Add(new WasmFrame(index, module.Format.Names.Functions[index], module.Name.Length == 0 ? null : module.Name));
        }

        return frames.ToImmutable();
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only emitted methods are looked at, which nothing trims.")]
    private static MethodBase? MethodOf(StackFrame? frame) => frame?.GetMethod();

    // f12 is function 12, f12_body its body; stubs (to_f12) are nothing.
    private static bool TryParseName(string name, out int index)
    {
        index = 0;
        if (!name.StartsWith('f'))
        {
            return false;
        }

        int end = name.IndexOf('_', StringComparison.Ordinal);
        return int.TryParse(name.AsSpan(1, (end < 0 ? name.Length : end) - 1), NumberStyles.None, CultureInfo.InvariantCulture, out index);
    }
}
