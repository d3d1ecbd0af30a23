using System.Globalization;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>Calls with values: what the emitted dynamic entries and thunks call, and the checks before.</summary>
internal static class DynamicCall
{
    /// <summary>An entry that takes its arguments from values and puts its results into values.</summary>
    public delegate void Entry(FunctionInstance function, ReadOnlySpan<Value> arguments, Span<Value> results);

    public static void CheckArguments(FunctionInstance function, ReadOnlySpan<Value> arguments, Span<Value> results)
    {
        FunctionType type = function.Type;
        if (arguments.Length != type.Parameters.Length)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"expected {type.Parameters.Length} arguments, found {arguments.Length}"), nameof(arguments));
        }

        if (results.Length < type.Results.Length)
        {
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"expected room for {type.Results.Length} results, found {results.Length}"), nameof(results));
        }

        for (int i = 0; i < arguments.Length; i++)
        {
            ValType wanted = type.Parameters[i];
            Value argument = arguments[i];
            if (wanted.IsReference)
            {
                _ = References.FromValue(argument, wanted, function.Types, function.ManagedStore);
            }
            else if (argument.Type != wanted)
            {
                throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"argument {i}: expected {wanted}, found {argument.Type}"), nameof(arguments));
            }
        }
    }

    // Called by emitted entries.
    public static int GetI32(ReadOnlySpan<Value> values, int index) => values[index].AsI32();

    public static long GetI64(ReadOnlySpan<Value> values, int index) => values[index].AsI64();

    public static float GetF32(ReadOnlySpan<Value> values, int index) => values[index].AsF32();

    public static double GetF64(ReadOnlySpan<Value> values, int index) => values[index].AsF64();

    public static Vector128<byte> GetV128(ReadOnlySpan<Value> values, int index) => values[index].AsV128();

    public static object? GetReference(ReadOnlySpan<Value> values, int index) => values[index].RawReference;

    public static void SetI32(int value, Span<Value> values, int index) => values[index] = Value.FromI32(value);

    public static void SetI64(long value, Span<Value> values, int index) => values[index] = Value.FromI64(value);

    public static void SetF32(float value, Span<Value> values, int index) => values[index] = Value.FromF32(value);

    public static void SetF64(double value, Span<Value> values, int index) => values[index] = Value.FromF64(value);

    public static void SetV128(Vector128<byte> value, Span<Value> values, int index) => values[index] = Value.FromV128(value);

    public static void SetFunction(object? value, Span<Value> values, int index) => values[index] = Value.FromFunction((FunctionInstance?)value);

    public static void SetExtern(object? value, Span<Value> values, int index) => values[index] = Value.FromExtern(value);

    /// <summary>A reference of a type that says less than the reference itself.</summary>
    public static void SetReference(object? value, Span<Value> values, int index) => values[index] = value switch
    {
        FunctionInstance function => Value.FromFunction(function),
        GuestException exception => Value.FromException(exception),
        _ => Value.FromAny((AnyReference?)value),
    };

    /// <summary>A result of a function.</summary>
    public static void SetResult(object? value, Span<Value> values, int index, FunctionInstance function) =>
        values[index] = References.ToValue(value, function.Type.Results[index], function.Types);

    /// <summary>An argument of a host function in its raw form.</summary>
    public static void SetArgument(object? value, Span<Value> values, int index, HostFunction host) =>
        values[index] = References.ToValue(value, host.Type!.Parameters[index], host.Types);

    /// <summary>Calls a host function in its raw form and checks what it gave.</summary>
    public static Value[] CallHost(Value[] arguments, HostFunction host)
    {
        FunctionType type = host.Type!;
        var results = new Value[type.Results.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Value.Default(type.Results[i]);
        }

        Caller caller = HostFunction.BeginCaller(host);
        try
        {
            if (host.Callback is AsyncHostFunctionCallback callback)
            {
                CallAsynchronous(callback, caller, arguments, results, host);
            }
            else
            {
                ((HostFunctionCallback)host.Callback)(caller, arguments, results);
            }
        }
        finally
        {
            HostFunction.EndCaller(host);
        }

        for (int i = 0; i < results.Length; i++)
        {
            ValType wanted = type.Results[i];
            if (wanted.IsReference)
            {
                _ = References.FromValue(results[i], wanted, host.Types, host.Store);
            }
            else if (results[i].Type != wanted)
            {
                throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"host function result {i}: expected {wanted}, found {results[i].Type}"));
            }
        }

        return results;
    }

    /// <summary>A reference that a host's delegate returned: it must be of the host function's store.</summary>
    public static object? CheckReference(object? reference, ManagedStore store) =>
        reference is null ? null : References.Check(reference, DelegateSignature.ToValType(reference.GetType())!.Value, store.ManagedEngine.HostTypes, store);

    private static void CallAsynchronous(AsyncHostFunctionCallback callback, Caller caller, Value[] arguments, Value[] results, HostFunction host)
    {
        SynchronizationContext? previous = AsyncHostCall.Begin();
        try
        {
            AsyncHostCall.AwaitValue(callback(caller, arguments, results), host);
        }
        finally
        {
            AsyncHostCall.End(previous);
        }
    }

    /// <summary>A function that a host's delegate returned: it must be of the host function's store.</summary>
    public static FunctionInstance? CheckFunction(Function? function, ManagedStore store)
    {
        if (function is null)
        {
            return null;
        }

        return ReferenceEquals(function.Store, store)
            ? (FunctionInstance)function
            : throw new ArgumentException("the function belongs to another store", nameof(function));
    }
}
