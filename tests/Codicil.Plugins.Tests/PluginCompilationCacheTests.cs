using System.Text;

namespace Codicil.Plugins.Tests;

public sealed class PluginCompilationCacheTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "who" (func $who (result i32)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (memory 1)
          (global $g (mut i32) (i32.const 0))
          (func (export "who") (result i32)
            (global.set $g (i32.add (global.get $g) (i32.const 1)))
            (i32.add (call $who) (global.get $g)))
          (func (export "alloc") (result i64) (call $alloc (i64.const 8))))
        """;

    private static PluginOptions With(CompilationCache cache, int who) => new() { CompilationCache = cache, HostFunctions = [HostFunction.Create("who", _ => who)] };

    [Fact]
    [Trait("Parity", "EXT-24")]
    public void Plug_ins_share_code_and_nothing_else()
    {
        var cache = new CompilationCache();
        PluginManifest manifest = Fixtures.WatManifest(Guest);
        Plugin first = Plugin.Create(manifest, With(cache, 10));
        using Plugin second = Plugin.Create(manifest, With(cache, 20));
        Assert.Equal(1, cache.Count);
        Assert.Equal(11u, first.Call("who").ExitCode);
        Assert.Equal(12u, first.Call("who").ExitCode);
        Assert.Equal(21u, second.Call("who").ExitCode);
        Assert.NotEqual(0u, first.Call("alloc").ExitCode);
        first.Dispose();
        Assert.Equal(22u, second.Call("who").ExitCode);

        // Another limit of memory is another engine, and so other code.
        using Plugin third = Plugin.Create(manifest with { Memory = new PluginMemoryLimits { MaxPages = 7 } }, With(cache, 30));
        Assert.Equal(31u, third.Call("who").ExitCode);
        Assert.Equal(2, cache.Count);

        // The check of the hash is before the cache.
        PluginManifest wrong = new() { Wasm = [PluginWasm.FromBytes(Encoding.UTF8.GetBytes(Guest), hash: new string('0', 64))] };
        Assert.Equal(PluginFailure.HashMismatch, Assert.Throws<PluginException>(() => Plugin.Create(wrong, With(cache, 1))).Failure);
        cache.Clear();
        Assert.Equal(23u, second.Call("who").ExitCode);
        second.Reset();
        Assert.Equal(21u, second.Call("who").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-24")]
    public void A_failed_creation_takes_nothing_from_others()
    {
        var cache = new CompilationCache();
        PluginManifest manifest = Fixtures.WatManifest(Guest);
        using Plugin plugin = Plugin.Create(manifest, With(cache, 1));
        Assert.Throws<LinkException>(() => Plugin.Create(manifest, new PluginOptions { CompilationCache = cache }));
        Assert.ThrowsAny<Codicil.Format.WasmException>(() => Plugin.Create(Fixtures.WatManifest("(module (func (result i32)))"), With(cache, 1)));
        Assert.Equal(2u, plugin.Call("who").ExitCode);
        using Plugin other = Plugin.Create(manifest, With(cache, 5));
        Assert.Equal(6u, other.Call("who").ExitCode);
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    [Trait("Parity", "EXT-24")]
    [Trait("Security", "CL-04")]
    public void Sixteen_threads_compile_instantiate_run_and_close_fifty_times()
    {
        var cache = new CompilationCache(maxModules: 3);
        using CompiledPlugin shared = CompiledPlugin.Create(Linked(0), new PluginOptions());
        Exception? failure = null;
        Thread[] threads = [.. Enumerable.Range(0, 16).Select(seed => new Thread(() => failure ??= Record.Exception(() =>
        {
            for (int i = 0; i < 50; i++)
            {
                int value = (seed + i) % 5;
                using (CompiledPlugin compiled = CompiledPlugin.Create(Linked(value), new PluginOptions { CompilationCache = i % 2 == 0 ? cache : null }))
                {
                    Plugin dropped = compiled.CreateInstance();
                    Assert.Equal((uint)value + 1, dropped.Call("run").ExitCode);
                    using Plugin plugin = compiled.CreateInstance();
                    Assert.Equal((uint)value + 1, plugin.Call("run").ExitCode);
                    plugin.Reset();
                    Assert.Equal((uint)value + 1, plugin.Call("run").ExitCode);
                }

                using Plugin own = shared.CreateInstance();
                Assert.Equal(1u, own.Call("run").ExitCode);
            }
        })))];
        foreach (Thread thread in threads)
        {
            thread.Start();
        }

        foreach (Thread thread in threads)
        {
            thread.Join();
        }

        Assert.Null(failure);
    }

    // The imported module and the importing one: both are closed while others use theirs.
    private static PluginManifest Linked(int value) => new()
    {
        Wasm =
        [
            Fixtures.Wat(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"(module (memory 1) (func (export \"value\") (result i32) (i32.const {value})))"), "lib"),
            Fixtures.Wat("""
                (module
                  (import "lib" "value" (func $value (result i32)))
                  (import "extism:host/env" "memory_bytes" (func $bytes (result i64)))
                  (memory 1)
                  (func (export "run") (result i32)
                    (i32.store (i32.const 0) (i32.add (call $value) (i64.ne (call $bytes) (i64.const 0))))
                    (i32.load (i32.const 0))))
                """, "main"),
        ],
    };
}
