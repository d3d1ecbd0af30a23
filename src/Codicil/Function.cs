using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Types;

namespace Codicil;

/// <summary>A host function in its raw form.</summary>
/// <param name="caller">The instance that calls and its store; valid until the call returns.</param>
/// <param name="parameters">The arguments, of the function's parameter types.</param>
/// <param name="results">Where the results go; every one must be set to its type.</param>
public delegate void HostFunctionCallback(Caller caller, ReadOnlySpan<Value> parameters, Span<Value> results);

/// <summary>A function of one store: exported by an instance or made by the host (4.2.6). One thread at a time may call into a store.</summary>
public abstract class Function : Extern
{
    private protected Function()
    {
    }

    /// <summary>
    /// A host function from any delegate. int, uint, bool = i32; long, ulong = i64; float = f32; double = f64;
    /// <see cref="System.Runtime.Intrinsics.Vector128{T}"/> of byte = v128; <see cref="Function"/> = funcref; any other reference type = externref. A first parameter of type <see cref="Caller"/> receives the caller. A tuple as result is several results.
    /// </summary>
    /// <exception cref="ArgumentException">A parameter or result type has no WebAssembly type; it is named.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled for the delegate's type at run time.")]
    public static Function FromDelegate(Store store, Delegate callback)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(callback);
        return store.CreateFunction(callback);
    }

    /// <summary>A host function of an explicit type.</summary>
    public static Function Create(Store store, FunctionType type, HostFunctionCallback callback)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        return store.CreateFunction(type, callback);
    }

    /// <summary>The function that a <see cref="BoundImport"/> names, with the state it works on.</summary>
    /// <exception cref="ArgumentException">The state is not of the import's state type.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Function FromBoundImport(Store store, BoundImport definition, object state)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(state);
        return store.CreateFunction(definition, state);
    }

    /// <summary>The parameters and results.</summary>
    public abstract FunctionType Type { get; }

    /// <inheritdoc/>
    public sealed override ExternType ExternType => Type;

    /// <summary>
    /// A delegate that calls the function without boxing or allocation; any <c>Func</c>, <c>Action</c> or other delegate type whose parameters and result fit.
    /// Ask once, call often.
    /// </summary>
    /// <exception cref="ArgumentException">The delegate's signature does not fit the function's type; both are named.</exception>
    [RequiresDynamicCode("The call into WebAssembly is compiled for the delegate's type at run time.")]
    public abstract TDelegate CreateDelegate<TDelegate>()
        where TDelegate : Delegate;

    /// <summary>Calls the function with values.</summary>
    /// <param name="arguments">The arguments; count and types are checked before any code runs.</param>
    /// <param name="results">Where the results go; at least as long as the number of results.</param>
    /// <exception cref="ArgumentException">Arguments or results do not fit.</exception>
    /// <exception cref="TrapException">The code trapped.</exception>
    public abstract void Invoke(ReadOnlySpan<Value> arguments, Span<Value> results);

    /// <summary>Calls the function with objects: no result gives null, one the value, several an array in order.</summary>
    /// <exception cref="ArgumentException">Arguments do not fit.</exception>
    /// <exception cref="TrapException">The code trapped.</exception>
    public object? Invoke(params ReadOnlySpan<object?> arguments)
    {
        FunctionType type = Type;
        if (arguments.Length != type.Parameters.Length)
        {
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"expected {type.Parameters.Length} arguments, found {arguments.Length}"), nameof(arguments));
        }

        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
        {
            try
            {
                values[i] = Value.FromObject(arguments[i], type.Parameters[i]);
            }
            catch (ArgumentException exception)
            {
                throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"argument {i}: {exception.Message}"), nameof(arguments), exception);
            }
        }

        var results = new Value[type.Results.Length];
        Invoke(values, results);
        return results.Length switch
        {
            0 => null,
            1 => results[0].ToObject(),
            _ => Array.ConvertAll(results, static value => value.ToObject()),
        };
    }
}
