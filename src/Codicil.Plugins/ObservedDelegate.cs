using System.Diagnostics.CodeAnalysis;
using System.Linq.Expressions;
using System.Reflection;
using System.Reflection.Emit;

namespace Codicil.Plugins;

/// <summary>
/// A host function whose delegate's type is known at run time only, with a look around it whether somebody observes calls of host functions: a few loads when nobody does. Thread-safe.
/// </summary>
/// <remarks>The delegates it makes have the type of the one that was given, so that the guest's types, the caller and tasks mean what they mean there.</remarks>
[RequiresDynamicCode("Code is compiled for the delegate's type at run time.")]
internal sealed class ObservedDelegate(string name, Delegate callback)
{
    // Compiled when a first instance wants it, once for all of them; what observes, when somebody does.
    private readonly Lazy<DynamicMethod> _choose = new(() => CompileChoice(callback.GetType()));
    private readonly Lazy<Func<string, Delegate>> _observe = new(() => CompileObserved(name, callback));

    /// <summary>The delegate for an instance.</summary>
    public Delegate Bind(CurrentPlugin current)
    {
        string plugin = current.PluginName;
        return _choose.Value.CreateDelegate(callback.GetType(), new Choice(callback, () => _observe.Value(plugin)));
    }

    // (choice, a, b) => ObservesHostCalls ? ((T)choice.Observed)(a, b) : ((T)choice.Callback)(a, b)
    private static DynamicMethod CompileChoice(Type type)
    {
        MethodInfo invoke = InvokeOf(type);
        Type[] parameters = [.. invoke.GetParameters().Select(static parameter => parameter.ParameterType)];
        var method = new DynamicMethod("observed", invoke.ReturnType, [typeof(Choice), .. parameters], typeof(ObservedDelegate), skipVisibility: true);
        ILGenerator il = method.GetILGenerator();
        Label observed = il.DefineLabel();
        il.Emit(OpCodes.Call, typeof(PluginTelemetry).GetProperty(nameof(PluginTelemetry.ObservesHostCalls))!.GetMethod!);
        il.Emit(OpCodes.Brtrue, observed);
        Call(nameof(Choice.Callback));
        il.MarkLabel(observed);
        Call(nameof(Choice.Observed));
        return method;

        void Call(string target)
        {
            il.Emit(OpCodes.Ldarg_0);
            il.Emit(OpCodes.Call, typeof(Choice).GetProperty(target)!.GetMethod!);
            il.Emit(OpCodes.Castclass, type);
            for (int i = 0; i < parameters.Length; i++)
            {
                il.Emit(OpCodes.Ldarg, (short)(i + 1));
            }

            il.Emit(OpCodes.Callvirt, invoke);
            il.Emit(OpCodes.Ret);
        }
    }

    // plugin => (a, b) => Observe(name, plugin, () => callback(a, b))
    private static Func<string, Delegate> CompileObserved(string name, Delegate callback)
    {
        Type type = callback.GetType();
        ParameterExpression plugin = Expression.Parameter(typeof(string), "plugin");
        ParameterExpression[] parameters = [.. InvokeOf(type).GetParameters().Select(static parameter => Expression.Parameter(parameter.ParameterType, parameter.Name))];
        Expression body = Observed(name, plugin, Expression.Invoke(Expression.Constant(callback), parameters));
        return Expression.Lambda<Func<string, Delegate>>(Expression.Convert(Expression.Lambda(type, body, parameters), typeof(Delegate)), plugin).Compile();
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Delegates keep their Invoke method.")]
    private static MethodInfo InvokeOf(Type type) => type.GetMethod("Invoke")!;

    private static Expression Observed(string name, ParameterExpression plugin, InvocationExpression call)
    {
        Type type = call.Type;
        Type? definition = type.IsGenericType ? type.GetGenericTypeDefinition() : null;
        if (type == typeof(void))
        {
            Expression withResult = Expression.Block(call, Expression.Default(typeof(HostValue.Nothing)));
            return Expression.Block(typeof(void), By(nameof(Observe), [typeof(HostValue.Nothing)], withResult));
        }

        return type == typeof(Task) ? By(nameof(ObserveTask), [], call)
            : type == typeof(ValueTask) ? By(nameof(ObserveValueTask), [], call)
            : definition == typeof(Task<>) ? By(nameof(ObserveTaskResult), type.GetGenericArguments(), call)
            : definition == typeof(ValueTask<>) ? By(nameof(ObserveValueTaskResult), type.GetGenericArguments(), call)
            : By(nameof(Observe), [type], call);

        Expression By(string method, Type[] results, Expression inner) => Expression.Call(Method(method, results), Expression.Constant(name), plugin, Expression.Lambda(inner));
    }

    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The methods have no requirements.")]
    private static MethodInfo Method(string name, Type[] results)
    {
        MethodInfo method = typeof(ObservedDelegate).GetMethod(name, BindingFlags.Static | BindingFlags.NonPublic)!;
        return results.Length == 0 ? method : method.MakeGenericMethod(results);
    }

    private static TResult Observe<TResult>(string name, string plugin, Func<TResult> call) => PluginTelemetry.ObserveHostCall(name, plugin, call);

    private static async Task ObserveTask(string name, string plugin, Func<Task> call) =>
        await ObserveTaskResult(name, plugin, async () =>
        {
            await (call() ?? throw NoTask()).ConfigureAwait(false);
            return default(HostValue.Nothing);
        }).ConfigureAwait(false);

    private static async ValueTask ObserveValueTask(string name, string plugin, Func<ValueTask> call) =>
        await ObserveTaskResult(name, plugin, async () =>
        {
            await call().ConfigureAwait(false);
            return default(HostValue.Nothing);
        }).ConfigureAwait(false);

    private static async ValueTask<TResult> ObserveValueTaskResult<TResult>(string name, string plugin, Func<ValueTask<TResult>> call) =>
        await ObserveTaskResult(name, plugin, () => call().AsTask()).ConfigureAwait(false);

    // The operation ends with the task; being in an asynchronous method, its activity is that of the caller no longer when this returns.
    private static async Task<TResult> ObserveTaskResult<TResult>(string name, string plugin, Func<Task<TResult>> call)
    {
        PluginOperation operation = PluginTelemetry.BeginHostCall(plugin, name);
        try
        {
            TResult result = await (call() ?? throw NoTask()).ConfigureAwait(false);
            PluginTelemetry.End(operation);
            return result;
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(operation, exception);
            throw;
        }
    }

    private static InvalidOperationException NoTask() => new("an asynchronous host function returned null instead of a task");

    /// <summary>The two ways that a call can take.</summary>
    private sealed class Choice(Delegate callback, Func<Delegate> observe)
    {
        public Delegate Callback { get; } = callback;

        public Delegate Observed => field ??= observe();
    }
}
