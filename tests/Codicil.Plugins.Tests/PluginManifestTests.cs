using System.Text;

namespace Codicil.Plugins.Tests;

public sealed class PluginManifestTests
{
    [Fact]
    [Trait("Parity", "EXT-01")]
    public void Reads_every_field()
    {
        PluginManifest manifest = PluginManifest.FromJson("""
            {
              "wasm": [
                { "path": "a.wasm", "name": "a", "hash": "ABC" },
                { "url": "https://example.com/b.wasm", "method": "POST", "headers": { "x": "y" } },
                { "data": "AGFzbQ==" }
              ],
              "memory": { "max_pages": 7, "max_http_response_bytes": 0, "max_var_bytes": 100 },
              "config": { "k": "v", "empty": "" },
              "allowed_hosts": ["*.example.com"],
              "allowed_paths": { "ro:/tmp": "/mnt" },
              "timeout_ms": 1500
            }
            """);

        Assert.Equal(3, manifest.Wasm.Count);
        Assert.Equal(("a.wasm", "a", "ABC"), (Assert.IsType<PluginWasmFile>(manifest.Wasm[0]).Path, manifest.Wasm[0].Name, manifest.Wasm[0].Hash));
        PluginWasmUrl url = Assert.IsType<PluginWasmUrl>(manifest.Wasm[1]);
        Assert.Equal(("https://example.com/b.wasm", "POST", "y"), (url.Url, url.Method, url.Headers["x"]));
        Assert.Equal("\0asm"u8, Assert.IsType<PluginWasmBytes>(manifest.Wasm[2]).Data.Span);
        Assert.Equal(new PluginMemoryLimits { MaxPages = 7, MaxHttpResponseBytes = 0, MaxVarBytes = 100 }, manifest.Memory);
        Assert.Equal("v", manifest.Config["k"]);
        Assert.Equal("", manifest.Config["empty"]);
        Assert.Equal(["*.example.com"], manifest.AllowedHosts);
        Assert.Equal("/mnt", manifest.AllowedPaths["ro:/tmp"]);
        Assert.Equal(TimeSpan.FromMilliseconds(1500), manifest.Timeout);
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    public void Round_trips_and_keeps_zeros()
    {
        const string Json = """{"wasm":[{"data":"AGFzbQ==","hash":"ff","name":"n"},{"path":"p"},{"url":"u","method":"PUT","headers":{"h":"v"}}],"memory":{"max_http_response_bytes":0,"max_var_bytes":0},"config":{"a":"b"},"allowed_hosts":["h"],"allowed_paths":{"x":"/y"},"timeout_ms":0}""";
        Assert.Equal(Json, PluginManifest.FromJson(Json).ToJson());
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    public void Ignores_unknown_keys_and_the_case_of_keys()
    {
        PluginManifest manifest = PluginManifest.FromJson("""{ "Wasm": [{ "PATH": "x", "what": [1, {}] }], "Timeout_MS": 5, "extra": { "deep": [[[1]]] } }""");
        Assert.Equal("x", Assert.IsType<PluginWasmFile>(manifest.Wasm[0]).Path);
        Assert.Equal(TimeSpan.FromMilliseconds(5), manifest.Timeout);
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    public void Data_wins_over_path_and_path_over_url_and_empty_counts_as_absent()
    {
        Assert.IsType<PluginWasmBytes>(PluginManifest.FromJson("""{"wasm":[{"data":"AA==","path":"p","url":"u"}]}""").Wasm[0]);
        Assert.IsType<PluginWasmFile>(PluginManifest.FromJson("""{"wasm":[{"data":"","path":"p","url":"u"}]}""").Wasm[0]);
        Assert.IsType<PluginWasmUrl>(PluginManifest.FromJson("""{"wasm":[{"path":"","url":"u"}]}""").Wasm[0]);
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    public void Limits_from_code_and_from_JSON_have_the_same_defaults()
    {
        Assert.Equal(new PluginMemoryLimits { MaxPages = 3 }, PluginManifest.FromJson("""{"memory":{"max_pages":3}}""").Memory);
        Assert.Equal(1024 * 1024, new PluginMemoryLimits { MaxPages = 3 }.EffectiveMaxVarBytes);
        Assert.Equal(1024 * 1024, PluginManifest.FromJson("""{"memory":{"max_var_bytes":-1}}""").Memory.EffectiveMaxVarBytes);
        Assert.Equal(0, PluginManifest.FromJson("""{"memory":{"max_var_bytes":0}}""").Memory.EffectiveMaxVarBytes);
    }

    [Theory]
    [InlineData("""{"wasm":[{}]}""", "invalid Wasm entry")]
    [InlineData("""{"wasm":[null]}""", "invalid Wasm entry")]
    [InlineData("""{"wasm":[{"path":"","data":"","url":""}]}""", "invalid Wasm entry")]
    [InlineData("""{"wasm":[{"data":"!!"}]}""", "invalid manifest")]
    [InlineData("""{"wasm":{"path":"x"}}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":-1}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":1.5}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":18446744073709551615}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":99999999999999999999999}""", "invalid manifest")]
    [InlineData("""{"memory":{"max_pages":-1}}""", "invalid manifest")]
    [InlineData("""{"memory":{"max_pages":4294967296}}""", "invalid manifest")]
    [InlineData("""{"config":{"a":1}}""", "invalid manifest")]
    [InlineData("""{"config":{"a":null}}""", "invalid manifest")]
    [InlineData("""{"allowed_hosts":[null]}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":1,"timeout_ms":2}""", "invalid manifest")]
    [InlineData("""{"timeout_ms":1,"TIMEOUT_MS":2}""", "invalid manifest")]
    [InlineData("""{"config":{"a":"1","a":"2"}}""", "invalid manifest")]
    [InlineData("", "invalid manifest")]
    [InlineData("null", "invalid manifest")]
    [InlineData("[]", "invalid manifest")]
    [InlineData("{} {}", "invalid manifest")]
    [Trait("Parity", "EXT-01")]
    [Trait("Security", "KH-10")]
    public void Refuses_with_a_typed_error(string json, string message)
    {
        PluginException exception = Assert.Throws<PluginException>(() => PluginManifest.FromJson(json));
        Assert.Equal(PluginFailure.Manifest, exception.Failure);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "KH-10")]
    public void Refuses_text_nested_100_000_deep()
    {
        string json = "{\"x\":" + new string('[', 100_000) + new string(']', 100_000) + "}";
        Assert.Equal(PluginFailure.Manifest, Assert.Throws<PluginException>(() => PluginManifest.FromJson(json)).Failure);
    }

    [Fact]
    [Trait("Security", "KH-10")]
    public void Accepts_a_byte_order_mark() =>
        Assert.Single(PluginManifest.FromJson([.. "\uFEFF"u8, .. Encoding.UTF8.GetBytes("""{"wasm":[{"path":"x"}]}""")]).Wasm);
}
