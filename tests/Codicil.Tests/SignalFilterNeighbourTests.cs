using System.Runtime.InteropServices;
using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Another WebAssembly runtime in the same process, which handles SIGSEGV too: guard traps of both work, whoever came first.</summary>
public sealed unsafe class SignalFilterNeighbourTests
{
    /// <summary><c>(module (memory 1) (func (drop (i32.load offset=70000 (i32.load (i32.const 0))))) (start 0))</c></summary>
    private static readonly byte[] s_trapAtStart =
    [
        0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0,
        1, 4, 1, 0x60, 0, 0,
        3, 2, 1, 0,
        5, 3, 1, 0, 1,
        8, 1, 0,
        10, 15, 1, 13, 0, 0x41, 0, 0x28, 2, 0, 0x28, 2, 0xF0, 0xA2, 0x04, 0x1A, 0x0B,
    ];

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    [InlineData("between")]
    public void Guard_traps_work_beside_wasmtime(string when)
    {
        if (!SignalFilter.TryInstall())
        {
            Assert.Skip(SignalFilter.UnavailableReason!);
        }

        string? library = FindLibrary();
        if (library is null)
        {
            if (Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") == "1")
            {
                Assert.Fail("shared/native/wasmtime is required.");
            }

            Assert.Skip("shared/native/wasmtime is not there.");
        }

        ChildProcess.Run(
            static arguments =>
            {
                // Loading does not install wasmtime's handler, making an engine does.
                nint wasmtime = NativeLibrary.Load(arguments[0]);
                LinearMemory? memory = arguments[1] == "before" ? null : SignalFilterTests.CreateGuard(new MemoryType(new Limits(1)));
                if (arguments[1] == "between")
                {
                    Assert.False(SignalFilterTests.Completes(() => *(int*)(memory!.Base + 70_000) = 1));
                }

                Assert.True(TrapsInWasmtime(wasmtime));
                memory ??= SignalFilterTests.CreateGuard(new MemoryType(new Limits(1)));
                var load = MemoryAccessCode.Load(4);
                for (int round = 0; round < 50; round++)
                {
                    Assert.False(SignalFilterTests.Completes(() => load(memory.Base, 70_000)));
                    Assert.Throws<NullReferenceException>(static () => ((string)null!).Length);
                    Assert.True(TrapsInWasmtime(wasmtime));
                }

                memory.Dispose();
            },
            new() { Arguments = [library, when] }).AssertSucceeded();
    }

    private static string? FindLibrary()
    {
        string? shared = Environment.GetEnvironmentVariable("CODICIL_SHARED");
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); shared is null && folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Codicil.slnx")) && folder.Parent is not null)
            {
                shared = Path.Combine(folder.Parent.FullName, "shared");
            }
        }

        string library = Path.Combine(shared ?? "", "native", "wasmtime", "linux-x64", "libwasmtime.so");
        return File.Exists(library) ? library : null;
    }

    /// <summary>Instantiates the module above on a new engine; whether it trapped.</summary>
    private static bool TrapsInWasmtime(nint library)
    {
        var newEngine = (delegate* unmanaged<nint>)NativeLibrary.GetExport(library, "wasm_engine_new");
        var deleteEngine = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "wasm_engine_delete");
        var newStore = (delegate* unmanaged<nint, nint, nint, nint>)NativeLibrary.GetExport(library, "wasmtime_store_new");
        var getContext = (delegate* unmanaged<nint, nint>)NativeLibrary.GetExport(library, "wasmtime_store_context");
        var deleteStore = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "wasmtime_store_delete");
        var newModule = (delegate* unmanaged<nint, byte*, nuint, nint*, nint>)NativeLibrary.GetExport(library, "wasmtime_module_new");
        var deleteModule = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "wasmtime_module_delete");
        var newInstance = (delegate* unmanaged<nint, nint, nint, nuint, byte*, nint*, nint>)NativeLibrary.GetExport(library, "wasmtime_instance_new");
        var deleteTrap = (delegate* unmanaged<nint, void>)NativeLibrary.GetExport(library, "wasm_trap_delete");

        nint engine = newEngine();
        nint store = newStore(engine, 0, 0);
        nint module = 0;
        nint trap = 0;
        byte* instance = stackalloc byte[64];
        fixed (byte* bytes = s_trapAtStart)
        {
            Assert.Equal(0, newModule(engine, bytes, (nuint)s_trapAtStart.Length, &module));
        }

        Assert.Equal(0, newInstance(getContext(store), module, 0, 0, instance, &trap));
        bool trapped = trap != 0;
        if (trapped)
        {
            deleteTrap(trap);
        }

        deleteModule(module);
        deleteStore(store);
        deleteEngine(engine);
        return trapped;
    }
}
