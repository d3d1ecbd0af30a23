namespace Codicil.Cli;

/// <summary>Writes what a command makes: a file or, for <c>-</c>, standard output.</summary>
internal static class OutputFile
{
    /// <summary>The input's path with another ending; standard output when the input is standard input.</summary>
    public static string Beside(string input, string ending) => input == "-" ? "-" : Path.ChangeExtension(input, ending);

    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        if (path == "-")
        {
            using Stream output = Console.OpenStandardOutput();
            output.Write(bytes);
            return;
        }

        try
        {
            File.WriteAllBytes(path, bytes);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: cannot be written: {exception.Message}", exception);
        }
    }
}
