using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>The identifiers of a module for printing. Not thread-safe.</summary>
internal sealed class ModuleIdentifiers
{
    private static readonly IdentifierTable s_empty = new(NameMap.Empty, 0);

    private readonly NameSection _names;
    private readonly WasmModule _module;
    private readonly Dictionary<int, IdentifierTable> _fields = [];

    public ModuleIdentifiers(WasmModule module)
    {
        _module = module;
        _names = module.Names;
        Module = _names.ModuleName is { Length: > 0 } name ? TextWriting.Identifier(name) : null;
        Types = new IdentifierTable(_names.Types, module.Types.Length);
        Functions = new IdentifierTable(_names.Functions, module.Functions.Length);
        Tables = new IdentifierTable(_names.Tables, module.Tables.Length);
        Memories = new IdentifierTable(_names.Memories, module.Memories.Length);
        Globals = new IdentifierTable(_names.Globals, module.Globals.Length);
        Tags = new IdentifierTable(_names.Tags, module.Tags.Length);
        ElementSegments = new IdentifierTable(_names.ElementSegments, module.ElementSegments.Length);
        DataSegments = new IdentifierTable(_names.DataSegments, module.DataSegments.Length);
    }

    public string? Module { get; }

    public IdentifierTable Types { get; }

    public IdentifierTable Functions { get; }

    public IdentifierTable Tables { get; }

    public IdentifierTable Memories { get; }

    public IdentifierTable Globals { get; }

    public IdentifierTable Tags { get; }

    public IdentifierTable ElementSegments { get; }

    public IdentifierTable DataSegments { get; }

    public IdentifierTable LocalsOf(int function, int count) => new(_names.LocalsOf(function), count);

    public IdentifierTable LabelsOf(int function) => new(_names.LabelsOf(function), int.MaxValue, areUnique: false);

    public IdentifierTable FieldsOf(int type)
    {
        if ((uint)type >= (uint)_module.Types.Length)
        {
            return s_empty;
        }

        if (!_fields.TryGetValue(type, out IdentifierTable? fields))
        {
            fields = new IdentifierTable(_names.FieldsOf(type), _module.Types[type].Composite.Fields.Length);
            _fields.Add(type, fields);
        }

        return fields;
    }

    public string HeapType(HeapType type) => type.IsConcrete ? Types.Reference((uint)type.TypeIndex) : type.ToString();

    public string Reference(bool nullable, HeapType type) => $"(ref {(nullable ? "null " : "")}{HeapType(type)})";

    public string ValType(ValType type) =>
        type.IsReference && type.HeapType.IsConcrete ? Reference(type.IsNullable, type.HeapType) : type.ToString();
}
