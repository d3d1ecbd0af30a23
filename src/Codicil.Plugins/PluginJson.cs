using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Codicil.Plugins;

/// <summary>Values as JSON in kernel memory, by the type information of source-generated contexts.</summary>
internal static class PluginJson
{
    public static byte[] ToBytes<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    public static void Write<T>(IBufferWriter<byte> writer, T value, JsonTypeInfo<T> type)
    {
        using var json = new Utf8JsonWriter(writer);
        JsonSerializer.Serialize(json, value, type);
    }

    /// <summary>Reads what a guest wrote; no bytes at all are no value.</summary>
    /// <exception cref="PluginException">It is not JSON or not of that type.</exception>
    public static T? Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type)
    {
        if (json.IsEmpty)
        {
            return default;
        }

        try
        {
            return JsonSerializer.Deserialize(json, type);
        }
        catch (JsonException exception)
        {
            throw new PluginException(PluginFailure.InvalidRequest, $"the guest's JSON is no {type.Type.Name}: {exception.Message}", exception);
        }
    }
}
