using System.Buffers.Binary;
using System.Text;

using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

/// <summary>
/// A file system in memory behind Windows's own calls, as the documentation has them: names without regard to case, reparse points that are followed unless that is forbidden, access that is asked for when a handle is opened. A root
/// is mounted; beside it lies what nothing must reach.
/// </summary>
internal sealed class NtfsModel : INtFiles
{
    public const string Secret = "the host's own";
    public const string SecretName = "secret";

    private readonly Lock _lock = new();
    private readonly Dictionary<nint, NtfsOpenFile> _open = [];
    private nint _lastHandle;
    private ulong _lastId = 100;
    private long _clock = 133_000_000_000_000_000;

    public NtfsModel()
    {
        Root = NewNode(Nt.AttributeDirectory);
        Outside = NewNode(Nt.AttributeDirectory);
        Outside.Children[SecretName] = NewNode(0, Encoding.UTF8.GetBytes(Secret));
    }

    public NtfsNode Root { get; }

    public NtfsNode Outside { get; }

    /// <summary>Whether the ways of newer systems to rename and to delete are there.</summary>
    public bool HasPosixSemantics { get; set; } = true;

    /// <summary>What others do before each call.</summary>
    public Action? Meanwhile { get; set; }

    /// <summary>How many times the system was let follow a link by itself.</summary>
    public int Followed { get; private set; }

    /// <summary>How many handles are open.</summary>
    public int OpenHandles
    {
        get
        {
            lock (_lock)
            {
                return _open.Count;
            }
        }
    }

    /// <summary>The storage that is left.</summary>
    public long FreeBytes { get; set; } = 1L << 40;

    public NtfsNode NewNode(uint attributes, byte[]? data = null) => new(++_lastId, attributes, ++_clock) { Data = data ?? [], Size = data?.Length ?? 0 };

    /// <summary>A link by its substitute name, which is relative or not.</summary>
    public NtfsNode NewLink(string target, bool isRelative = true, uint tag = Nt.TagSymbolicLink, bool isDirectory = false)
    {
        NtfsNode link = NewNode(Nt.AttributeReparsePoint | (isDirectory ? Nt.AttributeDirectory : 0));
        link.SetTarget(target, isRelative, tag);
        return link;
    }

    public uint Open(NtHandle? directory, ReadOnlySpan<char> name, NtOpenRequest request, out NtHandle? handle)
    {
        Meanwhile?.Invoke();
        handle = null;
        lock (_lock)
        {
            NtfsNode node;
            NtfsNode? parent = null;
            string text = name.ToString();
            if (directory is null)
            {
                if (!text.StartsWith(@"\??\", StringComparison.Ordinal))
                {
                    throw new InvalidOperationException($"no path of the system: {text}");
                }

                node = Root;
            }
            else
            {
                if (!TryGet(directory, out NtfsOpenFile? at))
                {
                    return Nt.StatusInvalidHandle;
                }

                node = at.Node;
                if (text.Length != 0)
                {
                    // The seam gets one plain name, never a path, a stream, a device.
                    if (text.AsSpan().ContainsAny("\\/:\0") || text is "." or ".." || text.EndsWith('.') || text.EndsWith(' ') || text.StartsWith("CON", StringComparison.OrdinalIgnoreCase))
                    {
                        throw new InvalidOperationException($"no plain name: {text}");
                    }

                    if (!node.IsRealDirectory)
                    {
                        return 0xC000_003A;
                    }

                    if (at.Node.IsRemoved)
                    {
                        return 0xC000_0056;
                    }

                    parent = node;
                    if (!parent.Children.TryGetValue(text, out NtfsNode? child))
                    {
                        if (request.Disposition != Nt.CreateNew)
                        {
                            return Nt.StatusObjectNameNotFound;
                        }

                        child = NewNode((request.Options & Nt.DirectoryFile) != 0 ? Nt.AttributeDirectory : 0);
                        parent.Children.Add(text, child);
                        handle = Add(child, parent, text, request.Access);
                        return Nt.StatusSuccess;
                    }

                    node = child;
                }
            }

            if (node.Tag != 0 && (request.Options & Nt.OpenReparsePoint) == 0)
            {
                if ((node.Tag & Nt.TagNameSurrogate) == 0)
                {
                    return node.Tag is Nt.TagUnixSocket or Nt.TagFifo ? 0xC000_0279 : Finish(node, parent, text, request, out handle);
                }

                if (request.StopsAtReparsePoints)
                {
                    return Nt.StatusReparsePointEncountered;
                }

                // Followed, as Windows would: out of the root.
                Followed++;
                node = (node.Attributes & Nt.AttributeDirectory) != 0 ? Outside : Outside.Children[SecretName];
            }

            return Finish(node, parent, text, request, out handle);
        }
    }

    public uint Query(NtHandle file, int informationClass, Span<byte> buffer)
    {
        Meanwhile?.Invoke();
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            if (informationClass is Nt.BasicInformation or Nt.AttributeTagInformation && (open.Access & Nt.ReadAttributes) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            NtfsNode node = open.Node;
            buffer.Clear();
            switch (informationClass)
            {
                case Nt.BasicInformation:
                    BinaryPrimitives.WriteInt64LittleEndian(buffer, node.Created);
                    BinaryPrimitives.WriteInt64LittleEndian(buffer[8..], node.Accessed);
                    BinaryPrimitives.WriteInt64LittleEndian(buffer[16..], node.Written);
                    BinaryPrimitives.WriteInt64LittleEndian(buffer[24..], node.Changed);
                    BinaryPrimitives.WriteUInt32LittleEndian(buffer[32..], node.Attributes);
                    break;
                case Nt.StandardInformation:
                    BinaryPrimitives.WriteInt64LittleEndian(buffer, node.Size);
                    BinaryPrimitives.WriteInt64LittleEndian(buffer[8..], node.Size);
                    BinaryPrimitives.WriteUInt32LittleEndian(buffer[16..], (uint)node.Links);
                    buffer[21] = node.IsRealDirectory ? (byte)1 : (byte)0;
                    break;
                case Nt.InternalInformation:
                    BinaryPrimitives.WriteUInt64LittleEndian(buffer, node.Id);
                    break;
                case Nt.AttributeTagInformation:
                    BinaryPrimitives.WriteUInt32LittleEndian(buffer, node.Attributes);
                    BinaryPrimitives.WriteUInt32LittleEndian(buffer[4..], node.Tag);
                    break;
                case Nt.PositionInformation:
                    BinaryPrimitives.WriteInt64LittleEndian(buffer, open.Position);
                    break;
                default:
                    return Nt.StatusInvalidInfoClass;
            }

            return Nt.StatusSuccess;
        }
    }

    public uint QueryVolume(NtHandle file, int informationClass, Span<byte> buffer)
    {
        buffer.Clear();
        if (informationClass == Nt.VolumeInformation)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(buffer[8..], 0x1234_5678);

            // The label did not fit.
            return Nt.StatusBufferOverflow;
        }

        BinaryPrimitives.WriteInt64LittleEndian(buffer[8..], FreeBytes / 4096);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[16..], long.MaxValue / 4096);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[24..], 8);
        BinaryPrimitives.WriteUInt32LittleEndian(buffer[28..], 512);
        return Nt.StatusSuccess;
    }

    public uint Set(NtHandle file, int informationClass, ReadOnlySpan<byte> buffer)
    {
        Meanwhile?.Invoke();
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            NtfsNode node = open.Node;
            switch (informationClass)
            {
                case Nt.BasicInformation:
                    if ((open.Access & Nt.WriteAttributes) == 0)
                    {
                        return Nt.StatusAccessDenied;
                    }

                    long accessed = BinaryPrimitives.ReadInt64LittleEndian(buffer[8..]);
                    long written = BinaryPrimitives.ReadInt64LittleEndian(buffer[16..]);
                    node.Accessed = accessed == 0 ? node.Accessed : accessed;
                    node.Written = written == 0 ? node.Written : written;
                    node.Changed = ++_clock;
                    return Nt.StatusSuccess;
                case Nt.EndOfFileInformation:
                    long size = BinaryPrimitives.ReadInt64LittleEndian(buffer);
                    return (open.Access & Nt.WriteData) == 0 ? Nt.StatusAccessDenied : Resize(node, size);
                case Nt.DispositionInformationEx when !HasPosixSemantics:
                    return Nt.StatusInvalidInfoClass;
                case Nt.DispositionInformation or Nt.DispositionInformationEx:
                    return (open.Access & Nt.Delete) == 0 ? Nt.StatusAccessDenied : Delete(open);
                default:
                    return Nt.StatusInvalidInfoClass;
            }
        }
    }

    public uint SetName(NtHandle file, int informationClass, uint flags, NtHandle directory, ReadOnlySpan<char> name)
    {
        Meanwhile?.Invoke();
        string text = name.ToString();
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open) || !TryGet(directory, out NtfsOpenFile? to))
            {
                return Nt.StatusInvalidHandle;
            }

            if (informationClass == Nt.RenameInformationEx && !HasPosixSemantics)
            {
                return Nt.StatusInvalidInfoClass;
            }

            if (!to.Node.IsRealDirectory || to.Node.IsRemoved)
            {
                return 0xC000_003A;
            }

            bool isLink = informationClass == Nt.LinkInformation;
            if ((open.Access & (isLink ? Nt.WriteAttributes : Nt.Delete)) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            if (isLink && open.Node.IsRealDirectory)
            {
                return 0xC000_00BA;
            }

            if (!isLink && (open.Parent is null || open.Parent.Children.GetValueOrDefault(open.Name) != open.Node))
            {
                return Nt.StatusObjectNameNotFound;
            }

            // Into itself.
            if (!isLink && Contains(open.Node, to.Node))
            {
                return Nt.StatusInvalidParameter;
            }

            if (to.Node.Children.TryGetValue(text, out NtfsNode? replaced) && replaced != open.Node)
            {
                if ((flags & Nt.ReplaceIfExists) == 0)
                {
                    return Nt.StatusObjectNameCollision;
                }

                if (replaced.IsRealDirectory)
                {
                    return Nt.StatusAccessDenied;
                }

                replaced.Links--;
            }

            if (!isLink)
            {
                open.Parent!.Children.Remove(open.Name);
                open.Parent = to.Node;
                open.Name = text;
            }
            else
            {
                if (replaced == open.Node)
                {
                    return Nt.StatusObjectNameCollision;
                }

                open.Node.Links++;
            }

            to.Node.Children.Remove(text);
            to.Node.Children[text] = open.Node;
            open.Node.Changed = ++_clock;
            return Nt.StatusSuccess;
        }
    }

    public uint Control(NtHandle file, uint code, ReadOnlySpan<byte> input, Span<byte> output, out int count)
    {
        Meanwhile?.Invoke();
        count = 0;
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            if (code == Nt.GetReparsePoint)
            {
                if (open.Node.Tag == 0)
                {
                    return 0xC000_0275;
                }

                open.Node.Reparse.CopyTo(output);
                count = open.Node.Reparse.Length;
                return Nt.StatusSuccess;
            }

            if ((open.Access & Nt.WriteAttributes) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            open.Node.Reparse = input.ToArray();
            open.Node.Tag = BinaryPrimitives.ReadUInt32LittleEndian(input);
            open.Node.Attributes |= Nt.AttributeReparsePoint;
            return Nt.StatusSuccess;
        }
    }

    public uint ReadDirectory(NtHandle directory, Span<byte> buffer, bool restart, out int count)
    {
        count = 0;
        lock (_lock)
        {
            if (!TryGet(directory, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            if ((open.Access & Nt.ListDirectory) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            count = open.List(buffer, restart);
            return count == 0 ? Nt.StatusNoMoreFiles : Nt.StatusSuccess;
        }
    }

    public uint Read(NtHandle file, Span<byte> destination, long offset, out int count)
    {
        count = 0;
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            if ((open.Access & Nt.ReadData) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            if (offset >= open.Node.Size)
            {
                return destination.IsEmpty ? Nt.StatusSuccess : Nt.StatusEndOfFile;
            }

            // In pieces, as no call promises all of it.
            count = (int)Math.Min(Math.Min(destination.Length, 1 << 20), open.Node.Size - offset);
            destination = destination[..count];
            destination.Clear();
            if (offset < open.Node.Data.Length)
            {
                open.Node.Data.AsSpan((int)offset, (int)Math.Min(count, open.Node.Data.Length - offset)).CopyTo(destination);
            }

            return Nt.StatusSuccess;
        }
    }

    public uint Write(NtHandle file, ReadOnlySpan<byte> source, long offset, out int count)
    {
        count = 0;
        lock (_lock)
        {
            if (!TryGet(file, out NtfsOpenFile? open))
            {
                return Nt.StatusInvalidHandle;
            }

            if ((open.Access & (Nt.WriteData | Nt.AppendData)) == 0)
            {
                return Nt.StatusAccessDenied;
            }

            NtfsNode node = open.Node;
            offset = offset == Nt.EndOfFile ? node.Size : offset;
            const long LargestFile = 1L << 44;
            if (offset + source.Length > LargestFile || offset < 0)
            {
                return Nt.StatusInvalidParameter;
            }

            if (offset + source.Length > int.MaxValue)
            {
                return 0xC000_007F;
            }

            if (offset + source.Length > node.Data.Length)
            {
                byte[] data = node.Data;
                Array.Resize(ref data, (int)Math.Max(offset + source.Length, Math.Min(node.Data.Length * 2L, int.MaxValue / 2)));
                node.Data = data;
            }

            source.CopyTo(node.Data.AsSpan((int)offset));
            node.Size = Math.Max(node.Size, offset + source.Length);
            node.Written = node.Changed = ++_clock;
            count = source.Length;
            open.Position = offset + count;
            return Nt.StatusSuccess;
        }
    }

    public uint Flush(NtHandle file)
    {
        lock (_lock)
        {
            return TryGet(file, out NtfsOpenFile? open) ? (open.Access & (Nt.WriteData | Nt.AppendData)) == 0 ? Nt.StatusAccessDenied : Nt.StatusSuccess : Nt.StatusInvalidHandle;
        }
    }

    public bool Close(nint handle)
    {
        lock (_lock)
        {
            return _open.Remove(handle) ? true : throw new InvalidOperationException("closed twice");
        }
    }

    private static bool Contains(NtfsNode node, NtfsNode inner) => node == inner || node.Children.Values.Any(child => Contains(child, inner));

    private uint Finish(NtfsNode node, NtfsNode? parent, string name, NtOpenRequest request, out NtHandle? handle)
    {
        handle = null;
        if (request.Disposition == Nt.CreateNew)
        {
            return Nt.StatusObjectNameCollision;
        }

        bool isDirectory = (node.Attributes & Nt.AttributeDirectory) != 0;
        if ((request.Options & Nt.DirectoryFile) != 0 && !isDirectory)
        {
            return Nt.StatusNotADirectory;
        }

        if ((request.Options & Nt.NonDirectoryFile) != 0 && isDirectory)
        {
            return 0xC000_00BA;
        }

        handle = Add(node, parent, name, request.Access);
        return Nt.StatusSuccess;
    }

    private NtHandle Add(NtfsNode node, NtfsNode? parent, string name, uint access)
    {
        nint value = _lastHandle += 4;
        _open.Add(value, new NtfsOpenFile { Node = node, Parent = parent, Name = name, Access = access });
        return new NtHandle(this, value);
    }

    private bool TryGet(NtHandle handle, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NtfsOpenFile? open)
    {
        using NtHandle.Lease lease = handle.Acquire();
        open = null;
        return lease.IsHeld && _open.TryGetValue(lease.Value, out open);
    }

    private uint Resize(NtfsNode node, long size)
    {
        const long LargestFile = 1L << 44;
        if (size is < 0 or > LargestFile)
        {
            return Nt.StatusInvalidParameter;
        }

        if (size - node.Size > FreeBytes)
        {
            return 0xC000_007F;
        }

        if (size < node.Data.Length)
        {
            node.Data = node.Data[..(int)size];
        }

        node.Size = size;
        node.Written = node.Changed = ++_clock;
        return Nt.StatusSuccess;
    }

    private static uint Delete(NtfsOpenFile open)
    {
        if (open.Node.IsRealDirectory && open.Node.Children.Count != 0)
        {
            return Nt.StatusDirectoryNotEmpty;
        }

        if (open.Parent is null)
        {
            return Nt.StatusCannotDelete;
        }

        if (open.Parent.Children.GetValueOrDefault(open.Name) == open.Node)
        {
            open.Parent.Children.Remove(open.Name);
            open.Node.Links--;
            open.Node.IsRemoved = open.Node.Links == 0;
        }

        return Nt.StatusSuccess;
    }
}
