using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json.Serialization.Metadata;

namespace Codicil.Plugins;

// The calls of exported functions, and what their ends mean.
public sealed partial class Plugin
{
    private readonly Dictionary<string, GuestFunction> _functions = new(StringComparer.Ordinal);
    private string? _lastName;
    private GuestFunction? _lastFunction;
    private bool _started;

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
        return PluginTelemetry.ObservesCalls ? CallObserved(name, input, cancellationToken) : CallCore(name, input, cancellationToken);
    }

    private PluginOutput CallCore(string name, ReadOnlySpan<byte> input, CancellationToken cancellationToken)
    {
        Enter(cancellationToken);
        try
        {
            Begin(input);
            return Run(name);
        }
        catch (Exception exception) when (NoteFailure(exception))
        {
            throw;
        }
        catch (ExitException exit)
        {
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
            if (HasToEndObserving)
            {
                EndObserving();
            }

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

    /// <summary>Calls an exported function with a value as JSON.</summary>
    /// <param name="name">The function: no parameters, one result at most.</param>
    /// <param name="input">The value that becomes the input.</param>
    /// <param name="inputType">How it is written, from a <see cref="System.Text.Json.Serialization.JsonSerializerContext"/>.</param>
    /// <param name="outputType">How the output is read.</param>
    /// <param name="cancellationToken">Ends the call and closes the plug-in when it is cancelled.</param>
    /// <returns>The output, read as JSON; null or the default value when it is empty. The exit code is in <see cref="LastExitCode"/>.</returns>
    /// <exception cref="PluginException">As for the other calls; or the output is not JSON of that type (<see cref="PluginFailure.InvalidRequest"/>).</exception>
    /// <inheritdoc cref="Call(string, ReadOnlySpan{byte}, CancellationToken)" path="/exception"/>
    public TOutput? Call<TInput, TOutput>(
        string name, TInput input, JsonTypeInfo<TInput> inputType, JsonTypeInfo<TOutput> outputType, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(inputType);
        ArgumentNullException.ThrowIfNull(outputType);
        return PluginJson.Read(Call(name, PluginJson.ToBytes(input, inputType), cancellationToken).Data, outputType);
    }

    private void Begin(ReadOnlySpan<byte> input)
    {
        LastExitCode = PluginExitCodes.Failure;
        Kernel.Begin(input);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PluginOutput Run(string name)
    {
        Recorder?.Begin(name, TraceMetadata);
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
        catch (Exception exception) when (InterruptionOf(exception) is null)
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
        if (Kernel.OutputLength(Kernel) > _maxOutputBytes)
        {
            ThrowOutput();
        }

        // Asked here first: the other is a call.
        if (Kernel.ErrorGet(Kernel) != 0 && Kernel.GetErrorText() is string error)
        {
            throw new PluginException(PluginFailure.GuestError, error) { ExitCode = exitCode, GuestError = error, Output = Kernel.Output.ToArray() };
        }

        return new PluginOutput(Kernel.Output, exitCode);
    }

    [DoesNotReturn]
    private void ThrowOutput()
    {
        LastExitCode = PluginExitCodes.Failure;
        throw new PluginException(
            PluginFailure.Limit,
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"the output of {Kernel.Output.Length} bytes is larger than allowed ({MaxOutputBytes} bytes)"))
        {
            GuestError = Kernel.GetErrorText(),
        };
    }

    private PluginOutput FinishExit(ExitException exit)
    {
        CloseUnlessLinked(exit);
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

        if (InterruptionOf(exception) is Exception reason)
        {
            LastExitCode = reason is WasmTimeoutException ? PluginExitCodes.DeadlineExceeded : PluginExitCodes.Canceled;
            Close(reason);
            return reason;
        }

        return exception;
    }
}
