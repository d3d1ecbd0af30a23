using System.Text;

using Codicil.Format;

namespace Codicil.Cli.Wast;

/// <summary>Features as the command line writes them: <c>multi-memory</c>, or several joined by commas.</summary>
internal static class FeatureNames
{
    public static string Format(WasmFeatures features)
    {
        if (features == WasmFeatures.None)
        {
            return "limit";
        }

        return string.Join(',', Enum.GetValues<WasmFeatures>().Where(feature => ulong.IsPow2((ulong)feature) && features.HasFlag(feature)).Select(feature => Kebab(feature.ToString())));
    }

    /// <summary>Reads names separated by commas; a leading minus takes a feature away; <c>wasm1</c>, <c>wasm2</c>, <c>wasm3</c> and <c>all</c> are sets.</summary>
    /// <exception cref="UsageException">A name is unknown.</exception>
    public static WasmFeatures Parse(string text)
    {
        WasmFeatures features = text.StartsWith('-') ? WasmFeatures.Wasm3 : WasmFeatures.None;
        foreach (string part in text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            bool remove = part.StartsWith('-');
            string name = (remove ? part[1..] : part).Replace("-", "", StringComparison.Ordinal);
            if (!Enum.TryParse(name, ignoreCase: true, out WasmFeatures feature) || char.IsAsciiDigit(name.FirstOrDefault()))
            {
                throw new UsageException($"--features: there is no feature `{part}`; known are {string.Join(", ", Enum.GetNames<WasmFeatures>().Select(Kebab))}");
            }

            features = remove ? features & ~feature : features | feature;
        }

        return features;
    }

    /// <summary>As <see cref="Parse"/>, for an engine: features that contradict each other are wrong usage, too.</summary>
    /// <exception cref="UsageException">A name is unknown, or a feature lacks another that it needs.</exception>
    public static WasmFeatures ParseForEngine(string text)
    {
        WasmFeatures features = Parse(text);
        try
        {
            Engine.Create(new EngineOptions { Features = features }).Dispose();
        }
        catch (ArgumentException exception)
        {
            throw new UsageException($"--features {text}: {exception.Message}");
        }

        return features;
    }

    private static string Kebab(string name)
    {
        var builder = new StringBuilder();
        foreach (char c in name)
        {
            if (char.IsAsciiLetterUpper(c) && builder.Length > 0)
            {
                builder.Append('-');
            }

            builder.Append(char.ToLowerInvariant(c));
        }

        return builder.ToString();
    }
}
