using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>A file, directory or link in a <see cref="FileTree"/>. Names, link counts and all of directories and links are guarded by the tree's lock; the contents and times of a file by its own, which is taken after the tree's.</summary>
internal abstract class Node
{
    /// <summary>What a node costs of the tree's budget, whatever is in it: about what it and its entry take on the heap.</summary>
    public const long BaseCost = 256;

    protected Node(FileTree tree)
    {
        Tree = tree;
        Inode = tree.NextInode();
        AccessTime = ModificationTime = ChangeTime = tree.Now();
    }

    protected Node(FileTree tree, in FileStatus lower)
    {
        Tree = tree;
        Inode = tree.NextInode();
        AccessTime = lower.AccessTime;
        ModificationTime = lower.ModificationTime;
        ChangeTime = lower.ChangeTime;
        IsImported = true;
    }

    public FileTree Tree { get; }

    public ulong Inode { get; }

    public abstract FileType Type { get; }

    public ulong LinkCount { get; set; } = 1;

    /// <summary>Whether it came from the lower file system. Its place in memory costs nothing: guests cannot make more of them.</summary>
    public bool IsImported { get; }

    protected virtual ulong Size => 0;

    protected ulong AccessTime { get; set; }

    protected ulong ModificationTime { get; set; }

    protected ulong ChangeTime { get; set; }

    public virtual FileStatus GetStatus() => new(Tree.Device, Inode, Type, LinkCount, Size, AccessTime, ModificationTime, ChangeTime);

    public virtual void SetTimes(ulong? accessTime, ulong? modificationTime)
    {
        AccessTime = accessTime ?? AccessTime;
        ModificationTime = modificationTime ?? ModificationTime;
        ChangeTime = Tree.Now();
    }

    /// <summary>Its names have changed.</summary>
    public virtual void Touch() => ChangeTime = Tree.Now();

    /// <summary>It has one name less.</summary>
    public virtual void Unlink()
    {
        LinkCount--;
        Touch();
        if (LinkCount == 0 && !IsImported)
        {
            Tree.Release(BaseCost);
        }
    }
}

/// <summary>A symbolic link.</summary>
internal sealed class LinkNode : Node
{
    public LinkNode(FileTree tree, byte[] target)
        : base(tree) => Target = target;

    public LinkNode(FileTree tree, byte[] target, in FileStatus lower)
        : base(tree, lower) => Target = target;

    public byte[] Target { get; }

    public override FileType Type => FileType.SymbolicLink;

    protected override ulong Size => (ulong)Target.Length;

    public override void Unlink()
    {
        base.Unlink();
        if (LinkCount == 0 && !IsImported)
        {
            Tree.Release(Target.Length);
        }
    }
}

/// <summary>What the lower file system has that is no file, directory or link: it is seen, and can be removed, but not opened.</summary>
internal sealed class SpecialNode(FileTree tree, in FileStatus lower) : Node(tree, lower)
{
    public override FileType Type { get; } = lower.Type;
}
