using System.Collections.Immutable;
using System.Globalization;
using System.Text;

using Codicil.Format;

namespace Codicil;

/// <summary>A frame of WebAssembly code in a trap. Immutable and thread-safe.</summary>
/// <param name="FunctionIndex">The index in the module's function index space.</param>
/// <param name="FunctionName">The name of the name section, or null.</param>
/// <param name="ModuleName">The module's name, or null.</param>
public readonly record struct WasmFrame(int FunctionIndex, string? FunctionName, string? ModuleName)
{
    /// <summary><c>module!function</c>; control characters of the names are escaped.</summary>
    public override string ToString()
    {
        string function = FunctionName is null ? string.Create(CultureInfo.InvariantCulture, $"<function {FunctionIndex}>") : Escape(FunctionName);
        return ModuleName is null ? function : $"{Escape(ModuleName)}!{function}";
    }

    private static string Escape(string name)
    {
        StringBuilder? builder = null;
        for (int i = 0; i < name.Length; i++)
        {
            char c = name[i];
            bool plain = !char.IsControl(c) && CharUnicodeInfo.GetUnicodeCategory(c) is not (UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
            if (plain)
            {
                builder?.Append(c);
                continue;
            }

            builder ??= new StringBuilder(name, 0, i, name.Length + 8);
            builder.Append(CultureInfo.InvariantCulture, $"\\u{{{(int)c:x}}}");
        }

        return builder?.ToString() ?? name;
    }
}

/// <summary>WebAssembly code trapped (4.4.1 and A.8): it was ended by an error that code cannot catch.</summary>
public sealed class TrapException : WasmException
{
    private ImmutableArray<WasmFrame> _frames;

    /// <summary>A trap made by a host function; it has no code.</summary>
    /// <param name="message">The message.</param>
    public TrapException(string message)
        : base(message) => _frames = [];

    internal TrapException(TrapCode code)
        : base("wasm trap: " + TrapMessages.Of(code))
    {
        Code = code;
        _frames = [];
    }

    internal TrapException(TrapCode? code, string message, ImmutableArray<WasmFrame> frames, Exception? innerException)
        : base(message, innerException)
    {
        Code = code;
        _frames = frames;
    }

    /// <summary>Why it trapped; null for traps made by the host.</summary>
    public TrapCode? Code { get; }

    /// <summary>The WebAssembly frames, innermost first. In compiled code they are best effort: a function that was inlined has none.</summary>
    public ImmutableArray<WasmFrame> Frames => _frames;

    internal void SetFrames(ImmutableArray<WasmFrame> frames) => _frames = frames;

    /// <inheritdoc/>
    public override string ToString()
    {
        var builder = new StringBuilder(Message);
        foreach (WasmFrame frame in _frames)
        {
            builder.Append("\n    at ").Append(frame.ToString());
        }

        return builder.Append('\n').Append(StackTrace).ToString();
    }
}
