using Codicil.Format;
using Codicil.Runtime;

namespace Codicil;

/// <summary>Compiles modules and runs them: the root of everything. Thread-safe: one engine serves many modules and stores, from any thread.</summary>
/// <remarks>Disposing it closes its modules. Make one and keep it.</remarks>
public abstract class Engine : IDisposable
{
    private protected Engine(EngineOptions options) => Options = options;

    /// <summary>The options it was made with.</summary>
    public EngineOptions Options { get; }

    /// <summary>An engine.</summary>
    /// <param name="options">Options, or null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    /// <exception cref="PlatformNotSupportedException">The engine or the memory protection asked for cannot be had here.</exception>
    public static Engine Create(EngineOptions? options = null) => new ManagedEngine(options ?? EngineOptions.Default);

    /// <summary>Whether the engine can run modules that use all of the given features.</summary>
    public abstract bool Supports(WasmFeatures features);

    /// <summary>How accesses to 32-bit linear memories are kept inside: <see cref="MemoryProtection.Guard"/> or <see cref="MemoryProtection.Checked"/>.</summary>
    public abstract MemoryProtection EffectiveMemoryProtection { get; }

    /// <summary>Whether it was disposed.</summary>
    public abstract bool IsDisposed { get; }

    /// <summary>A store.</summary>
    public abstract Store CreateStore(ResourceLimits? limits = null);

    /// <summary>
    /// Runs something on one of the engine's <see cref="EngineOptions.CallThreads"/>, whose stacks are long enough for its calls: several calls, an instantiation. What the calling
    /// code has in its <see cref="ExecutionContext"/> is seen there; there is no <see cref="SynchronizationContext"/>.
    /// </summary>
    /// <param name="action">What is to be done. Its exception is the task's.</param>
    /// <param name="cancellationToken">Ends the waiting for a thread; the action itself is not interrupted.</param>
    public Task RunAsync(Action action, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(action);
        return (Options.CallThreads ?? CallThreads.Shared).RunAsync(action, CallStackBytes, cancellationToken);
    }

    /// <summary>The stack that a thread needs on which any call of this engine, and the compilation of its functions, stays.</summary>
    internal abstract int CallStackBytes { get; }

    internal abstract SharedMemory CreateSharedMemory(Format.Types.MemoryType type);

    internal abstract Module CreateModule(ReadOnlySpan<byte> bytes, ModuleOptions options);

    internal abstract Module CreateModuleFromText(string text, ModuleOptions options);

    internal abstract void ValidateModule(ReadOnlySpan<byte> bytes);

    /// <summary>Closes the engine and its modules. Idempotent.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the engine.</summary>
    protected abstract void Dispose(bool disposing);
}
