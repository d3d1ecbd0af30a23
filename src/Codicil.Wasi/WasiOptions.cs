using System.Collections;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

using Codicil.Wasi.Files;

namespace Codicil.Wasi;

/// <summary>
/// What WASI programs see of the world. Nothing of the host by default: no arguments, no environment, empty input, output that goes nowhere,
/// clocks and sleep that are deterministic fakes; only random bytes are the system's. Immutable and thread-safe; streams are as thread-safe as they are.
/// </summary>
/// <remarks>Checked when a module that imports WASI is instantiated.</remarks>
public sealed record WasiOptions
{
    /// <summary>The options a program has when none are given.</summary>
    public static WasiOptions Default { get; } = new();

    /// <summary>Fakes for all of it: two runs see the same clocks and the same random bytes. Never for guests that make keys.</summary>
    public static WasiOptions Deterministic { get; } = new() { Random = WasiRandom.Deterministic };

    /// <summary>All arguments, the program's name first, as UTF-8. Empty strings are allowed, NUL is not.</summary>
    public IReadOnlyList<string> Arguments
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = CopyArguments(value);
        }
    }
    = [];

    /// <summary>
    /// The environment, in this order; a later value of a name takes the place of the earlier one. Names are case-sensitive on every system.
    /// A name must not be empty nor contain <c>=</c> or NUL, a value must not contain NUL. Takes dictionaries, lists and arrays; they are copied.
    /// </summary>
    public IReadOnlyCollection<KeyValuePair<string, string>> Environment
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = CopyVariables(value);
        }
    }
    = [];

    /// <summary>Standard input; null is at its end from the beginning. It stays the caller's. From a stream that cannot seek up to 4 KiB more than the guest asked for are read, and reading it goes on in a task while the guest waits.</summary>
    public Stream? StandardInput { get; init; }

    /// <summary>Standard output; null discards. It stays the caller's. Flushed when the guest syncs, closes, exits, sleeps or waits for input, not at each write.</summary>
    public Stream? StandardOutput { get; init; }

    /// <summary>Standard error; as <see cref="StandardOutput"/>.</summary>
    public Stream? StandardError { get; init; }

    /// <summary>The clock of dates and times; default <see cref="WasiClock.Deterministic"/>.</summary>
    public WasiClock WallClock { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = WasiClock.Deterministic;

    /// <summary>The clock of durations; default <see cref="WasiClock.Deterministic"/>.</summary>
    public WasiClock MonotonicClock { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = WasiClock.Deterministic;

    /// <summary>What happens when a guest sleeps; default <see cref="WasiSleep.None"/>.</summary>
    public WasiSleep Sleep { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = WasiSleep.None;

    /// <summary>What happens when a guest yields the processor (<c>sched_yield</c>); null returns at once.</summary>
    public Action? Yield { get; init; }

    /// <summary>Where random bytes come from; default <see cref="WasiRandom.System"/>.</summary>
    public WasiRandom Random { get; init => field = value ?? throw new ArgumentNullException(nameof(value)); } = WasiRandom.System;

    /// <summary>
    /// TCP listeners that guests accept connections from (<c>sock_accept</c>); none by default. Their descriptors follow those of the standard streams and
    /// of the directories, in this order.
    /// </summary>
    public IReadOnlyList<WasiListener> Listeners
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            WasiListener[] copy = [.. value];
            foreach (WasiListener listener in copy)
            {
                ArgumentNullException.ThrowIfNull(listener, nameof(value));
            }

            field = copy;
        }
    }
    = [];

    /// <summary>
    /// The file systems that guests are given, each as a pre-opened directory, in this order; none by default. Of two with one guest path the later takes the place of the earlier; <c>/</c>, <c>.</c> and
    /// the empty path are one. A path through one mount that leads to the guest path of another one reaches that.
    /// </summary>
    public IReadOnlyList<WasiMount> Mounts
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            field = CopyMounts(value);
        }
    }
    = [];

    /// <summary>The most descriptors that a guest may have open, the standard streams included, 3 to 1,048,576; default 4,096. Beyond, opening fails with <c>nfile</c>.</summary>
    public int MaximumDescriptors { get; init; } = 4096;

    /// <summary>
    /// The functions that <see cref="WasiCommand.Instantiate"/> calls, in this order; default <c>_start</c>. Those that a module does not export are passed over. An empty list calls none; a reactor's <c>_initialize</c> has to be named.
    /// </summary>
    public IReadOnlyList<string> StartFunctions
    {
        get;
        init
        {
            ArgumentNullException.ThrowIfNull(value);
            string[] copy = [.. value];
            foreach (string name in copy)
            {
                ArgumentNullException.ThrowIfNull(name, nameof(value));
            }

            field = copy;
        }
    }
    = [WasiCommand.Start];

    /// <summary>The same with one more environment variable, or another value in the place of one that is there.</summary>
    public WasiOptions WithEnvironmentVariable(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        return this with { Environment = [.. Environment, new(name, value)] };
    }

    /// <summary>The same with a directory of the host mounted: one more, or in the place of the one that has that guest path. Nothing above it or beside it can be reached (<see cref="HostFileSystem"/>).</summary>
    /// <param name="hostPath">The directory. It is opened now to see that it can be, and anew for each store.</param>
    /// <param name="guestPath">Where guests find it (<see cref="WasiMount.GuestPath"/>).</param>
    /// <param name="readOnly">Whether guests may only read: all that would change something is then <c>rofs</c>.</param>
    /// <exception cref="IOException">There is no such directory, or it cannot be opened.</exception>
    /// <exception cref="ArgumentException">Guests cannot have that path.</exception>
    public WasiOptions WithDirectory(string hostPath, string guestPath = "/", bool readOnly = false)
    {
        var fileSystem = new HostFileSystem(hostPath);
        fileSystem.OpenRoot().Dispose();
        return WithFileSystem(fileSystem, guestPath, readOnly);
    }

    /// <summary>The same with a file system mounted: one more, or in the place of the one that has that guest path. A null file system takes all mounts away.</summary>
    /// <param name="fileSystem">The file system; it stays the caller's.</param>
    /// <param name="guestPath">Where guests find it (<see cref="WasiMount.GuestPath"/>).</param>
    /// <param name="readOnly">Whether guests may only read: all that would change something is then <c>rofs</c>.</param>
    /// <exception cref="ArgumentException">Guests cannot have that path.</exception>
    public WasiOptions WithFileSystem(WasiFileSystem? fileSystem, string guestPath = "/", bool readOnly = false) =>
        this with { Mounts = fileSystem is null ? [] : [.. Mounts, new WasiMount(fileSystem, guestPath) { IsReadOnly = readOnly }] };

    /// <summary>The same with standard input from a pipe. The reader stays the caller's and is not completed; up to 4 KiB more than the guest asked for are taken out of it.</summary>
    public WasiOptions WithStandardInput(PipeReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return this with { StandardInput = reader.AsStream(leaveOpen: true) };
    }

    /// <summary>
    /// The same with standard output to a pipe, which sees each write at once. The writer stays the caller's and is not completed. A reader that is behind keeps
    /// the guest waiting; when the reader is completed, the guest's write fails with <c>pipe</c>.
    /// </summary>
    public WasiOptions WithStandardOutput(PipeWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        return this with { StandardOutput = new PipeOutputStream(writer) };
    }

    /// <summary>The same with standard error to a pipe; as <see cref="WithStandardOutput"/>.</summary>
    public WasiOptions WithStandardError(PipeWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        return this with { StandardError = new PipeOutputStream(writer) };
    }

    /// <summary>The same with one more listener, opened for each store and closed with it (<see cref="WasiListener.FromEndPoint"/>).</summary>
    public WasiOptions WithListener(EndPoint endPoint) => this with { Listeners = [.. Listeners, WasiListener.FromEndPoint(endPoint)] };

    /// <summary>The same with one more listener, a socket that listens already and stays the caller's (<see cref="WasiListener.FromSocket"/>).</summary>
    public WasiOptions WithListener(Socket socket) => this with { Listeners = [.. Listeners, WasiListener.FromSocket(socket)] };

    /// <summary>The same with one more listener, which was started and stays the caller's (<see cref="WasiListener.FromSocket"/>).</summary>
    public WasiOptions WithListener(TcpListener listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        return WithListener(listener.Server);
    }

    /// <summary>The same with the system's clocks and a sleep that takes its time.</summary>
    public WasiOptions WithSystemTime() => this with { WallClock = WasiClock.System, MonotonicClock = WasiClock.System, Sleep = WasiSleep.System };

    /// <summary>The same with this process's arguments.</summary>
    public WasiOptions InheritArguments() => this with { Arguments = global::System.Environment.GetCommandLineArgs() };

    /// <summary>The same with this process's environment, in the order of names; variables that WASI has no form for are left out.</summary>
    public WasiOptions InheritEnvironment()
    {
        var variables = new SortedList<string, string>(StringComparer.Ordinal);
        foreach (DictionaryEntry entry in global::System.Environment.GetEnvironmentVariables())
        {
            // Windows keeps variables such as "=C:", the current directory of a drive.
            if (entry is { Key: string { Length: > 0 } name, Value: string value } && !name.Contains('=', StringComparison.Ordinal))
            {
                variables[name] = value;
            }
        }

        return this with { Environment = variables };
    }

    /// <summary>The same with this process's standard input.</summary>
    public WasiOptions InheritStandardInput() => this with { StandardInput = ConsoleStream.OpenInput() };

    /// <summary>The same with this process's standard output; to a terminal, control characters and escape sequences are shown instead of obeyed.</summary>
    public WasiOptions InheritStandardOutput() => this with { StandardOutput = ConsoleStream.OpenOutput() };

    /// <summary>The same with this process's standard error; to a terminal, control characters and escape sequences are shown instead of obeyed.</summary>
    public WasiOptions InheritStandardError() => this with { StandardError = ConsoleStream.OpenError() };

    /// <summary>The same with this process's three standard streams: the console.</summary>
    public WasiOptions InheritConsole() => InheritStandardInput().InheritStandardOutput().InheritStandardError();

    private static string[] CopyArguments(IReadOnlyList<string> arguments)
    {
        string[] copy = [.. arguments];
        foreach (string argument in copy)
        {
            ArgumentNullException.ThrowIfNull(argument, nameof(arguments));
        }

        return copy;
    }

    private static WasiMount[] CopyMounts(IReadOnlyList<WasiMount> mounts)
    {
        var copy = new List<WasiMount>(mounts.Count);
        foreach (WasiMount mount in mounts)
        {
            ArgumentNullException.ThrowIfNull(mount, nameof(mounts));
            int place = copy.FindIndex(other => other.IsAt(mount));
            if (place < 0)
            {
                copy.Add(mount);
            }
            else
            {
                copy[place] = mount;
            }
        }

        return [.. copy];
    }

    private static KeyValuePair<string, string>[] CopyVariables(IReadOnlyCollection<KeyValuePair<string, string>> variables)
    {
        var copy = new List<KeyValuePair<string, string>>(variables.Count);
        var places = new Dictionary<string, int>(variables.Count, StringComparer.Ordinal);
        foreach (KeyValuePair<string, string> variable in variables)
        {
            ArgumentNullException.ThrowIfNull(variable.Key, nameof(variables));
            ArgumentNullException.ThrowIfNull(variable.Value, nameof(variables));
            if (places.TryAdd(variable.Key, copy.Count))
            {
                copy.Add(variable);
            }
            else
            {
                copy[places[variable.Key]] = variable;
            }
        }

        return [.. copy];
    }
}
