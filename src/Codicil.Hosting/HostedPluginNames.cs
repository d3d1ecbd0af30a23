namespace Codicil.Hosting;

/// <summary>The names of an application's plug-ins in the order in which they were added. Filled while services are registered.</summary>
internal sealed class HostedPluginNames
{
    private readonly List<string> _names = [];

    public IReadOnlyList<string> All => _names;

    public bool Contains(string name) => _names.Contains(name);

    public void Add(string name)
    {
        if (_names.Contains(name))
        {
            throw new ArgumentException($"a plug-in named '{name}' was added already", nameof(name));
        }

        _names.Add(name);
    }
}
