using System.Collections.Immutable;

namespace Codicil.Plugins.Http;

/// <summary>The hosts that a plug-in may reach. Immutable.</summary>
internal sealed class HostPatternSet
{
    /// <summary>No host.</summary>
    public static readonly HostPatternSet None = new([]);

    private readonly ImmutableArray<HostPattern> _patterns;

    private HostPatternSet(ImmutableArray<HostPattern> patterns)
    {
        _patterns = patterns;
        Texts = [.. patterns.Select(static pattern => pattern.Text)];
    }

    /// <summary>The patterns as written.</summary>
    public ImmutableArray<string> Texts { get; }

    /// <summary>A set of patterns.</summary>
    /// <exception cref="FormatException">One is bad.</exception>
    public static HostPatternSet Parse(IReadOnlyList<string> patterns) => patterns.Count == 0
        ? None
        : new HostPatternSet([.. patterns.Select(static pattern => HostPattern.Parse(pattern ?? throw new FormatException("bad host pattern: it is null")))]);

    /// <summary>Whether one of them matches.</summary>
    public bool IsMatch(HostName host, int port)
    {
        foreach (HostPattern pattern in _patterns)
        {
            if (pattern.IsMatch(host, port))
            {
                return true;
            }
        }

        return false;
    }
}
