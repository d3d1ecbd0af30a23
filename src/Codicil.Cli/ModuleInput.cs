using Codicil.Format;
using Codicil.Format.Text;

namespace Codicil.Cli;

/// <summary>Reads what the command line names: a file or, for <c>-</c>, standard input; modules in binary or text.</summary>
internal static class ModuleInput
{
    private const int FirstLook = 64 * 1024;

    /// <summary>The bytes of a file or of standard input.</summary>
    /// <exception cref="IOException">It cannot be read, or is larger than any module; the message names it.</exception>
    public static byte[] ReadAll(string path) => Read(path, static _ => true);

    /// <summary>
    /// The bytes of a module, or of a plug-in's manifest. Of what begins as neither only the beginning is read, which is enough to say so: devices and pipes
    /// may have no end.
    /// </summary>
    /// <exception cref="IOException">It cannot be read, or is larger than any module; the message names it.</exception>
    public static byte[] ReadModule(string path) => Read(path, static start => IsText(start) || start.StartsWith("\0asm"u8) || IsManifest(start));

    /// <summary>Whether it is a plug-in's manifest rather than a module.</summary>
    public static bool IsManifest(ReadOnlySpan<byte> bytes) => bytes.TrimStart(" \t\r\n"u8).StartsWith("{"u8);

    private static byte[] Read(string path, Func<ReadOnlySpan<byte>, bool> isWanted)
    {
        try
        {
            using Stream input = path == "-" ? Console.OpenStandardInput() : new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
            return Read(input, isWanted);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new FileNotFoundException($"{path}: no such file");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: {(Directory.Exists(path) ? "is a directory" : exception.Message)}", exception);
        }
    }

    private static byte[] Read(Stream input, Func<ReadOnlySpan<byte>, bool> isWanted)
    {
        // One byte more than there is shows the end.
        var buffer = new byte[input.CanSeek ? (int)Math.Clamp(input.Length - input.Position + 1, FirstLook, ImplementationLimits.ModuleSizeInBytes + 1L) : FirstLook];
        int length = input.ReadAtLeast(buffer.AsSpan(0, FirstLook), FirstLook, throwOnEndOfStream: false);
        if (length == FirstLook && isWanted(buffer.AsSpan(0, length)))
        {
            int count;
            while ((count = input.Read(buffer.AsSpan(length))) > 0)
            {
                length += count;
                if (length > ImplementationLimits.ModuleSizeInBytes)
                {
                    throw new IOException("larger than 1 GiB");
                }

                if (length == buffer.Length)
                {
                    Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, ImplementationLimits.ModuleSizeInBytes + 1L));
                }
            }
        }

        Array.Resize(ref buffer, length);
        return buffer;
    }

    /// <summary>Text begins with white space, a comment or a parenthesis; the binary format with a zero byte.</summary>
    public static bool IsText(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))
        {
            bytes = bytes[3..];
        }

        bytes = bytes.TrimStart(" \t\r\n"u8);
        return !bytes.IsEmpty && bytes[0] is (byte)'(' or (byte)';';
    }

    /// <summary>A module's bytes in the binary format, and the way back to lines when it was text.</summary>
    /// <exception cref="MalformedModuleException">The text is malformed.</exception>
    public static (byte[] Bytes, SourceMap? SourceMap) ToBinary(byte[] bytes)
    {
        if (!IsText(bytes))
        {
            return (bytes, null);
        }

        ParsedModule parsed = Wat.Parse(bytes.AsSpan(bytes.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0));
        return (parsed.ToArray(), parsed.SourceMap);
    }

    /// <summary>The message of an error in a module, with the line and column when the module was text.</summary>
    public static string Describe(WasmException exception, SourceMap? sourceMap) =>
        sourceMap?.Find(exception) is TextPosition position ? $"{exception.Message} (at {position})" : exception.Message;
}
