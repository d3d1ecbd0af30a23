using System.Collections.Immutable;

namespace Codicil.Format.Text.Scripts;

/// <summary>A script of the specification's test suite. Immutable and thread-safe.</summary>
/// <remarks>The language is that of the reference interpreter of WebAssembly 3.0, with the threads proposal's forms.</remarks>
public sealed class WastScript
{
    private WastScript(ImmutableArray<ScriptCommand> commands) => Commands = commands;

    /// <summary>The commands in order.</summary>
    public ImmutableArray<ScriptCommand> Commands { get; }

    /// <summary>Parses a script; the modules in it stay unparsed until they are asked for.</summary>
    /// <param name="utf8">The script in UTF-8. Bare module fields are a script of one module.</param>
    /// <exception cref="MalformedModuleException">The script itself is malformed; line and column are set.</exception>
    public static WastScript Parse(ReadOnlySpan<byte> utf8) => new(ScriptParser.Parse(new SourceText(utf8.ToArray())));
}
