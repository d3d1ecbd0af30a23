namespace Codicil.Plugins;

/// <summary>
/// Instances of a compiled plug-in that are lent, one owner at a time, and made ready for the next when they come back. Thread-safe.
/// </summary>
/// <remarks>
/// Who finds none free waits, and those who wait are served in their order. What a lease leaves behind (memory, variables, configuration, limits, WASI's descriptors, output) is not seen by the
/// next one unless <see cref="PluginPoolOptions.Policy"/> says so.
/// </remarks>
public sealed class PluginPool : IDisposable, IAsyncDisposable
{
    private readonly CompiledPlugin _compiled;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // The latest at the end: it is lent first, and those that are not needed grow old at the beginning.
    private readonly List<(Plugin Plugin, long Since)> _idle = [];
    private readonly LinkedList<Waiter> _waiters = new();
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Trimming? _trimming;
    private readonly LinkedListNode<WeakReference<PluginPool>> _observed;

    // Idle, lent, or being made.
    private int _count;
    private bool _disposed;

    /// <summary>A pool; it is empty at first.</summary>
    /// <param name="compiled">What instances are made of.</param>
    /// <param name="options">Options, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public PluginPool(CompiledPlugin compiled, PluginPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(compiled);
        Options = options ?? PluginPoolOptions.Default;
        Options.Validate();
        _compiled = compiled;
        _time = Options.TimeProvider;
        _trimming = Options.IdleTimeout is TimeSpan timeout ? Trimming.Start(this, timeout) : null;
        _observed = PluginTelemetry.Add(this);
    }

    /// <summary>The options.</summary>
    public PluginPoolOptions Options { get; }

    /// <summary>What instances are made of.</summary>
    public CompiledPlugin Compiled => _compiled;

    /// <summary>How many instances are in which state now.</summary>
    public PluginPoolState State
    {
        get
        {
            lock (_lock)
            {
                return new PluginPoolState(_idle.Count, _count - _idle.Count, _waiters.Count);
            }
        }
    }

    /// <summary>Lends an instance, or waits for one.</summary>
    /// <param name="cancellationToken">Ends the wait, or the making of an instance.</param>
    /// <returns>A lease; the instance comes back when it is disposed.</returns>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    /// <inheritdoc cref="CompiledPlugin.CreateInstance(CancellationToken)" path="/exception"/>
    public ValueTask<PluginLease> RentAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return TryTake(mayWait: true, out Plugin? plugin, out Waiter? waiter)
            ? ValueTask.FromResult(Lend(plugin, 0, cancellationToken))
            : WaitAsync(waiter!, cancellationToken);
    }

    /// <summary>Lends an instance; the thread waits for one.</summary>
    /// <inheritdoc cref="RentAsync"/>
    public PluginLease Rent(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        long started = 0;
        if (!TryTake(mayWait: true, out Plugin? plugin, out Waiter? waiter))
        {
            started = _time.GetTimestamp();
            plugin = WaitFor(waiter!, cancellationToken);
        }

        return Lend(plugin, started, cancellationToken);
    }

    private Plugin? WaitFor(Waiter waiter, CancellationToken cancellationToken)
    {
        try
        {
            using (CancelWith(waiter, cancellationToken))
            {
                // For the waiter's task itself: nothing else has to run, on a pool that may be full of those who wait here.
                return waiter.Task.GetAwaiter().GetResult();
            }
        }
        catch (ThreadInterruptedException)
        {
            // Nobody waits there any more.
            Cancel(waiter, CancellationToken.None);
            _ = GiveBackAsync(waiter);
            throw;
        }
    }

    // What a waiter was given, or will be, that nobody waits for.
    private async Task GiveBackAsync(Waiter waiter)
    {
        await ((Task)waiter.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (waiter.Task.IsCompletedSuccessfully)
        {
            GiveBack(waiter.Task.Result);
        }
    }

    private void GiveBack(Plugin? plugin)
    {
        if (plugin is null)
        {
            GiveUpPlace();
        }
        else
        {
            Put(plugin);
        }
    }

    /// <summary>Lends an instance if one is free or may be made.</summary>
    /// <returns>A lease; null when all are lent.</returns>
    /// <inheritdoc cref="RentAsync" path="/exception"/>
    public PluginLease? TryRent() => TryTake(mayWait: false, out Plugin? plugin, out _) ? Lend(plugin, 0, CancellationToken.None) : null;

    /// <summary>Makes instances ahead of their use, until so many are idle or the pool is full.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The pool was disposed.</exception>
    /// <inheritdoc cref="CompiledPlugin.CreateInstance(CancellationToken)" path="/exception"/>
    public void WarmUp(int count, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        while (true)
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_idle.Count >= count || _count >= Options.MaxSize)
                {
                    return;
                }

                _count++;
            }

            Put(Create(cancellationToken));
        }
    }

    /// <summary>Drops idle instances until so many are left, the ones that waited longest first.</summary>
    /// <returns>How many were dropped.</returns>
    public int Trim(int keep = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(keep);
        return Trim(keep, TimeSpan.Zero);
    }

    /// <summary>
    /// Refuses new leases, ends those that wait with an <see cref="ObjectDisposedException"/>, and drops idle instances. Those that are lent work on, and are dropped when they come back.
    /// Idempotent.
    /// </summary>
    public void Dispose()
    {
        Waiter[] waiters;
        (Plugin Plugin, long)[] idle;
        bool isDrained;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            waiters = [.. _waiters];
            _waiters.Clear();
            idle = [.. _idle];
            _idle.Clear();
            _count -= idle.Length;
            isDrained = _count == 0;
        }

        _trimming?.Dispose();
        PluginTelemetry.Remove(_observed);
        foreach (Waiter waiter in waiters)
        {
            waiter.TrySetException(new ObjectDisposedException(nameof(PluginPool)));
        }

        foreach ((Plugin plugin, _) in idle)
        {
            plugin.Dispose();
        }

        if (isDrained)
        {
            EndDrained();
        }
    }

    /// <summary>As <see cref="Dispose"/>, and waits until the last lease has come back.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return new ValueTask(_drained.Task);
    }

    /// <summary>A lease has ended.</summary>
    internal void Return(Plugin plugin, long lentAt)
    {
        try
        {
            PluginTelemetry.PoolUsed(this, _time.GetElapsedTime(lentAt));
        }
        finally
        {
            // Whatever a listener throws, the place is free.
            TakeBack(plugin);
        }
    }

    /// <summary>A lease was dropped without having ended: its instance goes, its place is free.</summary>
    internal void Reclaim(Plugin plugin)
    {
        End(plugin);
        GiveUpPlace();
    }

    private void TakeBack(Plugin plugin)
    {
        bool isReusable = Options.Policy == PluginPoolPolicy.Keep && plugin is { IsClosed: false, HasFailed: false, IsInCall: false };
        if (isReusable)
        {
            Put(plugin);
            return;
        }

        // Not Plugin.Reset: who still holds the old object must not reach into the next one's lease.
        try
        {
            plugin.Dispose();
        }
        catch
        {
            // A stream or file system of the host's.
            GiveUpPlace();
            throw;
        }

        bool isWanted;
        lock (_lock)
        {
            isWanted = !_disposed && Options.Policy != PluginPoolPolicy.Discard;
        }

        Plugin? fresh = null;
        try
        {
            fresh = isWanted ? _compiled.CreateInstance() : null;
        }
#pragma warning disable CA1031 // Whoever wants an instance next meets the same failure and is told.
        catch (Exception)
        {
        }
#pragma warning restore CA1031

        if (fresh is not null)
        {
            Put(fresh);
        }
        else
        {
            GiveUpPlace();
        }
    }

    // On a finalizer's or a timer's thread, where what a stream or file system of the host throws from its end would be the end of the process.
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1031", Justification = "There is no caller to tell.")]
    private static void End(Plugin plugin)
    {
        try
        {
            plugin.Dispose();
        }
        catch (Exception)
        {
            // What was disposed before it is gone; the rest goes with the garbage.
        }
    }

    private bool TryTake(bool mayWait, out Plugin? plugin, out Waiter? waiter)
    {
        plugin = null;
        waiter = null;
        while (true)
        {
            lock (_lock)
            {
                ObjectDisposedException.ThrowIf(_disposed, this);
                if (_idle.Count == 0)
                {
                    if (_count < Options.MaxSize)
                    {
                        _count++;
                        return true;
                    }

                    if (mayWait)
                    {
                        waiter = new Waiter();
                        waiter.Node = _waiters.AddLast(waiter);
                    }

                    return false;
                }

                plugin = _idle[^1].Plugin;
                _idle.RemoveAt(_idle.Count - 1);
                if (!plugin.IsClosed)
                {
                    return true;
                }

                // Its compiled plug-in was disposed, or somebody kept it.
                _count--;
                plugin = null;
            }
        }
    }

    private async ValueTask<PluginLease> WaitAsync(Waiter waiter, CancellationToken cancellationToken)
    {
        long started = _time.GetTimestamp();
        Plugin? plugin;
        using (CancelWith(waiter, cancellationToken))
        {
            plugin = await waiter.Task.ConfigureAwait(false);
        }

        return Lend(plugin, started, cancellationToken);
    }

    private CancellationTokenRegistration CancelWith(Waiter waiter, CancellationToken cancellationToken) => cancellationToken.UnsafeRegister(
        static (state, token) =>
        {
            var (pool, waiter) = ((PluginPool, Waiter))state!;
            pool.Cancel(waiter, token);
        },
        (this, waiter));

    private void Cancel(Waiter waiter, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            // It was served, or the pool was disposed.
            if (waiter.Node?.List is null)
            {
                return;
            }

            _waiters.Remove(waiter.Node);
        }

        waiter.TrySetCanceled(cancellationToken);
    }

    // With no instance there is a place for one.
    private PluginLease Lend(Plugin? plugin, long waitedSince, CancellationToken cancellationToken)
    {
        try
        {
            PluginTelemetry.PoolWaited(this, waitedSince == 0 ? TimeSpan.Zero : _time.GetElapsedTime(waitedSince));
            plugin ??= _compiled.CreateInstance(cancellationToken);
            return new PluginLease(this, plugin, _time.GetTimestamp());
        }
        catch
        {
            // A listener's exception is the caller's; what it was to get is the next one's.
            GiveBack(plugin);
            throw;
        }
    }

    private Plugin Create(CancellationToken cancellationToken)
    {
        try
        {
            return _compiled.CreateInstance(cancellationToken);
        }
        catch
        {
            GiveUpPlace();
            throw;
        }
    }

    // An instance is free: the first who waits gets it.
    private void Put(Plugin plugin)
    {
        Waiter? waiter = null;
        bool isDropped;
        lock (_lock)
        {
            isDropped = _disposed;
            if (!isDropped)
            {
                waiter = TakeWaiter();
                if (waiter is null)
                {
                    _idle.Add((plugin, _time.GetTimestamp()));
                }
            }
        }

        if (isDropped)
        {
            Reclaim(plugin);
            return;
        }

        waiter?.TrySetResult(plugin);
    }

    // A place is free: the first who waits may make an instance.
    private void GiveUpPlace()
    {
        Waiter? waiter;
        bool isDrained;
        lock (_lock)
        {
            waiter = _disposed ? null : TakeWaiter();
            if (waiter is null)
            {
                _count--;
            }

            isDrained = _disposed && _count == 0;
        }

        waiter?.TrySetResult(null);
        if (isDrained)
        {
            EndDrained();
        }
    }

    // One that is taken out under the lock is no longer cancelled: whatever it is given arrives.
    private Waiter? TakeWaiter()
    {
        if (_waiters.First is not { } first)
        {
            return null;
        }

        _waiters.RemoveFirst();
        return first.Value;
    }

    private int Trim(int keep, TimeSpan olderThan)
    {
        var dropped = new List<Plugin>();
        lock (_lock)
        {
            long now = _time.GetTimestamp();
            while (_idle.Count > keep && _time.GetElapsedTime(_idle[0].Since, now) >= olderThan)
            {
                dropped.Add(_idle[0].Plugin);
                _idle.RemoveAt(0);
                _count--;
            }
        }

        foreach (Plugin plugin in dropped)
        {
            End(plugin);
        }

        return dropped.Count;
    }

    private void EndDrained()
    {
        if (Options.DisposesCompiled)
        {
            _compiled.Dispose();
        }

        _drained.TrySetResult();
    }

    /// <summary>One who waits. Null for a result is a place.</summary>
    private sealed class Waiter() : TaskCompletionSource<Plugin?>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public LinkedListNode<Waiter>? Node { get; set; }
    }

    /// <summary>The timer that looks for idle instances; it does not keep a forgotten pool alive.</summary>
    private sealed class Trimming : IDisposable
    {
        private readonly WeakReference<PluginPool> _pool;
        private readonly TimeSpan _timeout;
        private ITimer? _timer;

        private Trimming(PluginPool pool, TimeSpan timeout)
        {
            _pool = new WeakReference<PluginPool>(pool);
            _timeout = timeout;
        }

        public static Trimming Start(PluginPool pool, TimeSpan timeout)
        {
            var trimming = new Trimming(pool, timeout);
            TimeSpan period = TimeSpan.FromTicks(Math.Max(timeout.Ticks / 2, TimeSpan.TicksPerMillisecond * 10));

            // What flows with whoever makes the pool is not the timer's: it would be kept, and seen, for as long as the pool is.
            using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
            trimming._timer = pool._time.CreateTimer(static state => ((Trimming)state!).Look(), trimming, period, period);
            return trimming;
        }

        public void Dispose() => _timer?.Dispose();

        private void Look()
        {
            if (_pool.TryGetTarget(out PluginPool? pool))
            {
                pool.Trim(pool.Options.MinimumIdle, _timeout);
            }
            else
            {
                Dispose();
            }
        }
    }
}
