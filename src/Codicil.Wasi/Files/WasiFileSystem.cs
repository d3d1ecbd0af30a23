namespace Codicil.Wasi.Files;

/// <summary>
/// What can be mounted for WASI programs: a tree of directories, files and symbolic links. Derive from it to give programs files of one's own.
/// One file system may be mounted several times, and by several stores at once: all members of it, and what two handles of it do to the same file, must be thread-safe.
/// </summary>
/// <remarks>
/// Nothing here throws for reasons that a program can bring about: it is told an <see cref="Abi.Errno"/>. An exception is taken for a bug of the host: it ends the guest's call and reaches
/// the caller unchanged.
/// </remarks>
public abstract class WasiFileSystem
{
    /// <summary>Opens the root for one mount in one store, when the first module that imports WASI is instantiated there. The store disposes what is returned; the file system itself stays the caller's.</summary>
    /// <exception cref="IOException">It cannot be opened: the module is not instantiated.</exception>
    public abstract WasiDirectory OpenRoot();
}
