using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json.Serialization.Metadata;

using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>A host function in its raw form.</summary>
/// <param name="plugin">The plug-in that calls.</param>
/// <param name="stack">
/// As long as the larger of parameters and results: the parameters from slot 0, where the results go too. i32 and f32 are in the low 32 bits.
/// </param>
public delegate void HostFunctionStackCallback(CurrentPlugin plugin, Span<ulong> stack);

/// <summary>A host function that reads a block of kernel memory in place.</summary>
/// <param name="plugin">The plug-in that calls.</param>
/// <param name="data">The block's bytes, empty when the handle names none; valid until memory is allocated or the function returns.</param>
public delegate TResult HostFunctionSpanCallback<out TResult>(CurrentPlugin plugin, ReadOnlySpan<byte> data);

/// <summary>A function of the host that a plug-in's modules can import. Immutable; its callback is called by every instance, on the thread that calls the plug-in.</summary>
/// <remarks>Extism, "Host Functions". An exception of the callback fails the call and reaches the caller as it is; the plug-in stays usable.</remarks>
public sealed partial class HostFunction
{
    /// <summary>The module name when none is given.</summary>
    public const string DefaultNamespace = "extism:host/user";

    private readonly Func<Store, CurrentPlugin, Function> _bind;

    private HostFunction(string name, string? @namespace, Func<Store, CurrentPlugin, Function> bind)
    {
        ArgumentNullException.ThrowIfNull(name);
        Name = name;
        Namespace = @namespace ?? DefaultNamespace;
        _bind = bind;
    }

    /// <summary>A function of an explicit type in the raw form.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Parameters and results: i32, i64, f32, f64. A handle of kernel memory is an i64.</param>
    /// <param name="callback">The function.</param>
    /// <param name="namespace">The module name; null for <see cref="DefaultNamespace"/>.</param>
    /// <exception cref="ArgumentException">The type has vectors or references.</exception>
    public HostFunction(string name, FunctionType type, HostFunctionStackCallback callback, string? @namespace = null)
        : this(name, @namespace, BindRaw(name, type, callback))
    {
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The module name.</summary>
    public string Namespace { get; }

    /// <summary>
    /// A function from any delegate that <see cref="Function.FromDelegate"/> takes. With a first parameter of type <see cref="Caller"/>,
    /// <see cref="CurrentPlugin.Of"/> gives the plug-in; the overloads of <c>Create</c> hand it over directly. A delegate that returns a task is waited for, but what follows its first await
    /// cannot use that plug-in: the overloads of <c>Create</c> give one that can.
    /// </summary>
    /// <param name="name">Its name.</param>
    /// <param name="callback">The function.</param>
    /// <param name="namespace">The module name; null for <see cref="DefaultNamespace"/>.</param>
    [RequiresDynamicCode("The call from WebAssembly is compiled for the delegate's type at run time.")]
    public static HostFunction FromDelegate(string name, Delegate callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(callback);
        var observed = new ObservedDelegate(name, callback);
        return new HostFunction(name, @namespace, (store, current) => Function.FromDelegate(store, observed.Bind(current)));
    }

    /// <summary>A function without parameters or results.</summary>
    public static HostFunction Create(string name, Action<CurrentPlugin> callback, string? @namespace = null) =>
        Shaped<HostValue.Nothing>(name, @namespace, callback, plugin =>
        {
            callback(plugin);
            return default;
        });

    /// <summary>A function of one parameter.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<T>(string name, Action<CurrentPlugin, T> callback, string? @namespace = null) =>
        Shaped<T, HostValue.Nothing>(name, @namespace, callback, (plugin, a) =>
        {
            callback(plugin, a);
            return default;
        });

    /// <summary>A function of two parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2>(string name, Action<CurrentPlugin, T1, T2> callback, string? @namespace = null) =>
        Shaped<T1, T2, HostValue.Nothing>(name, @namespace, callback, (plugin, a, b) =>
        {
            callback(plugin, a, b);
            return default;
        });

    /// <summary>A function of three parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2, T3>(string name, Action<CurrentPlugin, T1, T2, T3> callback, string? @namespace = null) =>
        Shaped<T1, T2, T3, HostValue.Nothing>(name, @namespace, callback, (plugin, a, b, c) =>
        {
            callback(plugin, a, b, c);
            return default;
        });

    /// <summary>A function with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<TResult>(string name, Func<CurrentPlugin, TResult> callback, string? @namespace = null) =>
        Shaped(name, @namespace, callback, callback);

    /// <summary>A function of one parameter with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<T, TResult>(string name, Func<CurrentPlugin, T, TResult> callback, string? @namespace = null) =>
        Shaped(name, @namespace, callback, callback);

    /// <summary>A function of two parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, TResult}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2, TResult>(string name, Func<CurrentPlugin, T1, T2, TResult> callback, string? @namespace = null) =>
        Shaped(name, @namespace, callback, callback);

    /// <summary>A function of three parameters with a result.</summary>
    /// <remarks>
    /// Numbers are numbers: int, uint, bool = i32; long, ulong = i64; float = f32; double = f64. A string (UTF-8), an array of bytes and <see cref="ReadOnlyMemory{T}"/> of byte are the
    /// handle of a block of kernel memory, an i64. As parameters they are copies, empty for a handle that names no block, and the guest keeps the block. As results they become a new block
    /// that is the guest's; null and empty ones are handle 0.
    /// </remarks>
    public static HostFunction Create<T1, T2, T3, TResult>(string name, Func<CurrentPlugin, T1, T2, T3, TResult> callback, string? @namespace = null) =>
        Shaped(name, @namespace, callback, callback);

    /// <summary>A function of one block of kernel memory, read in place, with a result (as in <see cref="Create{T, TResult}(string, Func{CurrentPlugin, T, TResult}, string?)"/>).</summary>
    public static HostFunction FromSpan<TResult>(string name, HostFunctionSpanCallback<TResult> callback, string? @namespace = null) =>
        Shaped<long, TResult>(name, @namespace, callback, (plugin, handle) => callback(plugin, plugin.GetSpan(handle)));

    /// <summary>A function that takes and gives JSON, each in a block of kernel memory.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="callback">The function. No bytes at all are null, or the default value; and null is written as <c>null</c>.</param>
    /// <param name="inputType">How the parameter is read, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="outputType">How the result is written.</param>
    /// <param name="namespace">The module name; null for <see cref="DefaultNamespace"/>.</param>
    /// <remarks>What is not JSON of that type fails the call with <see cref="PluginFailure.InvalidRequest"/>.</remarks>
    public static HostFunction FromJson<TInput, TOutput>(
        string name, Func<CurrentPlugin, TInput?, TOutput> callback, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(inputType);
        ArgumentNullException.ThrowIfNull(outputType);
        return Shaped<long, byte[]>(
            name, @namespace, callback, (plugin, handle) => PluginJson.ToBytes(callback(plugin, PluginJson.Read(plugin.GetSpan(handle), inputType)), outputType));
    }

    internal Function Bind(Store store, CurrentPlugin current) => _bind(store, current);

    private static Func<Store, CurrentPlugin, Function> BindRaw(string name, FunctionType type, HostFunctionStackCallback callback)
    {
        ArgumentNullException.ThrowIfNull(type);
        ArgumentNullException.ThrowIfNull(callback);
        if (type.Parameters.Concat(type.Results).Any(static t => t.Kind is not (ValKind.I32 or ValKind.I64 or ValKind.F32 or ValKind.F64)))
        {
            throw new ArgumentException($"a plug-in's host function has numbers only, found {type}", nameof(type));
        }

        ImmutableArray<ValType> results = type.Results;
        int slots = Math.Max(type.Parameters.Length, results.Length);
        return (store, current) => Function.Create(store, type, (_, arguments, values) =>
        {
            Span<ulong> stack = slots <= 16 ? stackalloc ulong[slots] : new ulong[slots];
            stack.Clear();
            for (int i = 0; i < arguments.Length; i++)
            {
                stack[i] = RawValue.ToBits(arguments[i]);
            }

            if (PluginTelemetry.ObservesHostCalls)
            {
                CallObserved(name, callback, current, stack);
            }
            else
            {
                callback(current, stack);
            }

            for (int i = 0; i < values.Length; i++)
            {
                values[i] = RawValue.FromBits(results[i], stack[i]);
            }
        });
    }
}
