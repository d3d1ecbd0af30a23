using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Codicil.Plugins;

/// <summary>The JSON form of <see cref="PluginManifest"/>.</summary>
internal static class ManifestJson
{
    // Deeper text is refused by the reader before it costs any stack.
    private const int MaxDepth = 32;

    private static readonly ManifestJsonContext s_context = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        PropertyNameCaseInsensitive = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        MaxDepth = MaxDepth,
        AllowDuplicateProperties = false,
    });

    public static PluginManifest Parse(ReadOnlySpan<byte> json)
    {
        if (json.StartsWith("\uFEFF"u8))
        {
            json = json[3..];
        }

        ManifestDocument document;
        try
        {
            document = JsonSerializer.Deserialize(json, s_context.ManifestDocument) ?? throw Invalid("expected an object, found null");
        }
        catch (JsonException exception)
        {
            throw new PluginException(PluginFailure.Manifest, $"invalid manifest: {exception.Message}", exception);
        }

        return new PluginManifest
        {
            Wasm = [.. (document.Wasm ?? []).Select(ToWasm)],
            Memory = ToLimits(document.Memory),
            Config = ToDictionary(document.Config, "config"),
            AllowedHosts = (document.AllowedHosts ?? []).Contains(null!) ? throw Invalid("allowed_hosts holds a null") : [.. document.AllowedHosts ?? []],
            AllowedPaths = ToDictionary(document.AllowedPaths, "allowed_paths"),
            Timeout = ToTimeout(document.TimeoutMs),
        };
    }

    public static string Write(PluginManifest manifest)
    {
        var document = new ManifestDocument
        {
            Wasm = [.. manifest.Wasm.Select(ToDocument)],
            Memory = manifest.Memory == new PluginMemoryLimits()
                ? null
                : new MemoryDocument
                {
                    MaxPages = manifest.Memory.MaxPages,
                    MaxHttpResponseBytes = manifest.Memory.MaxHttpResponseBytes,
                    MaxVarBytes = manifest.Memory.MaxVarBytes,
                },
            Config = manifest.Config.Count == 0 ? null : new Dictionary<string, string>(manifest.Config),
            AllowedHosts = manifest.AllowedHosts.Count == 0 ? null : [.. manifest.AllowedHosts],
            AllowedPaths = manifest.AllowedPaths.Count == 0 ? null : new Dictionary<string, string>(manifest.AllowedPaths),
            TimeoutMs = manifest.Timeout is TimeSpan timeout ? (ulong)(timeout.Ticks / TimeSpan.TicksPerMillisecond) : null,
        };
        return JsonSerializer.Serialize(document, s_context.ManifestDocument);
    }

    private static PluginWasm ToWasm(WasmDocument? entry) => entry switch
    {
        { Data.Length: > 0 } => new PluginWasmBytes(entry.Data) { Name = entry.Name, Hash = entry.Hash },
        { Path.Length: > 0 } => new PluginWasmFile(entry.Path) { Name = entry.Name, Hash = entry.Hash },
        { Url.Length: > 0 } => new PluginWasmUrl(entry.Url)
        {
            Name = entry.Name,
            Hash = entry.Hash,
            Method = entry.Method,
            Headers = ToDictionary(entry.Headers, "headers"),
        },
        _ => throw new PluginException(PluginFailure.Manifest, "invalid Wasm entry: it has neither data nor path nor url"),
    };

    private static WasmDocument ToDocument(PluginWasm wasm)
    {
        var document = new WasmDocument { Name = wasm.Name, Hash = wasm.Hash };
        switch (wasm)
        {
            case PluginWasmBytes bytes:
                document.Data = bytes.Data.ToArray();
                break;
            case PluginWasmFile file:
                document.Path = file.Path;
                break;
            case PluginWasmUrl url:
                document.Url = url.Url;
                document.Method = url.Method;
                document.Headers = url.Headers.Count == 0 ? null : new Dictionary<string, string>(url.Headers);
                break;
            default:
                throw new NotSupportedException($"a module from {wasm.GetType().Name} has no form in JSON");
        }

        return document;
    }

    private static PluginMemoryLimits ToLimits(MemoryDocument? memory)
    {
        if (memory?.MaxPages is long pages and (< 0 or > uint.MaxValue))
        {
            throw Invalid(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"max_pages is {pages}, expected 0 to {uint.MaxValue}"));
        }

        return new PluginMemoryLimits
        {
            MaxPages = memory?.MaxPages,
            MaxHttpResponseBytes = memory?.MaxHttpResponseBytes,
            MaxVarBytes = memory?.MaxVarBytes,
        };
    }

    private static ImmutableDictionary<string, string> ToDictionary(Dictionary<string, string>? values, string name)
    {
        if (values is null)
        {
            return ImmutableDictionary<string, string>.Empty;
        }

        foreach (KeyValuePair<string, string> pair in values)
        {
            if (pair.Value is null)
            {
                throw Invalid($"{name} '{pair.Key}' is null, expected a string");
            }
        }

        return values.ToImmutableDictionary(StringComparer.Ordinal);
    }

    private static TimeSpan? ToTimeout(ulong? milliseconds)
    {
        const ulong Max = long.MaxValue / TimeSpan.TicksPerMillisecond;
        return milliseconds switch
        {
            null => null,
            > Max => throw Invalid(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"timeout_ms is {milliseconds}, expected at most {Max}")),
            _ => new TimeSpan((long)milliseconds * TimeSpan.TicksPerMillisecond),
        };
    }

    private static PluginException Invalid(string message) => new(PluginFailure.Manifest, "invalid manifest: " + message);
}

internal sealed class ManifestDocument
{
    public List<WasmDocument?>? Wasm { get; set; }

    public MemoryDocument? Memory { get; set; }

    public Dictionary<string, string>? Config { get; set; }

    public List<string>? AllowedHosts { get; set; }

    public Dictionary<string, string>? AllowedPaths { get; set; }

    public ulong? TimeoutMs { get; set; }
}

internal sealed class WasmDocument
{
    public byte[]? Data { get; set; }

    public string? Path { get; set; }

    public string? Url { get; set; }

    public string? Method { get; set; }

    public Dictionary<string, string>? Headers { get; set; }

    public string? Hash { get; set; }

    public string? Name { get; set; }
}

internal sealed class MemoryDocument
{
    public long? MaxPages { get; set; }

    public long? MaxHttpResponseBytes { get; set; }

    public long? MaxVarBytes { get; set; }
}

[JsonSerializable(typeof(ManifestDocument))]
internal sealed partial class ManifestJsonContext : JsonSerializerContext;
