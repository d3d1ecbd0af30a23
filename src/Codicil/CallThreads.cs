using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace Codicil;

/// <summary>
/// The threads that carry asynchronous calls. Code that the CLR runs cannot be taken off its thread, so a call that waits in a host function keeps its thread;
/// these are ours, so that no thread of the pool is ever the one that waits. Thread-safe; it needs no disposal.
/// </summary>
/// <remarks>
/// A thread is started when a call finds none idle and there are fewer than <see cref="MaxThreads"/>; at the bound, calls wait their turn, in the order in which they came, without
/// a thread. A thread that had nothing to do for <see cref="IdleTimeout"/> ends. All are background threads, named "Codicil async call". Each reserves
/// <see cref="EngineOptions.MaxStackBytes"/> and 1.25 MiB of address space, of which it uses what its deepest call touched: a call that waits in a host function was measured at 32 KiB of
/// resident memory, the runtime's own share included.
/// </remarks>
public sealed class CallThreads
{
    /// <summary>How many threads there may be when nothing else is said.</summary>
    public const int DefaultMaxThreads = 1024;

    private static readonly TimeSpan s_defaultIdleTimeout = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly LinkedList<Work> _waiting = new();

    // The one that became idle last is the first to work again: those that are not needed stay idle and end.
    private readonly LinkedList<Carrier> _idle = new();
    private int _count;

    // What the most demanding engine so far needs: threads that are started from now on have it.
    private int _stackBytes;

    // How a thread is started: a test's system can refuse.
    private readonly Action<Thread> _starter = static thread => thread.UnsafeStart();

    /// <summary>A set of threads; none is started before it is needed.</summary>
    /// <param name="maxThreads">How many calls are carried at the same time, at least 1.</param>
    /// <param name="idleTimeout">How long a thread waits for the next call before it ends; null for 10 seconds.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are to be no threads, or the timeout is negative or beyond 24 days.</exception>
    public CallThreads(int maxThreads = DefaultMaxThreads, TimeSpan? idleTimeout = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxThreads, 1);
        TimeSpan idle = idleTimeout ?? s_defaultIdleTimeout;
        ArgumentOutOfRangeException.ThrowIfLessThan(idle, TimeSpan.Zero, nameof(idleTimeout));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(idle.TotalMilliseconds, int.MaxValue, nameof(idleTimeout));
        MaxThreads = maxThreads;
        IdleTimeout = idle;
    }

    /// <summary>A set of threads on a system that starts them as a test says.</summary>
    internal CallThreads(int maxThreads, Action<Thread> starter)
        : this(maxThreads) => _starter = starter;

    /// <summary>The threads of every engine that is given no others: <see cref="DefaultMaxThreads"/> for the process.</summary>
    public static CallThreads Shared { get; } = new();

    /// <summary>How many calls are carried at the same time.</summary>
    public int MaxThreads { get; }

    /// <summary>How long a thread waits for the next call before it ends.</summary>
    public TimeSpan IdleTimeout { get; }

    /// <summary>How many threads there are now, idle ones included.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>How many calls wait for a thread.</summary>
    public int WaitingCount
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Carries an action. The token takes it out of the queue; once it runs, it is the action's to notice.</summary>
    internal async Task RunAsync(Action action, int stackBytes, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var work = new Work(this, action, stackBytes);
        Dispatch(work);
        if (cancellationToken.CanBeCanceled && !work.HasBegun)
        {
            // What begins in the meantime finds nothing to take out.
            work.CancelWith(cancellationToken);
        }

        await work.Completion.ConfigureAwait(false);
        work.ThrowIfFailed();
    }

    private void Dispatch(Work work)
    {
        lock (_lock)
        {
            _stackBytes = Math.Max(_stackBytes, work.StackBytes);
            LinkedListNode<Carrier>? node = _idle.First;
            while (node is not null && node.Value.StackBytes < work.StackBytes)
            {
                node = node.Next;
            }

            // On a stack that is too small the engine makes the call on a thread of its own, and this one waits: right, but two threads for one call.
            node ??= _count == MaxThreads ? _idle.First : null;
            if (node is not null)
            {
                _idle.Remove(node);
                node.Value.Give(work);
                return;
            }

            if (_count == MaxThreads)
            {
                _waiting.AddLast(work.Node);
                return;
            }

            _count++;
        }

        Start(work);
    }

    private void Start(Work work)
    {
        try
        {
            new Carrier(this, Volatile.Read(ref _stackBytes)).Start(work);
        }
        catch (Exception exception) when (exception is OutOfMemoryException or ThreadStartException)
        {
            Work[] lost;
            lock (_lock)
            {
                // The system gives no more threads: that is a bound, too, as long as one of ours will be free for this.
                if (--_count > 0)
                {
                    if (_idle.First is { } idle)
                    {
                        _idle.Remove(idle);
                        idle.Value.Give(work);
                    }
                    else
                    {
                        _waiting.AddLast(work.Node);
                    }

                    return;
                }

                // Those that wait counted on a thread that was being started, this one: none will come.
                lost = [.. _waiting];
                _waiting.Clear();
            }

            foreach (Work other in lost)
            {
                other.Fail(exception);
            }

            throw;
        }
    }

    // What a thread does next: the call that waits longest, or nothing for now.
    private Work? Next(Carrier carrier)
    {
        lock (_lock)
        {
            if (_waiting.First is not { } first)
            {
                _idle.AddFirst(carrier.Node);
                return null;
            }

            _waiting.Remove(first);
            return first.Value;
        }
    }

    private bool TryEnd(Carrier carrier)
    {
        lock (_lock)
        {
            if (carrier.Node.List is null)
            {
                return false;
            }

            _idle.Remove(carrier.Node);
            _count--;
            return true;
        }
    }

    private bool TryTakeOut(Work work)
    {
        lock (_lock)
        {
            if (work.Node.List is null)
            {
                return false;
            }

            _waiting.Remove(work.Node);
            return true;
        }
    }

    private sealed class Work
    {
        private readonly CallThreads _owner;
        private readonly Action _action;
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private readonly TaskCompletionSource _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private CancellationTokenRegistration _registration;
        private ExceptionDispatchInfo? _failure;
        private volatile bool _hasBegun;

        public Work(CallThreads owner, Action action, int stackBytes)
        {
            _owner = owner;
            _action = action;
            StackBytes = stackBytes;
            Node = new LinkedListNode<Work>(this);
        }

        public int StackBytes { get; }

        public LinkedListNode<Work> Node { get; }

        public Task Completion => _completion.Task;

        public bool HasBegun => _hasBegun;

        public void CancelWith(CancellationToken token)
        {
            _registration = token.UnsafeRegister(
                static (state, token) =>
                {
                    var work = (Work)state!;
                    if (work._owner.TryTakeOut(work))
                    {
                        work._completion.SetCanceled(token);
                    }
                },
                this);
        }

        // Never throws: a thread of ours would take the process with it.
        public void Run(ExecutionContext unused)
        {
            _hasBegun = true;
            try
            {
                // Where nothing flows, in the thread's unused one: what a call leaves there must not be the next one's.
                ExecutionContext.Run(_context ?? unused, static state => ((Work)state!)._action(), this);
            }
#pragma warning disable CA1031 // Carried to the awaiting code as it is.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
            }

            SynchronizationContext.SetSynchronizationContext(null);
            _completion.SetResult();
        }

        /// <summary>Ends a work that was taken out of the waiting ones without having run.</summary>
        public void Fail(Exception exception)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
            _completion.SetResult();
        }

        public void ThrowIfFailed()
        {
            _registration.Unregister();
            _failure?.Throw();
        }
    }

    private sealed class Carrier
    {
        private readonly CallThreads _owner;
        private readonly object _gate = new();
        private Work? _given;

        public Carrier(CallThreads owner, int stackBytes)
        {
            _owner = owner;
            StackBytes = stackBytes;
            Node = new LinkedListNode<Carrier>(this);
        }

        public int StackBytes { get; }

        public LinkedListNode<Carrier> Node { get; }

        public void Start(Work first)
        {
            _given = first;
            _owner._starter(new Thread(Run, StackBytes) { IsBackground = true, Name = "Codicil async call" });
        }

        /// <summary>Ends the wait of a thread that was taken out of the idle ones.</summary>
        public void Give(Work work)
        {
            lock (_gate)
            {
                _given = work;
                Monitor.Pulse(_gate);
            }
        }

        private void Run()
        {
            // Never null: nobody suppresses its flow here.
            ExecutionContext unused = ExecutionContext.Capture()!;
            Work? work = TakeGiven();
            while (true)
            {
                work.Run(unused);
                work = _owner.Next(this);
                if (work is not null)
                {
                    continue;
                }

                if (!WaitForWork(_owner.IdleTimeout))
                {
                    if (_owner.TryEnd(this))
                    {
                        return;
                    }

                    // Work is being given in the last moment.
                    WaitForWork(Timeout.InfiniteTimeSpan);
                }

                work = TakeGiven();
            }
        }

        private bool WaitForWork(TimeSpan timeout)
        {
            long start = Stopwatch.GetTimestamp();
            lock (_gate)
            {
                while (_given is null)
                {
                    TimeSpan left = timeout == Timeout.InfiniteTimeSpan ? timeout : timeout - Stopwatch.GetElapsedTime(start);
                    if (left < TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan)
                    {
                        return false;
                    }

                    Monitor.Wait(_gate, left);
                }

                return true;
            }
        }

        private Work TakeGiven()
        {
            Work work = _given!;
            _given = null;
            return work;
        }
    }
}
