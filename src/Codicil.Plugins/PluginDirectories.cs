using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Plugins;

/// <summary>The directories that a manifest allows.</summary>
internal static class PluginDirectories
{
    private const string ReadOnlyPrefix = "ro:";

    /// <summary>
    /// Mounts them. They take the place of whatever the options mount. One that is not there is no error here: the guest finds an empty directory that it cannot change.
    /// </summary>
    /// <exception cref="PluginException">Guests cannot have such a path.</exception>
    public static WasiOptions AddTo(WasiOptions options, IReadOnlyDictionary<string, string> allowedPaths)
    {
        if (allowedPaths.Count != 0)
        {
            options = options with { Mounts = [] };
        }

        foreach ((string key, string guestPath) in allowedPaths)
        {
            bool isReadOnly = key.StartsWith(ReadOnlyPrefix, StringComparison.Ordinal);
            string hostPath = isReadOnly ? key[ReadOnlyPrefix.Length..] : key;
            try
            {
                options = Directory.Exists(hostPath)
                    ? options.WithFileSystem(new HostFileSystem(hostPath), guestPath, isReadOnly)
                    : options.WithFileSystem(new InMemoryFileSystem(), guestPath, readOnly: true);
            }
            catch (ArgumentException exception)
            {
                throw new PluginException(PluginFailure.Manifest, $"invalid path in allowed_paths: '{guestPath}': {exception.Message}", exception);
            }
        }

        return options;
    }
}
