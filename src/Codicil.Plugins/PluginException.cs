using Codicil.Format;

namespace Codicil.Plugins;

/// <summary>Why a plug-in could not be made or a call did not end well.</summary>
public enum PluginFailure
{
    /// <summary>The guest set an error text; its output is in <see cref="PluginException.Output"/>.</summary>
    GuestError,

    /// <summary>The guest trapped; the inner exception is the <see cref="TrapException"/>. The plug-in stays usable.</summary>
    Trap,

    /// <summary>The guest ended itself with a code other than 0; the plug-in is closed. The inner exception is the <see cref="Codicil.ExitException"/>.</summary>
    Exit,

    /// <summary>There is no exported function of that name.</summary>
    UnknownFunction,

    /// <summary>The function has parameters or several results.</summary>
    UnsuitableFunction,

    /// <summary>The guest's runtime failed to start; the inner exception is the cause. The next call tries again.</summary>
    Initialization,

    /// <summary>An earlier call ended the plug-in; the inner exception is what ended it.</summary>
    Closed,

    /// <summary>The manifest is malformed or contradicts itself.</summary>
    Manifest,

    /// <summary>A module's bytes could not be had.</summary>
    Load,

    /// <summary>A module's bytes are not those that the manifest's hash names.</summary>
    HashMismatch,

    /// <summary>The guest asked for something this plug-in may not have: HTTP, variables.</summary>
    NotAllowed,

    /// <summary>A limit of the plug-in was met.</summary>
    Limit,

    /// <summary>The guest handed the host something unreadable.</summary>
    InvalidRequest,

    /// <summary>An HTTP request of the guest got no response: no address, no connection, a broken message.</summary>
    Http,
}

/// <summary>
/// A plug-in could not be made, or a call failed. Deadlines surface as <see cref="WasmTimeoutException"/>, cancellation as <see cref="WasmCanceledException"/>,
/// and an exception of a host function as itself.
/// </summary>
public sealed class PluginException : WasmException
{
    /// <summary>A failure.</summary>
    /// <param name="failure">Its kind.</param>
    /// <param name="message">What happened.</param>
    /// <param name="innerException">The cause, if it is an exception.</param>
    public PluginException(PluginFailure failure, string message, Exception? innerException = null)
        : base(message, innerException) => Failure = failure;

    /// <summary>The kind of failure.</summary>
    public PluginFailure Failure { get; }

    /// <summary>The exit code of the call: what the guest returned or exited with, otherwise 1.</summary>
    public uint ExitCode { get; init; } = 1;

    /// <summary>The error text that the guest had set before the call ended, or null.</summary>
    public string? GuestError { get; init; }

    /// <summary>A copy of the output that came with <see cref="PluginFailure.GuestError"/>; otherwise empty.</summary>
    public ReadOnlyMemory<byte> Output { get; init; }

    /// <summary>The guest's trap, or null when it did not trap.</summary>
    public TrapException? Trap => InnerException as TrapException;
}
