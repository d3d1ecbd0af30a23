using System.Runtime.ExceptionServices;

namespace Codicil.Wasi;

/// <summary>Disposes several things: all of them, whatever one throws. That is thrown at the end.</summary>
internal struct Disposal
{
    private List<Exception>? _failures;

    /// <summary>Disposes one.</summary>
    public void Dispose(IDisposable? resource)
    {
        try
        {
            resource?.Dispose();
        }
#pragma warning disable CA1031 // Thrown at the end.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            (_failures ??= []).Add(exception);
        }
    }

    /// <summary>Throws what was thrown: the exception itself, or an <see cref="AggregateException"/> of several.</summary>
    public readonly void End()
    {
        if (_failures is [Exception only])
        {
            ExceptionDispatchInfo.Throw(only);
        }

        if (_failures is not null)
        {
            throw new AggregateException(_failures);
        }
    }
}
