using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Files;

/// <summary>How <see cref="WasiDirectory.Open"/> opens.</summary>
/// <param name="OpenFlags">Create, exclusive, directory, truncate. Only known flags are set; <see cref="OFlags.Create"/> never with <see cref="OFlags.Directory"/>.</param>
/// <param name="Access">What will be done with the file. A directory is opened with <see cref="FileAccess.Read"/> only: with <see cref="FileAccess.Write"/> it is <see cref="Errno.IsDir"/>.</param>
/// <param name="Flags">
/// <see cref="FdFlags.DSync"/>, <see cref="FdFlags.RSync"/> and <see cref="FdFlags.Sync"/> are the file's; <see cref="FdFlags.Append"/> and <see cref="FdFlags.NonBlock"/> are for information only.
/// </param>
/// <param name="FollowSymlink">Whether a link that the path ends in is followed; otherwise it is <see cref="Errno.Loop"/>.</param>
public readonly record struct WasiOpenOptions(OFlags OpenFlags, FileAccess Access, FdFlags Flags, bool FollowSymlink)
{
    /// <summary>Whether a flag is set.</summary>
    public bool Has(OFlags flag) => (OpenFlags & flag) != 0;

    /// <summary>Whether the file will be written, cut or allocated; cutting it while it is opened needs no access.</summary>
    public bool CanWrite => (Access & FileAccess.Write) != 0;
}
