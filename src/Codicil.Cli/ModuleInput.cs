using Codicil.Format;
using Codicil.Format.Text;

namespace Codicil.Cli;

/// <summary>Reads what the command line names: a file or, for <c>-</c>, standard input; modules in binary or text.</summary>
internal static class ModuleInput
{
    /// <summary>The bytes of a file or of standard input.</summary>
    /// <exception cref="IOException">It cannot be read; the message names it.</exception>
    public static byte[] ReadAll(string path)
    {
        if (path == "-")
        {
            using Stream input = Console.OpenStandardInput();
            using var buffer = new MemoryStream();
            input.CopyTo(buffer);
            return buffer.ToArray();
        }

        try
        {
            return File.ReadAllBytes(path);
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
