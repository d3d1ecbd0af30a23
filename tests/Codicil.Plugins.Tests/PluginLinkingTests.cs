using System.Security.Cryptography;
using System.Text;

namespace Codicil.Plugins.Tests;

/// <summary>Which module is the main one, hashes, and modules that import each other.</summary>
public sealed class PluginLinkingTests
{
    private static PluginManifest Named(params string[] names) => new()
    {
        Wasm = [.. names.Select((name, index) => Fixtures.Wat($"(module (func (export \"index\") (result i32) (i32.const {index})))", name))],
    };

    [Theory]
    [InlineData(0u, "", "b")]
    [InlineData(0u, "main", "b")]
    [InlineData(1u, "a", "main", "b")]
    [InlineData(1u, "a", "b")]
    [InlineData(1u, "a", "")]
    [InlineData(0u, "only")]
    [Trait("Parity", "EXT-04")]
    public void The_main_module(uint index, params string[] names)
    {
        using Plugin plugin = Plugin.Create(Named(names));
        Assert.Equal(index, plugin.Call("index").ExitCode);
    }

    [Theory]
    [InlineData("a module name must not be empty", "", "")]
    [InlineData("a module name must not be empty", "main", "")]
    [InlineData("can't have more than one main module", "", "main")]
    [InlineData("can't have more than one main module", "main", "main")]
    [InlineData("module name collision: 'a'", "a", "a", "b")]
    [InlineData("module name collision: 'a'", "a", "a")]
    [InlineData("module name collision: 'extism:host/env'", "a", "extism:host/env")]
    [InlineData("module name collision: 'extism:host/env'", "extism:host/env", "a")]
    [InlineData("module name collision: 'wasi_snapshot_preview1'", "wasi_snapshot_preview1", "a")]
    [InlineData("module name collision: 'extism:host/user'", "extism:host/user", "a")]
    [Trait("Parity", "EXT-04")]
    [Trait("Parity", "EXT-23")]
    [Trait("Security", "KH-06")]
    public void Names_that_cannot_be(string message, params string[] names)
    {
        var options = new PluginOptions { Wasi = true, HostFunctions = [HostFunction.Create("f", static _ => { })] };
        PluginException exception = Assert.Throws<PluginException>(() => CompiledPlugin.Create(Named(names), options));
        Assert.Equal(PluginFailure.Manifest, exception.Failure);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-01")]
    public void An_empty_manifest_parses_and_fails_to_compile()
    {
        PluginManifest manifest = PluginManifest.FromJson("""{"wasm":[]}""");
        Assert.Contains("manifest can't be empty", Assert.Throws<PluginException>(() => CompiledPlugin.Create(manifest)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-03")]
    public void A_hash_in_either_case_is_checked_before_the_module_is_compiled()
    {
        byte[] bytes = Encoding.UTF8.GetBytes("(module (func (export \"run\")))");
        string hash = Convert.ToHexString(SHA256.HashData(bytes));
        foreach (string accepted in (string[])[hash, hash.ToLowerInvariant(), ""])
        {
            Plugin.Create(new PluginManifest { Wasm = [PluginWasm.FromBytes(bytes, hash: accepted)] }).Dispose();
        }

        PluginException exception = Assert.Throws<PluginException>(() => Plugin.Create(new PluginManifest { Wasm = [PluginWasm.FromBytes("not wasm"u8.ToArray(), "lib", "------")] }));
        Assert.Equal(PluginFailure.HashMismatch, exception.Failure);
        Assert.Contains("hash mismatch for module 'lib'", exception.Message, StringComparison.Ordinal);
        string path = Path.GetTempFileName();
        exception = Assert.Throws<PluginException>(() => Plugin.Create(new PluginManifest { Wasm = [PluginWasm.FromFile(path, hash: hash)] }));
        Assert.Contains($"hash mismatch for module '{path}'", exception.Message, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Fact]
    [Trait("Parity", "EXT-02")]
    public void Sources_are_open_and_a_URL_says_that_it_cannot_be_loaded_yet()
    {
        using (Plugin plugin = Plugin.Create(new PluginManifest { Wasm = [new OwnSource()] }))
        {
            Assert.Equal(3u, plugin.Call("run").ExitCode);
        }

        PluginException exception = Assert.Throws<PluginException>(() => Plugin.Create(new PluginManifest { Wasm = [new PluginWasmUrl("https://example.com/x.wasm")] }));
        Assert.Equal(PluginFailure.Load, exception.Failure);
        Assert.Contains("failed to fetch Wasm data from URL", exception.Message, StringComparison.Ordinal);
        Assert.Throws<FileNotFoundException>(() => Plugin.Create(PluginManifest.FromWasmFile(Path.Combine(Path.GetTempPath(), "no such file.wasm"))));
        Assert.ThrowsAny<OperationCanceledException>(() => Plugin.Create(new PluginManifest { Wasm = [new OwnSource()] }, null, new CancellationToken(true)));
    }

    [Fact]
    [Trait("Parity", "EXT-23")]
    public void Modules_link_by_name_in_any_order_and_with_all_kinds_of_exports()
    {
        const string Main = """
            (module
              (import "lib" "add" (func $add (param i32 i32) (result i32)))
              (import "lib" "memory" (memory 1))
              (import "lib" "base" (global $base i32))
              (func (export "run") (result i32) (call $add (global.get $base) (i32.load (i32.const 0)))))
            """;
        const string Lib = """
            (module
              (import "deep" "double" (func $double (param i32) (result i32)))
              (memory (export "memory") 1)
              (data (i32.const 0) "\05\00\00\00")
              (global (export "base") i32 (i32.const 100))
              (func (export "add") (param i32 i32) (result i32) (call $double (i32.add (local.get 0) (local.get 1)))))
            """;
        const string Deep = """(module (func (export "double") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2))))""";
        PluginWasm[] wasm = [Fixtures.Wat(Main, "main"), Fixtures.Wat(Lib, "lib"), Fixtures.Wat(Deep, "deep")];
        foreach (int[] order in (int[][])[[0, 1, 2], [2, 1, 0], [1, 0, 2], [1, 2, 0]])
        {
            using Plugin plugin = Plugin.Create(new PluginManifest { Wasm = [.. order.Select(index => wasm[index])] });
            Assert.Equal(210u, plugin.Call("run").ExitCode);
            Assert.False(plugin.FunctionExists("add"));
        }
    }

    [Fact]
    [Trait("Parity", "EXT-23")]
    [Trait("Security", "KH-06")]
    public void Modules_may_import_each_other_in_a_circle()
    {
        const string Even = """
            (module
              (import "odd" "is_odd" (func $odd (param i32) (result i32)))
              (func (export "is_even") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 1)) (else (call $odd (i32.sub (local.get 0) (i32.const 1)))))))
            """;
        const string Odd = """
            (module
              (import "even" "is_even" (func $even (param i32) (result i32)))
              (func (export "is_odd") (param i32) (result i32)
                (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0)) (else (call $even (i32.sub (local.get 0) (i32.const 1)))))))
            """;
        const string Main = """
            (module (import "even" "is_even" (func $even (param i32) (result i32)))
              (func (export "run") (result i32) (call $even (i32.const 100))))
            """;
        using CompiledPlugin compiled = CompiledPlugin.Create(new PluginManifest { Wasm = [Fixtures.Wat(Even, "even"), Fixtures.Wat(Odd, "odd"), Fixtures.Wat(Main)] });
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        first.Dispose();
        Assert.Equal(1u, second.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-23")]
    public void Each_instance_has_private_linked_modules()
    {
        const string Lib = """
            (module (global $n (mut i32) (i32.const 0))
              (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
            """;
        const string Main = """(module (import "lib" "next" (func $next (result i32))) (func (export "run") (result i32) (call $next)))""";
        using CompiledPlugin compiled = CompiledPlugin.Create(new PluginManifest { Wasm = [Fixtures.Wat(Lib, "lib"), Fixtures.Wat(Main)] });
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        Assert.Equal((1u, 2u), (first.Call("run").ExitCode, first.Call("run").ExitCode));
        Assert.Equal(1u, second.Call("run").ExitCode);
    }

    [Theory]
    [InlineData("""(module (import "lib" "missing" (func)))""", "lib", "missing")]
    [InlineData("""(module (import "lib" "f" (func (param f32))))""", "lib", "f")]
    [InlineData("""(module (import "main" "f" (func)))""", "main", "f")]
    [InlineData("""(module (import "extism:host/env" "no_such" (func)))""", "extism:host/env", "no_such")]
    [InlineData("""(module (import "extism:host/env" "load_u8" (func (param i32) (result i32))))""", "extism:host/env", "load_u8")]
    [InlineData("""(module (import "extism:host/env" "memory" (memory 1)))""", "extism:host/env", "memory")]
    [InlineData("""(module (import "extism:host/user" "f" (func)))""", "extism:host/user", "f")]
    [InlineData("""(module (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32))))""", "wasi_snapshot_preview1", "fd_write")]
    [Trait("Parity", "EXT-23")]
    [Trait("Security", "KH-06")]
    public void A_missing_or_mistyped_import_is_named(string main, string moduleName, string name)
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(new PluginManifest { Wasm = [Fixtures.Wat("(module (func (export \"f\")))", "lib"), Fixtures.Wat(main)] });
        LinkException exception = Assert.Throws<LinkException>(() => compiled.CreateInstance());
        Assert.Equal((moduleName, name), (exception.ModuleName, exception.Name));
        Assert.Contains(moduleName, exception.Message, StringComparison.Ordinal);
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "EXT-25")]
    public void The_imports_of_instrumented_modules_do_nothing_without_an_observer()
    {
        using Plugin plugin = Fixtures.FromWat("""
            (module
              (import "dylibso_observe" "instrument_enter" (func $enter (param i32)))
              (import "dylibso:observe/api" "span-enter" (func $span (param i64) (result i32)))
              (func (export "run") (result i32) (call $enter (i32.const 1)) (call $span (i64.const 2))))
            """);
        Assert.Equal(0u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-06")]
    public void A_long_chain_of_modules_links()
    {
        var wasm = new List<PluginWasm> { Fixtures.Wat("""(module (func (export "f") (result i32) (i32.const 1)))""", "m0") };
        for (int i = 1; i < 200; i++)
        {
            wasm.Insert(0, Fixtures.Wat($$"""(module (import "m{{i - 1}}" "f" (func $f (result i32))) (func (export "f") (result i32) (i32.add (call $f) (i32.const 1))))""", $"m{i}"));
        }

        wasm.Add(Fixtures.Wat("""(module (import "m199" "f" (func $f (result i32))) (func (export "run") (result i32) (call $f)))"""));
        using Plugin plugin = Plugin.Create(new PluginManifest { Wasm = wasm });
        Assert.Equal(200u, plugin.Call("run").ExitCode);
    }

    private sealed class OwnSource : PluginWasm
    {
        public override ReadOnlyMemory<byte> Load(CancellationToken cancellationToken) => Encoding.UTF8.GetBytes("(module (func (export \"run\") (result i32) (i32.const 3)))");
    }
}
