using Codicil.Format.Binary;

namespace Codicil.Format.Text;

/// <summary>Writes the identifiers of a text as the name section (A.4.1, with the extended subsections). Not thread-safe.</summary>
internal sealed class NameSectionWriter
{
    private readonly ModuleScopes _scopes;
    private readonly ByteWriter _subsection = new();
    private bool _any;

    public NameSectionWriter(ModuleScopes scopes)
    {
        _scopes = scopes;
        Content.Code.WriteByteVector("name"u8);
    }

    /// <summary>The section's content, its name included.</summary>
    public CodeBuffer Content { get; } = new();

    /// <summary>Whether there are no names.</summary>
    public bool IsEmpty => !_any;

    public void Write(
        byte[]? moduleName,
        List<(int Function, KeyValuePair<int, int>[] Names)> locals,
        List<(int Function, KeyValuePair<int, int>[] Names)> labels)
    {
        if (moduleName is not null)
        {
            _subsection.WriteByteVector(moduleName);
            EndSubsection(0);
        }

        WriteMap(1, _scopes.Functions);
        WriteIndirectMap(2, locals);
        WriteIndirectMap(3, labels);
        WriteMap(4, _scopes.Types);
        WriteMap(5, _scopes.Tables);
        WriteMap(6, _scopes.Memories);
        WriteMap(7, _scopes.Globals);
        WriteMap(8, _scopes.ElementSegments);
        WriteMap(9, _scopes.DataSegments);
        WriteFields();
        WriteMap(11, _scopes.Tags);
    }

    private void WriteMap(byte id, NameScope scope)
    {
        if (scope.Names.Count > 0)
        {
            WriteNames(scope.Names);
            EndSubsection(id);
        }
    }

    private void WriteIndirectMap(byte id, List<(int Function, KeyValuePair<int, int>[] Names)> functions)
    {
        if (functions.Count == 0)
        {
            return;
        }

        _subsection.WriteU32((uint)functions.Count);
        foreach ((int function, KeyValuePair<int, int>[] names) in functions)
        {
            _subsection.WriteU32((uint)function);
            WriteNames(names);
        }

        EndSubsection(id);
    }

    private void WriteFields()
    {
        List<(int Type, int Field, int Symbol)> fields = _scopes.TypeTable.FieldNames;
        if (fields.Count == 0)
        {
            return;
        }

        List<(int Type, KeyValuePair<int, int>[] Names)> byType = [];
        int start = 0;
        for (int i = 1; i <= fields.Count; i++)
        {
            if (i == fields.Count || fields[i].Type != fields[start].Type)
            {
                byType.Add((fields[start].Type, [.. fields[start..i].Select(field => new KeyValuePair<int, int>(field.Field, field.Symbol))]));
                start = i;
            }
        }

        WriteIndirectMap(10, byType);
    }

    private void WriteNames(IReadOnlyCollection<KeyValuePair<int, int>> names)
    {
        _subsection.WriteU32((uint)names.Count);
        foreach ((int index, int symbol) in names)
        {
            _subsection.WriteU32((uint)index);
            _subsection.WriteByteVector(_scopes.Symbols.NameOf(symbol));
        }
    }

    private void EndSubsection(byte id)
    {
        Content.Code.WriteByte(id);
        Content.Code.WriteByteVector(_subsection.Written);
        _subsection.Length = 0;
        _any = true;
    }
}
