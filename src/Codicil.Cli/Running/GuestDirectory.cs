using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Cli.Running;

/// <summary>A directory that a guest is given: <c>HOST[::GUEST][:ro]</c>. Without GUEST it finds it under the name that was typed.</summary>
internal sealed record GuestDirectory(string Host, string Guest, bool IsReadOnly)
{
    private const string ReadOnlySuffix = ":ro";
    private const string Separator = "::";

    /// <summary>Reads an option's value.</summary>
    /// <exception cref="UsageException">It is of another form, or guests cannot have such a path.</exception>
    /// <exception cref="IOException">There is no such directory.</exception>
    public static GuestDirectory Parse(string option, string text)
    {
        bool isReadOnly = text.EndsWith(ReadOnlySuffix, StringComparison.Ordinal);
        string paths = isReadOnly ? text[..^ReadOnlySuffix.Length] : text;
        int separator = paths.IndexOf(Separator, StringComparison.Ordinal);
        string host = separator < 0 ? paths : paths[..separator];
        string guest = separator < 0 ? paths : paths[(separator + Separator.Length)..];
        if (host.Length == 0 || (guest.Length == 0 && separator >= 0))
        {
            throw new UsageException($"{option}: `{text}` is not of the form HOST[::GUEST][:ro]");
        }

        if (host.Contains('\0', StringComparison.Ordinal) || guest.Contains('\0', StringComparison.Ordinal) || guest.Split('/').Contains("..", StringComparer.Ordinal))
        {
            throw new UsageException($"{option}: guests cannot have the path `{guest}`; name another one, as in {host}::/data");
        }

        return Directory.Exists(host) ? new GuestDirectory(host, guest, isReadOnly)
            : throw new IOException($"{option}: {host}: {(File.Exists(host) ? "is not a directory" : "no such directory")}");
    }

    /// <summary>Gives it to a guest.</summary>
    public WasiOptions AddTo(WasiOptions options) => options.WithFileSystem(new HostFileSystem(Host), Guest, IsReadOnly);
}
