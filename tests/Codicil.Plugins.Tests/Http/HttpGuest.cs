using System.Buffers.Binary;
using System.Text;
using System.Text.Json;

using Codicil.Plugins.Http;

namespace Codicil.Plugins.Tests.Http;

/// <summary>A guest that sends the request it is given: the exit code is the status, the output is the body.</summary>
internal static class HttpGuest
{
    // The input: the length of the JSON (8 bytes), whether there is a body (1 byte), the JSON, the body.
    internal const string Text = """
        (module
          (import "extism:host/env" "input_length" (func $input_length (result i64)))
          (import "extism:host/env" "input_load_u64" (func $input_load_u64 (param i64) (result i64)))
          (import "extism:host/env" "input_load_u8" (func $input_load_u8 (param i64) (result i32)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "store_u8" (func $store_u8 (param i64 i32)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (import "extism:host/env" "http_request" (func $http_request (param i64 i64) (result i64)))
          (import "extism:host/env" "http_status_code" (func $http_status_code (result i32)))
          (import "extism:host/env" "http_headers" (func $http_headers (result i64)))
          (func $copy (param $from i64) (param $length i64) (result i64) (local $block i64) (local $i i64)
            (local.set $block (call $alloc (local.get $length)))
            (block $end
              (loop $next
                (br_if $end (i64.ge_u (local.get $i) (local.get $length)))
                (call $store_u8 (i64.add (local.get $block) (local.get $i)) (call $input_load_u8 (i64.add (local.get $from) (local.get $i))))
                (local.set $i (i64.add (local.get $i) (i64.const 1)))
                (br $next)))
            (local.get $block))
          (func (export "request") (result i32) (local $json_length i64) (local $body i64) (local $response i64)
            (local.set $json_length (call $input_load_u64 (i64.const 0)))
            (if (call $input_load_u8 (i64.const 8))
              (then (local.set $body (call $copy (i64.add (i64.const 9) (local.get $json_length)) (i64.sub (i64.sub (call $input_length) (i64.const 9)) (local.get $json_length))))))
            (local.set $response (call $http_request (call $copy (i64.const 9) (local.get $json_length)) (local.get $body)))
            (if (i64.ne (local.get $response) (i64.const 0))
              (then (call $output_set (local.get $response) (call $length (local.get $response)))))
            (call $http_status_code))
          (func (export "status") (result i32) (call $http_status_code))
          (func (export "headers") (result i32) (local $headers i64)
            (local.set $headers (call $http_headers))
            (call $output_set (local.get $headers) (call $length (local.get $headers)))
            (i64.ne (local.get $headers) (i64.const 0)))
          (func (export "raw") (result i64) (call $http_request (call $input_load_u64 (i64.const 0)) (call $input_load_u64 (i64.const 8)))))
        """;

    /// <summary>The guest's manifest.</summary>
    public static PluginManifest Manifest(params string[] allowedHosts) => Fixtures.WatManifest(Text) with { AllowedHosts = allowedHosts };

    /// <summary>The guest compiled.</summary>
    public static CompiledPlugin Compile(PluginOptions? options = null, params string[] allowedHosts) =>
        CompiledPlugin.Create(Manifest(allowedHosts), options);

    /// <summary>An instance that may reach some hosts.</summary>
    public static Plugin Create(PluginHttpOptions http, params string[] allowedHosts) => Create(new PluginOptions { Http = http }, allowedHosts);

    /// <summary>An instance that may reach some hosts.</summary>
    public static Plugin Create(PluginOptions options, params string[] allowedHosts) =>
        Plugin.Create(Manifest(allowedHosts), options);

    /// <summary>Sends a request.</summary>
    public static Reply Send(this Plugin plugin, string url, string? method = null, IReadOnlyDictionary<string, string>? headers = null, byte[]? body = null)
    {
        var request = new Dictionary<string, object?> { ["url"] = url };
        if (method is not null)
        {
            request["method"] = method;
        }

        if (headers is not null)
        {
            request["headers"] = headers;
        }

        return plugin.SendJson(JsonSerializer.SerializeToUtf8Bytes(request), body);
    }

    /// <summary>Sends a request as JSON.</summary>
    public static Reply SendJson(this Plugin plugin, byte[] json, byte[]? body = null, CancellationToken cancellationToken = default)
    {
        PluginOutput output = plugin.Call("request", Input(json, body), cancellationToken);
        return new Reply((int)output.ExitCode, output.Data.ToArray());
    }

    /// <summary>What the guest wants as input to send a request.</summary>
    public static byte[] Input(byte[] json, byte[]? body)
    {
        byte[] input = new byte[9 + json.Length + (body?.Length ?? 0)];
        BinaryPrimitives.WriteInt64LittleEndian(input, json.Length);
        input[8] = body is null ? (byte)0 : (byte)1;
        json.CopyTo(input, 9);
        body?.CopyTo(input, 9 + json.Length);
        return input;
    }

    /// <summary>Sends a request that fails.</summary>
    public static PluginException SendFails(this Plugin plugin, string url, string? method = null, IReadOnlyDictionary<string, string>? headers = null, byte[]? body = null) =>
        Assert.Throws<PluginException>(() => { plugin.Send(url, method, headers, body); });

    /// <summary>What the guest sees of the headers; null when it sees none.</summary>
    public static string? Headers(this Plugin plugin)
    {
        PluginOutput output = plugin.Call("headers");
        return output.ExitCode == 0 ? null : output.ToString();
    }

    /// <summary>A status and a body.</summary>
    internal sealed record Reply(int Status, byte[] Body)
    {
        public string Text => Encoding.UTF8.GetString(Body);
    }
}
