using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>
/// A directory. Entries are kept in the order in which they were added, each with a number that is never used again, so that a listing goes on where it was whatever has happened to other entries.
/// One that the lower file system has, too, takes in its entries when they are asked for.
/// </summary>
internal sealed class DirectoryNode : Node
{
    private const int FewEntries = 16;

    // 0 and 1 are . and ..
    private const ulong FirstNumber = 2;

    private readonly Dictionary<byte[], Entry> _byName = new(NameComparer.Instance);
    private readonly Dictionary<byte[], Entry>.AlternateLookup<ReadOnlySpan<byte>> _lookup;
    private List<Entry> _entries = [];
    private ulong _nextNumber = FirstNumber;

    // What the lower directory has and this one does not any more.
    private HashSet<byte[]>? _whiteouts;
    private bool _isComplete;

    public DirectoryNode(FileTree tree, DirectoryNode? parent)
        : base(tree)
    {
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<byte>>();
        _isComplete = true;
        Parent = parent ?? this;
        LinkCount = 2;
    }

    public DirectoryNode(FileTree tree, DirectoryNode? parent, byte[] lowerPath, in FileStatus lower)
        : base(tree, lower)
    {
        _lookup = _byName.GetAlternateLookup<ReadOnlySpan<byte>>();
        LowerPath = lowerPath;
        Parent = parent ?? this;
        LinkCount = 2;
    }

    public override FileType Type => FileType.Directory;

    /// <summary>The directory above it; of the root itself.</summary>
    public DirectoryNode Parent { get; set; }

    /// <summary>Whether it has no name any more. Nothing can be made in it.</summary>
    public bool IsRemoved { get; private set; }

    /// <summary>Its path in the lower file system; null when it is not there.</summary>
    public byte[]? LowerPath { get; }

    /// <summary>Looks up a name; null when there is none.</summary>
    public Errno Find(ReadOnlySpan<byte> name, out Node? node)
    {
        if (_lookup.TryGetValue(name, out Entry? entry))
        {
            node = entry.Node;
            return Errno.Success;
        }

        node = null;
        if (_isComplete || (_whiteouts is not null && _whiteouts.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(name)))
        {
            return Errno.Success;
        }

        Errno errno = Tree.Lower!.Import(this, name, out node);
        if (node is not null)
        {
            Insert(name.ToArray(), node, isLower: true);
        }

        return errno;
    }

    /// <summary>Adds a name that is not there, from the tree's budget.</summary>
    public Errno Add(ReadOnlySpan<byte> name, Node node)
    {
        if (IsRemoved)
        {
            return Errno.NoEnt;
        }

        if (!Tree.TryReserve(CostOf(name.Length)))
        {
            return Errno.NoSpc;
        }

        Insert(name.ToArray(), node, isLower: false);
        Changed();
        return Errno.Success;
    }

    /// <summary>Removes a name that is there.</summary>
    public void Remove(ReadOnlySpan<byte> name)
    {
        _lookup.Remove(name, out byte[]? key, out Entry? entry);
        entry!.Node = null;
        if (!entry.IsLower)
        {
            Tree.Release(CostOf(name.Length));
        }
        else if (!_isComplete)
        {
            (_whiteouts ??= new HashSet<byte[]>(NameComparer.Instance)).Add(key!);
        }

        Changed();
        if (_entries.Count > FewEntries && _entries.Count > 2 * _byName.Count)
        {
            _entries = _entries.FindAll(static other => other.Node is not null);
        }
    }

    /// <summary>Gives a name that is there to another node.</summary>
    public void Replace(ReadOnlySpan<byte> name, Node node)
    {
        _lookup[name].Node = node;
        Changed();
    }

    /// <summary>Whether nothing is in it.</summary>
    public Errno IsEmpty(out bool isEmpty)
    {
        isEmpty = false;
        if (_byName.Count != 0)
        {
            return Errno.Success;
        }

        Errno errno = Complete();
        isEmpty = _byName.Count == 0;
        return errno;
    }

    /// <summary>Lists it from an entry's number on.</summary>
    public Errno ReadEntries(ulong number, ref DirectoryEntryWriter writer)
    {
        Errno errno = Complete();
        if (errno != Errno.Success)
        {
            return errno;
        }

        if (number == 0 && !writer.TryAdd(1, Inode, FileType.Directory, "."u8))
        {
            return Errno.Success;
        }

        if (number <= 1 && !writer.TryAdd(FirstNumber, Parent.Inode, FileType.Directory, ".."u8))
        {
            return Errno.Success;
        }

        for (int i = FindNumber(number); i < _entries.Count; i++)
        {
            Entry entry = _entries[i];
            if (entry.Node is Node node && !writer.TryAdd(entry.Number + 1, node.Inode, node.Type, entry.Name))
            {
                break;
            }
        }

        return Errno.Success;
    }

    /// <summary>Its only name, and what it is by itself, are gone.</summary>
    public override void Unlink()
    {
        IsRemoved = true;
        LinkCount = 1;
        base.Unlink();
    }

    private static long CostOf(int nameLength) => nameLength;

    private Errno Complete()
    {
        if (_isComplete)
        {
            return Errno.Success;
        }

        Errno errno = Tree.Lower!.ImportAll(this, TakeIn);
        if (errno == Errno.Success)
        {
            _isComplete = true;
            _whiteouts = null;
        }

        return errno;
    }

    private Errno TakeIn(byte[] name) => _byName.ContainsKey(name) ? Errno.Success : Find(name, out _);

    private void Insert(byte[] name, Node node, bool isLower)
    {
        var entry = new Entry(name, node, _nextNumber++, isLower);
        _byName.Add(name, entry);
        _entries.Add(entry);
    }

    private void Changed() => ModificationTime = ChangeTime = Tree.Now();

    private int FindNumber(ulong number)
    {
        int low = 0;
        int high = _entries.Count;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high) / 2);
            if (_entries[middle].Number < number)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private sealed class Entry(byte[] name, Node? node, ulong number, bool isLower)
    {
        public byte[] Name { get; } = name;

        public Node? Node { get; set; } = node;

        public ulong Number { get; } = number;

        public bool IsLower { get; } = isLower;
    }
}
