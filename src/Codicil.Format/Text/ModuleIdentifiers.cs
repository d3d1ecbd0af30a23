using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>The identifiers of a module for printing. Not thread-safe.</summary>
internal sealed class ModuleIdentifiers
{
    private static readonly IdentifierTable s_empty = new(NameMap.Empty, 0);

    private readonly WasmModule _module;
    private readonly Dictionary<int, NameMap> _localNames;
    private readonly Dictionary<int, NameMap> _labelNames;
    private readonly Dictionary<int, NameMap> _fieldNames;
    private readonly Dictionary<int, IdentifierTable> _fields = [];

    public ModuleIdentifiers(WasmModule module)
    {
        _module = module;
        NameSection names = module.Names;
        _localNames = names.AllLocals();
        _labelNames = names.AllLabels();
        _fieldNames = names.AllFields();
        Module = names.ModuleName is string name ? (name.Length > 0 ? TextWriting.Identifier(name) : TextWriting.NameAnnotation(name)) : null;
        Types = new IdentifierTable(names.Types, module.Types.Length);
        Functions = new IdentifierTable(names.Functions, module.Functions.Length);
        Tables = new IdentifierTable(names.Tables, module.Tables.Length);
        Memories = new IdentifierTable(names.Memories, module.Memories.Length);
        Globals = new IdentifierTable(names.Globals, module.Globals.Length);
        Tags = new IdentifierTable(names.Tags, module.Tags.Length);
        ElementSegments = new IdentifierTable(names.ElementSegments, module.ElementSegments.Length);
        DataSegments = new IdentifierTable(names.DataSegments, module.DataSegments.Length);
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

    public IdentifierTable LocalsOf(int function, int count) => Table(_localNames, function, count);

    public IdentifierTable LabelsOf(int function) => Table(_labelNames, function, int.MaxValue, areUnique: false);

    public IdentifierTable FieldsOf(int type)
    {
        if ((uint)type >= (uint)_module.Types.Length)
        {
            return s_empty;
        }

        if (!_fields.TryGetValue(type, out IdentifierTable? fields))
        {
            fields = Table(_fieldNames, type, _module.Types[type].Composite.Fields.Length);
            _fields.Add(type, fields);
        }

        return fields;
    }

    public string HeapType(HeapType type) => type.IsConcrete ? Types.Reference((uint)type.TypeIndex) : type.ToString();

    public string Reference(bool nullable, HeapType type) => $"(ref {(nullable ? "null " : "")}{HeapType(type)})";

    public string ValType(ValType type) =>
        type.IsReference && type.HeapType.IsConcrete ? Reference(type.IsNullable, type.HeapType) : type.ToString();

    private static IdentifierTable Table(Dictionary<int, NameMap> maps, int index, int count, bool areUnique = true) =>
        maps.TryGetValue(index, out NameMap? names) ? new IdentifierTable(names, count, areUnique) : s_empty;
}
