namespace Codicil.Format.Text;

/// <summary>The tokens of a text. Not changed once the lexer is done; then thread-safe.</summary>
internal sealed class TokenStream
{
    public TokenStream(SourceText source, int capacity)
    {
        Source = source;
        Tokens = new List<Token>(capacity);
    }

    public SourceText Source { get; }

    /// <summary>All tokens; the last is <see cref="TokenKind.End"/>.</summary>
    public List<Token> Tokens { get; }

    /// <summary>The <c>(@custom ...)</c> annotations, in order; all others mean nothing here.</summary>
    public List<Annotation> CustomAnnotations { get; } = [];
}

/// <summary>An annotation (6.3.5).</summary>
/// <param name="TokenIndex">The index of the token that follows it.</param>
/// <param name="Start">The offset of its parenthesis.</param>
/// <param name="ContentStart">The offset behind its id.</param>
/// <param name="ContentEnd">The offset of its closing parenthesis.</param>
internal readonly record struct Annotation(int TokenIndex, int Start, int ContentStart, int ContentEnd);
