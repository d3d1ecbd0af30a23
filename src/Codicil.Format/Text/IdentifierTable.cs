using System.Globalization;

using Codicil.Format.Modules;

namespace Codicil.Format.Text;

/// <summary>The identifiers of an index space for printing: unique, and only where the module has a name. Immutable.</summary>
internal sealed class IdentifierTable
{
    private readonly Dictionary<int, string> _identifiers = [];

    // Names that are no identifiers as they are.
    private readonly Dictionary<int, string> _annotations = [];

    /// <summary>The identifiers of the first <paramref name="count"/> indices.</summary>
    /// <param name="names">The names.</param>
    /// <param name="count">Names of indices beyond are left out.</param>
    /// <param name="areUnique">Whether two indices must not share a name; labels may.</param>
    public IdentifierTable(NameMap names, int count, bool areUnique = true)
    {
        HashSet<string> taken = new(StringComparer.Ordinal);
        foreach (int index in names.Indices)
        {
            if (index >= count || names[index] is not string name)
            {
                continue;
            }

            if (name.Length == 0)
            {
                if (areUnique)
                {
                    _annotations.Add(index, TextWriting.NameAnnotation(name));
                }

                continue;
            }

            // The index makes a duplicate unique, unless another name looks just like the result.
            string candidate = name;
            for (int attempt = 0; areUnique && !taken.Add(candidate); attempt++)
            {
                candidate = string.Create(CultureInfo.InvariantCulture, $"{name}#{index}") + new string('#', attempt);
            }

            _identifiers.Add(index, TextWriting.Identifier(candidate));
            if (!ReferenceEquals(candidate, name))
            {
                _annotations.Add(index, TextWriting.NameAnnotation(name));
            }
        }
    }

    /// <summary>The identifier of an index with its dollar sign, or null.</summary>
    public string? this[int index] => _identifiers.GetValueOrDefault(index);

    /// <summary>What binds an index: its identifier and, where its name is another or empty, a name annotation; or null.</summary>
    public string? Binding(int index) => _annotations.TryGetValue(index, out string? annotation)
        ? this[index] is string identifier ? $"{identifier} {annotation}" : annotation
        : this[index];

    /// <summary>An index as the text format refers to it.</summary>
    public string Reference(uint index) =>
        (index <= int.MaxValue ? this[(int)index] : null) ?? index.ToString(CultureInfo.InvariantCulture);
}
