using System.Collections.Immutable;

namespace Codicil.Format.Types;

/// <summary>The parameters and results of a function. Immutable, compared by structure, thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.8 Composite Types.</remarks>
public sealed class FunctionType : ExternType, IEquatable<FunctionType>
{
    /// <summary>No parameters, no results.</summary>
    public static FunctionType Empty { get; } = new([], []);

    /// <summary>A function type of the given parameters and results.</summary>
    public FunctionType(ImmutableArray<ValType> parameters, ImmutableArray<ValType> results)
    {
        Parameters = parameters;
        Results = results;
    }

    /// <summary>The parameter types, in order.</summary>
    public ImmutableArray<ValType> Parameters { get; }

    /// <summary>The result types, in order.</summary>
    public ImmutableArray<ValType> Results { get; }

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Function;

    /// <inheritdoc/>
    public bool Equals(FunctionType? other) =>
        other is not null
        && Parameters.AsSpan().SequenceEqual(other.Parameters.AsSpan())
        && Results.AsSpan().SequenceEqual(other.Results.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as FunctionType);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        HashCode hash = default;
        foreach (ValType type in Parameters)
        {
            hash.Add(type);
        }

        hash.Add(-1);
        foreach (ValType type in Results)
        {
            hash.Add(type);
        }

        return hash.ToHashCode();
    }

    /// <summary>The text format's form: <c>(param i32 i32) (result i32)</c>; <c>(func)</c> when there is neither.</summary>
    public override string ToString()
    {
        string parameters = Parameters.IsEmpty ? "" : $"(param {string.Join(' ', Parameters)})";
        string results = Results.IsEmpty ? "" : $"(result {string.Join(' ', Results)})";
        return (parameters, results) switch
        {
            ("", "") => "(func)",
            ("", _) => results,
            (_, "") => parameters,
            _ => $"{parameters} {results}",
        };
    }
}
