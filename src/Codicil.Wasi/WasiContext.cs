using System.Runtime.CompilerServices;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;
using Codicil.Wasi.Files;
using Codicil.Wasi.Functions;

namespace Codicil.Wasi;

/// <summary>The world of the WASI programs in one store: options made real, descriptors, and what belongs to each instance.</summary>
internal sealed class WasiContext : IDisposable
{
    private readonly ConditionalWeakTable<Instance, InstanceState> _states = [];
    private readonly WasiContext? _main;
    private InstanceState? _lastState;
    private volatile Lock? _gate;

    public WasiContext(Store store, WasiOptions options)
        : this(store, options, CreateDescriptors(options))
    {
        Descriptors.Add(new InputStreamDescriptor(options.StandardInput, this), out _);
        Descriptors.Add(new OutputStreamDescriptor(ForStore(options.StandardOutput), this), out _);
        Descriptors.Add(new OutputStreamDescriptor(ForStore(options.StandardError), this), out _);
        try
        {
            OpenDirectories();
            OpenListeners();
        }
        catch (Exception exception)
        {
            try
            {
                Dispose();
            }
            catch (Exception another)
            {
                throw new AggregateException(exception, another);
            }

            throw;
        }
    }

    /// <summary>The same world for a thread, which has a store of its own.</summary>
    public WasiContext(Store store, WasiContext main)
        : this(store, main.Options, main.Descriptors)
    {
        _main = main;
        _gate = main._gate;
    }

    private WasiContext(Store store, WasiOptions options, DescriptorTable descriptors)
    {
        Store = store;
        Options = options;
        Descriptors = descriptors;
        Arguments = new Arguments(this, options.Arguments);
        Environment = new EnvironmentVariables(this, options.Environment);
        Clock = new Clock(this);
        Random = new RandomBytes(this);
        FileDescriptor = new FileDescriptor(this);
        Path = new Functions.Path(this);
        Poll = new Poll(this);
        Process = new Process(this);
        Socket = new Socket(this);
    }

    public Store Store { get; }

    public WasiOptions Options { get; }

    public DescriptorTable Descriptors { get; }

    public Arguments Arguments { get; }

    public EnvironmentVariables Environment { get; }

    public Clock Clock { get; }

    public RandomBytes Random { get; }

    public FileDescriptor FileDescriptor { get; }

    public Functions.Path Path { get; }

    public Poll Poll { get; }

    public Process Process { get; }

    public Socket Socket { get; }

    /// <summary>Gives back what the programs hold of the host, when the store has ended. A call may still be inside. What a thread's store had is the main one's.</summary>
    public void Dispose()
    {
        if (_main is null)
        {
            Descriptors.Dispose();
        }
    }

    /// <summary>From now on several threads use what is the store's.</summary>
    public void Share() => _gate ??= new Lock();

    /// <summary>Whether several threads use what is the store's.</summary>
    public bool IsShared => _gate is not null;

    /// <summary>Keeps the other threads of a program out.</summary>
    public WasiGate.Inside Enter() => new(_gate);

    /// <summary>Lets the other threads of a program in while one waits.</summary>
    public WasiGate.Outside LeaveForWait() => new(_gate);

    /// <summary>What belongs to the calling instance. Nearly always the same as last time, which costs a comparison.</summary>
    public InstanceState GetState(Caller caller)
    {
        Instance? instance = caller.Instance;
        InstanceState? last = _lastState;
        return last is not null && ReferenceEquals(last.Instance, instance) ? last : FindState(instance);
    }

    /// <summary>The memory of the calling instance.</summary>
    public GuestMemory GetMemory(Caller caller) => GetState(caller).GetMemory();

    private static DescriptorTable CreateDescriptors(WasiOptions options)
    {
        const int MostDescriptors = 1 << 20;
        if (options.MaximumDescriptors is < 3 or > MostDescriptors)
        {
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"invalid {nameof(WasiOptions.MaximumDescriptors)}: {options.MaximumDescriptors}"));
        }

        options.WallClock.Validate("Walltime");
        options.MonotonicClock.Validate("Nanotime");
        return new DescriptorTable(options.MaximumDescriptors);
    }

    // The process's own output is written so that the end of the store and an interruption reach a write that waits.
    private Stream? ForStore(Stream? output) => output is ConsoleStream console ? console.For(Store) : output;

    private void OpenDirectories()
    {
        var mounts = MountPoint.Build(Options.Mounts);
        foreach (WasiMount mount in Options.Mounts)
        {
            var descriptor = new DirectoryDescriptor(MountedDirectory.OpenRoot(mounts.At(mount)), Rights.Directory, Rights.Directory | Rights.File, mount.GuestName);
            if (Descriptors.Add(descriptor, out _) != Errno.Success)
            {
                descriptor.Dispose();
                throw new ArgumentException(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"invalid {nameof(WasiOptions.MaximumDescriptors)}: {Options.MaximumDescriptors}: the directories alone are {Options.Mounts.Count}"));
            }
        }
    }

    private void OpenListeners()
    {
        foreach (WasiListener listener in Options.Listeners)
        {
            (System.Net.Sockets.Socket socket, bool isOwned) = listener.Open();
            var descriptor = new ListenerDescriptor(socket, isOwned, this);
            if (Descriptors.Add(descriptor, out _) != Errno.Success)
            {
                descriptor.Dispose();
                throw new ArgumentException(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"invalid {nameof(WasiOptions.MaximumDescriptors)}: {Options.MaximumDescriptors}: the listeners alone are {Options.Listeners.Count}"));
            }
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private InstanceState FindState(Instance? instance)
    {
        if (instance is null)
        {
            throw new TrapException("missing required memory export: the function was called by the host, not by an instance");
        }

        InstanceState state = _states.GetValue(instance, key => new InstanceState(key, Options));
        _lastState = state;
        return state;
    }
}

/// <summary>What each instance has of its own: its memory, and clocks and random bytes that begin anew.</summary>
internal sealed class InstanceState
{
    private readonly Memory _memory;

    public InstanceState(Instance instance, WasiOptions options)
    {
        Instance = instance;
        _memory = instance.GetMemory("memory") ?? throw new TrapException("missing required memory export: a module that imports WASI must export its memory as `memory`");
        WallClock = options.WallClock.CreateWallClock();
        MonotonicClock = options.MonotonicClock.CreateMonotonicClock();
        Random = options.Random.CreateSource();
    }

    public Instance Instance { get; }

    public ClockReader WallClock { get; }

    public ClockReader MonotonicClock { get; }

    public RandomSource Random { get; }

    /// <summary>The instance's memory for the time of a call.</summary>
    public GuestMemory GetMemory() => new(_memory);

    /// <summary>The bytes of the memory below 2 GiB, likewise.</summary>
    public Span<byte> GetLowMemory() => _memory.GetSpan(0, (int)Math.Min(_memory.LengthInBytes, int.MaxValue));
}
