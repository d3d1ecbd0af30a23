using System.Diagnostics;
using System.Runtime.ExceptionServices;

using Codicil.Plugins;

using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Codicil.Hosting;

/// <summary>
/// A plug-in of an application: a keyed singleton service under its name. It lends instances of what was loaded last; when that is replaced, calls that are running end with what they began with.
/// Thread-safe.
/// </summary>
public sealed class HostedPlugin : IDisposable, IAsyncDisposable
{
    // Whoever calls a plug-in that cannot be loaded is told so; not every one of them compiles it.
    private static readonly TimeSpan s_pauseAfterFailure = TimeSpan.FromSeconds(5);

    private readonly IServiceProvider _services;
    private readonly TimeProvider _time;
    private readonly IOptionsFactory<HostedPluginOptions> _factory;
    private readonly HostedPluginSection? _section;
    private readonly ILoggerFactory _loggers;
    private readonly ILogger _log;
    private readonly string _root;
    private readonly SemaphoreSlim _loading = new(1, 1);
    private readonly CancellationTokenSource _stopping = new();
    private readonly HostedPluginFiles _files = new();
    private readonly IDisposable? _optionsChange;
    private readonly Lock _lock = new();

    private PluginGeneration? _current;
    private HostedPluginOptions? _loadedOptions;
    private string? _loadedSection;
    private HostedPluginFailure? _failure;
    private FailedAttempt? _failedAttempt;
    private IReadOnlyList<string> _watched = [];
    private string _triedStamp = "";
    private string _triedFingerprint = "";
    private bool _triedYoung;
    private Task? _watching;
    private int _lastNumber;
    private int _draining;
    private bool _optionsChanged;
    private bool _disposed;

    internal HostedPlugin(string name, IServiceProvider services)
    {
        Name = name;
        _services = services;
        _time = services.GetService<TimeProvider>() ?? TimeProvider.System;
        _factory = services.GetRequiredService<IOptionsFactory<HostedPluginOptions>>();
        _section = services.GetKeyedService<HostedPluginSection>(name);
        _loggers = services.GetRequiredService<ILoggerFactory>();
        _log = _loggers.CreateLogger("Codicil.Hosting." + name);
        _root = services.GetService<IHostEnvironment>()?.ContentRootPath is { Length: > 0 } root ? root : Directory.GetCurrentDirectory();
        _optionsChange = _section?.OnChange(() =>
        {
            lock (_lock)
            {
                _optionsChanged = true;
            }

            _files.Signal();
        });
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>What is loaded, and what went wrong last.</summary>
    public HostedPluginStatus Status
    {
        get
        {
            lock (_lock)
            {
                return new HostedPluginStatus(_current?.Number ?? 0, _current?.LoadedAt, _failure?.Exception, _failure?.At, _current?.Pool.State ?? default, _draining);
            }
        }
    }

    /// <summary>Lends an instance of what was loaded last; loads the plug-in if that was not done yet.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A lease. What comes after a reload does not change it.</returns>
    /// <inheritdoc cref="PluginPool.RentAsync" path="/exception"/>
    public async ValueTask<PluginLease> RentAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
            PluginGeneration? current = Volatile.Read(ref _current);
            if (current is null)
            {
                await LoadAsync(isForced: false, cancellationToken).ConfigureAwait(false);
                continue;
            }

            try
            {
                return await current.Pool.RentAsync(cancellationToken).ConfigureAwait(false);
            }
            catch (ObjectDisposedException) when (!ReferenceEquals(current, Volatile.Read(ref _current)))
            {
                // It was replaced meanwhile; whoever waited for it asks the next one.
            }
        }
    }

    /// <summary>Calls a function of an instance that is lent for it, on a thread of the engine's (<see cref="Plugin.CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>).</summary>
    /// <inheritdoc cref="Plugin.CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)" path="/param"/>
    /// <inheritdoc cref="Plugin.CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)" path="/returns"/>
    /// <inheritdoc cref="Plugin.CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)" path="/exception"/>
    public async Task<PluginResult> CallAsync(string name, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default)
    {
        PluginLease lease = await RentAsync(cancellationToken).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            return await lease.Plugin.CallAsync(name, input, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The same with text, in UTF-8.</summary>
    /// <inheritdoc cref="CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    /// <returns>The output as text.</returns>
    public async Task<string> CallAsync(string name, string input, CancellationToken cancellationToken = default)
    {
        PluginLease lease = await RentAsync(cancellationToken).ConfigureAwait(false);
        await using (lease.ConfigureAwait(false))
        {
            return await lease.Plugin.CallAsync(name, input, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Loads the plug-in anew, changed or not. When that fails, what was loaded before stays.</summary>
    /// <exception cref="OptionsValidationException">The options are not valid.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    /// <inheritdoc cref="CompiledPlugin.Create" path="/exception"/>
    /// <inheritdoc cref="CompiledPlugin.CreateInstance(CancellationToken)" path="/exception"/>
    public Task ReloadAsync(CancellationToken cancellationToken = default) => LoadAsync(isForced: true, cancellationToken);

    /// <summary>Ends the watch over files, and what is loaded when its last lease has ended. Idempotent.</summary>
    public void Dispose()
    {
        PluginGeneration? current;
        lock (_lock)
        {
            if (_disposed)
            {
                return;
            }

            Volatile.Write(ref _disposed, true);
            current = _current;
            _current = null;
        }

        _optionsChange?.Dispose();
        _stopping.Cancel();
        current?.Pool.Dispose();
    }

    /// <inheritdoc cref="Dispose"/>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        Task? watching;
        lock (_lock)
        {
            watching = _watching;
        }

        if (watching is not null)
        {
            await watching.ConfigureAwait(false);
        }
    }

    /// <summary>Loads at the application's start.</summary>
    internal async Task StartAsync(CancellationToken cancellationToken)
    {
        if (_factory.Create(Name).LoadAtStart)
        {
            await LoadAsync(isForced: false, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task LoadAsync(bool isForced, CancellationToken cancellationToken)
    {
        await _loading.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _disposed), this);
            if (!isForced && Volatile.Read(ref _current) is not null)
            {
                return;
            }

            if (!isForced && !_triedYoung && HasJustFailed(_section?.Snapshot) && HostedPluginSource.StampOf(_watched) == _triedStamp)
            {
                _failedAttempt!.Failure.Throw();
            }

            await LoadCoreAsync(isForced, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _loading.Release();
        }
    }

    // Nothing is loaded, and what was read with these options a moment ago could not be.
    private bool HasJustFailed(string? section) =>
        _current is null && _failedAttempt is FailedAttempt failed && failed.Section == section && _time.GetElapsedTime(failed.At) < s_pauseAfterFailure;

    // While nobody else loads.
    private async Task LoadCoreAsync(bool isForced, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        using var seen = new SeenFiles();
        PluginGeneration? generation = null;
        string? section = _section?.Snapshot;
        string? fingerprint = null;
        try
        {
            HostedPluginOptions options = _loadedOptions is HostedPluginOptions known && section == _loadedSection ? known : _factory.Create(Name);
            HostedPluginSource source = await HostedPluginSource.ReadAsync(options, _root, seen, cancellationToken).ConfigureAwait(false);
            if (!isForced && HasJustFailed(section) && source.Fingerprint == _failedAttempt!.Fingerprint)
            {
                Note(seen);
                _failedAttempt.Failure.Throw();
            }

            fingerprint = source.Fingerprint;
            bool isKnown = !isForced && ReferenceEquals(options, _loadedOptions);
            if (isKnown && _failure is not null && source.Fingerprint == _triedFingerprint)
            {
                // Bad as before.
                Note(seen);
                return;
            }

            bool isSame = isKnown && _current?.Fingerprint == source.Fingerprint;
            if (!isSame)
            {
                int number = _lastNumber + 1;
                generation = await Task.Run(() => Make(number, options, source, cancellationToken), cancellationToken).ConfigureAwait(false);
            }

            Take(generation, options, section, seen);
            generation = null;
            if (!isSame)
            {
                double milliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                HostingLog.Loaded(_log, Name, _lastNumber, milliseconds);
            }
        }
        catch (Exception exception) when (!IsOf(exception, _failedAttempt) && (exception is not OperationCanceledException || !cancellationToken.IsCancellationRequested))
        {
            generation?.Pool.Dispose();

            // What cannot even be read costs nothing to try again.
            _failedAttempt = fingerprint is null ? null : new FailedAttempt(ExceptionDispatchInfo.Capture(exception), section, fingerprint, _time.GetTimestamp());
            bool isNews = isForced || _failure is null || seen.Files.Count == 0 || seen.Stamp != _triedStamp || seen.Fingerprint != _triedFingerprint;
            lock (_lock)
            {
                _failure = isNews ? new HostedPluginFailure(exception, DateTimeOffset.UtcNow) : _failure;
            }

            Note(seen);
            if (!isNews)
            {
                throw;
            }

            HostingLog.Failed(_log, Name, _current is null ? "none" : "the one before", exception);
            throw;
        }

        static bool IsOf(Exception exception, FailedAttempt? attempt) => attempt is not null && ReferenceEquals(exception, attempt.Failure.SourceException);
    }

    // What the next look at the files is compared with.
    private void Note(SeenFiles seen)
    {
        if (seen.Files.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            _watched = seen.Files;
            _triedStamp = seen.Stamp;
            _triedFingerprint = seen.Fingerprint;
            _triedYoung = seen.AreYoung;
        }
    }

    // A null generation: what is loaded is still what the files hold.
    private void Take(PluginGeneration? generation, HostedPluginOptions options, string? section, SeenFiles seen)
    {
        PluginGeneration? old = null;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (generation is not null)
            {
                old = _current;
                _lastNumber = generation.Number;
                Volatile.Write(ref _current, generation);
            }

            _loadedOptions = options;
            _loadedSection = section;
            _failure = null;
            _failedAttempt = null;
            Note(seen);
            if (old is not null)
            {
                _draining++;
            }

            if (options.HotReload && _watching is null)
            {
                // Of the request that happened to load the plug-in first nothing shall stay here.
                using AsyncFlowControl flow = ExecutionContext.IsFlowSuppressed() ? default : ExecutionContext.SuppressFlow();
                _files.Watch(_watched);
                _watching = Task.Run(WatchAsync, CancellationToken.None);
            }
        }

        if (old is not null)
        {
            _ = RetireAsync(old, options.DrainTimeout);
        }
    }

    private PluginGeneration Make(int number, HostedPluginOptions options, HostedPluginSource source, CancellationToken cancellationToken)
    {
        PluginManifest manifest = HostedPluginMapping.Apply(options, source.Manifest, _root);
        PluginOptions pluginOptions = HostedPluginMapping.ToPluginOptions(options, Name, _loggers, _services);
        foreach (HostedPluginConfiguration step in _services.GetKeyedServices<HostedPluginConfiguration>(Name))
        {
            pluginOptions = step.Configure(_services, pluginOptions);
        }

        CompiledPlugin compiled = CompiledPlugin.Create(manifest, pluginOptions, cancellationToken);
        PluginPool? pool = null;
        try
        {
            pool = new PluginPool(compiled, HostedPluginMapping.ToPoolOptions(options.Pool, Name));

            // One at least: a plug-in that cannot be instantiated must not replace one that can.
            pool.WarmUp(Math.Max(options.Pool.WarmUp, 1), cancellationToken);
            return new PluginGeneration(number, compiled, pool, source.Fingerprint, DateTimeOffset.UtcNow);
        }
        catch
        {
            pool?.Dispose();
            compiled.Dispose();
            throw;
        }
    }

    private async Task RetireAsync(PluginGeneration old, TimeSpan? timeout)
    {
        Task drained = old.Pool.DisposeAsync().AsTask();
        if (timeout is TimeSpan time)
        {
            try
            {
                await drained.WaitAsync(time).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Its calls end now.
                old.Compiled.Dispose();
            }
        }

        await drained.ConfigureAwait(false);
        lock (_lock)
        {
            _draining--;
        }

        HostingLog.Drained(_log, Name, old.Number);
    }

    private async Task WatchAsync()
    {
        CancellationToken stopping = _stopping.Token;
        try
        {
            while (true)
            {
                HostedPluginOptions options = _loadedOptions!;
                await _files.WaitAsync(options.PollInterval, stopping).ConfigureAwait(false);
                await LookAsync(options, stopping).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
        }
        finally
        {
            _files.Dispose();
        }
    }

    private async Task LookAsync(HostedPluginOptions options, CancellationToken stopping)
    {
        bool optionsChanged;
        bool isYoung;
        IReadOnlyList<string> watched;
        string tried;
        lock (_lock)
        {
            optionsChanged = _optionsChanged;
            _optionsChanged = false;
            watched = _watched;
            tried = _triedStamp;
            isYoung = _triedYoung;
        }

        if (HostedPluginSource.StampOf(watched) != tried)
        {
            await HostedPluginFiles.WaitForRestAsync(watched, options.ReloadDelay, stopping).ConfigureAwait(false);
        }
        else if (!optionsChanged && !isYoung)
        {
            return;
        }

        await _loading.WaitAsync(stopping).ConfigureAwait(false);
        try
        {
            await LoadCoreAsync(isForced: false, stopping).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // It is logged and kept for the health check; what is loaded goes on.
        catch (Exception) when (!stopping.IsCancellationRequested)
        {
        }
#pragma warning restore CA1031
        finally
        {
            _loading.Release();
        }

        lock (_lock)
        {
            watched = _watched;
        }

        _files.Watch(watched);
    }
}

/// <summary>What a plug-in was at one time: compiled, with its instances.</summary>
internal sealed record PluginGeneration(int Number, CompiledPlugin Compiled, PluginPool Pool, string Fingerprint, DateTimeOffset LoadedAt);

/// <summary>A load that failed.</summary>
internal sealed record HostedPluginFailure(Exception Exception, DateTimeOffset At);

/// <summary>An attempt to load what was read.</summary>
/// <param name="Failure">What came of it.</param>
/// <param name="Section">The options' section.</param>
/// <param name="Fingerprint">What was read.</param>
/// <param name="At">When, in ticks of the clock.</param>
internal sealed record FailedAttempt(ExceptionDispatchInfo Failure, string? Section, string Fingerprint, long At);

/// <summary>The state of a plug-in of an application.</summary>
/// <param name="Generation">How many times it was loaded; 0 when it was not.</param>
/// <param name="LoadedAt">When it was loaded last.</param>
/// <param name="Failure">Why the last attempt to load it failed; null when it did not.</param>
/// <param name="FailedAt">When that was.</param>
/// <param name="Pool">Its instances.</param>
/// <param name="Draining">How many earlier ones wait for their last calls.</param>
public sealed record HostedPluginStatus(int Generation, DateTimeOffset? LoadedAt, Exception? Failure, DateTimeOffset? FailedAt, PluginPoolState Pool, int Draining);
