using System.Collections.Immutable;

using Codicil.Format;
using Codicil.Format.Types;

namespace Codicil;

/// <summary>An import of a module.</summary>
/// <param name="ModuleName">The name of the module it comes from.</param>
/// <param name="Name">The name in that module.</param>
/// <param name="Type">What it must be.</param>
public sealed record ImportType(string ModuleName, string Name, ExternType Type);

/// <summary>An export of a module.</summary>
/// <param name="Name">The name.</param>
/// <param name="Type">What it is.</param>
public sealed record ExportType(string Name, ExternType Type);

/// <summary>What the compiler engine makes of a function.</summary>
/// <param name="FunctionIndex">The index in the function index space.</param>
/// <param name="CilBytes">The size of its CIL in bytes.</param>
/// <param name="FrameBytes">Its stack frame in bytes, estimated from above.</param>
/// <param name="IsOptimized">Whether the JIT optimises it; a function beyond one of the JIT's limits runs two to three times slower.</param>
public readonly record struct FunctionCode(int FunctionIndex, int CilBytes, int FrameBytes, bool IsOptimized);

/// <summary>A validated module, ready to be instantiated any number of times in stores of its engine. Immutable and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 7.1.2 Modules. Disposing it early refuses new instances; those that live go on.</remarks>
public abstract class Module : IDisposable
{
    private const int FirstPiece = 64 * 1024;

    private protected Module()
    {
    }

    /// <summary>The engine.</summary>
    public abstract Engine Engine { get; }

    /// <summary>Whether it or its engine was disposed.</summary>
    public abstract bool IsDisposed { get; }

    /// <summary>The name given or that of the name section; empty when there is none.</summary>
    public abstract string Name { get; }

    /// <summary>The imports in the module's order; duplicates are listed.</summary>
    public abstract ImmutableArray<ImportType> Imports { get; }

    /// <summary>The exports in the module's order.</summary>
    public abstract ImmutableArray<ExportType> Exports { get; }

    /// <summary>A module from the binary format.</summary>
    /// <param name="engine">The engine.</param>
    /// <param name="bytes">The bytes; they are copied.</param>
    /// <param name="options">Options, or null for the defaults.</param>
    /// <exception cref="MalformedModuleException">The bytes are no module.</exception>
    /// <exception cref="InvalidModuleException">The module fails validation.</exception>
    /// <exception cref="UnsupportedModuleException">The module needs a proposal that is off, or exceeds a limit.</exception>
    public static Module FromBytes(Engine engine, ReadOnlySpan<byte> bytes, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return engine.CreateModule(bytes, options ?? ModuleOptions.Default);
    }

    /// <summary>A module from the text format; errors name line and column.</summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public static Module FromText(Engine engine, string text, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(text);
        return engine.CreateModuleFromText(text, options ?? ModuleOptions.Default);
    }

    /// <summary>A module from a file in the binary or text format.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public static Module FromFile(Engine engine, string path, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(path);
        using FileStream file = File.OpenRead(path);
        return FromStream(engine, file, options);
    }

    /// <summary>A module from a stream in the binary or text format, read to its end or to <see cref="ModuleOptions.MaxSizeInBytes"/>.</summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public static Module FromStream(Engine engine, Stream stream, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        ArgumentNullException.ThrowIfNull(stream);
        byte[] bytes = new byte[stream.CanSeek ? (int)Math.Clamp(stream.Length - stream.Position + 1, FirstPiece, int.MaxValue / 2) : FirstPiece];
        return FromBytesOrText(engine, Read(stream, (options ?? ModuleOptions.Default).MaxSizeInBytes, bytes), options);
    }

    /// <summary>A module from bytes that are either the binary format (they begin with a zero byte) or UTF-8 text.</summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public static Module FromBytesOrText(Engine engine, ReadOnlySpan<byte> bytes, ModuleOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return LooksLikeText(bytes)
            ? engine.CreateModuleFromText(DecodeUtf8(bytes), options ?? ModuleOptions.Default)
            : engine.CreateModule(bytes, options ?? ModuleOptions.Default);
    }

    /// <summary>Decodes and validates without preparing code.</summary>
    /// <inheritdoc cref="FromBytes(Engine, ReadOnlySpan{byte}, ModuleOptions?)" path="/exception"/>
    public static void Validate(Engine engine, ReadOnlySpan<byte> bytes)
    {
        ArgumentNullException.ThrowIfNull(engine);
        engine.ValidateModule(bytes);
    }

    /// <summary>The contents of the custom sections of a name, in order.</summary>
    public abstract ImmutableArray<ReadOnlyMemory<byte>> GetCustomSections(string name);

    /// <summary>The name that the name section gives a function; null when it has none or there is no such function.</summary>
    public abstract string? GetFunctionName(int functionIndex);

    /// <summary>Emits the code of every defined function, without compiling it to machine code, and says what came out.</summary>
    /// <exception cref="ResourceLimitException">A function is beyond what can be compiled.</exception>
    public abstract ImmutableArray<FunctionCode> DescribeCode();

    /// <summary>Refuses new instances and drops what no instance needs. Idempotent.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the module.</summary>
    protected abstract void Dispose(bool disposing);

    // What cannot be a module ends here after its first bytes, however long it is.
    private static ReadOnlySpan<byte> Read(Stream stream, int limit, byte[] bytes)
    {
        int length = 0;
        bool isKnown = false;
        for (int read = -1; read != 0;)
        {
            if (length > limit)
            {
                throw new UnsupportedModuleException($"too many bytes in the module: the limit is {limit}", WasmFeatures.None, limit);
            }

            if (length == bytes.Length)
            {
                Array.Resize(ref bytes, (int)Math.Min(2L * bytes.Length, limit + 1L));
            }

            read = stream.Read(bytes, length, Math.Min(bytes.Length, limit == int.MaxValue ? limit : limit + 1) - length);
            length += read;
            if (!isKnown && length >= 4)
            {
                isKnown = true;
                if (!bytes.AsSpan().StartsWith("\0asm"u8) && !CouldBeText(bytes.AsSpan(0, length)))
                {
                    break;
                }
            }
        }

        return bytes.AsSpan(0, length);
    }

    private static bool CouldBeText(ReadOnlySpan<byte> bytes) => LooksLikeText(bytes) || bytes.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    // Text begins with white space, a comment or a parenthesis; the binary format with a zero byte.
    private static bool LooksLikeText(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith("\uFEFF"u8))
        {
            return true;
        }

        foreach (byte b in bytes)
        {
            switch (b)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n':
                    continue;
                case (byte)'(' or (byte)';':
                    return true;
                default:
                    return false;
            }
        }

        return false;
    }

    private static string DecodeUtf8(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new System.Text.UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes.StartsWith("\uFEFF"u8) ? bytes[3..] : bytes);
        }
        catch (System.Text.DecoderFallbackException)
        {
            throw new MalformedModuleException("malformed UTF-8 encoding", 1, 1);
        }
    }
}
