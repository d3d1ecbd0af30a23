namespace Codicil.Format.Types;

/// <summary>The type of an exception tag: the types of the values it carries. Immutable, compared by structure, thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.12 Tag Types.</remarks>
public sealed class TagType : ExternType, IEquatable<TagType>
{
    /// <summary>A tag that carries the parameters of <paramref name="functionType"/>.</summary>
    public TagType(FunctionType functionType) => FunctionType = functionType;

    /// <summary>The function type whose parameters are the tag's values; it has no results.</summary>
    public FunctionType FunctionType { get; }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Tag;

    /// <inheritdoc/>
    public bool Equals(TagType? other) => other is not null && FunctionType.Equals(other.FunctionType);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as TagType);

    /// <inheritdoc/>
    public override int GetHashCode() => FunctionType.GetHashCode();

    /// <summary>The text format's form: <c>(tag (param i32))</c>.</summary>
    public override string ToString() => FunctionType.Parameters.IsEmpty ? "(tag)" : $"(tag (param {string.Join(' ', FunctionType.Parameters)}))";
}
