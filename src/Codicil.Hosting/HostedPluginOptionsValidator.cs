using System.Globalization;

using Codicil.Plugins;

using Microsoft.Extensions.Options;

namespace Codicil.Hosting;

/// <summary>What can be said about options without loading anything; every fault is named, with the key that configuration has for it.</summary>
internal sealed class HostedPluginOptionsValidator(HostedPluginNames names) : IValidateOptions<HostedPluginOptions>
{
    // What timers of the runtime measure: 24 days, 20 hours and some.
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(int.MaxValue);

    public ValidateOptionsResult Validate(string? name, HostedPluginOptions options)
    {
        if (name is null || !names.Contains(name))
        {
            return ValidateOptionsResult.Skip;
        }

        var faults = new List<string>();
        int sources = (string.IsNullOrEmpty(options.Path) ? 0 : 1) + (string.IsNullOrEmpty(options.ManifestPath) ? 0 : 1) + (options.GetManifest() is null ? 0 : 1);
        Check(sources != 0, $"one of Path and ManifestPath must be given, or a manifest from code");
        Check(sources <= 1, $"only one of Path, ManifestPath and a manifest from code may be given");
        Check(string.IsNullOrEmpty(options.Hash) || !string.IsNullOrEmpty(options.Path), $"Hash is for a module given by Path");
        Check(string.IsNullOrEmpty(options.Hash) || IsHash(options.Hash), $"Hash must be 64 hexadecimal digits");
        Check(options.Timeout is null || options.Timeout > TimeSpan.Zero, $"Timeout must be positive, found {options.Timeout}");
        Check(options.MaxPages is null or (>= 1 and <= 65_536), $"MaxPages must be from 1 to 65536, found {options.MaxPages}");
        Check(options.MaxVarBytes is null or >= 0, $"MaxVarBytes must not be negative, found {options.MaxVarBytes}");
        Check(options.MaxHttpResponseBytes is null or >= 0, $"MaxHttpResponseBytes must not be negative, found {options.MaxHttpResponseBytes}");
        Check(options.Wasi || options.AllowedPaths.Count == 0, $"AllowedPaths needs Wasi");
        Check(!options.HotReload || options.GetManifest() is null, $"HotReload needs files: Path or ManifestPath");
        Check(options.ReloadDelay >= TimeSpan.Zero && options.ReloadDelay <= TimeSpan.FromMinutes(10), $"ReloadDelay must be from 0 to 10 minutes, found {options.ReloadDelay}");
        Check(options.PollInterval >= TimeSpan.FromMilliseconds(10) && options.PollInterval <= TimeSpan.FromDays(1), $"PollInterval must be from 10 ms to a day, found {options.PollInterval}");
        Check(options.DrainTimeout is null || (options.DrainTimeout >= TimeSpan.Zero && options.DrainTimeout <= s_longest), $"DrainTimeout must be from 0 to {s_longest}, found {options.DrainTimeout}");
        foreach (string host in options.AllowedHosts)
        {
            Check(!string.IsNullOrWhiteSpace(host), $"AllowedHosts has an empty pattern");
        }

        HostedPluginPoolOptions pool = options.Pool;
        Check(pool.MaxSize is null or >= 1, $"Pool:MaxSize must be at least 1, found {pool.MaxSize}");
        Check(pool.WarmUp >= 0, $"Pool:WarmUp must not be negative, found {pool.WarmUp}");
        Check(pool.MinimumIdle >= 0, $"Pool:MinimumIdle must not be negative, found {pool.MinimumIdle}");
        Check(pool.MaxSize is not int size || pool.WarmUp <= size, $"Pool:WarmUp is {pool.WarmUp}, more than Pool:MaxSize");
        CheckTimer(pool.IdleTimeout, "Pool:IdleTimeout");
        Check(Enum.IsDefined(pool.Policy), $"Pool:Policy must be one of {string.Join(", ", Enum.GetNames<PluginPoolPolicy>())}, found {pool.Policy}");
        HostedPluginHttpOptions http = options.Http;
        CheckTimer(http.RequestTimeout, "Http:RequestTimeout");
        CheckTimer(http.ConnectTimeout, "Http:ConnectTimeout");
        Check(http.MaxRedirects is null or >= 0, $"Http:MaxRedirects must not be negative, found {http.MaxRedirects}");
        Check(http.MaxConnectionsPerHost is null or >= 1, $"Http:MaxConnectionsPerHost must be at least 1, found {http.MaxConnectionsPerHost}");
        return faults.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(faults);

        void CheckTimer(TimeSpan? time, string key) => Check(time is null || (time > TimeSpan.Zero && time <= s_longest), $"{key} must be positive and at most {s_longest}, found {time}");

        void Check(bool isRight, FormattableString message)
        {
            if (!isRight)
            {
                faults.Add($"plug-in '{name}': {message.ToString(CultureInfo.InvariantCulture)}");
            }
        }
    }

    private static bool IsHash(string text) => text.Length == 64 && text.All(char.IsAsciiHexDigit);
}
