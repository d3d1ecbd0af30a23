using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Codicil.Plugins;

// Who is inside, what may end the call, and the end of the plug-in.
public sealed partial class Plugin
{
    private const int Idle = 0;
    private const int Busy = 1;
    private const int Closed = 2;

    private readonly Deadline _deadline;
    private readonly Action<object?> _onCanceled;
    private readonly Lock _interruptLock = new();
    private int _state;
    private int _disposeRequested;
    private int _ownerThread;
    private Exception? _closedBy;

    // The interrupt of the running call; all under the lock.
    private bool _armed;
    private Exception? _interruptReason;
    private CancellationToken _callToken;
    private CancellationTokenRegistration _registration;

    // Takes an asynchronous call out of the queue for a thread; null once it has one.
    private CancellationTokenSource? _queued;

    // Only when a host function asks for it.
    private CancellationTokenSource? _aborted;

    internal CancellationToken CallToken => _callToken;

    internal TimeSpan? CallTimeLeft
    {
        get
        {
            long due = _deadline.Due;
            return due == Deadline.Never ? null : TimeSpan.FromTicks(Math.Max(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due).Ticks, 0));
        }
    }

    /// <summary>Closes the plug-in; a running call ends as if cancelled, with an <see cref="ObjectDisposedException"/>, where interruption is on. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposeRequested, 1) != 0)
        {
            return;
        }

        int state = Interlocked.CompareExchange(ref _state, Closed, Idle);
        if (state != Busy)
        {
            // Closed by a call, or from now on.
            Release();
        }
        else if (_compiled.Options.Interruptible)
        {
            // The call releases everything when it leaves. An interrupt that comes too late for it meets nothing: no other call follows.
            Interrupt(new ObjectDisposedException(nameof(Plugin), "module is closed: the plug-in was disposed during the call"), evenIfNotArmed: true);
        }
        else
        {
            lock (_interruptLock)
            {
                _queued?.Cancel();
            }
        }
    }

    internal void CheckInsideCall()
    {
        if (Volatile.Read(ref _state) != Busy || _ownerThread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException("the current plug-in is used after its call has ended or on another thread");
        }
    }

    internal CancellationToken GetAbortedToken()
    {
        lock (_interruptLock)
        {
            if (_aborted is null)
            {
                // So that the end of the call finds it; a call without a deadline or a token is not armed by itself.
                _armed = true;
                _aborted = new CancellationTokenSource();
                if (_interruptReason is not null)
                {
                    _aborted.Cancel();
                }
            }

            return _aborted.Token;
        }
    }

    internal void ThrowIfInterrupted()
    {
        Exception? reason;
        lock (_interruptLock)
        {
            reason = _interruptReason;
        }

        if (reason is not null)
        {
            throw reason;
        }

        _store.ThrowIfInterrupted();
    }

    // Why the call was interrupted, when that is what the exception means. A host function that heard of it by its token throws a cancellation of its own.
    private Exception? InterruptionOf(Exception exception)
    {
        lock (_interruptLock)
        {
            return ReferenceEquals(exception, _interruptReason) || exception is OperationCanceledException ? _interruptReason : null;
        }
    }

    private void CloseUnlessLinked(ExitException exit)
    {
        if (exit is not LinkedExitException)
        {
            Close(exit);
        }
    }

    private void Close(Exception reason) => _closedBy ??= reason;

    private void Enter(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _state, Busy, Idle) != Idle)
        {
            ThrowNotIdle();
        }

        _ownerThread = Environment.CurrentManagedThreadId;
        if (Timeout is not null || cancellationToken.CanBeCanceled)
        {
            try
            {
                Arm(cancellationToken);
            }
            catch
            {
                Leave();
                throw;
            }
        }
    }

    private void Leave()
    {
        if (_armed)
        {
            Disarm();
        }

        // The exchange is a fence: either Dispose sees this call running and leaves the rest to it, or it is seen here.
        if (_closedBy is not null)
        {
            // Before anybody can reset it.
            try
            {
                _store.Dispose();
            }
            finally
            {
                Interlocked.Exchange(ref _state, Closed);
            }
        }
        else
        {
            Interlocked.Exchange(ref _state, Idle);
        }

        if (Volatile.Read(ref _disposeRequested) != 0 && Interlocked.CompareExchange(ref _state, Closed, Idle) != Busy)
        {
            // Twice is as good as once.
            Release();
        }
    }

    private void EnterForReset()
    {
        if (Volatile.Read(ref _disposeRequested) != 0
            || (Interlocked.CompareExchange(ref _state, Busy, Idle) != Idle && Interlocked.CompareExchange(ref _state, Busy, Closed) != Closed))
        {
            ThrowNotIdle();
        }

        _ownerThread = Environment.CurrentManagedThreadId;
    }

    // A disposal before this one looked at the store that the reset has replaced; one that comes later meets the new one.
    private void ThrowIfDisposedInReset()
    {
        lock (_interruptLock)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposeRequested) != 0, this);
        }
    }

    private void Arm(CancellationToken cancellationToken)
    {
        if (Timeout is null && !cancellationToken.CanBeCanceled)
        {
            return;
        }

        CheckInterruptible();
        if (cancellationToken.IsCancellationRequested)
        {
            LastExitCode = PluginExitCodes.Canceled;
            throw Canceled(cancellationToken);
        }

        lock (_interruptLock)
        {
            _armed = true;
            _interruptReason = null;
            _callToken = cancellationToken;
            if (Timeout is TimeSpan timeout)
            {
                _deadline.Set(Deadline.DueAfter(timeout));
            }
        }

        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(_onCanceled, null);
        }
    }

    private void Disarm()
    {
        bool interrupted;
        lock (_interruptLock)
        {
            _armed = false;
            _deadline.Clear();
            _callToken = default;
            _aborted = null;
            interrupted = _interruptReason is not null;

            // A call that was ended before it had a thread leaves the plug-in open, and the next one may come without a deadline.
            _interruptReason = null;
        }

        // A callback that is running already finds nothing armed; there is no need to wait for it.
        _registration.Unregister();
        _registration = default;
        if (interrupted)
        {
            _store.ResetInterrupt();
        }
    }

    private void OnDeadline()
    {
        lock (_interruptLock)
        {
            if (_armed && _interruptReason is null && Stopwatch.GetTimestamp() >= _deadline.Due)
            {
                Interrupt(new WasmTimeoutException("module closed with context deadline exceeded"), evenIfNotArmed: false);
            }
        }
    }

    private void OnCanceled(object? state)
    {
        lock (_interruptLock)
        {
            if (_armed && _interruptReason is null && _callToken.IsCancellationRequested)
            {
                Interrupt(Canceled(_callToken), evenIfNotArmed: false);
            }
        }
    }

    private static WasmCanceledException Canceled(CancellationToken token) => new("module closed with context canceled", token);

    private void Interrupt(Exception reason, bool evenIfNotArmed)
    {
        lock (_interruptLock)
        {
            if (_interruptReason is null && (_armed || evenIfNotArmed))
            {
                _interruptReason = reason;
                _store.Interrupt(reason);
                _queued?.Cancel();

                // What is registered there is anybody's code, and this may be the thread that watches all deadlines.
                _aborted?.CancelAsync().Forget();
            }
        }
    }

    // A call that was interrupted has failed, even when the guest came to its end before it noticed.
    private void ThrowIfInterruptedAtEnd()
    {
        if (!_armed && Volatile.Read(ref _disposeRequested) == 0)
        {
            return;
        }

        Exception? reason;
        lock (_interruptLock)
        {
            reason = _interruptReason;
        }

        if (reason is not null)
        {
            throw reason;
        }
    }

    private void Release()
    {
        _deadline.Retire();
        Http.Retire();
        _store.Dispose();
        _compiled.Unregister(this);
        if (_ownsCompiled)
        {
            _compiled.Dispose();
        }
    }

    private void CheckInterruptible()
    {
        if (!_compiled.Options.Interruptible)
        {
            throw new InvalidOperationException("a deadline or a token that can be cancelled needs interruption, which is off");
        }
    }

    [DoesNotReturn]
    private void ThrowNotIdle()
    {
        if (Volatile.Read(ref _disposeRequested) != 0)
        {
            throw new ObjectDisposedException(nameof(Plugin), "module is closed");
        }

        if (_closedBy is not null)
        {
            throw new PluginException(PluginFailure.Closed, $"module is closed: {_closedBy.Message}", _closedBy);
        }

        throw new InvalidOperationException("the plug-in is in a call already: one owner at a time; make more instances of the compiled plug-in");
    }
}
