using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

using Codicil.Format.Text;
using Codicil.Plugins.Tests.Http;

using Microsoft.AspNetCore.Http;

namespace Codicil.Plugins.Tests.Differential;

// What is compared over a server on this machine, and what ends calls.
public sealed partial class DifferentialTests
{
    private static readonly ManualResetEventSlim s_reached = new();

    /// <summary>A guest that is to be cancelled has come so far.</summary>
    internal static void Reached() => s_reached.Set();

    // Cancels a call when it has reached what tells of it.
    private static T WhileCanceling<T>(bool isCanceled, Action cancel, Func<T> call)
    {
        if (!isCanceled)
        {
            return call();
        }

        s_reached.Reset();
        var canceling = new Thread(() =>
        {
            s_reached.Wait(TimeSpan.FromSeconds(30));
            cancel();
        });
        canceling.Start();
        T result = call();
        canceling.Join();
        return result;
    }

    // There, most failures show no more than where the guest was; but time and cancellation have words of their own.
    private static string KindOf(string? text) => text switch
    {
        null => "",
        _ when text.Contains("timeout", StringComparison.Ordinal) || text.Contains("deadline exceeded", StringComparison.Ordinal) => "timeout",
        _ when text.Contains("cancel", StringComparison.Ordinal) => "canceled",
        _ => "other",
    };

    // Headers have no order, and the time goes on.
    private static byte[] Comparable(byte[] output)
    {
        if (!output.AsSpan().StartsWith("{\""u8))
        {
            return output;
        }

        JsonObject headers;
        try
        {
            headers = JsonNode.Parse(output)!.AsObject();
        }
        catch (JsonException)
        {
            return output;
        }

        headers.Remove("date");
        return Encoding.UTF8.GetBytes(string.Join(", ", headers.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}: {pair.Value}")));
    }

    private static HttpServer Server() => new(async context =>
    {
        HttpRequest request = context.Request;
        HttpResponse response = context.Response;
        string[] path = request.Path.Value!.Split('/');
        string argument = path.Length > 2 ? path[2] : "";
        switch (path[1])
        {
            case "status":
                response.StatusCode = int.Parse(argument, CultureInfo.InvariantCulture);
                if (response.StatusCode is not (204 or 304))
                {
                    await response.WriteAsync("status " + argument);
                }

                break;
            case "bytes":
                await response.WriteAsync(new string('b', int.Parse(argument, CultureInfo.InvariantCulture)));
                break;
            case "length":
                response.ContentLength = int.Parse(argument, CultureInfo.InvariantCulture);
                await response.WriteAsync(new string('b', (int)response.ContentLength));
                break;
            case "gzip":
                response.Headers.ContentEncoding = "gzip";
                using (var zipped = new MemoryStream())
                {
                    await using (var zip = new GZipStream(zipped, CompressionMode.Compress, leaveOpen: true))
                    {
                        zip.Write(Encoding.UTF8.GetBytes(new string('z', 100)));
                    }

                    await response.Body.WriteAsync(zipped.ToArray());
                }

                break;
            case "headers":
                response.Headers["X-One"] = "1";
                response.Headers.Append("X-Two", "a");
                response.Headers.Append("X-Two", "b");
                response.Headers["X-Text"] = "with, comma; and = more";
                await response.WriteAsync("x");
                break;
            case "redirect":
                response.StatusCode = int.Parse(argument, CultureInfo.InvariantCulture);
                response.Headers.Location = request.Query["to"].ToString();
                break;
            case "hops":
                int left = int.Parse(argument, CultureInfo.InvariantCulture);
                response.StatusCode = 302;
                response.Headers.Location = left <= 1 ? "/echo" : string.Create(CultureInfo.InvariantCulture, $"/hops/{left - 1}");
                break;
            case "slow":
                Reached();
                await Task.Delay(int.Parse(argument, CultureInfo.InvariantCulture), context.RequestAborted);
                await response.WriteAsync("late");
                break;
            default:
                using (var body = new StreamReader(request.Body))
                {
                    IEnumerable<string> shown = request.Headers
                        .Where(static header => header.Key.StartsWith("x-", StringComparison.OrdinalIgnoreCase) || header.Key.ToLowerInvariant() is "content-type" or "authorization" or "accept-language")
                        .Select(static header => $"{header.Key.ToLowerInvariant()}={header.Value}").Order(StringComparer.Ordinal);
                    await response.WriteAsync($"{request.Method} {request.Path}{request.QueryString} [{string.Join("; ", shown)}] {await body.ReadToEndAsync()}");
                }

                break;
        }
    });

    private static IEnumerable<Case> Requests(HttpServer server)
    {
        string origin = server.Url("");
        string local = server.Url("", "localhost");
        foreach (string? method in (string?[])[null, "GET", "get", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "PURGE", "", "A B", "CONNECT", "TRACE"])
        {
            yield return Http($"method {method ?? "absent"}", ["127.0.0.1"], Request(origin + "/echo?q=1&r=%20", method));
        }

        foreach (string method in (string[])["GET", "POST", "PUT", "DELETE", "PATCH"])
        {
            yield return Http($"body of {method}", ["127.0.0.1"], Request(origin + "/echo", method, body: "h\u00E4llo"), Request(origin + "/echo", method, body: ""));
        }

        yield return Http("headers", ["127.0.0.1"],
            Request(origin + "/echo", "POST", "body", ("X-A", "1"), ("x-b", "two words"), ("Content-Type", "text/plain"), ("Authorization", "Basic eA=="), ("Accept-Language", "de")),
            Request(origin + "/echo", null, null, ("X-A", "b\r\nX-Evil: 1")),
            Request(origin + "/echo", null, null, ("X A", "1")),
            Request(origin + "/echo", null, null, ("X-Empty", "")),
            Request(origin + "/echo", null, null, ("X-\u00C4", "1")),
            Request(origin + "/echo"));
        foreach (int status in (int[])[200, 201, 202, 204, 304, 400, 401, 404, 418, 429, 500, 503])
        {
            yield return Http(string.Create(CultureInfo.InvariantCulture, $"status {status}"), ["127.0.0.1"], Request(string.Create(CultureInfo.InvariantCulture, $"{origin}/status/{status}")));
        }

        foreach (bool showsHeaders in (bool[])[false, true])
        {
            yield return Http(showsHeaders ? "response headers" : "response headers hidden", ["127.0.0.1"], Request(origin + "/headers")) with { ShowsHeaders = showsHeaders };
        }

        yield return Http("gzip", ["127.0.0.1"], Request(origin + "/gzip")) with { ShowsHeaders = true };
        foreach (string body in (string[])["bytes", "length"])
        {
            (string, string)[] requests = [.. ((int[])[10, 9, 11, 0, 10]).Select(length => Request(string.Create(CultureInfo.InvariantCulture, $"{origin}/{body}/{length}")))];
            yield return Http("most bytes, " + body, ["127.0.0.1"], requests) with { Manifest = HttpManifest(["127.0.0.1"], """ "memory": { "max_http_response_bytes": 10 }, """) };
        }

        yield return Http("most bytes 0", ["127.0.0.1"], Request(origin + "/bytes/0"), Request(origin + "/bytes/1")) with { Manifest = HttpManifest(["127.0.0.1"], """ "memory": { "max_http_response_bytes": 0 }, """) };
        foreach (int status in (int[])[301, 302, 303, 307, 308])
        {
            yield return Http(string.Create(CultureInfo.InvariantCulture, $"redirect {status}"), ["127.0.0.1"],
                Request($"{origin}/redirect/{status}?to=/echo", "GET", null, ("X-A", "1")),
                Request($"{origin}/redirect/{status}?to=/echo", "POST", "body", ("Content-Type", "text/plain")),
                Request($"{origin}/redirect/{status}?to=/echo", "HEAD"));
        }

        yield return Http("redirects", ["127.0.0.1"],
            Request(origin + "/hops/1"), Request(origin + "/hops/5"), Request(origin + "/hops/10"), Request(origin + "/hops/11"),
            Request(origin + "/redirect/302?to=file:///etc/passwd"), Request(origin + "/redirect/302"), Request($"{origin}/redirect/302?to={local}/echo"));
        yield return Http("redirect to another host that is allowed", ["127.0.0.1", "localhost"], Request($"{origin}/redirect/302?to={local}/echo", "GET", null, ("Authorization", "Basic eA=="), ("X-A", "1")));

        string[] patterns =
        [
            "127.0.0.1", "127.0.0.*", "127.*", "127.**", "*", "**", "*.1", "127.0.0.?", "127.0.0.[0-9]", "127.0.0.[!0-9]", "127.0.0.{1,2}", "{127.0.0.1,localhost}", "127.0.0.1:PORT", "127.0.0.1/",
            "http://127.0.0.1", "", " 127.0.0.1",
        ];
        foreach (string pattern in patterns)
        {
            yield return Http("pattern '" + pattern + "' and an address", [pattern.Replace("PORT", server.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)], Request(origin + "/echo"));
        }

        patterns =
        [
            "localhost", "LOCALHOST", "local*", "*host", "l?calhost", "loc[a-c]lhost", "*.localhost", "localhost.", "{local,remote}host", "local", "ocalhost", "localhostx", "\\localhost",
        ];
        foreach (string pattern in patterns)
        {
            yield return Http("pattern '" + pattern + "' and a name", [pattern], Request(local + "/echo"), Request(server.Url("/echo", "LocalHost")));
        }

        string[] addresses =
        [
            "", "no url", "/echo", "ftp://127.0.0.1/", "file:///etc/passwd", $"http://user:password@127.0.0.1:{server.Port}/echo", "http://127.0.0.1:1/", $"{origin}/echo#fragment", $"{origin}/a b",
            $"{origin}/\u00E4?\u00F6",
        ];
        foreach (string address in addresses)
        {
            yield return Http("URL " + address.Replace(origin, "", StringComparison.Ordinal).Replace(server.Port.ToString(CultureInfo.InvariantCulture), "PORT", StringComparison.Ordinal), ["*"], Request(address));
        }

        string url = origin + "/echo";
        string[] jsons =
        [
            "{}", "", "[]", "{", "null", """{"url":"URL","method":null}""", """{"URL":"URL"}""", """{"url":"URL","more":1}""", """{"url":"URL","headers":{"X-A":1}}""", """{"url":"URL","headers":null}""",
            """{"url":1}""", """{"url":"URL","url":"URL"}""",
        ];
        foreach (string json in jsons)
        {
            yield return Http("JSON " + json, ["*"], ("request", Input(json.Replace("\"URL\"", $"\"{url}\"", StringComparison.Ordinal).Replace($"{{\"{url}\":", "{\"URL\":", StringComparison.Ordinal), null)));
        }
    }

    private static IEnumerable<Case> Interruptions(HttpServer server)
    {
        // The time covers the making of a plug-in, too: long enough for that on a busy machine.
        const string TimeoutMs = """ "timeout_ms": 1500, """;
        const string Endless = "(func (export \"f\") (result i32) (loop (br 0)) (i32.const 0)) (func (export \"g\") (result i32) (i32.const 7))";
        const string Reaching = "(import \"extism:host/user\" \"mult\" (func $mult (param i64 i64) (result i64)))"
            + " (func (export \"f\") (result i32) (drop (call $mult (i64.const 2) (i64.const 3))) (loop (br 0)) (i32.const 0)) (func (export \"g\") (result i32) (i32.const 7))";
        string manifest = JsonSerializer.Serialize(new { wasm = new[] { new { data = Convert.ToBase64String(Wat.ToBinary("(module " + Endless + ")")) } } });
        yield return new Case("timeout", manifest.Insert(1, TimeoutMs), false, [("f", ""), ("g", "")]);
        yield return new Case("no timeout", manifest.Insert(1, """ "timeout_ms": 600000, """), false, [("g", ""), ("g", "")]);
        yield return new Case("timeout 0", manifest.Insert(1, """ "timeout_ms": 0, """), false, [("g", "")]);

        // A start function that does not end is not compared: nothing ends it there.
        yield return Http("timeout of a request", ["127.0.0.1"], Request(server.Url("/slow/8000")), ("status", "")) with { Manifest = HttpManifest(["127.0.0.1"], TimeoutMs) };

        manifest = JsonSerializer.Serialize(new { wasm = new[] { new { data = Convert.ToBase64String(Wat.ToBinary("(module " + Reaching + ")")) } } });
        yield return new Case("cancel", manifest, false, [("f", ""), ("g", "")], Hosts: true, IsCanceled: true);
        yield return Http("cancel a request", ["127.0.0.1"], Request(server.Url("/slow/4000")), ("status", "")) with { IsCanceled = true };
    }

    // After each request what the guest knows of the response.
    private static Case Http(string name, string[] allowedHosts, params (string Function, string Input)[] requests) =>
        new("HTTP " + name, HttpManifest(allowedHosts, ""), false, [.. requests.SelectMany(static request => ((string, string)[])[request, ("status", ""), ("headers", "")])]);

    private static string HttpManifest(string[] allowedHosts, string more) =>
        JsonSerializer.Serialize(new { wasm = new[] { new { data = Convert.ToBase64String(Wat.ToBinary(HttpGuest.Text)) } }, allowed_hosts = allowedHosts }).Insert(1, more);

    private static (string Function, string Input) Request(string url, string? method = null, string? body = null, params (string Name, string Value)[] headers)
    {
        var request = new Dictionary<string, object> { ["url"] = url };
        if (method is not null)
        {
            request["method"] = method;
        }

        if (headers.Length != 0)
        {
            request["headers"] = headers.ToDictionary(static header => header.Name, static header => header.Value);
        }

        return ("request", Input(JsonSerializer.Serialize(request), body));
    }

    // The length in front is a number in bytes; 512 is text, too.
    private static string Input(string json, string? body) =>
        Encoding.UTF8.GetString(HttpGuest.Input(Encoding.UTF8.GetBytes(json.PadRight(512)), body is null ? null : Encoding.UTF8.GetBytes(body)));
}
