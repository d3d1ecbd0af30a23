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
    public static ExtismRuntime? Create(string manifest, bool wasi, out string error, bool hosts = false, bool showsHeaders = false)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(manifest);
        nint message = 0;
        nint[] functions = hosts ? [.. HostFunctions()] : [];
        nint plugin = New(bytes, (ulong)bytes.Length, functions, (ulong)functions.Length, wasi ? (byte)1 : (byte)0, ref message);
        Array.ForEach(functions, FreeFunction);
        error = "";
        if (plugin == 0)
        {
            error = Marshal.PtrToStringUTF8(message) ?? "";
            FreeError(message);
            return null;
        }

        if (showsHeaders)
        {
            AllowHeaders(plugin);
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

    /// <summary>Ends the call that is running, from another thread.</summary>
    public void Cancel() => CancelBy(GetCancelHandle(_plugin));

    public void Dispose() => Free(_plugin);

    // The same as those of DifferentialTests.
    private static IEnumerable<nint> HostFunctions()
    {
        const int I64 = 1;
        const int F32 = 2;
        const int F64 = 3;
        yield return NewFunction("mult", [I64, I64], 2, [I64], 1, Multiply, 0, 0);
        nint single = NewFunction("getf32", [], 0, [F32], 1, GetSingle, 0, 0);
        SetNamespace(single, "example");
        yield return single;
        nint wide = NewFunction("getf64", [], 0, [F64], 1, GetDouble, 0, 0);
        SetNamespace(wide, "example");
        yield return wide;
    }

    private static nint Multiply => (nint)(delegate* unmanaged<nint, HostValue*, ulong, HostValue*, ulong, nint, void>)&MultiplyCallback;

    private static nint GetSingle => (nint)(delegate* unmanaged<nint, HostValue*, ulong, HostValue*, ulong, nint, void>)&GetSingleCallback;

    private static nint GetDouble => (nint)(delegate* unmanaged<nint, HostValue*, ulong, HostValue*, ulong, nint, void>)&GetDoubleCallback;

    // SAFETY (all three): the runtime gives as many values as the types say that the function was made with.
    [UnmanagedCallersOnly]
    private static void MultiplyCallback(nint plugin, HostValue* inputs, ulong inputCount, HostValue* outputs, ulong outputCount, nint data)
    {
        DifferentialTests.Reached();
        outputs[0].Type = 1;
        outputs[0].I64 = inputs[0].I64 * inputs[1].I64;
    }

    [UnmanagedCallersOnly]
    private static void GetSingleCallback(nint plugin, HostValue* inputs, ulong inputCount, HostValue* outputs, ulong outputCount, nint data)
    {
        outputs[0].Type = 2;
        outputs[0].F32 = 100.5f;
    }

    [UnmanagedCallersOnly]
    private static void GetDoubleCallback(nint plugin, HostValue* inputs, ulong inputCount, HostValue* outputs, ulong outputCount, nint data)
    {
        outputs[0].Type = 3;
        outputs[0].F64 = 100.5;
    }

    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct HostValue
    {
        [FieldOffset(0)]
        public int Type;

        [FieldOffset(8)]
        public long I64;

        [FieldOffset(8)]
        public float F32;

        [FieldOffset(8)]
        public double F64;
    }

    [LibraryImport("extism", EntryPoint = "extism_function_new", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NewFunction(string name, [In] int[] inputs, ulong inputCount, [In] int[] outputs, ulong outputCount, nint callback, nint data, nint freeData);

    [LibraryImport("extism", EntryPoint = "extism_function_set_namespace", StringMarshalling = StringMarshalling.Utf8)]
    private static partial void SetNamespace(nint function, string name);

    [LibraryImport("extism", EntryPoint = "extism_function_free")]
    private static partial void FreeFunction(nint function);

    [LibraryImport("extism", EntryPoint = "extism_version")]
    private static partial nint GetVersion();

    [LibraryImport("extism", EntryPoint = "extism_plugin_new")]
    private static partial nint New([In] byte[] wasm, ulong size, [In] nint[] functions, ulong functionCount, byte wasi, ref nint error);

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

    [LibraryImport("extism", EntryPoint = "extism_plugin_allow_http_response_headers")]
    private static partial void AllowHeaders(nint plugin);

    [LibraryImport("extism", EntryPoint = "extism_plugin_cancel_handle")]
    private static partial nint GetCancelHandle(nint plugin);

    [LibraryImport("extism", EntryPoint = "extism_plugin_cancel")]
    private static partial byte CancelBy(nint handle);

    [LibraryImport("extism", EntryPoint = "extism_plugin_free")]
    private static partial void Free(nint plugin);
}
