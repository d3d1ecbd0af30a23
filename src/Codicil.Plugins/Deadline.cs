using System.Diagnostics;

namespace Codicil.Plugins;

/// <summary>
/// A deadline that its owner sets before and clears after each piece of work. One dedicated thread watches all of them, so that a saturated pool cannot delay it.
/// </summary>
/// <remarks>
/// Setting costs a store and a fence as long as the thread is going to look early enough anyway: an entry stays queued when it is cleared, and the thread
/// looks at the current value when it comes to it. So a million calls with the same timeout queue one entry, not a million.
/// </remarks>
internal sealed class Deadline
{
    /// <summary>How many entries are queued, for all deadlines of the process.</summary>
    public static int QueuedCount => Watcher.Count;

    /// <summary>No deadline.</summary>
    public const long Never = long.MaxValue;

    private readonly Action _onExpired;
    private long _due = Never;
    private long _queuedFor = Never;
    private bool _isRetired;

    /// <summary>A deadline.</summary>
    /// <param name="onExpired">Called on the watching thread when the deadline has passed, possibly just after it was cleared: look at it again under a lock. Must not block or throw.</param>
    public Deadline(Action onExpired) => _onExpired = onExpired;

    /// <summary>When it passes, in <see cref="Stopwatch"/> ticks; <see cref="Never"/> when it is clear.</summary>
    public long Due => Volatile.Read(ref _due);

    /// <summary>When a time from now has passed; what the clock cannot count to is as late as can be.</summary>
    public static long DueAfter(TimeSpan timeout)
    {
        double ticks = timeout.TotalSeconds * Stopwatch.Frequency;
        long now = Stopwatch.GetTimestamp();
        return ticks < long.MaxValue - now ? now + (long)ticks : Never - 1;
    }

    /// <summary>Sets the deadline.</summary>
    public void Set(long due)
    {
        // The fence orders the store before the look at the queue: the thread does both in the other order.
        Interlocked.Exchange(ref _due, due);
        if (Volatile.Read(ref _queuedFor) > due)
        {
            Watcher.Enqueue(this, due);
        }
    }

    /// <summary>Clears the deadline.</summary>
    public void Clear() => Volatile.Write(ref _due, Never);

    /// <summary>Clears the deadline for good: its owner ends. What is queued for it need not wait for its time.</summary>
    public void Retire()
    {
        Clear();
        Watcher.Forget(this);
    }

    private static class Watcher
    {
        private static readonly Lock s_lock = new();
        private static readonly PriorityQueue<Deadline, long> s_queue = new();
        private static readonly AutoResetEvent s_wake = new(false);
        private static bool s_started;

        // About how many entries are for nothing; when they are the most, all of them go.
        private static int s_retired;

        public static int Count
        {
            get
            {
                lock (s_lock)
                {
                    return s_queue.Count;
                }
            }
        }

        public static void Enqueue(Deadline deadline, long due)
        {
            bool first;
            lock (s_lock)
            {
                if (Volatile.Read(ref deadline._queuedFor) <= due)
                {
                    return;
                }

                // An earlier entry for a later time stays in the queue and finds nothing to do.
                Volatile.Write(ref deadline._queuedFor, due);
                first = !s_queue.TryPeek(out _, out long next) || due < next;
                s_queue.Enqueue(deadline, due);
                if (!s_started)
                {
                    s_started = true;

                    // Without the context of whoever came first, which would never be let go.
                    new Thread(Run) { IsBackground = true, Name = "Codicil deadlines", Priority = ThreadPriority.AboveNormal }.UnsafeStart();
                }
            }

            if (first)
            {
                s_wake.Set();
            }
        }

        public static void Forget(Deadline deadline)
        {
            const int TooFewToSweep = 256;
            lock (s_lock)
            {
                if (deadline._isRetired || Volatile.Read(ref deadline._queuedFor) == Never)
                {
                    return;
                }

                deadline._isRetired = true;
                if (++s_retired >= TooFewToSweep && s_retired > s_queue.Count / 2)
                {
                    (Deadline, long)[] kept = [.. s_queue.UnorderedItems.Where(static entry => !entry.Element._isRetired)];
                    s_queue.Clear();
                    s_queue.EnqueueRange(kept);
                    s_retired = 0;
                }
            }
        }

        private static void Run()
        {
            while (true)
            {
                Deadline? expired = null;
                int wait = Timeout.Infinite;
                lock (s_lock)
                {
                    long now = Stopwatch.GetTimestamp();
                    if (s_queue.TryPeek(out Deadline? deadline, out long queuedFor))
                    {
                        if (queuedFor <= now)
                        {
                            s_queue.Dequeue();
                            expired = Review(deadline, queuedFor, now);
                            wait = 0;
                        }
                        else
                        {
                            // Divided first: a deadline may be centuries away.
                            long milliseconds = ((queuedFor - now) / (Stopwatch.Frequency / 1000)) + 1;
                            wait = (int)Math.Min(milliseconds, int.MaxValue);
                        }
                    }
                }

                expired?._onExpired();
                if (wait != 0)
                {
                    s_wake.WaitOne(wait);
                }
            }
        }

        // The entry's time has come; what counts is when the deadline passes now.
        private static Deadline? Review(Deadline deadline, long queuedFor, long now)
        {
            if (deadline._isRetired)
            {
                s_retired = Math.Max(s_retired - 1, 0);
            }

            if (Volatile.Read(ref deadline._queuedFor) != queuedFor)
            {
                return null;
            }

            Interlocked.Exchange(ref deadline._queuedFor, Never);
            long due = Volatile.Read(ref deadline._due);
            if (due == Never)
            {
                return null;
            }

            if (due <= now)
            {
                return deadline;
            }

            Volatile.Write(ref deadline._queuedFor, due);
            s_queue.Enqueue(deadline, due);
            return null;
        }
    }
}
