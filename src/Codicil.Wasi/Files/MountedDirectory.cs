namespace Codicil.Wasi.Files;

/// <summary>The root of a mount, as programs have it.</summary>
internal static class MountedDirectory
{
    /// <summary>Opens the root of a mount.</summary>
    public static WasiDirectory Open(WasiMount mount)
    {
        WasiDirectory root = mount.FileSystem.OpenRoot() ?? throw new InvalidOperationException($"the file system of `{mount.GuestPath}` opened no root");
        return mount.IsReadOnly ? new ReadOnlyDirectory(root) : root;
    }
}
