namespace Codicil;

/// <summary>What a host function sees of the code that called it. Valid until the host function returns; kept beyond that, it throws.</summary>
public readonly struct Caller
{
    private readonly Instance? _instance;
    private readonly Store _store;
    private readonly int _depth;
    private readonly long _serial;

    internal Caller(Store store, Instance? instance, int depth, long serial)
    {
        _store = store;
        _instance = instance;
        _depth = depth;
        _serial = serial;
    }

    /// <summary>The store.</summary>
    /// <exception cref="InvalidOperationException">The call has ended.</exception>
    public Store Store
    {
        get
        {
            Check();
            return _store;
        }
    }

    /// <summary>The instance that imported the function, or null when the host called it directly.</summary>
    /// <exception cref="InvalidOperationException">The call has ended.</exception>
    public Instance? Instance
    {
        get
        {
            Check();
            return _instance;
        }
    }

    /// <summary>An export of the calling instance, or null.</summary>
    public Extern? GetExport(string name) => Instance?.GetExport(name);

    /// <summary>An exported function of the calling instance, or null.</summary>
    public Function? GetFunction(string name) => GetExport(name) as Function;

    /// <summary>An exported memory of the calling instance, or null.</summary>
    public Memory? GetMemory(string name) => GetExport(name) as Memory;

    private void Check()
    {
        if (_store is null || !((Runtime.ManagedStore)_store).Context.IsCallerActive(_depth, _serial))
        {
            throw new InvalidOperationException("the caller is used after its call has ended");
        }
    }
}
