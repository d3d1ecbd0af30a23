namespace Codicil.Runtime;

/// <summary>Who waits at which address of a shared memory (threads proposal, wait and notify). Thread-safe.</summary>
internal sealed class WaitQueues
{
    /// <summary>How long a wait goes on without looking at its store's interrupt.</summary>
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, LinkedList<Waiter>> _queues = [];

    private sealed class Waiter
    {
        public bool IsWoken;
    }

    /// <summary>Waits until notified.</summary>
    /// <param name="address">The offset in the memory.</param>
    /// <param name="isExpected">Whether the value there is the expected one.</param>
    /// <param name="timeout">In nanoseconds; negative for none.</param>
    /// <param name="poll">Throws to end the wait.</param>
    /// <returns>0 when notified, 1 when the value was another, 2 after the time.</returns>
    public int Wait(nint address, Func<bool> isExpected, long timeout, InterruptPoll poll)
    {
        var waiter = new Waiter();
        LinkedListNode<Waiter> node;
        lock (_lock)
        {
            // Under the lock of notify: who changes the value and then notifies finds the waiter.
            if (!isExpected())
            {
                return 1;
            }

            if (!_queues.TryGetValue(address, out LinkedList<Waiter>? queue))
            {
                _queues.Add(address, queue = new LinkedList<Waiter>());
            }

            node = queue.AddLast(waiter);
        }

        try
        {
            long start = System.Diagnostics.Stopwatch.GetTimestamp();
            TimeSpan limit = timeout < 0 ? TimeSpan.MaxValue : TimeSpan.FromTicks((timeout + 99) / 100);
            lock (waiter)
            {
                while (!waiter.IsWoken)
                {
                    TimeSpan rest = limit - System.Diagnostics.Stopwatch.GetElapsedTime(start);
                    if (rest <= TimeSpan.Zero)
                    {
                        break;
                    }

                    Monitor.Wait(waiter, rest < s_look ? rest : s_look);
                    if (!waiter.IsWoken)
                    {
                        poll.Poll();
                    }
                }
            }
        }
        finally
        {
            Leave(address, node);
        }

        return waiter.IsWoken ? 0 : 2;
    }

    /// <summary>Wakes those who have waited longest.</summary>
    /// <returns>How many.</returns>
    public int Notify(nint address, uint count)
    {
        int woken = 0;
        lock (_lock)
        {
            if (!_queues.TryGetValue(address, out LinkedList<Waiter>? queue))
            {
                return 0;
            }

            while ((uint)woken < count && queue.First is LinkedListNode<Waiter> first)
            {
                queue.RemoveFirst();
                lock (first.Value)
                {
                    first.Value.IsWoken = true;
                    Monitor.Pulse(first.Value);
                }

                woken++;
            }

            if (queue.Count == 0)
            {
                _queues.Remove(address);
            }
        }

        return woken;
    }

    private void Leave(nint address, LinkedListNode<Waiter> node)
    {
        lock (_lock)
        {
            if (node.List is LinkedList<Waiter> queue)
            {
                queue.Remove(node);
                if (queue.Count == 0)
                {
                    _queues.Remove(address);
                }
            }
        }
    }
}
