namespace Codicil.Format.Text;

/// <summary>The identifier context of a module (6.1.3): an index space for each kind of entity. Not thread-safe.</summary>
internal sealed class ModuleScopes
{
    public SymbolTable Symbols { get; } = new();

    public TypeTable TypeTable { get; } = new();

    public NameScope Types { get; } = new("type");

    public NameScope Functions { get; } = new("function");

    public NameScope Tables { get; } = new("table");

    public NameScope Memories { get; } = new("memory");

    public NameScope Globals { get; } = new("global");

    public NameScope Tags { get; } = new("tag");

    public NameScope ElementSegments { get; } = new("elem segment");

    public NameScope DataSegments { get; } = new("data segment");
}
