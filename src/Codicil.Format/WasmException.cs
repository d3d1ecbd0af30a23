namespace Codicil.Format;

/// <summary>The base of every exception that WebAssembly code or a module causes.</summary>
public abstract class WasmException : Exception
{
    /// <summary>An exception with a message.</summary>
    protected WasmException(string message)
        : base(message)
    {
    }

    /// <summary>An exception with a message and its cause.</summary>
    protected WasmException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A module or text that does not follow the binary (5) or text format (6).</summary>
public sealed class MalformedModuleException : WasmException
{
    /// <summary>Malformed bytes.</summary>
    /// <param name="message">The specification suite's words, then facts.</param>
    /// <param name="offset">The byte offset from the start of the module.</param>
    public MalformedModuleException(string message, long offset)
        : base($"{message} (at offset 0x{offset:x})") => Offset = offset;

    /// <summary>Malformed text.</summary>
    /// <param name="message">The specification suite's words, then facts.</param>
    /// <param name="line">The line, from 1.</param>
    /// <param name="column">The column, from 1, in characters.</param>
    public MalformedModuleException(string message, int line, int column)
        : base($"{message} (at {line}:{column})")
    {
        Line = line;
        Column = column;
    }

    /// <summary>The byte offset, for binary modules.</summary>
    public long? Offset { get; }

    /// <summary>The line from 1, for text.</summary>
    public int? Line { get; }

    /// <summary>The column from 1, for text.</summary>
    public int? Column { get; }
}

/// <summary>A well-formed module that fails validation (3).</summary>
public sealed class InvalidModuleException : WasmException
{
    /// <summary>An invalid module.</summary>
    /// <param name="message">The specification suite's words, then facts.</param>
    /// <param name="offset">The byte offset from the start of the module.</param>
    /// <param name="functionIndex">The function in whose body the error lies, or null.</param>
    public InvalidModuleException(string message, long offset, int? functionIndex = null)
        : base(functionIndex is int index ? $"{message} (function {index}, at offset 0x{offset:x})" : $"{message} (at offset 0x{offset:x})")
    {
        Offset = offset;
        FunctionIndex = functionIndex;
    }

    /// <summary>An invalid module that came as text.</summary>
    /// <param name="cause">The error with its place in the binary form.</param>
    /// <param name="line">The line, from 1.</param>
    /// <param name="column">The column, from 1, in characters.</param>
    public InvalidModuleException(InvalidModuleException cause, int line, int column)
        : base($"{line}:{column}: {cause.Message}", cause)
    {
        Offset = cause.Offset;
        FunctionIndex = cause.FunctionIndex;
        Line = line;
        Column = column;
    }

    /// <summary>The line from 1, for text.</summary>
    public int? Line { get; }

    /// <summary>The column from 1, for text.</summary>
    public int? Column { get; }

    /// <summary>The byte offset from the start of the module.</summary>
    public long Offset { get; }

    /// <summary>The function in whose body the error lies, or null.</summary>
    public int? FunctionIndex { get; }
}

/// <summary>A module that uses a proposal which is switched off or not supported, or which exceeds a limit of the implementation (appendix A.2).</summary>
public sealed class UnsupportedModuleException : WasmException
{
    /// <summary>A module that needs a feature.</summary>
    public UnsupportedModuleException(string message, WasmFeatures feature, long offset)
        : base($"{message} (at offset 0x{offset:x})")
    {
        Feature = feature;
        Offset = offset;
    }

    /// <summary>The feature that is missing; <see cref="WasmFeatures.None"/> when a limit was exceeded.</summary>
    public WasmFeatures Feature { get; }

    /// <summary>The byte offset from the start of the module.</summary>
    public long Offset { get; }
}
