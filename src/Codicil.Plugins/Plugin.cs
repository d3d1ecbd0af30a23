using System.Buffers;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;

using Codicil.Wasi;

namespace Codicil.Plugins;

/// <summary>
/// An instance of a plug-in. One owner at a time: a second call, from another thread or from a host function of the first, is an <see cref="InvalidOperationException"/>.
/// <see cref="Dispose"/> may be called from any thread.
/// </summary>
/// <remarks>
/// Extism, "Plug-in". A trap, an error text and a host function's exception leave it usable; an exit of the guest, a deadline, a cancelled call and <see cref="Dispose"/> close it.
/// </remarks>
public sealed class Plugin : IDisposable
{
    // Counts when present, even empty.
    private const string WasiOutputVariable = "EXTISM_ENABLE_WASI_OUTPUT";

    private const int Idle = 0;
    private const int Busy = 1;
    private const int Closed = 2;

    private readonly CompiledPlugin _compiled;
    private readonly bool _ownsCompiled;
    private readonly Store _store;
    private readonly CurrentPlugin _current;
    private readonly Deadline _deadline;
    private readonly Action<object?> _onCanceled;
    private readonly Dictionary<string, GuestFunction> _functions = new(StringComparer.Ordinal);
    private readonly Lock _interruptLock = new();

    private PluginInstances? _instances;
    private string? _lastName;
    private GuestFunction? _lastFunction;
    private bool _started;

    private int _state;
    private int _disposeRequested;
    private int _ownerThread;
    private Exception? _closedBy;

    // The interrupt of the running call; all under the lock.
    private bool _armed;
    private Exception? _interruptReason;
    private CancellationToken _callToken;
    private CancellationTokenRegistration _registration;

    internal Plugin(CompiledPlugin compiled, bool ownsCompiled)
    {
        _compiled = compiled;
        _ownsCompiled = ownsCompiled;
        PluginManifest manifest = compiled.Manifest;
        Kernel = new Kernel(manifest.Memory.MaxPages is long pages and > 0 ? pages : null);
        Config = new Dictionary<string, string>(manifest.Config, StringComparer.Ordinal);
        Variables = new PluginVariables(manifest.Memory.EffectiveMaxVarBytes);
        Timeout = manifest.Timeout is TimeSpan timeout && timeout > TimeSpan.Zero ? timeout : null;
        LogLevel = compiled.Options.LogLevel;
        LogSink = compiled.Options.LogSink;
        _current = new CurrentPlugin(this);
        _deadline = new Deadline(OnDeadline);
        _onCanceled = OnCanceled;
        WasiOptions? wasi = compiled.Options.Wasi ? PluginDirectories.AddTo(WithConsoleIfAsked(compiled.Options.WasiOptions), manifest.AllowedPaths) : null;
        _store = compiled.Engine.CreateStore(compiled.Options.Limits);
        _store.Data = _current;
        if (wasi is not null)
        {
            _store.SetWasiOptions(wasi);
        }
    }

    /// <summary>The values that the guest can read by key: of this instance alone, at first the manifest's. Can be changed between calls.</summary>
    public IDictionary<string, string> Config { get; }

    /// <summary>The variables of this instance.</summary>
    public PluginVariables Variables { get; }

    /// <summary>What each call may take; null for no deadline. Can be changed between calls.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or zero.</exception>
    /// <exception cref="InvalidOperationException">Interruption is off.</exception>
    public TimeSpan? Timeout
    {
        get;
        set
        {
            if (value is TimeSpan timeout)
            {
                ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(timeout, TimeSpan.Zero, nameof(value));
                CheckInterruptible();
            }

            field = value;
        }
    }

    /// <summary>The least level that is logged; null for <see cref="PluginLogDefaults.Level"/>.</summary>
    public PluginLogLevel? LogLevel { get; set; }

    /// <summary>Where messages go; null for <see cref="PluginLogDefaults.Sink"/>.</summary>
    public PluginLogSink? LogSink { get; set; }

    /// <summary>Whatever host functions shall find in <see cref="CurrentPlugin.HostContext"/>.</summary>
    public object? HostContext { get; set; }

    /// <summary>Whether it is closed.</summary>
    public bool IsClosed => Volatile.Read(ref _state) == Closed || Volatile.Read(ref _disposeRequested) != 0;

    /// <summary>What closed it: the exception of the call that did; null when it is open or was disposed.</summary>
    public Exception? ClosedBy => _closedBy;

    /// <summary>The exit code of the last call (<see cref="PluginExitCodes"/> when it did not run to its end).</summary>
    public uint LastExitCode { get; private set; }

    /// <summary>The main module's exported functions with their types.</summary>
    public ImmutableArray<ExportType> Functions => _compiled.Functions;

    internal Kernel Kernel { get; }

    internal LinkedListNode<WeakReference<Plugin>>? Registration { get; set; }

    internal CancellationToken CallToken => _callToken;

    internal TimeSpan? CallTimeLeft
    {
        get
        {
            long due = _deadline.Due;
            return due == Deadline.Never ? null : TimeSpan.FromTicks(Math.Max(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), due).Ticks, 0));
        }
    }

    internal PluginLogLevel EffectiveLogLevel => LogLevel ?? PluginLogDefaults.Level;

    /// <summary>Compiles a plug-in and makes its only instance; closing it frees everything.</summary>
    /// <inheritdoc cref="CompiledPlugin.Create" path="/exception"/>
    /// <inheritdoc cref="CompiledPlugin.CreateInstance" path="/exception"/>
    public static Plugin Create(PluginManifest manifest, PluginOptions? options = null, CancellationToken cancellationToken = default)
    {
        CompiledPlugin compiled = CompiledPlugin.Create(manifest, options, cancellationToken);
        try
        {
            var plugin = new Plugin(compiled, ownsCompiled: true);
            plugin.Instantiate(cancellationToken);
            return plugin;
        }
        catch
        {
            compiled.Dispose();
            throw;
        }
    }

    /// <summary>Whether the main module exports a function of that name.</summary>
    public bool FunctionExists(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        foreach (ExportType export in _compiled.MainModule.Exports)
        {
            if (export.Name == name)
            {
                return export.Type is Format.Types.FunctionType;
            }
        }

        return false;
    }

    /// <summary>Calls an exported function with an input.</summary>
    /// <param name="name">The function: no parameters, one result at most.</param>
    /// <param name="input">The input; it is copied into the kernel's memory.</param>
    /// <param name="cancellationToken">Ends the call and closes the plug-in when it is cancelled.</param>
    /// <returns>The output, readable until the next call, and the exit code.</returns>
    /// <exception cref="PluginException">The guest set an error text, trapped or exited; the function is unknown; the plug-in is closed.</exception>
    /// <exception cref="WasmTimeoutException">The deadline passed; the plug-in is closed.</exception>
    /// <exception cref="WasmCanceledException">The token was cancelled; the plug-in is closed if the call had begun.</exception>
    /// <exception cref="ResourceLimitException">The input is larger than the kernel may hold.</exception>
    /// <exception cref="InvalidOperationException">A call is running, or the token can be cancelled but interruption is off.</exception>
    /// <exception cref="ObjectDisposedException">The plug-in was disposed.</exception>
    public PluginOutput Call(string name, ReadOnlySpan<byte> input = default, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(name);
        Enter(cancellationToken);
        try
        {
            LastExitCode = PluginExitCodes.Failure;
            Kernel.Begin(input);
            GuestFunction function = ReferenceEquals(name, _lastName) ? _lastFunction! : FindFunction(name);
            if (!_started)
            {
                Start(name);
            }

            if (IsLogged(PluginLogLevel.Debug))
            {
                Log(PluginLogLevel.Debug, $"Calling function : {name}");
            }

            uint exitCode = function.Invoke();
            ThrowIfInterruptedAtEnd();
            return Finish(exitCode);
        }
        catch (ExitException exit)
        {
            CloseUnlessLinked(exit);
            return FinishExit(exit);
        }
        catch (Exception exception)
        {
            Exception translated = Translate(exception);
            if (ReferenceEquals(translated, exception))
            {
                throw;
            }

            throw translated;
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Calls an exported function and writes its output to a buffer.</summary>
    /// <returns>The exit code.</returns>
    /// <inheritdoc cref="Call(string, ReadOnlySpan{byte}, CancellationToken)"/>
    public uint Call(string name, ReadOnlySpan<byte> input, IBufferWriter<byte> output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        PluginOutput result = Call(name, input, cancellationToken);
        output.Write(result.Data);
        return result.ExitCode;
    }

    /// <summary>Calls an exported function with text, in UTF-8.</summary>
    /// <returns>The output as text; bad UTF-8 becomes U+FFFD. The exit code is in <see cref="LastExitCode"/>.</returns>
    /// <inheritdoc cref="Call(string, ReadOnlySpan{byte}, CancellationToken)"/>
    public string Call(string name, string input, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(Encoding.UTF8.GetMaxByteCount(input.Length));
        try
        {
            int length = Encoding.UTF8.GetBytes(input, buffer);
            return Call(name, buffer.AsSpan(0, length), cancellationToken).ToString();
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer, clearArray: true);
        }
    }

    /// <summary>Closes the plug-in; a running call ends as if cancelled, with an <see cref="ObjectDisposedException"/>, where interruption is on. Idempotent.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposeRequested, 1) != 0)
        {
            return;
        }

        if (Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Release();
        }
        else if (Volatile.Read(ref _state) == Busy && _compiled.Options.Interruptible)
        {
            // The call releases everything when it leaves. An interrupt that comes too late for it meets nothing: no other call follows.
            Interrupt(new ObjectDisposedException(nameof(Plugin), "module is closed: the plug-in was disposed during the call"), evenIfNotArmed: true);
        }
    }

    internal void Instantiate(CancellationToken cancellationToken)
    {
        try
        {
            Enter(cancellationToken);
            try
            {
                Kernel.Begin([]);
                _instances = PluginInstances.Create(_compiled, _store, this, _current);
                ThrowIfInterruptedAtEnd();
            }
            catch (Exception exception) when (exception is TrapException or ExitException)
            {
                throw Translate(exception);
            }
            finally
            {
                Leave();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal bool IsLogged(PluginLogLevel level) => level >= EffectiveLogLevel && EffectiveLogLevel != PluginLogLevel.Off;

    internal void Log(PluginLogLevel level, string message)
    {
        if (IsLogged(level))
        {
            (LogSink ?? PluginLogDefaults.Sink)?.Invoke(level, message);
        }
    }

    internal void CheckInsideCall()
    {
        if (Volatile.Read(ref _state) != Busy || _ownerThread != Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException("the current plug-in is used after its call has ended or on another thread");
        }
    }

    internal void ThrowIfInterrupted()
    {
        Exception? reason;
        lock (_interruptLock)
        {
            reason = _interruptReason;
        }

        if (reason is not null)
        {
            throw reason;
        }

        _store.ThrowIfInterrupted();
    }

    private static WasiOptions WithConsoleIfAsked(WasiOptions options)
    {
        if (Environment.GetEnvironmentVariable(WasiOutputVariable) is null)
        {
            return options;
        }

        options = options.StandardOutput is null ? options.InheritStandardOutput() : options;
        return options.StandardError is null ? options.InheritStandardError() : options;
    }

    private GuestFunction FindFunction(string name)
    {
        if (!_functions.TryGetValue(name, out GuestFunction? function))
        {
            function = GuestFunction.Find(_instances!.Main, name);
            _functions.Add(name, function);
        }

        _lastName = name;
        _lastFunction = function;
        return function;
    }

    private void Start(string name)
    {
        if (name == "_start")
        {
            return;
        }

        if (name == "_initialize")
        {
            // Called by hand it is done; doing it again would run constructors twice.
            _instances!.SkipMainInitialize();
            return;
        }

        try
        {
            _instances!.Start();
        }
        catch (Exception exception) when (!IsInterruption(exception))
        {
            string cause = exception.Message;
            if (exception is ExitException exit)
            {
                CloseUnlessLinked(exit);
            }

            throw new PluginException(PluginFailure.Initialization, $"failed to initialize runtime: {cause}", exception) { GuestError = Kernel.GetErrorText() };
        }

        _started = true;
    }

    private PluginOutput Finish(uint exitCode)
    {
        LastExitCode = exitCode;
        if (Kernel.GetErrorText() is string error)
        {
            throw new PluginException(PluginFailure.GuestError, error) { ExitCode = exitCode, GuestError = error, Output = Kernel.Output.ToArray() };
        }

        return new PluginOutput(Kernel.Output, exitCode);
    }

    private PluginOutput FinishExit(ExitException exit)
    {
        LastExitCode = exit.ExitCode;
        return exit.ExitCode == 0
            ? Finish(0)
            : throw new PluginException(PluginFailure.Exit, exit.Message, exit) { ExitCode = exit.ExitCode, GuestError = Kernel.GetErrorText() };
    }

    // What the caller of the plug-in sees; the same object when the exception is the host's own.
    private Exception Translate(Exception exception)
    {
        switch (exception)
        {
            case PluginException plugin:
                LastExitCode = plugin.ExitCode;
                return plugin;
            case TrapException trap:
                return new PluginException(PluginFailure.Trap, trap.Message, trap) { GuestError = Kernel.GetErrorText() };
            case ExitException exit:
                LastExitCode = exit.ExitCode;
                return new PluginException(PluginFailure.Exit, exit.Message, exit) { ExitCode = exit.ExitCode, GuestError = Kernel.GetErrorText() };
        }

        if (IsInterruption(exception))
        {
            LastExitCode = exception is WasmTimeoutException ? PluginExitCodes.DeadlineExceeded : PluginExitCodes.Canceled;
            Close(exception);
        }

        return exception;
    }

    private bool IsInterruption(Exception exception)
    {
        lock (_interruptLock)
        {
            return ReferenceEquals(exception, _interruptReason);
        }
    }

    private void CloseUnlessLinked(ExitException exit)
    {
        if (exit is not LinkedExitException)
        {
            Close(exit);
        }
    }

    private void Close(Exception reason) => _closedBy ??= reason;

    private void Enter(CancellationToken cancellationToken)
    {
        if (Interlocked.CompareExchange(ref _state, Busy, Idle) != Idle)
        {
            ThrowNotIdle();
        }

        _ownerThread = Environment.CurrentManagedThreadId;
        if (Timeout is not null || cancellationToken.CanBeCanceled)
        {
            try
            {
                Arm(cancellationToken);
            }
            catch
            {
                Leave();
                throw;
            }
        }
    }

    private void Leave()
    {
        if (_armed)
        {
            Disarm();
        }

        if (_closedBy is not null)
        {
            Volatile.Write(ref _state, Closed);
            Release();
            return;
        }

        // The exchange is a fence: either Dispose sees this call running and leaves the rest to it, or it is seen here.
        Interlocked.Exchange(ref _state, Idle);
        if (Volatile.Read(ref _disposeRequested) != 0 && Interlocked.CompareExchange(ref _state, Closed, Idle) == Idle)
        {
            Release();
        }
    }

    private void Arm(CancellationToken cancellationToken)
    {
        CheckInterruptible();
        if (cancellationToken.IsCancellationRequested)
        {
            LastExitCode = PluginExitCodes.Canceled;
            throw Canceled(cancellationToken);
        }

        lock (_interruptLock)
        {
            _armed = true;
            _interruptReason = null;
            _callToken = cancellationToken;
            if (Timeout is TimeSpan timeout)
            {
                _deadline.Set(DueAfter(timeout));
            }
        }

        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(_onCanceled, null);
        }
    }

    private void Disarm()
    {
        bool interrupted;
        lock (_interruptLock)
        {
            _armed = false;
            _deadline.Clear();
            _callToken = default;
            interrupted = _interruptReason is not null;
        }

        // A callback that is running already finds nothing armed; there is no need to wait for it.
        _registration.Unregister();
        _registration = default;
        if (interrupted)
        {
            _store.ResetInterrupt();
        }
    }

    private static long DueAfter(TimeSpan timeout)
    {
        double ticks = timeout.TotalSeconds * Stopwatch.Frequency;
        long now = Stopwatch.GetTimestamp();
        return ticks < long.MaxValue - now ? now + (long)ticks : Deadline.Never - 1;
    }

    private void OnDeadline()
    {
        lock (_interruptLock)
        {
            if (_armed && _interruptReason is null && Stopwatch.GetTimestamp() >= _deadline.Due)
            {
                Interrupt(new WasmTimeoutException("module closed with context deadline exceeded"), evenIfNotArmed: false);
            }
        }
    }

    private void OnCanceled(object? state)
    {
        lock (_interruptLock)
        {
            if (_armed && _interruptReason is null && _callToken.IsCancellationRequested)
            {
                Interrupt(Canceled(_callToken), evenIfNotArmed: false);
            }
        }
    }

    private static WasmCanceledException Canceled(CancellationToken token) => new("module closed with context canceled", token);

    private void Interrupt(Exception reason, bool evenIfNotArmed)
    {
        lock (_interruptLock)
        {
            if (_interruptReason is null && (_armed || evenIfNotArmed))
            {
                _interruptReason = reason;
                _store.Interrupt(reason);
            }
        }
    }

    // A call that was interrupted has failed, even when the guest came to its end before it noticed.
    private void ThrowIfInterruptedAtEnd()
    {
        if (!_armed && Volatile.Read(ref _disposeRequested) == 0)
        {
            return;
        }

        Exception? reason;
        lock (_interruptLock)
        {
            reason = _interruptReason;
        }

        if (reason is not null)
        {
            throw reason;
        }
    }

    private void Release()
    {
        _store.Dispose();
        if (_ownsCompiled)
        {
            _compiled.Dispose();
        }
        else
        {
            _compiled.Unregister(this);
        }
    }

    private void CheckInterruptible()
    {
        if (!_compiled.Options.Interruptible)
        {
            throw new InvalidOperationException("a deadline or a token that can be cancelled needs interruption, which is off");
        }
    }

    [DoesNotReturn]
    private void ThrowNotIdle()
    {
        if (Volatile.Read(ref _disposeRequested) != 0)
        {
            throw new ObjectDisposedException(nameof(Plugin), "module is closed");
        }

        if (_closedBy is not null)
        {
            throw new PluginException(PluginFailure.Closed, $"module is closed: {_closedBy.Message}", _closedBy);
        }

        throw new InvalidOperationException("the plug-in is in a call already: one owner at a time; make more instances of the compiled plug-in");
    }
}
