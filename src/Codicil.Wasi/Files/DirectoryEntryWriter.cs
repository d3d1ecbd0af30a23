using System.Buffers.Binary;
using System.Text.Unicode;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>Takes the entries of a directory, straight into the guest's memory, until that is full.</summary>
/// <remarks>WASI preview 1, typenames.witx, <c>dirent</c>.</remarks>
public ref struct DirectoryEntryWriter
{
    private const int HeaderSize = 24;

    private readonly Span<byte> _destination;

    internal DirectoryEntryWriter(Span<byte> destination) => _destination = destination;

    /// <summary>How many bytes of the guest's memory have been filled.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is no room for another byte.</summary>
    public readonly bool IsFull => Count == _destination.Length;

    /// <summary>Names that are left out, because other mounts are in their place.</summary>
    internal MountPoint? Hidden { get; set; }

    /// <summary>
    /// Adds an entry. One that does not fit is cut: the program sees that its name is too short, and asks again. A name that is not UTF-8, or that no path can have, is left out: programs could not name it.
    /// </summary>
    /// <param name="next">The cookie of the entry that follows, 1 to 2^63-1.</param>
    /// <param name="inode">The number of the file, as in <see cref="FileStatus.Inode"/>.</param>
    /// <param name="type">What it is; a link is not followed.</param>
    /// <param name="name">Its name: no path, 1 byte or more.</param>
    /// <returns>Whether there is room for more.</returns>
    public bool TryAdd(ulong next, ulong inode, FileType type, scoped ReadOnlySpan<byte> name)
    {
        if (IsFull)
        {
            return false;
        }

        if (name.IsEmpty || name.ContainsAny((byte)'/', (byte)0) || !Utf8.IsValid(name) || Hidden?.Find(name) is not null)
        {
            return true;
        }

        Span<byte> header = stackalloc byte[HeaderSize];
        header.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(header, next);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], inode);
        BinaryPrimitives.WriteUInt32LittleEndian(header[16..], (uint)name.Length);
        header[20] = (byte)type;
        Add(header);
        Add(name);
        return !IsFull;
    }

    private void Add(scoped ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, _destination.Length - Count)];
        bytes.CopyTo(_destination[Count..]);
        Count += bytes.Length;
    }
}
