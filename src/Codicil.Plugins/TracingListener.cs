using System.Runtime.CompilerServices;

namespace Codicil.Plugins;

/// <summary>Makes spans of the functions of modules that are not instrumented; what was to hear of them anyway still does.</summary>
internal sealed class TracingListener(PluginTracer tracer, FunctionListener? next) : FunctionListener
{
    // Filled while modules are compiled; code of some may run then, where compiled modules are shared. A module that its cache has dropped is not kept here.
    private readonly ConditionalWeakTable<FunctionDefinition, Interest> _interests = [];

    private PluginTracer Tracer => tracer;

    private FunctionListener? Next => next;

    /// <summary>Equal ones make equal options, so that plug-ins with the same tracer can share compiled modules.</summary>
    public override bool Equals(object? obj) => obj is TracingListener other && ReferenceEquals(Tracer, other.Tracer) && ReferenceEquals(Next, other.Next);

    public override int GetHashCode() => HashCode.Combine(tracer, next);

    public override bool ListensTo(FunctionDefinition function)
    {
        bool isOwn = !ObserveImports.IsInstrumented(function.Module)
            && !(function.Import is { ModuleName: KernelImports.ModuleName } import && KernelImports.IndexByName.ContainsKey(import.Name))
            && (tracer.Options.Filter?.Invoke(function) ?? true);
        bool isNexts = next?.ListensTo(function) ?? false;
        if (isOwn || isNexts)
        {
            _interests.AddOrUpdate(function, Interest.Of(isOwn, isNexts));
        }

        return isOwn || isNexts;
    }

    public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters)
    {
        FunctionDefinition function = call.Function;
        Interest interest = InterestIn(function);
        if (interest.IsOwn && RecorderOf(call) is PluginTraceRecorder recorder)
        {
            recorder.LookAtMemory();
            recorder.Enter(
                PluginTraceRecorder.NameOf(function.Name, function.Index), function.Import is null ? PluginSpanKind.Function : PluginSpanKind.HostFunction, function.Index);
        }

        if (next is not null && interest.IsNexts)
        {
            try
            {
                next.Before(call, parameters);
            }
            catch
            {
                // There will be neither After nor Abort.
                End(call, interest, isAborted: true);
                throw;
            }
        }
    }

    public override void After(in FunctionCall call, ReadOnlySpan<Value> results)
    {
        Interest interest = InterestIn(call.Function);
        End(call, interest, isAborted: false);
        if (next is not null && interest.IsNexts)
        {
            next.After(call, results);
        }
    }

    public override void Abort(in FunctionCall call, Exception exception)
    {
        Interest interest = InterestIn(call.Function);
        End(call, interest, isAborted: true);
        if (next is not null && interest.IsNexts)
        {
            next.Abort(call, exception);
        }
    }

    private static PluginTraceRecorder? RecorderOf(in FunctionCall call) => (call.Instance.Store.Data as CurrentPlugin)?.Recorder;

    private Interest InterestIn(FunctionDefinition function) => _interests.TryGetValue(function, out Interest? interest) ? interest : Interest.None;

    private static void End(in FunctionCall call, Interest interest, bool isAborted)
    {
        if (interest.IsOwn && RecorderOf(call) is PluginTraceRecorder recorder)
        {
            recorder.LookAtMemory();
            recorder.Exit(isAborted);
        }
    }

    /// <summary>Who wants to hear of a function.</summary>
    private sealed record Interest(bool IsOwn, bool IsNexts)
    {
        public static Interest None { get; } = new(IsOwn: false, IsNexts: false);

        private static readonly Interest s_own = new(IsOwn: true, IsNexts: false);
        private static readonly Interest s_nexts = new(IsOwn: false, IsNexts: true);
        private static readonly Interest s_both = new(IsOwn: true, IsNexts: true);

        public static Interest Of(bool isOwn, bool isNexts) => isOwn ? (isNexts ? s_both : s_own) : (isNexts ? s_nexts : None);
    }
}
