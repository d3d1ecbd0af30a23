using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Types;

namespace Codicil;

/// <summary>A host function in its raw form.</summary>
/// <param name="caller">The instance that calls and its store; valid until the call returns.</param>
/// <param name="parameters">The arguments, of the function's parameter types.</param>
/// <param name="results">Where the results go; every one must be set to its type.</param>
public delegate void HostFunctionCallback(Caller caller, ReadOnlySpan<Value> parameters, Span<Value> results);

/// <summary>A host function in its raw form that may wait for something.</summary>
/// <param name="caller">The instance that calls and its store; valid until the task is complete.</param>
/// <param name="parameters">The arguments, of the function's parameter types.</param>
/// <param name="results">Where the results go before the task is complete; every one must be set to its type.</param>
public delegate ValueTask AsyncHostFunctionCallback(Caller caller, ReadOnlyMemory<Value> parameters, Memory<Value> results);

/// <summary>A function of one store: exported by an instance or made by the host (4.2.6). One thread at a time may call into a store.</summary>
public abstract class Function : Extern
{
    private protected Function()
    {
    }

    /// <summary>
    /// A host function from any delegate. int, uint, bool = i32; long, ulong = i64; float = f32; double = f64;
    /// <see cref="System.Runtime.Intrinsics.Vector128{T}"/> of byte = v128; <see cref="Function"/> = funcref; any other reference type = externref. A first parameter of type <see cref="Caller"/> receives the caller. A tuple as result is several results.
    /// A delegate that returns a task, with or without a result, is waited for as <see cref="CreateAsync"/> says.
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

    /// <summary>
    /// A host function of a function type that a module defines, for types that refer to others: a type index in <see cref="Type"/> means what it means in the module. Any module of the
    /// engine with an equal type can import it.
    /// </summary>
    /// <param name="store">The store.</param>
    /// <param name="module">The module that defines the type; it need not be instantiated.</param>
    /// <param name="typeIndex">The type index.</param>
    /// <param name="callback">What is called.</param>
    /// <exception cref="ArgumentException">The module is another engine's, or the type is no function type.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such type.</exception>
    public static Function Create(Store store, Module module, int typeIndex, HostFunctionCallback callback)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(module);
        ArgumentNullException.ThrowIfNull(callback);
        return store.CreateFunction(module, typeIndex, callback);
    }

    /// <summary>
    /// A host function of an explicit type that may wait. WebAssembly code goes on when its task is complete; until then the thread that carries the call waits, and the store is busy:
    /// what follows an await may read and write the store's memories, but not call into it. An interrupt of the store ends the wait, the task is left to itself.
    /// </summary>
    /// <remarks>
    /// The callback is called without a synchronization context. With <see cref="InvokeAsync"/> it is a thread of <see cref="CallThreads"/> that waits, with <see cref="Invoke(ReadOnlySpan{Value}, Span{Value})"/>
    /// the calling one. A call made on a task scheduler of one's own should go there: an await inside keeps to the scheduler, which waits.
    /// </remarks>
    public static Function CreateAsync(Store store, FunctionType type, AsyncHostFunctionCallback callback)
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
        return store.CreateFunction(definition, state, null);
    }

    /// <summary>The function that a <see cref="BoundImport"/> names, with a state for each instance that imports it: so its method knows who calls.</summary>
    /// <param name="store">The store.</param>
    /// <param name="definition">The import.</param>
    /// <param name="stateOf">
    /// The state of an instance, which is asked for with each import of it that is this function, while the instance is being linked: its exports are not there yet. Asked for null, now: the state of calls by the host.
    /// </param>
    /// <exception cref="ArgumentException">A state is not of the import's state type.</exception>
    [RequiresDynamicCode("The call from WebAssembly is compiled at run time.")]
    public static Function FromBoundImport(Store store, BoundImport definition, Func<Instance?, object> stateOf)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(definition);
        ArgumentNullException.ThrowIfNull(stateOf);
        return store.CreateFunction(definition, stateOf(null), stateOf);
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

    /// <summary>
    /// Calls the function with values on a thread of the engine's <see cref="CallThreads"/>, so that neither the calling thread nor one of the pool waits for host functions that do.
    /// The store is in use until the task is complete.
    /// </summary>
    /// <param name="arguments">The arguments; they must stay as they are until the task is complete.</param>
    /// <param name="cancellationToken">
    /// Ends the wait for a thread, or the call: with a <see cref="WasmCanceledException"/>, as <see cref="Codicil.Store.Interrupt"/> does. The store can be used again afterwards.
    /// </param>
    /// <returns>The results.</returns>
    /// <exception cref="ArgumentException">The arguments do not fit.</exception>
    /// <exception cref="InvalidOperationException">The token can be cancelled, and the engine was made without <see cref="EngineOptions.Interruptible"/>.</exception>
    /// <exception cref="TrapException">The code trapped.</exception>
    public abstract Task<Value[]> InvokeAsync(ReadOnlyMemory<Value> arguments, CancellationToken cancellationToken = default);

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
