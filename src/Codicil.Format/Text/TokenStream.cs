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

    /// <summary>The <c>(@custom ...)</c> annotations, in order.</summary>
    public List<Annotation> CustomAnnotations { get; } = [];

    /// <summary>The <c>(@name ...)</c> annotations, in order.</summary>
    public List<Annotation> NameAnnotations { get; } = [];

    /// <summary>The <c>(@metadata.code.branch_hint ...)</c> annotations, in order; all others mean nothing here.</summary>
    public List<Annotation> BranchHints { get; } = [];

    /// <summary>The index of the first annotation of a list that stands before a token or behind it; the list's length if there is none.</summary>
    public static int FirstFrom(List<Annotation> annotations, int tokenIndex)
    {
        int low = 0;
        int high = annotations.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (annotations[middle].TokenIndex < tokenIndex)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}

/// <summary>An annotation (6.3.5).</summary>
/// <param name="TokenIndex">The index of the token that follows it.</param>
/// <param name="Start">The offset of its parenthesis.</param>
/// <param name="ContentStart">The offset behind its id.</param>
/// <param name="ContentEnd">The offset of its closing parenthesis.</param>
internal readonly record struct Annotation(int TokenIndex, int Start, int ContentStart, int ContentEnd);
