using System.Text;

namespace Codicil.Plugins;

/// <summary>
/// What a host function sees of the plug-in that calls it: kernel memory, configuration, variables, log. Valid on the calling thread until the call returns; an asynchronous
/// host function's is its own, and valid on any thread, one at a time, until its task is complete or the call has ended without it. Elsewhere and later its members throw.
/// Spans are valid until the guest runs on.
/// </summary>
/// <remarks>Extism, "CurrentPlugin". A handle is the offset of a block in kernel memory, an i64 in the guest's types.</remarks>
public sealed class CurrentPlugin
{
    private readonly Plugin _plugin;
    private readonly Kernel _kernel;
    private readonly bool _isOwn;
    private volatile bool _hasEnded;

    internal CurrentPlugin(Plugin plugin, bool isOwn = false)
    {
        _plugin = plugin;
        _isOwn = isOwn;

        // Not looked up again: what uses an ended one at the same moment must not reach what the plug-in has by then.
        _kernel = plugin.Kernel;
    }

    internal string PluginName => _plugin.Name;

    internal PluginTraceRecorder? Recorder => _plugin.Recorder;

    /// <summary>The call's token. It knows nothing of the deadline or a disposal: see <see cref="Aborted"/>.</summary>
    public CancellationToken CancellationToken
    {
        get
        {
            Check();
            return _plugin.CallToken;
        }
    }

    /// <summary>A token that is cancelled when the call's deadline passes, its token is cancelled or the plug-in is disposed: for what a host function waits for. Where interruption is off it never is.</summary>
    public CancellationToken Aborted
    {
        get
        {
            Check();
            return _plugin.GetAbortedToken();
        }
    }

    /// <summary>What is left until the call's deadline; null without one, never negative.</summary>
    public TimeSpan? TimeLeft
    {
        get
        {
            Check();
            return _plugin.CallTimeLeft;
        }
    }

    /// <summary>The caller's object of this call (<see cref="Plugin.HostContext"/>).</summary>
    public object? HostContext
    {
        get
        {
            Check();
            return _plugin.HostContext;
        }
    }

    /// <summary>The configuration.</summary>
    public IDictionary<string, string> Config
    {
        get
        {
            Check();
            return _plugin.Config;
        }
    }

    /// <summary>The variables.</summary>
    public PluginVariables Variables
    {
        get
        {
            Check();
            return _plugin.Variables;
        }
    }

    /// <summary>The plug-in that calls a host function made with <see cref="HostFunction.FromDelegate"/>.</summary>
    /// <exception cref="ArgumentException">The caller is no plug-in.</exception>
    public static CurrentPlugin Of(Caller caller) =>
        caller.Store.Data as CurrentPlugin ?? throw new ArgumentException("the caller is no plug-in", nameof(caller));

    /// <summary>Allocates a block of zeros.</summary>
    /// <returns>Its handle; 0 for length 0.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="ResourceLimitException">The kernel's limit is met.</exception>
    public long Allocate(long length)
    {
        Check();
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        long handle = Kernel.Alloc(_kernel, length);
        return handle != 0 || length == 0 ? handle : throw new ResourceLimitException("failed to write to memory: the kernel's limit is met");
    }

    /// <summary>Frees a block; ignored when the handle is unknown.</summary>
    public void Free(long handle)
    {
        Check();
        Kernel.Free(_kernel, handle);
    }

    /// <summary>The length of a block; 0 when the handle is unknown.</summary>
    public long GetLength(long handle)
    {
        Check();
        return Kernel.Length(_kernel, handle);
    }

    /// <summary>The bytes of a block, to read and write in place; empty when the handle is unknown.</summary>
    public Span<byte> GetSpan(long handle)
    {
        Check();
        return _kernel.GetBlock(handle);
    }

    /// <summary>A copy of a block's bytes; empty when the handle is unknown.</summary>
    public byte[] ReadBytes(long handle) => GetSpan(handle).ToArray();

    /// <summary>A block as UTF-8 text; bad sequences become U+FFFD; empty when the handle is unknown.</summary>
    public string ReadString(long handle) => Encoding.UTF8.GetString(GetSpan(handle));

    /// <summary>Allocates a block with contents.</summary>
    /// <returns>Its handle; 0 for no bytes.</returns>
    /// <exception cref="ResourceLimitException">The kernel's limit is met.</exception>
    public long WriteBytes(ReadOnlySpan<byte> data)
    {
        Check();
        long handle = _kernel.Write(data);
        return handle != 0 || data.IsEmpty ? handle : throw new ResourceLimitException("failed to write to memory: the kernel's limit is met");
    }

    /// <summary>Allocates a block with a text in UTF-8.</summary>
    /// <returns>Its handle; 0 for empty text.</returns>
    /// <exception cref="ResourceLimitException">The kernel's limit is met.</exception>
    public long WriteString(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        long handle = Allocate(Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, GetSpan(handle));
        return handle;
    }

    /// <summary>Logs a message as the plug-in.</summary>
    public void Log(PluginLogLevel level, string message)
    {
        Check();
        _plugin.Log(level, message);
    }

    /// <summary>Ends the call when its deadline passed, its token was cancelled or the plug-in was disposed: for host functions that work for long.</summary>
    /// <exception cref="WasmTimeoutException">The deadline passed.</exception>
    /// <exception cref="WasmCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The plug-in was disposed.</exception>
    public void ThrowIfInterrupted()
    {
        Check();
        _plugin.ThrowIfInterrupted();
    }

    internal void End() => _hasEnded = true;

    /// <summary>Calls an asynchronous host function and waits for it on this thread.</summary>
    internal TResult Await<TResult>(Func<CurrentPlugin, Task<TResult>> callback) => _plugin.Await(callback);

    /// <inheritdoc cref="Await{TResult}(Func{CurrentPlugin, Task{TResult}})"/>
    internal void AwaitTask(Func<CurrentPlugin, Task> callback) => _plugin.AwaitTask(callback);

    private void Check()
    {
        if (!_isOwn)
        {
            _plugin.CheckInsideCall();
        }
        else if (_hasEnded)
        {
            throw new InvalidOperationException("the current plug-in is used after its call has ended");
        }
    }
}
