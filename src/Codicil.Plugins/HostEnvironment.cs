using System.Collections.Frozen;
using System.Text;

using Codicil.Plugins.Http;

namespace Codicil.Plugins;

/// <summary>The functions of <c>extism:host/env</c> beside the kernel's: configuration, variables, HTTP, log. They may run code of the host's user (a log sink), so they are ordinary host functions.</summary>
/// <remarks>Extism, EIP-007. Of the blocks that the guest hands over, all but the key of <c>config_get</c> are freed here.</remarks>
internal sealed class HostEnvironment(Plugin plugin)
{
    private static readonly FrozenDictionary<string, Func<HostEnvironment, Delegate>> s_functions = new Dictionary<string, Func<HostEnvironment, Delegate>>
    {
        ["config_get"] = static env => new Func<long, long>(env.ConfigGet),
        ["var_get"] = static env => new Func<long, long>(env.VarGet),
        ["var_set"] = static env => new Action<long, long>(env.VarSet),
        ["http_request"] = static env => new Func<long, long, long>(env.HttpRequest),
        ["http_status_code"] = static env => new Func<int>(env.HttpStatusCode),
        ["http_headers"] = static env => new Func<long>(env.HttpHeaders),
        ["get_log_level"] = static env => new Func<int>(env.GetLogLevel),
        ["log_trace"] = static env => new Action<long>(env.LogTrace),
        ["log_debug"] = static env => new Action<long>(env.LogDebug),
        ["log_info"] = static env => new Action<long>(env.LogInfo),
        ["log_warn"] = static env => new Action<long>(env.LogWarn),
        ["log_error"] = static env => new Action<long>(env.LogError),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private readonly Kernel _kernel = plugin.Kernel;

    /// <summary>Whether there is a function of that name.</summary>
    public static bool Has(string name) => s_functions.ContainsKey(name);

    /// <summary>The function of a name.</summary>
    public Function Bind(Store store, string name) => ManagedCode.FromDelegate(store, s_functions[name](this));

    private long ConfigGet(long key) => plugin.Config.TryGetValue(ReadText(key, "config name"), out string? value)
        ? WriteValue(Encoding.UTF8.GetBytes(value), "config value")
        : 0;

    private long VarGet(long key)
    {
        string name = ReadText(key, "var name");
        Kernel.Free(_kernel, key);
        return plugin.Variables.TryGetValue(name, out byte[]? value) ? WriteValue(value, "var value") : 0;
    }

    private void VarSet(long key, long value)
    {
        if (plugin.Variables.MaxBytes == 0)
        {
            throw new PluginException(PluginFailure.NotAllowed, "Vars are disabled by this host");
        }

        string name = ReadText(key, "var name");
        Kernel.Free(_kernel, key);
        if (value == 0)
        {
            plugin.Variables.Remove(name);
            return;
        }

        plugin.Variables.SetFromGuest(name, Read(value, "var value"));
        Kernel.Free(_kernel, value);
    }

    private long HttpRequest(long request, long body)
    {
        plugin.Http.Clear();
        try
        {
            using HttpReply reply = plugin.Http.Send(Read(request, "http request"), body == 0 ? [] : Read(body, "http request body"), hasBody: body != 0);
            return WriteBody(reply.Body);
        }
        finally
        {
            Kernel.Free(_kernel, request);
            Kernel.Free(_kernel, body);
        }
    }

    private long WriteBody(ResponseBody body)
    {
        if (body.Length == 0)
        {
            return 0;
        }

        long handle = Kernel.Alloc(_kernel, body.Length);
        if (handle == 0)
        {
            throw new ResourceLimitException("failed to write the response body to memory: the kernel's limit is met");
        }

        body.CopyTo(_kernel.GetBlock(handle));
        return handle;
    }

    private int HttpStatusCode() => plugin.Http.StatusCode;

    private long HttpHeaders() => plugin.SharesHttpHeaders ? WriteValue(HeadersJson.Write(plugin.Http.Headers), "http headers") : 0;

    private int GetLogLevel() => (int)plugin.EffectiveLogLevel;

    private void LogTrace(long message) => Log(PluginLogLevel.Trace, message);

    private void LogDebug(long message) => Log(PluginLogLevel.Debug, message);

    private void LogInfo(long message) => Log(PluginLogLevel.Info, message);

    private void LogWarn(long message) => Log(PluginLogLevel.Warn, message);

    private void LogError(long message) => Log(PluginLogLevel.Error, message);

    private void Log(PluginLogLevel level, long message)
    {
        if (plugin.IsLogged(level))
        {
            plugin.Log(level, Read(message, "log message"));
        }

        Kernel.Free(_kernel, message);
    }

    private string ReadText(long handle, string what) => Encoding.UTF8.GetString(Read(handle, what));

    private ReadOnlySpan<byte> Read(long handle, string what) => _kernel.TryRead(handle, out ReadOnlySpan<byte> data)
        ? data
        : throw new TrapException($"failed to read {what} from memory: invalid memory block");

    private long WriteValue(ReadOnlySpan<byte> value, string what)
    {
        long handle = _kernel.WriteValue(value);
        return handle != 0 ? handle : throw new ResourceLimitException($"failed to write {what} to memory: the kernel's limit is met");
    }
}
