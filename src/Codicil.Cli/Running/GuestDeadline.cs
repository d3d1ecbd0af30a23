using System.Diagnostics;

namespace Codicil.Cli.Running;

/// <summary>
/// Ends everything the guest does when its time is up, from a thread of its own. What cannot be interrupted, such as writing to a pipe that
/// nobody empties, ends with the process a moment later.
/// </summary>
internal sealed class GuestDeadline : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromMilliseconds(500);

    private readonly long _begin = Stopwatch.GetTimestamp();
    private readonly TimeSpan _timeout;
    private readonly ManualResetEventSlim _finished = new();
    private readonly Lock _lock = new();
    private Store? _store;
    private bool _expired;

    public GuestDeadline(TimeSpan timeout)
    {
        _timeout = timeout;
        new Thread(Watch, 256 * 1024) { IsBackground = true, Name = "codicil deadline" }.Start();
    }

    /// <summary>The time that is left, at least a millisecond.</summary>
    public TimeSpan Remaining
    {
        get
        {
            TimeSpan left = _timeout - Stopwatch.GetElapsedTime(_begin);
            return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
        }
    }

    /// <summary>Makes this the store to interrupt.</summary>
    public void Guard(Store store)
    {
        lock (_lock)
        {
            _store = store;
            if (_expired)
            {
                store.Interrupt(Reason());
            }
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _store = null;
        }

        _finished.Set();
    }

    private void Watch()
    {
        if (_finished.Wait(_timeout))
        {
            return;
        }

        lock (_lock)
        {
            _expired = true;
            if (_store is { IsDisposed: false } store)
            {
                store.Interrupt(Reason());
            }
        }

        if (!_finished.Wait(s_grace))
        {
            Messages.Error(Reason().Message);
            Environment.Exit(ExitCodes.Timeout);
        }
    }

    private WasmTimeoutException Reason() =>
        new(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"timeout: the guest did not finish in {_timeout.TotalMilliseconds} ms"));
}
