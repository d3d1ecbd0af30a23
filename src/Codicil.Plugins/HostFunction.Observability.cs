namespace Codicil.Plugins;

// Around each callback a look whether somebody observes calls of host functions: a few loads when nobody does.
public sealed partial class HostFunction
{
    private static HostFunction Shaped<TResult>(string name, string? @namespace, Delegate callback, Func<CurrentPlugin, TResult> call)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Func<CurrentPlugin, TResult> observed = plugin => PluginTelemetry.ObservesHostCalls ? ObserveWith(plugin) : call(plugin);
        return new HostFunction(name, @namespace, (store, current) => ManagedCode.FromDelegate(store, HostFunctionShape.Bind(current, observed)));

        // A method of its own: what it captures is allocated only when it is called.
        TResult ObserveWith(CurrentPlugin plugin) => PluginTelemetry.ObserveHostCall(name, plugin.PluginName, () => call(plugin));
    }

    private static HostFunction Shaped<T, TResult>(string name, string? @namespace, Delegate callback, Func<CurrentPlugin, T, TResult> call)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Func<CurrentPlugin, T, TResult> observed = (plugin, a) => PluginTelemetry.ObservesHostCalls ? ObserveWith(plugin, a) : call(plugin, a);
        return new HostFunction(name, @namespace, (store, current) => ManagedCode.FromDelegate(store, HostFunctionShape.Bind(current, observed)));

        TResult ObserveWith(CurrentPlugin plugin, T a) => PluginTelemetry.ObserveHostCall(name, plugin.PluginName, () => call(plugin, a));
    }

    private static HostFunction Shaped<T1, T2, TResult>(string name, string? @namespace, Delegate callback, Func<CurrentPlugin, T1, T2, TResult> call)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Func<CurrentPlugin, T1, T2, TResult> observed = (plugin, a, b) => PluginTelemetry.ObservesHostCalls ? ObserveWith(plugin, a, b) : call(plugin, a, b);
        return new HostFunction(name, @namespace, (store, current) => ManagedCode.FromDelegate(store, HostFunctionShape.Bind(current, observed)));

        TResult ObserveWith(CurrentPlugin plugin, T1 a, T2 b) => PluginTelemetry.ObserveHostCall(name, plugin.PluginName, () => call(plugin, a, b));
    }

    private static HostFunction Shaped<T1, T2, T3, TResult>(string name, string? @namespace, Delegate callback, Func<CurrentPlugin, T1, T2, T3, TResult> call)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Func<CurrentPlugin, T1, T2, T3, TResult> observed = (plugin, a, b, c) => PluginTelemetry.ObservesHostCalls ? ObserveWith(plugin, a, b, c) : call(plugin, a, b, c);
        return new HostFunction(name, @namespace, (store, current) => ManagedCode.FromDelegate(store, HostFunctionShape.Bind(current, observed)));

        TResult ObserveWith(CurrentPlugin plugin, T1 a, T2 b, T3 c) => PluginTelemetry.ObserveHostCall(name, plugin.PluginName, () => call(plugin, a, b, c));
    }

    private static void CallObserved(string name, HostFunctionStackCallback callback, CurrentPlugin plugin, Span<ulong> stack)
    {
        PluginOperation operation = PluginTelemetry.BeginHostCall(plugin.PluginName, name);
        try
        {
            callback(plugin, stack);
            PluginTelemetry.End(operation);
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(operation, exception);
            throw;
        }
    }
}
