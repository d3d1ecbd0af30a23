namespace Codicil.Plugins;

/// <summary>
/// Delegates with the types that the guest sees, around callbacks with the host's. Each step decides for one type, so that all delegate types are written out here and none is made by
/// reflection, which ahead-of-time compilation could not follow.
/// </summary>
internal static class HostFunctionShape
{
    public static Delegate Bind<TResult>(CurrentPlugin current, Func<CurrentPlugin, TResult> callback) =>
        typeof(TResult) == typeof(HostValue.Nothing) ? new Action(() => callback(current))
        : HostValue.IsInMemory<TResult>() ? new Func<long>(() => HostValue.Write<TResult, long>(current, callback(current)))
        : new Func<TResult>(() => callback(current));

    public static Delegate Bind<T, TResult>(CurrentPlugin current, Func<CurrentPlugin, T, TResult> callback) =>
        HostValue.IsInMemory<T>() ? Step<T, long, TResult>(current, callback) : Step<T, T, TResult>(current, callback);

    public static Delegate Bind<T1, T2, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, TResult> callback) =>
        HostValue.IsInMemory<T1>() ? Step<T1, long, T2, TResult>(current, callback) : Step<T1, T1, T2, TResult>(current, callback);

    public static Delegate Bind<T1, T2, T3, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, T3, TResult> callback) =>
        HostValue.IsInMemory<T1>() ? Step1<T1, long, T2, T3, TResult>(current, callback) : Step1<T1, T1, T2, T3, TResult>(current, callback);

    private static Delegate Step<T, TRaw, TResult>(CurrentPlugin current, Func<CurrentPlugin, T, TResult> callback) =>
        typeof(TResult) == typeof(HostValue.Nothing) ? new Action<TRaw>(a => callback(current, HostValue.Read<T, TRaw>(current, a)))
        : HostValue.IsInMemory<TResult>() ? new Func<TRaw, long>(a => HostValue.Write<TResult, long>(current, callback(current, HostValue.Read<T, TRaw>(current, a))))
        : new Func<TRaw, TResult>(a => callback(current, HostValue.Read<T, TRaw>(current, a)));

    private static Delegate Step<T1, TRaw1, T2, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, TResult> callback) =>
        HostValue.IsInMemory<T2>() ? Step<T1, TRaw1, T2, long, TResult>(current, callback) : Step<T1, TRaw1, T2, T2, TResult>(current, callback);

    private static Delegate Step<T1, TRaw1, T2, TRaw2, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, TResult> callback)
    {
        Func<TRaw1, TRaw2, TResult> call = (a, b) => callback(current, HostValue.Read<T1, TRaw1>(current, a), HostValue.Read<T2, TRaw2>(current, b));
        return typeof(TResult) == typeof(HostValue.Nothing) ? new Action<TRaw1, TRaw2>((a, b) => call(a, b))
            : HostValue.IsInMemory<TResult>() ? new Func<TRaw1, TRaw2, long>((a, b) => HostValue.Write<TResult, long>(current, call(a, b)))
            : call;
    }

    private static Delegate Step1<T1, TRaw1, T2, T3, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, T3, TResult> callback) =>
        HostValue.IsInMemory<T2>() ? Step2<T1, TRaw1, T2, long, T3, TResult>(current, callback) : Step2<T1, TRaw1, T2, T2, T3, TResult>(current, callback);

    private static Delegate Step2<T1, TRaw1, T2, TRaw2, T3, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, T3, TResult> callback) =>
        HostValue.IsInMemory<T3>() ? Step3<T1, TRaw1, T2, TRaw2, T3, long, TResult>(current, callback) : Step3<T1, TRaw1, T2, TRaw2, T3, T3, TResult>(current, callback);

    private static Delegate Step3<T1, TRaw1, T2, TRaw2, T3, TRaw3, TResult>(CurrentPlugin current, Func<CurrentPlugin, T1, T2, T3, TResult> callback)
    {
        Func<TRaw1, TRaw2, TRaw3, TResult> call = (a, b, c) =>
            callback(current, HostValue.Read<T1, TRaw1>(current, a), HostValue.Read<T2, TRaw2>(current, b), HostValue.Read<T3, TRaw3>(current, c));
        return typeof(TResult) == typeof(HostValue.Nothing) ? new Action<TRaw1, TRaw2, TRaw3>((a, b, c) => call(a, b, c))
            : HostValue.IsInMemory<TResult>() ? new Func<TRaw1, TRaw2, TRaw3, long>((a, b, c) => HostValue.Write<TResult, long>(current, call(a, b, c)))
            : call;
    }
}
