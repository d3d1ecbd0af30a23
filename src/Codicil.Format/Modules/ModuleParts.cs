using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Format.Modules;

/// <summary>A part of the module's bytes.</summary>
/// <param name="Start">Offset of the first byte from the start of the module.</param>
/// <param name="Length">Length in bytes.</param>
public readonly record struct ByteRange(int Start, int Length)
{
    /// <summary>Offset behind the last byte.</summary>
    public int End => Start + Length;
}

/// <summary>An import (2.5.11).</summary>
/// <param name="ModuleName">The name of the module it comes from.</param>
/// <param name="Name">The name in that module.</param>
/// <param name="Kind">What is imported.</param>
/// <param name="Index">Its index in the index space of its kind.</param>
public readonly record struct Import(string ModuleName, string Name, ExternKind Kind, int Index);

/// <summary>An export (2.5.10).</summary>
/// <param name="Name">The name; unique in the module.</param>
/// <param name="Kind">What is exported.</param>
/// <param name="Index">Its index in the index space of its kind.</param>
public readonly record struct Export(string Name, ExternKind Kind, int Index);

/// <summary>The code of a defined function (2.5.4, 5.5.13).</summary>
/// <param name="Range">Locals and instructions, without the size in front.</param>
/// <param name="InstructionsStart">Offset of the first instruction; the bytes before it are the local declarations.</param>
/// <param name="LocalCount">The number of declared locals, parameters not counted.</param>
public readonly record struct FunctionBody(ByteRange Range, int InstructionsStart, int LocalCount);

/// <summary>When a segment's contents take effect (2.5.8).</summary>
public enum SegmentMode : byte
{
    /// <summary>Copied at instantiation.</summary>
    Active,

    /// <summary>Copied by instructions.</summary>
    Passive,

    /// <summary>Element segments only: declares functions for ref.func.</summary>
    Declarative,
}

/// <summary>An element segment (2.5.8, 5.5.12). Immutable and thread-safe.</summary>
public sealed record ElementSegment
{
    /// <summary>When it takes effect.</summary>
    public required SegmentMode Mode { get; init; }

    /// <summary>The type of its elements.</summary>
    public required ValType Type { get; init; }

    /// <summary>For active segments: the table.</summary>
    public int TableIndex { get; init; }

    /// <summary>For active segments: the offset expression, its <c>end</c> included.</summary>
    public ByteRange Offset { get; init; }

    /// <summary>The elements as function indices; default (<see cref="ImmutableArray{T}.IsDefault"/>) when they are expressions.</summary>
    public ImmutableArray<int> FunctionIndices { get; init; }

    /// <summary>The elements as constant expressions, their <c>end</c> included; default when they are function indices.</summary>
    public ImmutableArray<ByteRange> Expressions { get; init; }

    /// <summary>The number of elements.</summary>
    public int Count => FunctionIndices.IsDefault ? Expressions.Length : FunctionIndices.Length;
}

/// <summary>A data segment (2.5.9, 5.5.14).</summary>
/// <param name="Mode">When it takes effect: active or passive.</param>
/// <param name="MemoryIndex">For active segments: the memory.</param>
/// <param name="Offset">For active segments: the offset expression, its <c>end</c> included.</param>
/// <param name="Content">The bytes.</param>
public readonly record struct DataSegment(SegmentMode Mode, int MemoryIndex, ByteRange Offset, ByteRange Content);

/// <summary>A custom section (5.5.3).</summary>
/// <param name="Name">Its name.</param>
/// <param name="Content">Its bytes behind the name.</param>
public readonly record struct CustomSection(string Name, ByteRange Content)
{
    /// <summary>The section in front of it that is not custom; <see cref="SectionId.Custom"/> when there is none.</summary>
    public SectionId PrecedingSection { get; init; }
}
