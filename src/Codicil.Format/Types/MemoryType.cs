namespace Codicil.Format.Types;

/// <summary>The type of a linear memory. Immutable, compared by structure, thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 2.3.14 Memory Types; threads proposal (shared), custom-page-sizes proposal.</remarks>
public sealed class MemoryType : ExternType, IEquatable<MemoryType>
{
    /// <summary>A memory of <paramref name="limits"/> pages.</summary>
    public MemoryType(Limits limits, bool is64 = false, bool isShared = false, int pageSizeLog2 = 16)
    {
        Limits = limits;
        Is64 = is64;
        IsShared = isShared;
        PageSizeLog2 = pageSizeLog2;
    }

    /// <summary>The size range in pages.</summary>
    public Limits Limits { get; }

    /// <summary>Whether addresses are i64.</summary>
    public bool Is64 { get; }

    /// <summary>Whether threads share it.</summary>
    public bool IsShared { get; }

    /// <summary>Log2 of the page size in bytes: 16, or 0 with custom page sizes.</summary>
    public int PageSizeLog2 { get; }

    /// <summary>The type of addresses: i32 or i64.</summary>
    public ValType AddressType => Is64 ? ValType.I64 : ValType.I32;

    /// <inheritdoc/>
    public override ExternKind Kind => ExternKind.Memory;

    /// <inheritdoc/>
    public bool Equals(MemoryType? other) =>
        other is not null && Limits == other.Limits && Is64 == other.Is64 && IsShared == other.IsShared && PageSizeLog2 == other.PageSizeLog2;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as MemoryType);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Limits, Is64, IsShared, PageSizeLog2);

    /// <summary>The text format's form: <c>(memory i64 1 10 shared)</c>.</summary>
    public override string ToString()
    {
        string page = PageSizeLog2 == 16 ? "" : $" (pagesize {1 << PageSizeLog2})";
        return $"(memory {(Is64 ? "i64 " : "")}{Limits}{(IsShared ? " shared" : "")}{page})";
    }
}
