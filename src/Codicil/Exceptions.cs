using Codicil.Format;

namespace Codicil;

/// <summary>An import is missing or does not fit (4.7.2).</summary>
public sealed class LinkException : WasmException
{
    /// <summary>A failed link.</summary>
    /// <param name="message">What was expected and what came.</param>
    /// <param name="moduleName">The import's module name, or null when no single import is at fault.</param>
    /// <param name="name">The import's name.</param>
    public LinkException(string message, string? moduleName = null, string? name = null)
        : base(message)
    {
        ModuleName = moduleName;
        Name = name;
    }

    /// <summary>The import's module name.</summary>
    public string? ModuleName { get; }

    /// <summary>The import's name.</summary>
    public string? Name { get; }
}

/// <summary>The guest asked to end (WASI <c>proc_exit</c>).</summary>
public class ExitException : WasmException
{
    /// <summary>An exit with a code.</summary>
    public ExitException(uint exitCode)
        : base(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"module closed with exit_code({exitCode})")) => ExitCode = exitCode;

    /// <summary>The exit code; 0 is success.</summary>
    public uint ExitCode { get; }
}

/// <summary>A limit of the host was met: memory, tables, instances, code size.</summary>
public class ResourceLimitException : WasmException
{
    /// <summary>A limit was met.</summary>
    public ResourceLimitException(string message)
        : base(message)
    {
    }

    /// <summary>A limit was met, with its cause.</summary>
    public ResourceLimitException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>A call was ended because its token was cancelled or its store was interrupted.</summary>
public sealed class WasmCanceledException : OperationCanceledException
{
    /// <summary>A cancelled call.</summary>
    public WasmCanceledException(string message, CancellationToken token)
        : base(message, token)
    {
    }
}

/// <summary>A call was ended because its deadline passed.</summary>
public sealed class WasmTimeoutException : TimeoutException
{
    /// <summary>A call that took too long.</summary>
    public WasmTimeoutException(string message)
        : base(message)
    {
    }
}
