using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Codicil.Runtime;

namespace Codicil;

/// <summary>What a host function sees of the code that called it. Valid until the host function returns; kept beyond that, it throws.</summary>
public readonly struct Caller
{
    // Two words, so that it is passed in registers: most of what a host function does is done with it.
    private readonly HostFunction? _function;
    private readonly long _token;

    internal Caller(HostFunction function, long token)
    {
        _function = function;
        _token = token;
    }

    /// <summary>The store.</summary>
    /// <exception cref="InvalidOperationException">The call has ended.</exception>
    public Store Store => Check().Store;

    /// <summary>The instance that imported the function, or null when the host called it directly.</summary>
    /// <exception cref="InvalidOperationException">The call has ended.</exception>
    public Instance? Instance => Check().Instance;

    /// <summary>An export of the calling instance, or null.</summary>
    public Extern? GetExport(string name) => Instance?.GetExport(name);

    /// <summary>An exported function of the calling instance, or null.</summary>
    public Function? GetFunction(string name) => GetExport(name) as Function;

    /// <summary>An exported memory of the calling instance, or null.</summary>
    public Memory? GetMemory(string name) => GetExport(name) as Memory;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private HostFunction Check()
    {
        HostFunction? function = _function;
        if (function is null || !function.Store.Context.IsCallerActive(_token))
        {
            ThrowEnded();
        }

        return function;
    }

    [DoesNotReturn]
    private static void ThrowEnded() => throw new InvalidOperationException("the caller is used after its call has ended");
}
