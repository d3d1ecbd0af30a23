using System.Reflection;

namespace Codicil.Runtime;

/// <summary>Host functions that return tasks: the thread that calls them waits for the task, whichever thread it is.</summary>
/// <remarks>
/// The callback runs without a synchronization context, so that what follows its awaits does not ask for the thread that waits for it.
/// </remarks>
internal static class AsyncHostCall
{
    /// <summary>What awaiting a value of a type gives: void for no result, null when it is not a task.</summary>
    public static Type? AwaitedType(Type type)
    {
        if (type == typeof(Task) || type == typeof(ValueTask))
        {
            return typeof(void);
        }

        return type.IsGenericType && (type.GetGenericTypeDefinition() == typeof(Task<>) || type.GetGenericTypeDefinition() == typeof(ValueTask<>))
            ? type.GetGenericArguments()[0]
            : null;
    }

    /// <summary>The method of this class that awaits a value of a type.</summary>
    [System.Diagnostics.CodeAnalysis.RequiresDynamicCode("Makes a generic method.")]
    [System.Diagnostics.CodeAnalysis.UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The methods have no requirements.")]
    public static MethodInfo AwaitMethod(Type type)
    {
        bool isValueTask = type.IsValueType;
        string name = (isValueTask, type.IsGenericType) switch
        {
            (false, false) => nameof(Await),
            (false, true) => nameof(AwaitResult),
            (true, false) => nameof(AwaitValue),
            (true, true) => nameof(AwaitValueResult),
        };
        MethodInfo method = typeof(AsyncHostCall).GetMethod(name)!;
        return type.IsGenericType ? method.MakeGenericMethod(type.GetGenericArguments()[0]) : method;
    }

    /// <summary>Before the callback: no synchronization context.</summary>
    /// <returns>What <see cref="End"/> wants back.</returns>
    public static SynchronizationContext? Begin()
    {
        SynchronizationContext? previous = SynchronizationContext.Current;
        if (previous is not null)
        {
            SynchronizationContext.SetSynchronizationContext(null);
        }

        return previous;
    }

    /// <summary>After the call, however it ended.</summary>
    public static void End(SynchronizationContext? previous)
    {
        if (previous is not null)
        {
            SynchronizationContext.SetSynchronizationContext(previous);
        }
    }

    public static void Await(Task? task, HostFunction host) => host.Store.Wait(task ?? throw NoTask());

    public static T AwaitResult<T>(Task<T>? task, HostFunction host) => host.Store.Wait(task ?? throw NoTask());

    public static void AwaitValue(ValueTask task, HostFunction host)
    {
        if (!task.IsCompletedSuccessfully)
        {
            host.Store.Wait(task.AsTask());
            return;
        }

        task.GetAwaiter().GetResult();
    }

    public static T AwaitValueResult<T>(ValueTask<T> task, HostFunction host) =>
        task.IsCompletedSuccessfully ? task.Result : host.Store.Wait(task.AsTask());

    private static InvalidOperationException NoTask() => new("an asynchronous host function returned null instead of a task");
}
