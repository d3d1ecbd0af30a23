namespace Codicil.Wasi.HostFiles;

/// <summary>
/// Which names on Windows are files in a directory. Others are devices in every directory, streams of a file, other spellings of a name, or a path;
/// with one of them a program would reach something else than the directory's file of that name. A pure function of the name, whatever the version of Windows.
/// </summary>
/// <remarks>"Naming Files, Paths, and Namespaces" in the documentation of Windows.</remarks>
internal static class WindowsNames
{
    private const int LongestName = 255;

    /// <summary>Whether a name, <c>.</c> and <c>..</c> apart, is that of a file and of nothing else.</summary>
    public static bool IsFileName(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty || name.Length > LongestName)
        {
            return false;
        }

        for (int i = 0; i < name.Length; i++)
        {
            char character = name[i];
            if (char.IsHighSurrogate(character) && i + 1 < name.Length && char.IsLowSurrogate(name[i + 1]))
            {
                i++;
            }
            else if (char.IsSurrogate(character) || character < ' ' || character is '<' or '>' or ':' or '"' or '/' or '\\' or '|' or '?' or '*')
            {
                // Half a character, control characters, wildcards (of the old file systems too), and what ends a name: `a:b` is a stream of `a`.
                return false;
            }
        }

        // Windows takes dots and spaces off the end.
        return name[^1] is not ('.' or ' ') && !IsDevice(name);
    }

    // Devices are there in every directory, whatever comes behind a dot, a colon or spaces: `NUL.txt`, `COM1 .x`.
    private static bool IsDevice(ReadOnlySpan<char> name)
    {
        int end = name.IndexOf('.');
        ReadOnlySpan<char> stem = (end < 0 ? name : name[..end]).TrimEnd(' ');
        if (Is(stem, "CON") || Is(stem, "PRN") || Is(stem, "AUX") || Is(stem, "NUL") || Is(stem, "CONIN$") || Is(stem, "CONOUT$") || Is(stem, "CLOCK$"))
        {
            return true;
        }

        // The superscripts are digits to Windows (CVE-2024-51745). COM0 is kept from programs, too.
        return stem.Length == 4 && (Is(stem[..3], "COM") || Is(stem[..3], "LPT")) && stem[3] is (>= '0' and <= '9') or '\u00B9' or '\u00B2' or '\u00B3';
    }

    private static bool Is(ReadOnlySpan<char> name, string device) => name.Equals(device, StringComparison.OrdinalIgnoreCase);
}
