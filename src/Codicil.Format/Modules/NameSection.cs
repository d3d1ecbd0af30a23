using Codicil.Format.Binary;

namespace Codicil.Format.Modules;

/// <summary>The names that a module's <c>name</c> section gives to its parts; each map is decoded when it is first asked for. Thread-safe.</summary>
/// <remarks>WebAssembly 3.0, A.4 Custom Sections and Annotations, Name Section. A bad name section loses names and nothing else.</remarks>
public sealed class NameSection
{
    private const int SubsectionCount = 12;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly ByteRange[] _subsections = new ByteRange[SubsectionCount];

    // Two threads may decode the same map; the results are equal, and either will do.
    private readonly NameMap?[] _maps = new NameMap?[SubsectionCount];

    private NameSection(ReadOnlyMemory<byte> bytes) => _bytes = bytes;

    private enum Subsection
    {
        Module = 0,
        Functions = 1,
        Locals = 2,
        Labels = 3,
        Types = 4,
        Tables = 5,
        Memories = 6,
        Globals = 7,
        ElementSegments = 8,
        DataSegments = 9,
        Fields = 10,
        Tags = 11,
    }

    /// <summary>The name of the module, or null.</summary>
    public string? ModuleName => NameSectionReader.ReadName(_bytes.Span, _subsections[(int)Subsection.Module]);

    /// <summary>The names of functions.</summary>
    public NameMap Functions => Map(Subsection.Functions);

    /// <summary>The names of types.</summary>
    public NameMap Types => Map(Subsection.Types);

    /// <summary>The names of tables.</summary>
    public NameMap Tables => Map(Subsection.Tables);

    /// <summary>The names of memories.</summary>
    public NameMap Memories => Map(Subsection.Memories);

    /// <summary>The names of globals.</summary>
    public NameMap Globals => Map(Subsection.Globals);

    /// <summary>The names of element segments.</summary>
    public NameMap ElementSegments => Map(Subsection.ElementSegments);

    /// <summary>The names of data segments.</summary>
    public NameMap DataSegments => Map(Subsection.DataSegments);

    /// <summary>The names of tags.</summary>
    public NameMap Tags => Map(Subsection.Tags);

    /// <summary>The names of a function's parameters and locals. Decoded at each call, in time linear in the maps of all functions before it.</summary>
    public NameMap LocalsOf(int functionIndex) => Inner(Subsection.Locals, functionIndex);

    /// <summary>The names of a function's labels, numbered in the order in which their blocks begin. Decoded at each call.</summary>
    public NameMap LabelsOf(int functionIndex) => Inner(Subsection.Labels, functionIndex);

    /// <summary>The names of a structure type's fields. Decoded at each call.</summary>
    public NameMap FieldsOf(int typeIndex) => Inner(Subsection.Fields, typeIndex);

    /// <summary>The names of all functions' parameters and locals, in linear time.</summary>
    internal Dictionary<int, NameMap> AllLocals() => InnerMaps(Subsection.Locals);

    /// <summary>The names of all functions' labels, in linear time.</summary>
    internal Dictionary<int, NameMap> AllLabels() => InnerMaps(Subsection.Labels);

    /// <summary>The names of all types' fields, in linear time.</summary>
    internal Dictionary<int, NameMap> AllFields() => InnerMaps(Subsection.Fields);

    internal static NameSection Of(WasmModule module)
    {
        var names = new NameSection(module.Bytes);
        foreach (CustomSection section in module.CustomSections)
        {
            if (section.Name == "name")
            {
                NameSectionReader.ReadSubsections(module.Bytes.Span, section.Content, names._subsections);
                break;
            }
        }

        return names;
    }

    private NameMap Map(Subsection subsection) => _maps[(int)subsection] ??= _subsections[(int)subsection] == default
        ? NameMap.Empty
        : NameSectionReader.ReadMap(_bytes, _subsections[(int)subsection]);

    private Dictionary<int, NameMap> InnerMaps(Subsection subsection) => _subsections[(int)subsection] == default
        ? []
        : NameSectionReader.ReadInnerMaps(_bytes, _subsections[(int)subsection]);

    private NameMap Inner(Subsection subsection, int outerIndex) => _subsections[(int)subsection] == default
        ? NameMap.Empty
        : NameSectionReader.ReadInnerMap(_bytes, _subsections[(int)subsection], outerIndex);
}
