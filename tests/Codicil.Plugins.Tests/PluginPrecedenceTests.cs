using Codicil.Tests;
using Codicil.Wasi;

namespace Codicil.Plugins.Tests;

/// <summary>Manifest, options of the compiled plug-in, options of the instance, environment: which counts.</summary>
public sealed class PluginPrecedenceTests
{
    // Writes "hi" to standard output; "argc" gives the number of arguments; "open" whether /data/file can be opened; "clock" the realtime clock's seconds.
    private const string Guest = """
        (module
          (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "args_sizes_get" (func $args (param i32 i32) (result i32)))
          (import "wasi_snapshot_preview1" "clock_time_get" (func $clock (param i32 i64 i32) (result i32)))
          (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 100) "hi")
          (data (i32.const 200) "file")
          (func (export "write") (result i32)
            (i32.store (i32.const 0) (i32.const 100))
            (i32.store (i32.const 4) (i32.const 2))
            (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
          (func (export "argc") (result i32) (drop (call $args (i32.const 0) (i32.const 4))) (i32.load (i32.const 0)))
          (func (export "clock") (result i64) (drop (call $clock (i32.const 0) (i64.const 1) (i32.const 0))) (i64.div_u (i64.load (i32.const 0)) (i64.const 1000000000)))
          (func (export "open") (result i32)
            (call $open (i32.const 3) (i32.const 0) (i32.const 200) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 300)))
          (func (export "_start") unreachable))
        """;

    private static readonly PluginOptions s_wasi = new() { Wasi = true };

    [Fact]
    [Trait("Parity", "EXT-31")]
    public void Streams_arguments_and_clocks_are_the_instances()
    {
        var first = new MemoryStream();
        var second = new MemoryStream();
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), s_wasi with
        {
            WasiOptions = WasiOptions.Default.WithSystemTime() with { Arguments = ["one"], StandardOutput = first },
        });
        using Plugin plain = compiled.CreateInstance();
        using Plugin own = compiled.CreateInstance(new PluginInstanceOptions { WasiOptions = WasiOptions.Default with { Arguments = ["a", "b", "c"], StandardOutput = second } });
        Assert.Equal(1u, plain.Call("argc").ExitCode);
        Assert.Equal(3u, own.Call("argc").ExitCode);
        plain.Call("write");
        own.Call("write");
        own.Call("write");
        Assert.Equal(2, first.Length);
        Assert.Equal(4, second.Length);

        // The bare options have the clock that begins in 2022; the plug-in host's own have the system's.
        Assert.Equal(1_640_995_200u, own.Call("clock").ExitCode);
        Assert.NotEqual(1_640_995_200u, plain.Call("clock").ExitCode);
        own.Reset();
        Assert.Equal(3u, own.Call("argc").ExitCode);
        using Plugin system = Plugin.Create(Fixtures.WatManifest(Guest), s_wasi);
        Assert.True(system.Call("clock").ExitCode > 1_700_000_000u);
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    public void Options_of_wasi_for_an_instance_need_wasi()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest("(module)"));
        Assert.Throws<ArgumentException>(() => compiled.CreateInstance(new PluginInstanceOptions { WasiOptions = WasiOptions.Default }));
        Assert.Throws<ArgumentNullException>(() => compiled.CreateInstance(null!));
        compiled.CreateInstance(new PluginInstanceOptions()).Dispose();
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    [Trait("Parity", "EXT-21")]
    public void Allowed_paths_take_the_place_of_file_systems_given_by_options()
    {
        string folder = Directory.CreateTempSubdirectory("codicil-precedence").FullName;
        string other = Directory.CreateTempSubdirectory("codicil-precedence").FullName;
        try
        {
            File.WriteAllText(Path.Combine(other, "file"), "x");
            WasiOptions mounted = WasiOptions.Default.WithDirectory(other, "/data");
            PluginManifest manifest = Fixtures.WatManifest(Guest);
            PluginManifest allowing = manifest with { AllowedPaths = new Dictionary<string, string> { [folder] = "/data" } };
            PluginOptions options = s_wasi with { WasiOptions = mounted };
            using (Plugin plugin = Plugin.Create(manifest, options))
            {
                Assert.Equal(0u, plugin.Call("open").ExitCode);
            }

            using (CompiledPlugin compiled = CompiledPlugin.Create(allowing, options))
            {
                foreach (PluginInstanceOptions instance in new[] { PluginInstanceOptions.Default, new PluginInstanceOptions { WasiOptions = mounted } })
                {
                    using Plugin plugin = compiled.CreateInstance(instance);
                    Assert.NotEqual(0u, plugin.Call("open").ExitCode);
                }

                File.WriteAllText(Path.Combine(folder, "file"), "y");
                using Plugin after = compiled.CreateInstance();
                Assert.Equal(0u, after.Call("open").ExitCode);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
            Directory.Delete(other, recursive: true);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    [Trait("Parity", "EXT-22")]
    public void The_environment_variable_counts_when_it_is_there_and_explicit_streams_win()
    {
        foreach (string? value in new[] { null, "", "1" })
        {
            var options = new ChildProcessOptions();
            if (value is not null)
            {
                options.Environment["EXTISM_ENABLE_WASI_OUTPUT"] = value;
            }

            ChildProcessResult result = ChildProcess.Run(
                static _ =>
                {
                    using (Plugin plugin = Plugin.Create(Fixtures.WatManifest(Guest), s_wasi))
                    {
                        plugin.Call("write");
                    }

                    var stream = new MemoryStream();
                    using (Plugin plugin = Plugin.Create(Fixtures.WatManifest(Guest), s_wasi with { WasiOptions = WasiOptions.Default with { StandardOutput = stream } }))
                    {
                        plugin.Call("write");
                    }

                    if (stream.Length != 2)
                    {
                        throw new InvalidOperationException("the stream that was given did not get the output");
                    }
                },
                options);
            result.AssertSucceeded();
            Assert.Equal(value is null ? "" : "hi", result.StandardOutput);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    public void The_engine_is_the_compiled_plug_ins_and_the_smaller_limit_of_pages_counts()
    {
        PluginManifest manifest = Fixtures.WatManifest("(module (memory 1) (func (export \"grow\") (result i32) (memory.grow (i32.const 4))))");
        uint Grow(long? manifestPages, long enginePages)
        {
            using Plugin plugin = Plugin.Create(
                manifest with { Memory = new PluginMemoryLimits { MaxPages = manifestPages } },
                new PluginOptions { Engine = new EngineOptions { MemoryPageLimit = enginePages } });
            return plugin.Call("grow").ExitCode;
        }

        Assert.Equal(1u, Grow(5, 65_536));
        Assert.Equal(1u, Grow(null, 5));
        Assert.Equal(1u, Grow(0, 5));
        Assert.Equal(uint.MaxValue, Grow(4, 65_536));
        Assert.Equal(uint.MaxValue, Grow(65_536, 4));

        // Interruption is an option of the plug-in's, whatever the engine's says.
        using Plugin interruptible = Plugin.Create(manifest, new PluginOptions { Engine = new EngineOptions { Interruptible = false } });
        interruptible.Timeout = TimeSpan.FromMinutes(1);
        Assert.Equal(1u, interruptible.Call("grow").ExitCode);
        using Plugin not = Plugin.Create(manifest, new PluginOptions { Interruptible = false, Engine = new EngineOptions { Interruptible = true } });
        Assert.Throws<InvalidOperationException>(() => not.Timeout = TimeSpan.FromMinutes(1));
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    public void Start_functions_are_the_guests_affair()
    {
        // _start would trap; it does not run unless it is called.
        using Plugin plugin = Plugin.Create(Fixtures.WatManifest(Guest), s_wasi);
        Assert.Equal(0u, plugin.Call("argc").ExitCode);
        Assert.Equal(PluginFailure.Trap, Assert.Throws<PluginException>(() => { plugin.Call("_start"); }).Failure);
        Assert.Equal(0u, plugin.Call("argc").ExitCode);
    }

    [Fact]
    [Trait("Parity", "EXT-31")]
    [Trait("Parity", "EXT-20")]
    public void The_instances_log_level_counts_before_the_options()
    {
        var log = new List<string>();
        using Plugin plugin = Fixtures.FromWat(
            "(module (import \"extism:host/env\" \"get_log_level\" (func $level (result i32))) (func (export \"level\") (result i32) (call $level)))",
            new PluginOptions { LogLevel = PluginLogLevel.Warn, LogSink = (_, message) => log.Add(message) });
        Assert.Equal(3u, plugin.Call("level").ExitCode);
        plugin.LogLevel = PluginLogLevel.Debug;
        Assert.Equal(1u, plugin.Call("level").ExitCode);
        Assert.Equal(["Calling function : level"], log);
    }
}
