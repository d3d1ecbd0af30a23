using System.Buffers;
using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Codicil.Plugins;

// Calls on threads of ours, and host functions that return tasks.
public sealed partial class Plugin
{
    private delegate TResult OutputReader<in TState, out TResult>(PluginOutput output, TState state);

    /// <summary>
    /// Calls an exported function on a thread of the engine's <see cref="CallThreads"/> (<see cref="PluginOptions.Engine"/>). No thread of the caller's or of the pool waits, neither for the
    /// guest nor for its asynchronous host functions. Until the task is complete the plug-in is in a call.
    /// </summary>
    /// <param name="name">The function: no parameters, one result at most.</param>
    /// <param name="input">The input; it is copied before this method returns.</param>
    /// <param name="cancellationToken">Ends the call, or its wait for a thread.</param>
    /// <returns>A copy of the output, and the exit code.</returns>
    /// <remarks>
    /// The deadline counts from here, the wait for a thread included. A call that ends before it has a thread leaves the plug-in open. Host functions see the caller's
    /// <see cref="AsyncLocal{T}"/> values and no <see cref="SynchronizationContext"/>.
    /// </remarks>
    /// <inheritdoc cref="Call(string, ReadOnlySpan{byte}, CancellationToken)" path="/exception"/>
    public Task<PluginResult> CallAsync(string name, ReadOnlyMemory<byte> input = default, CancellationToken cancellationToken = default) =>
        CarryAsync(name, input, 0, static (output, _) => new PluginResult(output.ToArray(), output.ExitCode), cancellationToken);

    /// <summary>Calls an exported function on a thread of the engine's <see cref="CallThreads"/> and writes its output to a buffer there.</summary>
    /// <returns>The exit code.</returns>
    /// <inheritdoc cref="CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task<uint> CallAsync(string name, ReadOnlyMemory<byte> input, IBufferWriter<byte> output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        return CarryAsync(
            name,
            input,
            output,
            static (result, writer) =>
            {
                writer.Write(result.Data);
                return result.ExitCode;
            },
            cancellationToken);
    }

    /// <summary>Calls an exported function on a thread of the engine's <see cref="CallThreads"/> with text, in UTF-8.</summary>
    /// <returns>The output as text; bad UTF-8 becomes U+FFFD. The exit code is in <see cref="LastExitCode"/>.</returns>
    /// <inheritdoc cref="CallAsync(string, ReadOnlyMemory{byte}, CancellationToken)"/>
    public Task<string> CallAsync(string name, string input, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        return CarryAsync(name, Encoding.UTF8.GetBytes(input), 0, static (output, _) => output.ToString(), cancellationToken);
    }

    /// <summary>Calls an exported function on a thread of the engine's <see cref="CallThreads"/> with a value as JSON.</summary>
    /// <returns>The output, read as JSON. The exit code is in <see cref="LastExitCode"/>.</returns>
    /// <inheritdoc cref="Call{TInput, TOutput}(string, TInput, JsonTypeInfo{TInput}, JsonTypeInfo{TOutput}, CancellationToken)"/>
    public Task<TOutput?> CallAsync<TInput, TOutput>(
        string name, TInput input, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputType);
        ArgumentNullException.ThrowIfNull(outputType);
        return CarryAsync(name, PluginJson.ToBytes(input, inputType), outputType, static (output, type) => PluginJson.Read(output.Data, type), cancellationToken);
    }

    /// <summary>Resets the plug-in on a thread of the engine's <see cref="CallThreads"/>: nothing of the caller's waits for start functions.</summary>
    /// <param name="cancellationToken">Stops the start functions, and the plug-in is closed then; or the wait for a thread, and nothing has happened.</param>
    /// <inheritdoc cref="Reset(CancellationToken)"/>
    public Task ResetAsync(CancellationToken cancellationToken = default) => _compiled.Engine.RunAsync(() => Reset(cancellationToken), cancellationToken);

    /// <summary>Calls a host function that returns a task and waits for it on this thread, which carries the call.</summary>
    internal TResult Await<TResult>(Func<CurrentPlugin, Task<TResult>> callback)
    {
        Task<TResult>? task = null;
        AwaitTask(current => task = callback(current));
        return task!.Result;
    }

    /// <inheritdoc cref="Await{TResult}(Func{CurrentPlugin, Task{TResult}})"/>
    internal void AwaitTask(Func<CurrentPlugin, Task> callback)
    {
        var own = new CurrentPlugin(this, isOwn: true);
        SynchronizationContext? previous = SynchronizationContext.Current;
        if (previous is not null)
        {
            // What follows an await must not ask for the thread that waits for it.
            SynchronizationContext.SetSynchronizationContext(null);
        }

        try
        {
            Task? task = ReferenceEquals(TaskScheduler.Current, TaskScheduler.Default) ? callback(own) : StartOnDefaultScheduler(callback, own);
            _store.Wait(task ?? throw new InvalidOperationException("an asynchronous host function returned null instead of a task"));
        }
        finally
        {
            own.End();
            if (previous is not null)
            {
                SynchronizationContext.SetSynchronizationContext(previous);
            }
        }
    }

    // Still on this thread; but a scheduler of the caller's own would be asked for what follows the awaits, and it waits here.
    private static Task StartOnDefaultScheduler(Func<CurrentPlugin, Task> callback, CurrentPlugin current)
    {
        var start = new Task<Task>(() => callback(current));
        start.RunSynchronously(TaskScheduler.Default);
        return start.GetAwaiter().GetResult();
    }

    private async Task<TResult> CarryAsync<TState, TResult>(
        string name, ReadOnlyMemory<byte> input, TState state, OutputReader<TState, TResult> read, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(name);
        PluginOperation operation = PluginTelemetry.BeginCall(Name, name);
        try
        {
            TResult result = await CarryCoreAsync(name, input, state, read, cancellationToken).ConfigureAwait(false);
            PluginTelemetry.End(operation, null, LastExitCode);
            return result;
        }
        catch (Exception exception)
        {
            PluginTelemetry.End(WithKnownName(operation, name), exception, (exception as PluginException)?.ExitCode);
            throw;
        }
    }

    private async Task<TResult> CarryCoreAsync<TState, TResult>(
        string name, ReadOnlyMemory<byte> input, TState state, OutputReader<TState, TResult> read, CancellationToken cancellationToken)
    {
        var queued = new CancellationTokenSource();
        EnterForCarrier(input.Span, queued, cancellationToken);
        TResult result = default!;
        bool hasBegun = false;
        try
        {
            await _compiled.Engine.RunAsync(
                () =>
                {
                    hasBegun = true;
                    result = Carry(name, state, read);
                },
                queued.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (!hasBegun)
        {
            throw EndWithoutCarrier(exception);
        }

        return result;
    }

    private void EnterForCarrier(ReadOnlySpan<byte> input, CancellationTokenSource queued, CancellationToken cancellationToken)
    {
        Enter(cancellationToken);

        // Of no thread until one carries the call.
        _ownerThread = 0;
        try
        {
            Begin(input);
            lock (_interruptLock)
            {
                _queued = queued;
                if (_interruptReason is not null || Volatile.Read(ref _disposeRequested) != 0)
                {
                    queued.Cancel();
                }
            }
        }
        catch
        {
            Leave();
            throw;
        }
    }

    // On the thread that carries the call, whole.
    private TResult Carry<TState, TResult>(string name, TState state, OutputReader<TState, TResult> read)
    {
        _ownerThread = Environment.CurrentManagedThreadId;
        try
        {
            lock (_interruptLock)
            {
                _queued = null;
            }

            return read(Run(name), state);
        }
        catch (Exception exception) when (NoteFailure(exception))
        {
            throw;
        }
        catch (ExitException exit)
        {
            return read(FinishExit(exit), state);
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
            Leave();
        }
    }

    // The call was ended while it waited for a thread, or none could be had: the guest has not run, so there is nothing to close.
    private Exception EndWithoutCarrier(Exception exception)
    {
        Exception? reason;
        lock (_interruptLock)
        {
            _queued = null;
            reason = _interruptReason;
        }

        if (reason is null && exception is OperationCanceledException)
        {
            reason = new ObjectDisposedException(nameof(Plugin), "module is closed: the plug-in was disposed during the call");
        }

        if (reason is WasmTimeoutException or WasmCanceledException)
        {
            LastExitCode = reason is WasmTimeoutException ? PluginExitCodes.DeadlineExceeded : PluginExitCodes.Canceled;
        }

        Leave();
        return reason ?? exception;
    }
}
