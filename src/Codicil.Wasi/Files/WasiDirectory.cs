using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>
/// An open directory, and the files beneath it by path. It is all that a program has: whatever the path and whatever others do meanwhile, an operation must reach nothing that is not beneath
/// this directory. Threads: see <see cref="WasiHandle"/>.
/// </summary>
/// <remarks>
/// <para>
/// A path has been checked: it is UTF-8, is not empty, does not begin with <c>/</c> and has no NUL. It has one or more names with one or more <c>/</c> between them, <c>.</c> and <c>..</c> among them;
/// <c>..</c> is the parent of the directory that has been reached, links followed, as POSIX has it. Names differ when their bytes differ. Rights and read-only mounts have been checked, too.
/// </para>
/// <para>
/// A path that leads out, by <c>..</c> or through a link, even when it comes back, and a link whose target begins with <c>/</c>: <see cref="Errno.Perm"/>. A name that is not there, <see cref="Errno.NoEnt"/>; one on the way that is no directory,
/// <see cref="Errno.NotDir"/>; more than 40 links, <see cref="Errno.Loop"/>; a name of more than 255 bytes, <see cref="Errno.NameTooLong"/>. A path that ends in <c>/</c> names a directory: what is none is
/// <see cref="Errno.NotDir"/>; a link at the end is followed by those functions that look at what is there, and is no directory to those that create, remove and rename. What POSIX says of the functions named below holds for the rest.
/// </para>
/// </remarks>
public abstract class WasiDirectory : WasiHandle
{
    /// <inheritdoc/>
    public sealed override FileType Type => FileType.Directory;

    /// <summary>Opens a file (a <see cref="WasiFile"/>) or a directory (a <see cref="WasiDirectory"/>), a file being created where asked for (<c>openat</c>). What could keep the caller waiting, such as a FIFO, is opened without waiting or refused.</summary>
    public abstract Errno Open(ReadOnlySpan<byte> path, in WasiOpenOptions options, out WasiHandle? handle);

    /// <summary>The attributes of what a path names (<c>fstatat</c>).</summary>
    public abstract Errno GetStatus(ReadOnlySpan<byte> path, bool followSymlink, out FileStatus status);

    /// <summary>Sets times of what a path names, in nanoseconds since 1970; those that are null stay (<c>utimensat</c>).</summary>
    public abstract Errno SetTimes(ReadOnlySpan<byte> path, bool followSymlink, ulong? accessTime, ulong? modificationTime);

    /// <summary>Makes a directory (<c>mkdirat</c>). The path may end in <c>/</c>.</summary>
    public abstract Errno CreateDirectory(ReadOnlySpan<byte> path);

    /// <summary>Removes an empty directory (<c>unlinkat</c> with <c>AT_REMOVEDIR</c>).</summary>
    public abstract Errno RemoveDirectory(ReadOnlySpan<byte> path);

    /// <summary>Removes the name of a file or a link (<c>unlinkat</c>). A directory is <see cref="Errno.IsDir"/>.</summary>
    public abstract Errno UnlinkFile(ReadOnlySpan<byte> path);

    /// <summary>Gives what a path names another name, in the place of what has that name already, in one step (<c>renameat</c>).</summary>
    /// <param name="oldPath">The path, beneath this directory.</param>
    /// <param name="newDirectory">Another directory, perhaps of another file system: <see cref="Errno.XDev"/>.</param>
    /// <param name="newPath">The new path, beneath <paramref name="newDirectory"/>.</param>
    public abstract Errno Rename(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath);

    /// <summary>Gives a file one more name (<c>linkat</c>). A link itself is linked, not what it leads to. A directory is <see cref="Errno.Perm"/>.</summary>
    /// <param name="oldPath">The path, beneath this directory.</param>
    /// <param name="newDirectory">Another directory, perhaps of another file system: <see cref="Errno.XDev"/>.</param>
    /// <param name="newPath">The new path, beneath <paramref name="newDirectory"/>.</param>
    public abstract Errno Link(ReadOnlySpan<byte> oldPath, WasiDirectory newDirectory, ReadOnlySpan<byte> newPath);

    /// <summary>Makes a symbolic link (<c>symlinkat</c>). The target is a path like others, that is, relative; it is taken as it is and looked at only when it is followed.</summary>
    public abstract Errno Symlink(ReadOnlySpan<byte> target, ReadOnlySpan<byte> path);

    /// <summary>The target of a symbolic link, as much of it as there is room for (<c>readlinkat</c>). What is no link is <see cref="Errno.Inval"/>.</summary>
    public abstract Errno ReadLink(ReadOnlySpan<byte> path, Span<byte> destination, out int count);

    /// <summary>
    /// Hands the directory's entries to <paramref name="writer"/> until that is full, from the one a cookie stands for; 0 is the beginning, others are below 2^63. The entries begin with <c>.</c> and <c>..</c> (of the root: itself).
    /// An entry that is neither added nor removed meanwhile comes exactly once, whatever happens to the others. A cookie that was never given out may begin anywhere.
    /// </summary>
    public abstract Errno ReadEntries(ulong cookie, ref DirectoryEntryWriter writer);
}
