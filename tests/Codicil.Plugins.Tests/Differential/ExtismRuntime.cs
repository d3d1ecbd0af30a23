using System.Runtime.InteropServices;
using System.Text;

namespace Codicil.Plugins.Tests.Differential;

/// <summary>The Extism runtime's shared library, by its C interface: what is compared with. Only in child processes: it brings a runtime of its own, with handlers of signals.</summary>
internal sealed unsafe partial class ExtismRuntime : IDisposable
{
    private readonly nint _plugin;

    private ExtismRuntime(nint plugin) => _plugin = plugin;

    /// <summary>Loads the library from a file; the calls below find it then.</summary>
    public static void Load(string path)
    {
        nint library = NativeLibrary.Load(path);
        NativeLibrary.SetDllImportResolver(typeof(ExtismRuntime).Assembly, (name, _, _) => name == "extism" ? library : 0);
    }

    public static string Version => Marshal.PtrToStringUTF8(GetVersion())!;

    /// <summary>Makes a plug-in of a manifest; null and the error where that fails.</summary>
    public static ExtismRuntime? Create(string manifest, bool wasi, out string error)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(manifest);
        nint message = 0;
        nint plugin = New(bytes, (ulong)bytes.Length, 0, 0, wasi ? (byte)1 : (byte)0, ref message);
        error = "";
        if (plugin == 0)
        {
            error = Marshal.PtrToStringUTF8(message) ?? "";
            FreeError(message);
            return null;
        }

        return new ExtismRuntime(plugin);
    }

    public (int Code, byte[] Output, string? Error) Call(string function, byte[] input)
    {
        int code = Call(_plugin, function, input, (ulong)input.Length);

        // SAFETY: the runtime keeps the output until the next call.
        byte[] output = new ReadOnlySpan<byte>((void*)GetOutput(_plugin), (int)GetOutputLength(_plugin)).ToArray();
        return (code, output, Marshal.PtrToStringUTF8(GetError(_plugin)));
    }

    public bool FunctionExists(string name) => Exists(_plugin, name) != 0;

    public void Dispose() => Free(_plugin);

    [LibraryImport("extism", EntryPoint = "extism_version")]
    private static partial nint GetVersion();

    [LibraryImport("extism", EntryPoint = "extism_plugin_new")]
    private static partial nint New([In] byte[] wasm, ulong size, nint functions, ulong functionCount, byte wasi, ref nint error);

    [LibraryImport("extism", EntryPoint = "extism_plugin_new_error_free")]
    private static partial void FreeError(nint error);

    [LibraryImport("extism", EntryPoint = "extism_plugin_call", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Call(nint plugin, string function, [In] byte[] data, ulong size);

    [LibraryImport("extism", EntryPoint = "extism_plugin_output_length")]
    private static partial ulong GetOutputLength(nint plugin);

    [LibraryImport("extism", EntryPoint = "extism_plugin_output_data")]
    private static partial nint GetOutput(nint plugin);

    [LibraryImport("extism", EntryPoint = "extism_plugin_error")]
    private static partial nint GetError(nint plugin);

    [LibraryImport("extism", EntryPoint = "extism_plugin_function_exists", StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte Exists(nint plugin, string function);

    [LibraryImport("extism", EntryPoint = "extism_plugin_free")]
    private static partial void Free(nint plugin);
}
