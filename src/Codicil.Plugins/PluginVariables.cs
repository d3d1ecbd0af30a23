using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Codicil.Plugins;

/// <summary>The variables of a plug-in instance, which live as long as it does. Not thread-safe; do not use it while a call runs, except in host functions of that call.</summary>
/// <remarks>
/// Extism, "Plug-in State". A guest's write counts all keys (UTF-8) and values, the new entry included, with 40 bytes for each entry, and is refused when the sum reaches
/// <see cref="PluginMemoryLimits.MaxVarBytes"/>. The host's writes are not limited.
/// </remarks>
[SuppressMessage("Naming", "CA1710:Identifiers should have correct suffix", Justification = "It is named for what it is in Extism; that it can be listed is secondary.")]
public sealed class PluginVariables : IReadOnlyCollection<KeyValuePair<string, ReadOnlyMemory<byte>>>
{
    /// <summary>What an entry counts beside its key and value.</summary>
    public const int BytesPerEntry = 40;

    private readonly Dictionary<string, byte[]> _values = new(StringComparer.Ordinal);
    private long _size;

    internal PluginVariables(long maxBytes) => MaxBytes = maxBytes;

    /// <summary>The limit for the guest's writes in bytes; 0 disables them. Can be changed between calls.</summary>
    public long MaxBytes { get; set; }

    /// <summary>The number of variables.</summary>
    public int Count => _values.Count;

    /// <summary>What they take, as the limit counts it.</summary>
    public long SizeInBytes => _size;

    /// <summary>A value, or null when there is none of that name.</summary>
    public ReadOnlyMemory<byte>? Get(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (_values.TryGetValue(name, out byte[]? value))
        {
            return value;
        }

        // Not a conditional expression: there, null would become an empty memory.
        return null;
    }

    /// <summary>Sets a value; the bytes are copied.</summary>
    public void Set(string name, ReadOnlySpan<byte> value)
    {
        ArgumentNullException.ThrowIfNull(name);
        long size = SizeWith(name, value.Length);
        _values[name] = value.ToArray();
        _size = size;
    }

    /// <summary>A value as UTF-8 text, bad sequences as U+FFFD; null when there is none of that name.</summary>
    public string? GetString(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _values.TryGetValue(name, out byte[]? value) ? Encoding.UTF8.GetString(value) : null;
    }

    /// <summary>Sets a value to a text in UTF-8.</summary>
    public void SetString(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(value);
        Set(name, Encoding.UTF8.GetBytes(value));
    }

    /// <summary>Whether there is a variable of that name, even one without bytes.</summary>
    public bool Contains(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _values.ContainsKey(name);
    }

    /// <summary>Removes a variable.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Remove(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        if (!_values.Remove(name, out byte[]? value))
        {
            return false;
        }

        _size -= SizeOf(name, value.Length);
        return true;
    }

    /// <summary>Removes every variable.</summary>
    public void Clear()
    {
        _values.Clear();
        _size = 0;
    }

    /// <inheritdoc/>
    public IEnumerator<KeyValuePair<string, ReadOnlyMemory<byte>>> GetEnumerator()
    {
        foreach (KeyValuePair<string, byte[]> pair in _values)
        {
            yield return KeyValuePair.Create(pair.Key, (ReadOnlyMemory<byte>)pair.Value);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    internal bool TryGetValue(string name, out byte[]? value) => _values.TryGetValue(name, out value);

    internal void SetFromGuest(string name, ReadOnlySpan<byte> value)
    {
        if (SizeWith(name, value.Length) >= MaxBytes)
        {
            throw new PluginException(
                PluginFailure.Limit,
                string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Variable store is full: '{name}' with {value.Length} bytes does not fit into {MaxBytes} bytes"));
        }

        Set(name, value);
    }

    private static long SizeOf(string name, int valueLength) => (long)Encoding.UTF8.GetByteCount(name) + valueLength + BytesPerEntry;

    private long SizeWith(string name, int valueLength) =>
        _size + SizeOf(name, valueLength) - (_values.TryGetValue(name, out byte[]? old) ? SizeOf(name, old.Length) : 0);
}
