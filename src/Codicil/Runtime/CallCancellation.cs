namespace Codicil.Runtime;

/// <summary>A token that interrupts one call in a store, and no other.</summary>
internal sealed class CallCancellation
{
    private readonly ManagedStore _store;
    private readonly CancellationToken _token;
    private readonly Lock _lock = new();
    private bool _isRunning;
    private WasmCanceledException? _raised;

    /// <summary>A cancellation for a call that <see cref="Run"/> will make.</summary>
    /// <exception cref="InvalidOperationException">Calls of this store cannot be interrupted.</exception>
    public CallCancellation(ManagedStore store, CancellationToken token)
    {
        if (!store.ManagedEngine.Options.Interruptible)
        {
            throw new InvalidOperationException("a token that can be cancelled needs EngineOptions.Interruptible");
        }

        _store = store;
        _token = token;
    }

    /// <summary>Whether <see cref="Run"/> was reached.</summary>
    public bool HasBegun { get; private set; }

    /// <summary>What a cancelled call throws.</summary>
    public WasmCanceledException Canceled() => new("the call was cancelled", _token);

    /// <summary>Makes the call. A cancellation that comes in its last moment is one: the call has failed.</summary>
    public void Run(Action call)
    {
        HasBegun = true;
        if (_token.IsCancellationRequested)
        {
            throw Canceled();
        }

        lock (_lock)
        {
            _isRunning = true;
        }

        CancellationTokenRegistration registration = _token.UnsafeRegister(static state => ((CallCancellation)state!).Cancel(), this);
        try
        {
            call();
        }
        finally
        {
            lock (_lock)
            {
                _isRunning = false;
            }

            registration.Unregister();
            if (_raised is not null)
            {
                _store.ResetInterrupt(_raised);
            }
        }

        if (_raised is not null)
        {
            throw _raised;
        }
    }

    private void Cancel()
    {
        lock (_lock)
        {
            if (_isRunning && _raised is null)
            {
                _raised = Canceled();
                _store.Interrupt(_raised);
            }
        }
    }
}
