using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <summary>Collects the sections of a module and puts them together with their source map. Not thread-safe.</summary>
internal sealed class ModuleAssembler
{
    private readonly SourceText _source;
    private readonly ModuleScopes _scopes;
    private readonly List<int> _typeSources = [];
    private readonly List<int> _emptyGroups = [];
    private readonly List<(int Function, KeyValuePair<int, int>[] Names)> _localNames = [];
    private readonly List<(int Function, KeyValuePair<int, int>[] Names)> _labelNames = [];
    private readonly List<CustomSectionText> _customSections = [];
    private readonly ByteWriter _branchHints = new();
    private uint _functionsWithHints;
    private readonly CodeBuffer _start = new();

    public ModuleAssembler(SourceText source, ModuleScopes scopes)
    {
        _source = source;
        _scopes = scopes;
    }

    public Section Imports { get; } = new();

    public Section Functions { get; } = new();

    public Section Tables { get; } = new();

    public Section Memories { get; } = new();

    public Section Tags { get; } = new();

    public Section Globals { get; } = new();

    public Section Exports { get; } = new();

    public Section Elements { get; } = new();

    public Section Bodies { get; } = new();

    public Section Data { get; } = new();

    public void AddCustomSection(CustomSectionText section) => _customSections.Add(section);

    public void MarkType(int source) => _typeSources.Add(source);

    /// <summary>A recursion group without types takes a place in the section but no index.</summary>
    public void AddEmptyRecursiveGroup(int before) => _emptyGroups.Add(before);

    public void SetStart(int source, uint function)
    {
        _start.Mark(source);
        _start.Code.WriteU32(function);
    }

    public void AddBody(int source, CodeBuffer body)
    {
        Bodies.Add(source).WriteU32((uint)body.Code.Length);
        Bodies.Content.Append(body);
    }

    /// <summary>Adds the hints of a function: the offset of an instruction in the body, the locals being its beginning, and 0 for unlikely, 1 for likely.</summary>
    public void AddBranchHints(int function, List<(int Offset, byte Hint)> hints)
    {
        if (hints.Count == 0)
        {
            return;
        }

        _functionsWithHints++;
        _branchHints.WriteU32((uint)function);
        _branchHints.WriteU32((uint)hints.Count);
        foreach ((int offset, byte hint) in hints)
        {
            _branchHints.WriteU32((uint)offset);
            _branchHints.WriteU32(1);
            _branchHints.WriteByte(hint);
        }
    }

    public void AddLocalNames(int function, NameScope locals, LabelScope labels)
    {
        if (locals.Names.Count > 0)
        {
            _localNames.Add((function, [.. locals.Names]));
        }

        if (labels.Names.Count > 0)
        {
            _labelNames.Add((function, [.. labels.Names]));
        }
    }

    public ParsedModule Assemble(byte[]? moduleName, bool usesDataSegments, int source)
    {
        CodeBuffer module = new();
        module.Code.WriteBytes("\0asm\u0001\0\0\0"u8);
        AppendCustomSections(module, null, isBefore: true);
        Append(module, SectionId.Type, BuildTypes());
        Append(module, SectionId.Import, Imports);
        Append(module, SectionId.Function, Functions);
        Append(module, SectionId.Table, Tables);
        Append(module, SectionId.Memory, Memories);
        Append(module, SectionId.Tag, Tags);
        Append(module, SectionId.Global, Globals);
        Append(module, SectionId.Export, Exports);
        AppendCustomSections(module, SectionId.Start, isBefore: true);
        if (_start.Code.Length > 0)
        {
            AppendContent(module, SectionId.Start, _start);
        }

        AppendCustomSections(module, SectionId.Start, isBefore: false);
        Append(module, SectionId.Element, Elements);
        AppendCustomSections(module, SectionId.DataCount, isBefore: true);
        if (usesDataSegments)
        {
            CodeBuffer dataCount = new();
            dataCount.Code.WriteU32(Data.Count);
            AppendContent(module, SectionId.DataCount, dataCount);
        }

        AppendCustomSections(module, SectionId.DataCount, isBefore: false);
        AppendBranchHints(module);
        Append(module, SectionId.Code, Bodies);
        Append(module, SectionId.Data, Data);
        NameSectionWriter names = new(_scopes);
        names.Write(moduleName, _localNames, _labelNames);
        if (!names.IsEmpty)
        {
            AppendContent(module, SectionId.Custom, names.Content);
        }

        AppendCustomSections(module, null, isBefore: false);
        return new ParsedModule(module.Code.Written.ToArray(), BuildMap(module, source));
    }

    private SourceMap BuildMap(CodeBuffer module, int source)
    {
        int[] offsets = new int[module.Marks.Count];
        int[] sources = new int[module.Marks.Count];
        for (int i = 0; i < offsets.Length; i++)
        {
            (offsets[i], sources[i]) = module.Marks[i];
        }

        return new SourceMap(_source, offsets, sources, source);
    }

    private void Append(CodeBuffer module, SectionId id, Section section)
    {
        AppendCustomSections(module, id, isBefore: true);
        if (section.Count > 0)
        {
            CodeBuffer content = new();
            content.Code.WriteU32(section.Count);
            content.Append(section.Content);
            AppendContent(module, id, content);
        }

        AppendCustomSections(module, id, isBefore: false);
    }

    /// <summary>Appends the custom sections of a place, in the order of the text; the place counts even where the section is empty.</summary>
    private void AppendCustomSections(CodeBuffer module, SectionId? place, bool isBefore)
    {
        foreach (CustomSectionText section in _customSections)
        {
            if (section.Section == place && section.IsBefore == isBefore)
            {
                CodeBuffer content = new();
                content.Mark(section.Source);
                content.Code.WriteByteVector(section.Name);
                content.Code.WriteBytes(section.Content);
                AppendContent(module, SectionId.Custom, content);
            }
        }
    }

    private void AppendBranchHints(CodeBuffer module)
    {
        if (_functionsWithHints > 0)
        {
            CodeBuffer content = new();
            content.Code.WriteByteVector("metadata.code.branch_hint"u8);
            content.Code.WriteU32(_functionsWithHints);
            content.Code.WriteBytes(_branchHints.Written);
            AppendContent(module, SectionId.Custom, content);
        }
    }

    private static void AppendContent(CodeBuffer module, SectionId id, CodeBuffer content)
    {
        module.Code.WriteByte((byte)id);
        module.Code.WriteU32((uint)content.Code.Length);
        module.Append(content);
    }

    private static void WriteRecursiveGroup(ByteWriter writer, int length)
    {
        writer.WriteByte(0x4E);
        writer.WriteU32((uint)length);
    }

    private Section BuildTypes()
    {
        Section section = new();
        TypeTable types = _scopes.TypeTable;
        int nextEmpty = 0;
        for (int i = 0; i <= types.Count; i++)
        {
            for (; nextEmpty < _emptyGroups.Count && _emptyGroups[nextEmpty] == i; nextEmpty++)
            {
                WriteRecursiveGroup(section.Add(0), 0);
            }

            if (i == types.Count)
            {
                break;
            }

            // Types that type uses imply have no place of their own in the text.
            SubType type = types[i];
            int source = i < _typeSources.Count ? _typeSources[i] : 0;
            if (type.RecursiveGroupStart == i)
            {
                ByteWriter writer = section.Add(source);
                if (type.RecursiveGroupLength != 1)
                {
                    WriteRecursiveGroup(writer, type.RecursiveGroupLength);
                    section.Content.Mark(source);
                }
            }
            else
            {
                section.Content.Mark(source);
            }

            TypeWriter.WriteSubType(section.Content.Code, type);
        }

        return section;
    }
}
