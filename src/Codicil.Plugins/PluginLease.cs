namespace Codicil.Plugins;

/// <summary>An instance on loan from a <see cref="PluginPool"/>, until this is disposed. For one owner; disposing it is idempotent and may be done on any thread.</summary>
/// <remarks>A lease that is dropped gives its place back when it is collected; its instance is closed then.</remarks>
public sealed class PluginLease : IDisposable, IAsyncDisposable
{
    private readonly PluginPool _pool;
    private readonly Plugin _plugin;
    private readonly long _lentAt;
    private int _ended;

    internal PluginLease(PluginPool pool, Plugin plugin, long lentAt)
    {
        _pool = pool;
        _plugin = plugin;
        _lentAt = lentAt;

        // While somebody uses the instance, this is not collected.
        plugin.Holder = this;
    }

    /// <summary>Gives the place back.</summary>
    ~PluginLease()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _pool.Reclaim(_plugin);
        }
    }

    /// <summary>The instance. It must not be used after the lease, and its last output is gone then; a call that is still running is ended.</summary>
    /// <exception cref="ObjectDisposedException">The lease has ended.</exception>
    public Plugin Plugin
    {
        get
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _ended) != 0, this);
            return _plugin;
        }
    }

    /// <summary>Gives the instance back.</summary>
    public void Dispose()
    {
        End();
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        End();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private void End()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            _plugin.Holder = null;
            _pool.Return(_plugin, _lentAt);
        }
    }
}
