using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files.Trees;

/// <summary>When a link that a path ends in is followed.</summary>
internal enum LastLink
{
    /// <summary>Never: the function is about names.</summary>
    Keep,

    /// <summary>When the path goes on with a slash.</summary>
    FollowBeforeSlash,

    /// <summary>Always.</summary>
    Follow,
}

/// <summary>What a path leads to: a directory, a name in it, and the node that has the name, if there is one. Under the tree's lock.</summary>
internal ref struct PathWalk
{
    private const int MostLinks = 40;

    private readonly DirectoryNode _start;
    private ReadOnlySpan<byte> _rest;
    private int _links;

    private PathWalk(DirectoryNode start, ReadOnlySpan<byte> path)
    {
        _start = start;
        _rest = path;
        Parent = start;
    }

    /// <summary>The directory that the name is in.</summary>
    public DirectoryNode Parent { get; private set; }

    /// <summary>The name; empty when the path ends in <c>.</c> or <c>..</c>.</summary>
    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>What it names; null when there is no such name.</summary>
    public Node? Node { get; private set; }

    /// <summary>Whether the path ends in a slash.</summary>
    public bool HasSlash { get; private set; }

    /// <summary>Whether the path ends in <c>..</c>.</summary>
    public bool EndsInParent { get; private set; }

    /// <summary>The node when the path names one that may have a slash after it, or the error.</summary>
    public readonly Errno GetExisting(out Node? node)
    {
        node = Node;
        return node is null ? Errno.NoEnt : HasSlash && node is not DirectoryNode ? Errno.NotDir : Errno.Success;
    }

    /// <summary>Walks along a path, which never leaves the directory that it begins in.</summary>
    public static Errno To(DirectoryNode start, ReadOnlySpan<byte> path, LastLink lastLink, out PathWalk walk)
    {
        walk = new PathWalk(start, path);
        return walk.Run(lastLink);
    }

    private Errno Run(LastLink lastLink)
    {
        const int LongestName = 255;
        while (true)
        {
            _rest = _rest.TrimStart((byte)'/');
            if (_rest.IsEmpty)
            {
                return EndAt(isParent: false);
            }

            int length = _rest.IndexOf((byte)'/');
            ReadOnlySpan<byte> name = length < 0 ? _rest : _rest[..length];
            _rest = _rest[name.Length..];
            bool isLast = _rest.Trim((byte)'/').IsEmpty;
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8))
            {
                bool isParent = name.Length == 2;
                if (isParent && Parent == _start)
                {
                    return Errno.Perm;
                }

                Parent = isParent ? Parent.Parent : Parent;
                if (isLast)
                {
                    return EndAt(isParent);
                }

                continue;
            }

            if (name.Length > LongestName)
            {
                return Errno.NameTooLong;
            }

            Errno errno = Parent.Find(name, out Node? node);
            if (errno != Errno.Success)
            {
                return errno;
            }

            bool hasSlash = !_rest.IsEmpty;
            if (node is LinkNode link && (!isLast || lastLink == LastLink.Follow || (lastLink == LastLink.FollowBeforeSlash && hasSlash)))
            {
                errno = Follow(link);
                if (errno != Errno.Success)
                {
                    return errno;
                }
            }
            else if (isLast)
            {
                Name = name;
                Node = node;
                HasSlash = hasSlash;
                return Errno.Success;
            }
            else if (node is DirectoryNode directory)
            {
                Parent = directory;
            }
            else
            {
                return node is null ? Errno.NoEnt : Errno.NotDir;
            }
        }
    }

    private Errno EndAt(bool isParent)
    {
        Node = Parent;
        EndsInParent = isParent;
        return Errno.Success;
    }

    private Errno Follow(LinkNode link)
    {
        if (++_links > MostLinks)
        {
            return Errno.Loop;
        }

        if (link.Target.Length == 0)
        {
            return Errno.NoEnt;
        }

        if (link.Target[0] == '/')
        {
            return Errno.Perm;
        }

        _rest = (byte[])[.. link.Target, .. _rest];
        return Errno.Success;
    }
}
