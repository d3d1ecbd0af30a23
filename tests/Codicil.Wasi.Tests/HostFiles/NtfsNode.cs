using System.Buffers.Binary;
using System.Runtime.InteropServices;

using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>A file, a directory or a link of <see cref="NtfsModel"/>.</summary>
internal sealed class NtfsNode(ulong id, uint attributes, long time)
{
    public ulong Id => id;

    public uint Attributes { get; set; } = attributes;

    public uint Tag { get; set; }

    public byte[] Reparse { get; set; } = [];

    public byte[] Data { get; set; } = [];

    public long Size { get; set; }

    public int Links { get; set; } = 1;

    public bool IsRemoved { get; set; }

    public long Created { get; } = time;

    public long Accessed { get; set; } = time;

    public long Written { get; set; } = time;

    public long Changed { get; set; } = time;

    // The machine's directories may be case-sensitive (the Linux subsystem sets it for each); names are then told apart.
    public Dictionary<string, NtfsNode> Children { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    public bool IsRealDirectory => (Attributes & Nt.AttributeDirectory) != 0 && (Tag & Nt.TagNameSurrogate) == 0;

    /// <summary>Makes a link of it, by its substitute name.</summary>
    public void SetTarget(string target, bool isRelative, uint tag)
    {
        byte[] name = MemoryMarshal.AsBytes(target.AsSpan()).ToArray();
        int header = tag == Nt.TagMountPoint ? 16 : 20;
        byte[] data = new byte[header + (2 * name.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(data, tag);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(4), (ushort)(data.Length - 8));
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(10), (ushort)name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(12), (ushort)name.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(data.AsSpan(14), (ushort)name.Length);
        if (tag != Nt.TagMountPoint)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(16), isRelative ? 1U : 0);
        }

        name.CopyTo(data, header);
        name.CopyTo(data, header + name.Length);
        Tag = tag;
        Reparse = data;
    }
}
