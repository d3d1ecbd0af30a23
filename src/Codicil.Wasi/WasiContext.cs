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
    private InstanceState? _stateOfHost;
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

        // It may have been made after the threads.
        main.Share();
        _gate = main._gate;
    }

    private WasiContext(Store store, WasiOptions options, DescriptorTable descriptors)
    {
        Store = store;
        Options = options;
        Descriptors = descriptors;
        Arguments = new Arguments(options.Arguments);
        Environment = new EnvironmentVariables(options.Environment);
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
    public void Share()
    {
        Interlocked.CompareExchange(ref _gate, new Lock(), null);
        Descriptors.Share();
    }

    /// <summary>Whether several threads use what is the store's.</summary>
    public bool IsShared => _gate is not null;

    /// <summary>Keeps the other threads of a program out.</summary>
    public WasiGate.Inside Enter() => new(_gate);

    /// <summary>Lets the other threads of a program in while one waits.</summary>
    public WasiGate.Outside LeaveForWait() => new(_gate);

    /// <summary>What belongs to an instance, or to the host as a caller of functions.</summary>
    public InstanceState GetState(Instance? instance)
    {
        // It is asked for with every import of an instance, one after another. Read once: threads may ask at the same time, and whose memory a function works with depends on it.
        InstanceState? state = _lastState;
        if (state is null || !ReferenceEquals(state.Instance, instance))
        {
            state = instance is null ? _stateOfHost ??= new InstanceState(this, null) : _states.GetValue(instance, key => new InstanceState(this, key));
            _lastState = state;
        }

        return state;
    }

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
}

/// <summary>What a function of the interface works on: the store's world, and what each instance has of its own: its memory, and clocks and random bytes that begin anew.</summary>
/// <remarks>It is made when the instance is linked, which has no exports yet. What is the instance's is there when <see cref="Require"/> was called.</remarks>
internal sealed class InstanceState(WasiContext context, Instance? instance)
{
    private Memory? _memory;
    private nint _memoryBase;

    /// <summary>The instance; null is the host.</summary>
    public Instance? Instance { get; } = instance;

    /// <summary>The world of the instance's store.</summary>
    public WasiContext Context { get; } = context;

    /// <summary>The table's, for the straight way to them; none until the instance's memory is known.</summary>
    public PlainOutput[] PlainOutputs { get; private set; } = [];

    public ClockReader WallClock { get; private set; } = null!;

    public ClockReader MonotonicClock { get; private set; } = null!;

    public RandomSource Random { get; private set; } = null!;

    /// <summary>This, with all that is the instance's.</summary>
    /// <exception cref="TrapException">There is no instance, or it has no memory.</exception>
    public InstanceState Require()
    {
        if (_memory is null)
        {
            Prepare();
        }

        return this;
    }

    /// <summary>The instance's memory for the time of a call.</summary>
    /// <exception cref="TrapException">There is no instance, or it has no memory.</exception>
    public GuestMemory GetMemory() => Require().GetKnownMemory();

    /// <summary>The same where it is known: when there are <see cref="PlainOutputs"/>.</summary>
    public GuestMemory GetKnownMemory() => new(_memory!, _memoryBase);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Prepare()
    {
        if (Instance is null)
        {
            throw new TrapException("missing required memory export: the function was called by the host, not by an instance");
        }

        Memory memory = Instance.GetMemory("memory") ?? throw new TrapException("missing required memory export: a module that imports WASI must export its memory as `memory`");
        WallClock = Context.Options.WallClock.CreateWallClock();
        MonotonicClock = Context.Options.MonotonicClock.CreateMonotonicClock();
        Random = Context.Options.Random.CreateSource();
        _memoryBase = memory.BaseAddress;
        _memory = memory;
        PlainOutputs = Context.Descriptors.PlainOutputs;
    }
}
