namespace Codicil.Format.Types;

/// <summary>The type of a global. Immutable, compared by structure, thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.13 Global Types.</remarks>
public sealed class GlobalType : ExternType, IEquatable<GlobalType>
{
    /// <summary>A global of <paramref name="type"/>.</summary>
    public GlobalType(ValType type, bool isMutable)
    {
        Type = type;
        IsMutable = isMutable;
    }

    /// <summary>The type of the value.</summary>
    public ValType Type { get; }

    /// <summary>Whether it can be set.</summary>
    public bool IsMutable { get; }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Global;

    /// <inheritdoc/>
    public bool Equals(GlobalType? other) => other is not null && Type == other.Type && IsMutable == other.IsMutable;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as GlobalType);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Type, IsMutable);

    /// <summary>The text format's form: <c>(global (mut i32))</c>.</summary>
    public override string ToString() => IsMutable ? $"(global (mut {Type}))" : $"(global {Type})";
}
