using Codicil.Plugins;
using Codicil.Plugins.Tests;
using Codicil.Plugins.Tests.Documents;

namespace DocumentSnippets;

/// <summary>The snippets of docs/from-extism.md, in their order.</summary>
public sealed class ExtismSnippets
{
    private SnippetConsole Console { get; } = new();

    [Fact]
    public void Key_value_store()
    {
        // snippet: extism-typed
        var store = new Dictionary<string, byte[]>();
        HostFunction[] functions =
        [
            HostFunction.Create("kv_read", (CurrentPlugin current, string key) => store.GetValueOrDefault(key, new byte[4])),
            HostFunction.Create("kv_write", (CurrentPlugin current, string key, byte[] value) => { store[key] = value; }),
        ];
        // end
        Use(functions);
        Assert.Equal([41, 0, 0, 0], store["total"]);

        // snippet: extism-handles
        HostFunction read = HostFunction.Create("kv_read", (CurrentPlugin plugin, long keyOffset) =>
        {
            string key = plugin.ReadString(keyOffset);
            return plugin.WriteBytes(store.GetValueOrDefault(key, new byte[4]));
        });
        // end
        Use([read, functions[1]]);
        Assert.Equal([82, 0, 0, 0], store["total"]);
    }

    [Fact]
    public void Both_outcomes()
    {
        // snippet: extism-outcomes
        using CompiledPlugin compiled = CompiledPlugin.Create(
            PluginManifest.FromWasmFile("word_stats.wasm"),
            new PluginOptions { Wasi = true, LogLevel = PluginLogLevel.Warn });
        using Plugin plugin = compiled.CreateInstance();
        plugin.Config["top"] = "many";
        try
        {
            PluginOutput output = plugin.Call("word_stats", "some text"u8);
            Console.WriteLine($"exit {output.ExitCode}: {output.ToString()}");
        }
        catch (PluginException exception)
        {
            Console.WriteLine($"exit {exception.ExitCode}: {exception.Message}");
        }
        // => exit 1: the configuration 'top' is no number
        // end
        Console.AssertShown("extism-outcomes");
    }

    // Adds 41 to the first byte of what is kept under "total".
    private static void Use(IReadOnlyList<HostFunction> functions)
    {
        using Plugin plugin = Fixtures.FromWat(
            """
            (module
              (import "extism:host/env" "input_offset" (func $key (result i64)))
              (import "extism:host/env" "load_u8" (func $load (param i64) (result i32)))
              (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
              (import "extism:host/user" "kv_read" (func $read (param i64) (result i64)))
              (import "extism:host/user" "kv_write" (func $write (param i64 i64)))
              (func (export "add") (local $value i64)
                (local.set $value (call $read (call $key)))
                (call $store (local.get $value) (i32.add (call $load (local.get $value)) (i32.const 41)))
                (call $write (call $key) (local.get $value))))
            """,
            new PluginOptions { HostFunctions = functions });
        plugin.Call("add", "total");
    }
}
