using Codicil.Plugins.Http;

namespace Codicil.Plugins;

// What the guest may reach by HTTP, and what came back.
public sealed partial class Plugin
{
    /// <summary>Patterns of the hosts that the guest may reach by HTTP, none when empty; at first the manifest's. Can be changed between calls.</summary>
    /// <exception cref="ArgumentException">A pattern is bad; the patterns stay what they were.</exception>
    /// <remarks>See <see cref="HostPattern"/>.</remarks>
    public IReadOnlyList<string> AllowedHosts
    {
        get => Http.AllowedHosts.Texts;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            try
            {
                Http.AllowedHosts = HostPatternSet.Parse(value);
            }
            catch (FormatException exception)
            {
                throw new ArgumentException(exception.Message, nameof(value), exception);
            }
        }
    }

    /// <summary>The largest HTTP response that the guest may receive, in bytes after decompression; 0 for empty bodies only. Can be changed between calls.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public long MaxHttpResponseBytes
    {
        get => Http.MaxResponseBytes;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            Http.MaxResponseBytes = value;
        }
    }

    /// <summary>The status of the guest's last HTTP request; 0 before any and after one that had no response.</summary>
    public int LastHttpStatusCode => Http.StatusCode;

    /// <summary>The headers of the guest's last HTTP response, also where the guest does not see them: names in lower case, values of one name joined with commas.</summary>
    public IReadOnlyDictionary<string, string> LastHttpHeaders => Http.Headers;

    internal PluginHttp Http { get; private set; }

    internal void WaitFor(Task task) => _store.Wait(task);

    internal bool SharesHttpHeaders => _compiled.Options.HttpResponseHeaders;
}
