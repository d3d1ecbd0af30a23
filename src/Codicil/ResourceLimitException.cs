using Codicil.Format;

namespace Codicil;

/// <summary>A limit of the host or of the operating system that a module or instance would exceed: memory, address space, table entries, code.</summary>
public sealed class ResourceLimitException : WasmException
{
    /// <summary>A limit that was met.</summary>
    /// <param name="message">What was asked for, and the limit.</param>
    public ResourceLimitException(string message)
        : base(message)
    {
    }

    /// <summary>A limit that was met, with its cause.</summary>
    /// <param name="message">What was asked for, and the limit.</param>
    /// <param name="innerException">The cause.</param>
    public ResourceLimitException(string message, Exception? innerException)
        : base(message, innerException)
    {
    }
}
