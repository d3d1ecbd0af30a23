using System.Security.Cryptography;

namespace Codicil;

/// <summary>
/// Modules that were compiled before, found again by the SHA-256 of their bytes and their options: code is shared, and nothing that running code changes. Thread-safe; the same module asked for
/// from several threads is compiled once.
/// </summary>
/// <remarks>
/// Engines and modules of a cache belong to all who were given them: they are not to be disposed. What is evicted lives as long as somebody uses it. Failures are not kept. Cached code is in memory
/// only; a directory for it, which would outlive the process, does not exist.
/// </remarks>
public sealed class CompilationCache
{
    /// <summary>How many modules are kept when nothing else is said.</summary>
    public const int DefaultMaxModules = 128;

    /// <summary>How many bytes of modules are kept when nothing else is said: 256 MiB.</summary>
    public const long DefaultMaxSizeInBytes = 256 * 1024 * 1024;

    // The types of every module that was ever compiled in an engine stay with it; so an engine does not take more forever.
    private const int ModulesPerEngine = 4096;

    private readonly Lock _lock = new();
    private readonly Dictionary<Key, LinkedListNode<Entry>> _entries = [];
    private readonly Dictionary<EngineOptions, SharedEngine> _engines = [];

    // The one that was used last is the first.
    private readonly LinkedList<Entry> _order = new();
    private long _size;

    /// <summary>An empty cache.</summary>
    /// <param name="maxModules">How many modules are kept, at least 1; the one that was used longest ago goes first.</param>
    /// <param name="maxSizeInBytes">How many bytes the kept modules may have together, as they came; a single larger one is kept until the next comes.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are to be no modules, or the size is negative.</exception>
    public CompilationCache(int maxModules = DefaultMaxModules, long maxSizeInBytes = DefaultMaxSizeInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(maxModules, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(maxSizeInBytes);
        MaxModules = maxModules;
        MaxSizeInBytes = maxSizeInBytes;
    }

    /// <summary>How many modules are kept.</summary>
    public int MaxModules { get; }

    /// <summary>How many bytes the kept modules may have together.</summary>
    public long MaxSizeInBytes { get; }

    /// <summary>How many modules there are now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _entries.Count;
            }
        }
    }

    /// <summary>How many bytes the modules have that are there now.</summary>
    public long SizeInBytes
    {
        get
        {
            lock (_lock)
            {
                return _size;
            }
        }
    }

    /// <summary>The engine of the cache for some options: the same one for equal options, for as long as anybody uses it.</summary>
    /// <inheritdoc cref="Engine.Create" path="/exception"/>
    public Engine GetEngine(EngineOptions? options = null)
    {
        options ??= EngineOptions.Default;
        lock (_lock)
        {
            if (_engines.TryGetValue(options, out SharedEngine? shared) && shared.TryGet(out Engine? engine))
            {
                return engine;
            }

            // Those whose engines are gone.
            foreach (EngineOptions dead in _engines.Where(static pair => !pair.Value.TryGet(out _)).Select(static pair => pair.Key).ToArray())
            {
                _engines.Remove(dead);
            }

            engine = Engine.Create(options);
            _engines[options] = new SharedEngine(engine);
            return engine;
        }
    }

    /// <summary>A module of the cache, compiled now if it is not there.</summary>
    /// <param name="engine">An engine of this cache (<see cref="GetEngine"/>), or another that outlives the module's use.</param>
    /// <param name="bytes">The binary format or UTF-8 text.</param>
    /// <param name="options">Options, or null for the defaults; modules are shared among equal ones.</param>
    /// <inheritdoc cref="Module.FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public Module GetModule(Engine engine, ReadOnlySpan<byte> bytes, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        options ??= ModuleOptions.Default;
        var key = new Key(engine, Convert.ToHexString(SHA256.HashData(bytes)), options);
        Entry entry = FindOrAdd(key, bytes.Length);

        // Whoever wants the same module waits here for the one who compiles it.
        lock (entry.Gate)
        {
            try
            {
                if (entry.Module is not { IsDisposed: false })
                {
                    entry.Module = Module.FromBytesOrText(engine, bytes, options);
                    CountIn(engine);
                }

                return entry.Module;
            }
            catch
            {
                Remove(entry);
                throw;
            }
        }
    }

    /// <summary>Forgets every module and engine. Those that are in use live on.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _entries.Clear();
            _order.Clear();
            _engines.Clear();
            _size = 0;
        }
    }

    private Entry FindOrAdd(Key key, int size)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(key, out LinkedListNode<Entry>? node))
            {
                _order.Remove(node);
                _order.AddFirst(node);
                return node.Value;
            }

            node = _order.AddFirst(new Entry(key, size));
            _entries.Add(key, node);
            _size += size;
            while (_entries.Count > MaxModules || (_size > MaxSizeInBytes && _entries.Count > 1))
            {
                RemoveNode(_order.Last!);
            }

            return node.Value;
        }
    }

    private void Remove(Entry entry)
    {
        lock (_lock)
        {
            if (_entries.TryGetValue(entry.Key, out LinkedListNode<Entry>? node) && ReferenceEquals(node.Value, entry))
            {
                RemoveNode(node);
            }
        }
    }

    private void RemoveNode(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        _entries.Remove(node.Value.Key);
        _size -= node.Value.Size;
    }

    private void CountIn(Engine engine)
    {
        lock (_lock)
        {
            if (_engines.TryGetValue(engine.Options, out SharedEngine? shared) && shared.TryGet(out Engine? current) && ReferenceEquals(current, engine) && ++shared.Modules >= ModulesPerEngine)
            {
                _engines.Remove(engine.Options);
            }
        }
    }

    private readonly record struct Key(Engine Engine, string Hash, ModuleOptions Options);

    private sealed class Entry(Key key, int size)
    {
        public Key Key { get; } = key;

        public int Size { get; } = size;

        public Lock Gate { get; } = new();

        public Module? Module { get; set; }
    }

    // Modules hold their engine; without any, it need not be held here.
    private sealed class SharedEngine(Engine engine)
    {
        private readonly WeakReference<Engine> _engine = new(engine);

        public int Modules { get; set; }

        public bool TryGet([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Engine? engine) => _engine.TryGetTarget(out engine) && !engine.IsDisposed;
    }
}
