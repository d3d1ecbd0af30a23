using System.Text;

using Codicil.Wasi;
using Codicil.Wasi.Files;

namespace Codicil.Plugins.Tests;

[Trait("Parity", "EXT-21")]
public sealed class PluginDirectoryTests : IDisposable
{
    private const int Success = 0;
    private const int NoEntry = 44;
    private const int ReadOnly = 69;
    private const int BadDescriptor = 8;

    // Creates the file "made" in its first directory, and tells the error: 0 when it is there.
    private const string Guest = """
        (module
          (import "wasi_snapshot_preview1" "path_open" (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
          (memory (export "memory") 1)
          (data (i32.const 0) "made")
          (func (export "create") (result i32)
            (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 1) (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 20)))
          (func (export "look") (result i32)
            (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 20))))
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("codicil-plugins-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_plug_in_reads_and_writes_the_directories_that_its_manifest_allows()
    {
        Assert.Equal(BadDescriptor, Call("create"));
        Assert.Equal(Success, Call("create", (_folder, "/data")));
        Assert.True(File.Exists(Path.Combine(_folder, "made")));
        Assert.Equal(Success, Call("look", (_folder, "/data")));
    }

    [Fact]
    public void A_prefix_makes_a_directory_read_only()
    {
        Assert.Equal(ReadOnly, Call("create", ("ro:" + _folder, "/data")));
        Assert.False(File.Exists(Path.Combine(_folder, "made")));
        File.WriteAllText(Path.Combine(_folder, "made"), "");
        Assert.Equal(Success, Call("look", ("ro:" + _folder, "/data")));
    }

    [Fact]
    public void A_directory_that_is_not_there_is_an_error_that_the_guest_sees()
    {
        Assert.Equal(NoEntry, Call("look", (Path.Combine(_folder, "nowhere"), "/data")));
        Assert.Equal(ReadOnly, Call("create", (Path.Combine(_folder, "nowhere"), "/data")));
        Assert.False(Directory.Exists(Path.Combine(_folder, "nowhere")));
    }

    [Fact]
    public void The_manifests_directories_take_the_place_of_the_options_file_systems()
    {
        var files = new InMemoryFileSystem();
        files.WriteAllText("made", "");
        Assert.Equal(Success, Call("look", WasiOptions.Default.WithFileSystem(files)));
        Assert.Equal(NoEntry, Call("look", WasiOptions.Default.WithFileSystem(files), (_folder, "/")));
    }

    [Fact]
    public void A_path_that_guests_cannot_have_is_an_error_of_the_manifest() =>
        Assert.Equal(PluginFailure.Manifest, Assert.Throws<PluginException>(() => Call("look", (_folder, "/a/../b"))).Failure);

    private static int Call(string function, params (string Host, string Guest)[] paths) => Call(function, WasiOptions.Default, paths);

    private static int Call(string function, WasiOptions options, params (string Host, string Guest)[] paths)
    {
        PluginManifest manifest = PluginManifest.FromWasm(Encoding.UTF8.GetBytes(Guest)) with
        {
            AllowedPaths = paths.ToDictionary(static path => path.Host, static path => path.Guest),
        };
        using CompiledPlugin compiled = CompiledPlugin.Create(manifest, new PluginOptions { Wasi = true, WasiOptions = options });
        using Plugin plugin = compiled.CreateInstance();
        return (int)plugin.Call(function, []).ExitCode;
    }
}
