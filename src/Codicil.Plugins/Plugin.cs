using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

using Codicil.Plugins.Http;
using Codicil.Wasi;

namespace Codicil.Plugins;

/// <summary>
/// An instance of a plug-in. One owner at a time: a second call, from another thread or from a host function of the first, is an <see cref="InvalidOperationException"/>.
/// <see cref="Dispose"/> may be called from any thread.
/// </summary>
/// <remarks>
/// Extism, "Plug-in". A trap, an error text and a host function's exception leave it usable; an exit of the guest, a deadline, a cancelled call and <see cref="Dispose"/> close it.
/// </remarks>
public sealed partial class Plugin : IDisposable
{
    // Counts when present, even empty.
    private const string WasiOutputVariable = "EXTISM_ENABLE_WASI_OUTPUT";

    private readonly CompiledPlugin _compiled;
    private readonly bool _ownsCompiled;
    private readonly PluginInstanceOptions _options;

    private Store _store;
    private CurrentPlugin _current;
    private PluginInstances? _instances;
    private long _maxOutputBytes;

    internal Plugin(CompiledPlugin compiled, PluginInstanceOptions options, bool ownsCompiled)
    {
        _compiled = compiled;
        _options = options;
        _ownsCompiled = ownsCompiled;

        // A deadline stays queued when it is not needed any more: it must not keep the plug-in.
        var self = new WeakReference<Plugin>(this);
        _deadline = new Deadline(() =>
        {
            if (self.TryGetTarget(out Plugin? plugin))
            {
                plugin.OnDeadline();
            }
        });
        _onCanceled = OnCanceled;
        SetUp();
    }

    // Everything that calls and the host can change; a reset does it again. The objects are new ones: who kept an old one does not reach into what comes after.
    [MemberNotNull(nameof(_store), nameof(_current), nameof(Kernel), nameof(Config), nameof(Variables), nameof(Http))]
    private void SetUp()
    {
        CompiledPlugin compiled = _compiled;
        PluginManifest manifest = compiled.Manifest;
        _store = compiled.Engine.CreateStore(compiled.Options.Limits);
        Kernel = new Kernel(manifest.Memory.MaxPages is long pages and > 0 ? pages : null, _store);
        Config = new Dictionary<string, string>(manifest.Config, StringComparer.Ordinal);
        Variables = new PluginVariables(manifest.Memory.EffectiveMaxVarBytes);
        Http = new PluginHttp(this, compiled.Http, manifest.Memory.EffectiveMaxHttpResponseBytes);
        Timeout = manifest.Timeout is TimeSpan timeout && timeout > TimeSpan.Zero ? timeout : null;
        LogLevel = compiled.Options.LogLevel;
        LogSink = compiled.Options.LogSink;
        MaxOutputBytes = compiled.Options.MaxOutputBytes;
        HostContext = null;
        LastExitCode = 0;
        HasFailed = false;
        _current = new CurrentPlugin(this);
        _store.Data = _current;
        Recorder = compiled.Options.Tracer is PluginTracer tracer ? new PluginTraceRecorder(tracer, compiled.Name, _store) : null;
        TraceMetadata = null;
        _instances = null;
        _functions.Clear();
        _lastName = null;
        _lastFunction = null;
        _started = false;
        if (compiled.Options.Wasi)
        {
            _store.SetWasiOptions(PluginDirectories.AddTo(WithConsoleIfAsked(_options.WasiOptions ?? compiled.Options.WasiOptions), manifest.AllowedPaths));
        }
    }

    /// <summary>The values that the guest can read by key: of this instance alone, at first the manifest's. Can be changed between calls.</summary>
    public IDictionary<string, string> Config { get; private set; }

    /// <summary>The variables of this instance.</summary>
    public PluginVariables Variables { get; private set; }

    /// <summary>What each call may take: more than zero, however long; null for no deadline. Can be changed between calls.</summary>
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

    /// <summary>The most bytes that a call's output may have; null for no limit but the kernel's. Can be changed between calls.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long? MaxOutputBytes
    {
        get => _maxOutputBytes == long.MaxValue ? null : _maxOutputBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value ?? 0, nameof(value));
            _maxOutputBytes = value ?? long.MaxValue;
        }
    }

    /// <summary>The least level that is logged; null for what the logger has enabled, or <see cref="PluginLogDefaults.Level"/> where there is none.</summary>
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

    internal Kernel Kernel { get; private set; }

    internal LinkedListNode<WeakReference<Plugin>>? Registration { get; set; }

    /// <summary>Compiles a plug-in and makes its only instance; closing it frees everything.</summary>
    /// <inheritdoc cref="CompiledPlugin.Create" path="/exception"/>
    /// <inheritdoc cref="CompiledPlugin.CreateInstance(CancellationToken)" path="/exception"/>
    public static Plugin Create(PluginManifest manifest, PluginOptions? options = null, CancellationToken cancellationToken = default)
    {
        CompiledPlugin compiled = CompiledPlugin.Create(manifest, options, cancellationToken);
        try
        {
            var plugin = new Plugin(compiled, PluginInstanceOptions.Default, ownsCompiled: true);
            compiled.Register(plugin);
            plugin.Instantiate(cancellationToken);
            return plugin;
        }
        catch
        {
            compiled.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes the plug-in what <see cref="CompiledPlugin.CreateInstance(CancellationToken)"/> made: modules, memory, variables, configuration, limits, log level and sink, host context, all as they were at
    /// first. Of what calls and the host have changed nothing is kept. What a call has closed is open again.
    /// </summary>
    /// <param name="cancellationToken">Stops the start functions; the plug-in is closed then.</param>
    /// <remarks><see cref="Config"/> and <see cref="Variables"/> are new objects, and spans and memory of earlier outputs are not the plug-in's any more.</remarks>
    /// <exception cref="PluginException">A start function failed. The plug-in is closed and can be reset again.</exception>
    /// <exception cref="WasmTimeoutException">The start functions took too long; likewise.</exception>
    /// <exception cref="WasmCanceledException">The token was cancelled; likewise.</exception>
    /// <exception cref="InvalidOperationException">A call is running.</exception>
    /// <exception cref="ObjectDisposedException">The plug-in or what it was made from was disposed.</exception>
    public void Reset(CancellationToken cancellationToken = default)
    {
        EnterForReset();
        PluginOperation operation = PluginTelemetry.BeginInstantiate(_compiled.Name);
        try
        {
            _store.Dispose();
            Http.Retire();
            _closedBy = null;
            SetUp();
            Arm(cancellationToken);
            ThrowIfDisposedInReset();
            MakeInstances();
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(operation, exception);
            _closedBy ??= exception;
            throw;
        }
        finally
        {
            Leave();
        }

        PluginTelemetry.End(operation);
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

    internal void Instantiate(CancellationToken cancellationToken)
    {
        PluginOperation operation = PluginTelemetry.BeginInstantiate(_compiled.Name);
        try
        {
            Enter(cancellationToken);
            try
            {
                MakeInstances();
            }
            finally
            {
                Leave();
            }
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(operation, exception);
            Dispose();
            throw;
        }

        PluginTelemetry.End(operation);
    }

    private void MakeInstances()
    {
        try
        {
            Recorder?.Begin(null, null);
            Kernel.Begin([]);
            _instances = PluginInstances.Create(_compiled, _store, this, _current);
            ThrowIfInterruptedAtEnd();
        }
        catch (Exception exception) when (NoteFailure(exception))
        {
            throw;
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
            EndObserving();
        }
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
}
