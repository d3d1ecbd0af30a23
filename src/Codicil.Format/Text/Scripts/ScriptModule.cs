namespace Codicil.Format.Text.Scripts;

/// <summary>How a script gives a module.</summary>
public enum ScriptModuleKind
{
    /// <summary><c>(module ...)</c>: text in the script itself.</summary>
    Text,

    /// <summary><c>(module binary "...")</c>.</summary>
    Binary,

    /// <summary><c>(module quote "...")</c>: text in strings, which may be malformed in any way.</summary>
    Quote,
}

/// <summary>A module in a script; parsed when it is asked for, so that a malformed one is the assertion's business. Immutable and thread-safe.</summary>
public sealed class ScriptModule
{
    private readonly TokenStream _stream;
    private readonly int _position;
    private readonly byte[] _strings;
    private readonly byte[]? _identifier;

    internal ScriptModule(TokenStream stream, int position, ScriptModuleKind kind, byte[]? identifier, byte[] strings)
    {
        _stream = stream;
        _position = position;
        _strings = strings;
        _identifier = identifier;
        Kind = kind;
        Name = identifier is null ? null : System.Text.Encoding.UTF8.GetString(identifier);
    }

    /// <summary>How the module is given.</summary>
    public ScriptModuleKind Kind { get; }

    /// <summary>The identifier without the dollar sign, or null.</summary>
    public string? Name { get; }

    /// <summary>The module in binary.</summary>
    /// <returns>The bytes as given for <see cref="ScriptModuleKind.Binary"/>, which may be anything; well-formed ones otherwise.</returns>
    /// <exception cref="MalformedModuleException">
    /// The text is malformed; the line is one of the script for <see cref="ScriptModuleKind.Text"/> and one of the strings for <see cref="ScriptModuleKind.Quote"/>.
    /// </exception>
    public ParsedModule Parse()
    {
        switch (Kind)
        {
            case ScriptModuleKind.Binary:
                return new ParsedModule([.. _strings], new SourceMap(_stream.Source, [], [], _stream.Tokens[_position].Start));

            case ScriptModuleKind.Quote:
                return Wat.Parse(_strings);

            default:
                TokenCursor cursor = new(_stream) { Position = _position };
                return ModuleParser.ParseFields(cursor, _identifier);
        }
    }
}
