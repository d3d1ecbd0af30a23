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

/// <summary>
/// An exception of WebAssembly (4.2.11): thrown by a guest and not caught by one, or thrown by a host function for a guest to catch. Belongs to the store
/// of its tag. Traps, exits and every other exception pass a guest's handlers by.
/// </summary>
public sealed class GuestException : WasmException
{
    private readonly Value[] _values;

    /// <summary>An exception with values of the tag's types.</summary>
    /// <exception cref="ArgumentException">The values do not fit the tag's type.</exception>
    public GuestException(Tag tag, params ReadOnlySpan<Value> values)
        : base(Text)
    {
        ArgumentNullException.ThrowIfNull(tag);
        Tag = tag;
        _values = values.ToArray();
        ((Runtime.TagInstance)tag).Check(_values);
    }

    private GuestException(Tag tag, int count)
        : base(Text)
    {
        Tag = tag;
        _values = count == 0 ? [] : new Value[count];
    }

    private const string Text = "an exception of WebAssembly was not caught";

    /// <summary>The tag.</summary>
    public Tag Tag { get; }

    /// <summary>The values, of the tag's types.</summary>
    public System.Collections.Immutable.ImmutableArray<Value> Values => System.Collections.Immutable.ImmutableArray.Create(_values);

    /// <summary>The values that emitted code reads and writes.</summary>
    internal Value[] RawValues => _values;

    /// <summary>An exception of emitted code, which puts the values in.</summary>
    internal static GuestException Create(Tag tag, int count) => new(tag, count);
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
