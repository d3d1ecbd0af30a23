using System.Runtime.CompilerServices;
using System.Text.Json.Serialization.Metadata;

using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>An asynchronous host function in its raw form.</summary>
/// <param name="plugin">The plug-in that calls, until the task is complete.</param>
/// <param name="stack">As long as the larger of parameters and results: the parameters from slot 0, where the results go too. i32 and f32 are in the low 32 bits.</param>
public delegate Task AsyncHostFunctionStackCallback(CurrentPlugin plugin, Memory<ulong> stack);

// Functions that return tasks. Of two overloads that an async lambda fits, the one with Task is taken.
public sealed partial class HostFunction
{
    /// <summary>An asynchronous function of an explicit type in the raw form.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="type">Parameters and results: i32, i64, f32, f64. A handle of kernel memory is an i64.</param>
    /// <param name="callback">The function.</param>
    /// <param name="namespace">The module name; null for <see cref="DefaultNamespace"/>.</param>
    /// <exception cref="ArgumentException">The type has vectors or references.</exception>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction CreateAsync(string name, FunctionType type, AsyncHostFunctionStackCallback callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return new HostFunction(
            name,
            type,
            (plugin, stack) =>
            {
                ulong[] copy = stack.ToArray();
                Await(plugin, current => callback(current, copy));
                copy.CopyTo(stack);
            },
            @namespace);
    }

    /// <summary>An asynchronous function that takes and gives JSON, each in a block of kernel memory.</summary>
    /// <inheritdoc cref="FromJson{TInput, TOutput}(string, Func{CurrentPlugin, TInput, TOutput}, JsonTypeInfo{TInput}, JsonTypeInfo{TOutput}, string?)"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction FromJson<TInput, TOutput>(
        string name, Func<CurrentPlugin, TInput?, Task<TOutput>> callback, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return FromJson<TInput, TOutput>(name, (plugin, input) => plugin.Await(current => callback(current, input)), inputType, outputType, @namespace);
    }

    /// <summary>An asynchronous function without parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create(string name, Func<CurrentPlugin, Task> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin>)(plugin => Await(plugin, current => callback(current))), @namespace);
    }

    /// <summary>An asynchronous function of one parameter.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T>(string name, Func<CurrentPlugin, T, Task> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T>)((plugin, a) => Await(plugin, current => callback(current, a))), @namespace);
    }

    /// <summary>An asynchronous function of two parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T1, T2>(string name, Func<CurrentPlugin, T1, T2, Task> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T1, T2>)((plugin, a, b) => Await(plugin, current => callback(current, a, b))), @namespace);
    }

    /// <summary>An asynchronous function of three parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T1, T2, T3>(string name, Func<CurrentPlugin, T1, T2, T3, Task> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T1, T2, T3>)((plugin, a, b, c) => Await(plugin, current => callback(current, a, b, c))), @namespace);
    }

    /// <summary>An asynchronous function without parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<TResult>(string name, Func<CurrentPlugin, Task<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, TResult>)(plugin => Await(plugin, current => callback(current))), @namespace);
    }

    /// <summary>An asynchronous function of one parameter with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T, TResult>(string name, Func<CurrentPlugin, T, Task<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T, TResult>)((plugin, a) => Await(plugin, current => callback(current, a))), @namespace);
    }

    /// <summary>An asynchronous function of two parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T1, T2, TResult>(string name, Func<CurrentPlugin, T1, T2, Task<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T1, T2, TResult>)((plugin, a, b) => Await(plugin, current => callback(current, a, b))), @namespace);
    }

    /// <summary>An asynchronous function of three parameters with a result.</summary>
    /// <remarks>
    /// The guest goes on when the task is complete. Until then the thread that carries the call waits: one of the engine's <see cref="CallThreads"/> in
    /// <see cref="Plugin.CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>, the caller's own in <see cref="Plugin.Call(string, ReadOnlySpan{byte}, CancellationToken)"/>. The callback
    /// is called on that thread, without a synchronization context, so that what follows its awaits runs on the pool. The call's deadline, its token and the plug-in's disposal end the wait
    /// (<see cref="CurrentPlugin.Aborted"/> tells the callback); a task that goes on regardless is left to itself, its <see cref="CurrentPlugin"/> throws, and its exception counts as observed.
    /// </remarks>
    [OverloadResolutionPriority(1)]
    public static HostFunction Create<T1, T2, T3, TResult>(string name, Func<CurrentPlugin, T1, T2, T3, Task<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T1, T2, T3, TResult>)((plugin, a, b, c) => Await(plugin, current => callback(current, a, b, c))), @namespace);
    }

    /// <summary>An asynchronous function without parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create(string name, Func<CurrentPlugin, ValueTask> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin>)(plugin => Await(plugin, current => callback(current).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of one parameter.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T>(string name, Func<CurrentPlugin, T, ValueTask> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T>)((plugin, a) => Await(plugin, current => callback(current, a).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of two parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2>(string name, Func<CurrentPlugin, T1, T2, ValueTask> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T1, T2>)((plugin, a, b) => Await(plugin, current => callback(current, a, b).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of three parameters.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2, T3>(string name, Func<CurrentPlugin, T1, T2, T3, ValueTask> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Action<CurrentPlugin, T1, T2, T3>)((plugin, a, b, c) => Await(plugin, current => callback(current, a, b, c).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function without parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<TResult>(string name, Func<CurrentPlugin, ValueTask<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, TResult>)(plugin => Await(plugin, current => callback(current).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of one parameter with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T, TResult>(string name, Func<CurrentPlugin, T, ValueTask<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T, TResult>)((plugin, a) => Await(plugin, current => callback(current, a).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of two parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2, TResult>(string name, Func<CurrentPlugin, T1, T2, ValueTask<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T1, T2, TResult>)((plugin, a, b) => Await(plugin, current => callback(current, a, b).AsTask())), @namespace);
    }

    /// <summary>An asynchronous function of three parameters with a result.</summary>
    /// <inheritdoc cref="Create{T1, T2, T3, TResult}(string, Func{CurrentPlugin, T1, T2, T3, Task{TResult}}, string?)" path="/remarks"/>
    public static HostFunction Create<T1, T2, T3, TResult>(string name, Func<CurrentPlugin, T1, T2, T3, ValueTask<TResult>> callback, string? @namespace = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return Create(name, (Func<CurrentPlugin, T1, T2, T3, TResult>)((plugin, a, b, c) => Await(plugin, current => callback(current, a, b, c).AsTask())), @namespace);
    }

    private static TResult Await<TResult>(CurrentPlugin plugin, Func<CurrentPlugin, Task<TResult>> callback) => plugin.Await(callback);

    private static void Await(CurrentPlugin plugin, Func<CurrentPlugin, Task> callback) => plugin.AwaitTask(callback);
}
