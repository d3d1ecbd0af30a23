using System.Globalization;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

using Codicil.Tests;
using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

/// <summary>A store that ends in the middle of a blocking call leaves no handle, timer or thread. Counted in a process of its own.</summary>
public sealed class LeftoverTests
{
    // Standard input on which nothing ever comes.
    private const string SilentInput = "d=$(mktemp -d); mkfifo \"$d/f\"; exec 0<>\"$d/f\"; rm -r \"$d\"";

    [Theory]
    [Trait("Security", "CL-02")]
    [Trait("Security", "WO-02")]
    [InlineData("sleep")]
    [InlineData("sleep with provider")]
    [InlineData("accept")]
    [InlineData("recv")]
    [InlineData("send")]
    [InlineData("console")]
    [InlineData("pipe reader")]
    [InlineData("pipe writer")]
    [InlineData("pipe of the system")]
    [InlineData("console output")]
    [InlineData("poll")]
    [InlineData("exit")]
    public void Nothing_is_left_of_a_store_that_ended_in_a_blocking_call(string what)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "counts in /proc");
        ChildProcess.Run(static arguments => Count(arguments[0]), new() { Arguments = [what], ShellPrelude = SilentInput }).AssertSucceeded();
    }

    private static void Count(string what)
    {
        const int Rounds = 8;
        foreach (bool interruptible in (bool[])[true, false])
        {
            // What is made once for the process is made before, or in one of the first attempts: on a slow machine a store may end before its call comes as far as others did.
            Round(what, interruptible);
            Round(what, interruptible);
            const int Attempts = 4;
            string? grown = "";
            for (int i = 0; i < Attempts && grown is not null; i++)
            {
                grown = Grow(what, interruptible, Rounds);
            }

            if (grown is not null)
            {
                throw new InvalidOperationException($"{what}: {grown}");
            }
        }
    }

    // What has become more, if anything has.
    private static string? Grow(string what, bool interruptible, int rounds)
    {
        (int handles, int threads, long timers) = Leftovers();
        for (int i = 0; i < rounds; i++)
        {
            Round(what, interruptible);
        }

        // Whoever is just ending gets a moment; what stays, stays.
        int newHandles = 0, newThreads = 0;
        long newTimers = 0;
        for (int i = 0; i < 500; i++)
        {
            (newHandles, newThreads, newTimers) = Leftovers();
            if (newHandles <= handles && newThreads <= threads && newTimers <= timers)
            {
                return null;
            }

            Thread.Sleep(20);
        }

        // The pool may have grown by itself. One a round would be ours.
        return newHandles > handles || newThreads >= threads + (rounds / 2) || newTimers > timers
            ? string.Create(CultureInfo.InvariantCulture, $"{handles} handles, {threads} threads and {timers} timers have become {newHandles}, {newThreads} and {newTimers}")
            : null;
    }

    private static (int Handles, int Threads, long Timers) Leftovers() =>
        (Directory.GetFileSystemEntries("/proc/self/fd").Length, Directory.GetFileSystemEntries("/proc/self/task").Length, Timer.ActiveCount);

    private static void Round(string what, bool interruptible)
    {
        const uint Listener = 3;
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        var pipe = new Pipe();
        using var server = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.Out);
        using var reader = new System.IO.Pipes.AnonymousPipeClientStream(System.IO.Pipes.PipeDirection.In, server.ClientSafePipeHandle);
        WasiOptions options = WasiOptions.Default.WithSystemTime().WithListener(listener).WithListener(new IPEndPoint(IPAddress.Loopback, 0));
        options = what switch
        {
            "console" => options.InheritStandardInput(),
            "pipe reader" or "poll" => options.WithStandardInput(pipe.Reader),
            "pipe writer" => options.WithStandardOutput(pipe.Writer),
            "console output" => options with { StandardOutput = ConsoleStream.OpenOutput((int)server.SafePipeHandle.DangerousGetHandle(), isTerminal: false) },
            "pipe of the system" => options with { StandardOutput = server },
            "sleep with provider" => options with { Sleep = WasiSleep.FromTimeProvider(new ManualTimeProvider()) },
            _ => options,
        };
        using var guest = new Guest(options, interruptible: interruptible);
        Check(Errno.Success, guest.Call("sock_accept", Listener, 0, 8));
        uint connection = (uint)guest.Memory.ReadInt32(8);
        using var started = new ManualResetEventSlim();
        Exception? outcome = null;
        var thread = new Thread(() =>
        {
            try
            {
                started.Set();
                Block(guest, what, Listener, connection);
            }
            catch (Exception exception) when (exception is ObjectDisposedException or ExitException)
            {
                outcome = exception;
            }
        });
        thread.Start();
        started.Wait();
        Thread.Sleep(15);
        guest.Store.Dispose();
        thread.Join();
        if (outcome is null)
        {
            throw new InvalidOperationException($"{what}: the call has returned");
        }
    }

    private static void Block(Guest guest, string what, uint listener, uint connection)
    {
        guest.WriteVector(0, 1024, 60_000);
        while (true)
        {
            switch (what)
            {
                case "sleep" or "sleep with provider":
                    PollTests.Ready(guest, 3_600_000_000_000);
                    return;
                case "accept":
                    guest.Call("sock_accept", listener, 0, 8);
                    return;
                case "recv":
                    guest.Call("sock_recv", connection, 0, 1, 0, 8, 12);
                    return;
                case "send":
                    Check(Errno.Success, guest.Call("sock_send", connection, 0, 1, 0, 8));
                    break;
                case "console" or "pipe reader":
                    guest.Call("fd_read", 0, 0, 1, 8);
                    return;
                case "pipe writer" or "pipe of the system" or "console output":
                    Check(Errno.Success, guest.Call("fd_write", 1, 0, 1, 8));
                    break;
                case "poll":
                    PollTests.Ready(guest, 3_600_000_000_000, (EventType.FdRead, 0), (EventType.FdRead, listener), (EventType.FdRead, connection));
                    return;
                case "exit":
                    guest.Instance.GetFunction("proc_exit")!.Invoke(3);
                    return;
            }
        }
    }

    private static void Check(Errno expected, Errno found)
    {
        if (expected != found)
        {
            throw new InvalidOperationException($"expected {expected}, found {found}");
        }
    }
}
