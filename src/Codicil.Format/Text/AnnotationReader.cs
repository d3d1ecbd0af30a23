using System.Buffers;

namespace Codicil.Format.Text;

/// <summary>The annotations that stand at tokens, for the parser of one module: which are there, and which nobody asked for. Not thread-safe.</summary>
/// <remarks>
/// WebAssembly 3.0, A.4 Custom Sections and Annotations, Name Annotations; branch hints are those of the proposal of that name, as the specification's own
/// tests have them.
/// </remarks>
internal sealed class AnnotationReader
{
    private readonly SourceText _source;
    private readonly Annotations _names;
    private readonly Annotations _hints;

    public AnnotationReader(TokenStream stream)
    {
        _source = stream.Source;
        _names = new Annotations(stream.NameAnnotations);
        _hints = new Annotations(stream.BranchHints);
    }

    /// <summary>Whether a <c>(@name "...")</c> stands before the token.</summary>
    public bool HasName(int tokenIndex) => _names.CountAt(tokenIndex) > 0;

    /// <summary>Takes the <c>(@name "...")</c> before the token: the name in UTF-8, or null when there is none.</summary>
    /// <param name="tokenIndex">The token.</param>
    /// <param name="category">What is being named, for the error.</param>
    /// <exception cref="MalformedModuleException">There are several, or it is no name.</exception>
    public byte[]? TakeName(int tokenIndex, string category)
    {
        int count = _names.CountAt(tokenIndex);
        if (count == 0)
        {
            return null;
        }

        Annotation annotation = _names.Take(tokenIndex);
        if (count > 1)
        {
            throw _source.Error($"@name annotation: multiple {category} names", annotation.Start);
        }

        TokenCursor cursor = new(Lexer.Tokenize(_source, annotation.ContentStart, annotation.ContentEnd));
        if (cursor.Kind != TokenKind.String)
        {
            throw _source.Error("@name annotation: string expected", annotation.Start);
        }

        byte[] name = cursor.ReadString();
        if (!System.Text.Unicode.Utf8.IsValid(name))
        {
            throw _source.Error("@name annotation: malformed UTF-8 encoding", annotation.Start);
        }

        return cursor.Kind == TokenKind.End ? name : throw _source.Error("@name annotation: unexpected token", cursor.Current.Start);
    }

    /// <summary>Takes the <c>(@metadata.code.branch_hint "...")</c> before the token: 0 for unlikely, 1 for likely, null when there is none.</summary>
    /// <param name="tokenIndex">The token that an instruction begins with.</param>
    /// <param name="isBranch">Whether the instruction takes a hint: <c>if</c> and <c>br_if</c> do.</param>
    /// <exception cref="MalformedModuleException">There are several, it says something else, or the instruction takes none.</exception>
    public byte? TakeBranchHint(int tokenIndex, bool isBranch)
    {
        int count = _hints.CountAt(tokenIndex);
        if (count == 0)
        {
            return null;
        }

        Annotation annotation = _hints.Take(tokenIndex);
        if (count > 1)
        {
            throw _source.Error("@metadata.code.branch_hint annotation: duplicate annotation", annotation.Start);
        }

        ArrayBufferWriter<byte> content = new();
        TokenCursor cursor = new(Lexer.Tokenize(_source, annotation.ContentStart, annotation.ContentEnd));
        while (cursor.Kind == TokenKind.String)
        {
            StringLiteral.Decode(_source.Slice(cursor.Next()), content);
        }

        if (cursor.Kind != TokenKind.End)
        {
            throw _source.Error("@metadata.code.branch_hint annotation: unexpected token", cursor.Current.Start);
        }

        if (content.WrittenCount != 1 || content.WrittenSpan[0] > 1)
        {
            throw _source.Error("@metadata.code.branch_hint annotation: invalid hint value", annotation.Start);
        }

        return isBranch
            ? content.WrittenSpan[0]
            : throw _source.Error("@metadata.code.branch_hint annotation: invalid target: only if and br_if take a hint", annotation.Start);
    }

    /// <summary>Throws for an annotation of the module that stands where it names or hints nothing.</summary>
    /// <param name="start">The module's first token.</param>
    /// <param name="end">The token behind its last.</param>
    /// <param name="isInFunction">Whether a token is a function's.</param>
    public void CheckAllTaken(int start, int end, Func<int, bool> isInFunction)
    {
        if (_names.FirstLeft(start, end) is Annotation name)
        {
            throw _source.Error("misplaced @name annotation: it belongs where an identifier can be bound, behind the identifier", name.Start);
        }

        if (_hints.FirstLeft(start, end) is Annotation hint)
        {
            throw _source.Error(
                isInFunction(hint.TokenIndex) ? "@metadata.code.branch_hint annotation: invalid placement" : "@metadata.code.branch_hint annotation: not in a function",
                hint.Start);
        }
    }

    /// <summary>The annotations of a kind. Most texts have none, which costs a comparison at each place that asks.</summary>
    private readonly struct Annotations(List<Annotation> all)
    {
        private readonly HashSet<int> _taken = [];

        public int CountAt(int tokenIndex)
        {
            if (all.Count == 0)
            {
                return 0;
            }

            int first = TokenStream.FirstFrom(all, tokenIndex);
            int end = first;
            while (end < all.Count && all[end].TokenIndex == tokenIndex)
            {
                end++;
            }

            return end - first;
        }

        /// <summary>The last of those before the token, of which there are some.</summary>
        public Annotation Take(int tokenIndex)
        {
            _taken.Add(tokenIndex);
            return all[TokenStream.FirstFrom(all, tokenIndex + 1) - 1];
        }

        public Annotation? FirstLeft(int start, int end)
        {
            for (int i = TokenStream.FirstFrom(all, start); i < all.Count && all[i].TokenIndex <= end; i++)
            {
                if (!_taken.Contains(all[i].TokenIndex))
                {
                    return all[i];
                }
            }

            return null;
        }
    }
}
