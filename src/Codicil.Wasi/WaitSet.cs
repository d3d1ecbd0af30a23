using System.Diagnostics;
using System.Net.Sockets;

using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi;

/// <summary>What a poll waits for besides time: tasks that read ahead, sockets, this process's standard streams.</summary>
internal sealed class WaitSet
{
    // There is no one wait for different kinds: one of them is waited for, the others are looked at in between.
    private const int MixedSliceInMilliseconds = 5;

    private readonly List<Task> _tasks = [];
    private readonly List<System.Net.Sockets.Socket> _readers = [];
    private readonly List<System.Net.Sockets.Socket> _writers = [];
    private readonly List<System.Net.Sockets.Socket> _selectedReaders = [];
    private readonly List<System.Net.Sockets.Socket> _selectedWriters = [];
    private readonly List<(ConsoleStream Stream, SelectMode Mode)> _consoles = [];

    /// <summary>Whether there is nothing to wait for.</summary>
    public bool IsEmpty => _tasks.Count == 0 && !HasSockets && _consoles.Count == 0;

    private bool HasSockets => _readers.Count != 0 || _writers.Count != 0;

    /// <summary>Adds what something that is not ready waits for.</summary>
    public void Add(Readiness readiness)
    {
        switch (readiness.Source)
        {
            case Task task:
                Add(task);
                break;
            case ConsoleStream console:
                // Asked for many times, they are a few.
                if (!_consoles.Contains((console, readiness.Mode)))
                {
                    _consoles.Add((console, readiness.Mode));
                }

                break;
            case System.Net.Sockets.Socket socket:
                (readiness.Mode == SelectMode.SelectRead ? _readers : _writers).Add(socket);
                break;
        }
    }

    /// <summary>Adds a task, whatever its outcome.</summary>
    public void Add(Task task) => _tasks.Add(task);

    /// <summary>Takes a task out again.</summary>
    public void Remove(Task task) => _tasks.Remove(task);

    /// <summary>Empties it, for another round.</summary>
    public void Clear()
    {
        _tasks.Clear();
        _readers.Clear();
        _writers.Clear();
        _consoles.Clear();
    }

    /// <summary>Waits until something has happened, for ever if need be, unless the store is interrupted or ends.</summary>
    public void Wait(Store store)
    {
        do
        {
            Interruption.Check(store);
        }
        while (!Wait(Interruption.SliceInMilliseconds(store)));
    }

    /// <summary>Waits at most some time, not much longer than a slice; false when nothing has happened.</summary>
    public bool Wait(int milliseconds)
    {
        Func<int, bool> wait = HasSockets ? WaitForSockets : _consoles.Count != 0 ? WaitForConsoles : WaitForTasks;
        if ((HasSockets ? 1 : 0) + (_consoles.Count == 0 ? 0 : 1) + (_tasks.Count == 0 ? 0 : 1) == 1)
        {
            return wait(milliseconds);
        }

        long start = Stopwatch.GetTimestamp();
        while (true)
        {
            if (WaitForTasks(0) || (_consoles.Count != 0 && WaitForConsoles(0)))
            {
                return true;
            }

            int left = milliseconds - (int)Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (wait(Math.Clamp(left, 0, MixedSliceInMilliseconds)))
            {
                return true;
            }

            if (left <= 0)
            {
                return false;
            }
        }
    }

    private bool WaitForTasks(int milliseconds) => Task.WaitAny([.. _tasks], milliseconds) >= 0;

    private bool WaitForConsoles(int milliseconds) => ConsoleStream.WaitForAny([.. _consoles], milliseconds);

    private bool WaitForSockets(int milliseconds)
    {
        try
        {
            if (_readers.Count + _writers.Count == 1)
            {
                return _readers.Count == 1 ? _readers[0].Poll(milliseconds * 1000, SelectMode.SelectRead) : _writers[0].Poll(milliseconds * 1000, SelectMode.SelectWrite);
            }

            _selectedReaders.Clear();
            _selectedReaders.AddRange(_readers);
            _selectedWriters.Clear();
            _selectedWriters.AddRange(_writers);
            System.Net.Sockets.Socket.Select(_selectedReaders, _selectedWriters, null, milliseconds * 1000);
            return _selectedReaders.Count + _selectedWriters.Count != 0;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // One of them has gone: asking each of them tells which.
            return true;
        }
    }
}
