using System.Globalization;
using System.Text;
using System.Text.Json;

using Codicil.Wasi;

namespace Codicil.Tests;

/// <summary>
/// A plug-in by the standard Go compiler, called as a host without bindings calls it: typed exports, typed imports, a string as pointer and length.
/// </summary>
public sealed class GoPluginTests
{
    private static readonly string[] s_scalars = ["bool", "int32", "uint32", "int64", "uint64", "float32", "float64"];

    [Fact]
    [Trait("Parity", "WPL-01")]
    [Trait("Parity", "WPL-02")]
    [Trait("Parity", "WPL-04")]
    public void Typed_delegates_call_the_plugin_and_are_called_by_it()
    {
        using var plugin = new GoPlugin(Folder());
        Instance instance = plugin.Instance;
        Assert.False(instance.GetFunction<Func<bool, bool>>("not_bool")!(true));
        Assert.True(instance.GetFunction<Func<bool, bool, bool>>("xor_bool")!(true, false));
        Assert.Equal(int.MinValue, instance.GetFunction<Func<int, int, int>>("add_i32")!(int.MaxValue, 1));
        Assert.Equal(uint.MaxValue - 1, instance.GetFunction<Func<uint, uint, uint>>("add_u32")!(uint.MaxValue - 4, 3));
        Assert.Equal(-3L, instance.GetFunction<Func<long, long, long>>("add_i64")!(-5, 2));
        Assert.Equal(ulong.MaxValue, instance.GetFunction<Func<ulong, ulong, ulong>>("add_u64")!(ulong.MaxValue - 1, 1));
        Assert.Equal(1.75f, instance.GetFunction<Func<float, float, float>>("add_f32")!(1.25f, 0.5f));
        Assert.Equal(1.5, instance.GetFunction<Func<double, double>>("sqrt_f64")!(2.25));
        plugin.HostCalls.Clear();
        Assert.True(instance.GetFunction<Func<bool, bool>>("roundtrip_bool")!(true));
        Assert.Equal(uint.MaxValue, instance.GetFunction<Func<uint, uint>>("roundtrip_u32")!(uint.MaxValue));
        Assert.Equal(ulong.MaxValue, instance.GetFunction<Func<ulong, ulong>>("roundtrip_u64")!(ulong.MaxValue));
        Assert.Equal(-0.5f, instance.GetFunction<Func<float, float>>("roundtrip_f32")!(-0.5f));
        Assert.Equal(["echo_bool True", "echo_u32 4294967295", "echo_u64 18446744073709551615", "echo_f32 -0.5"], plugin.HostCalls);
    }

    [Fact]
    [Trait("Parity", "WPL-02")]
    [Trait("Parity", "WPL-04")]
    public void Recorded_calls_with_plain_arguments_give_the_recorded_results()
    {
        string folder = Folder();
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "expected.json")));
        JsonElement exports = expected.RootElement.GetProperty("exports");
        int calls = 0;
        foreach (JsonElement test in expected.RootElement.GetProperty("cases").EnumerateArray())
        {
            if (test.TryGetProperty("options", out _))
            {
                continue;
            }

            using var plugin = new GoPlugin(folder);
            foreach (JsonElement call in test.GetProperty("calls").EnumerateArray())
            {
                string name = call.GetProperty("export").GetString()!;
                JsonElement type = exports.GetProperty(name);
                if (!IsPlain(call, type))
                {
                    // What follows may build on it.
                    break;
                }

                JsonElement[] parameters = [.. type.GetProperty("params").EnumerateArray()];
                JsonElement[] given = call.TryGetProperty("args", out JsonElement list) ? [.. list.EnumerateArray()] : [];
                var arguments = new List<object>();
                for (int i = 0; i < given.Length; i++)
                {
                    string kind = parameters[i].GetProperty("type").GetString()!;
                    if (kind == "string")
                    {
                        (int pointer, int length) = plugin.Write(given[i].GetString()!);
                        arguments.Add(pointer);
                        arguments.Add(length);
                    }
                    else
                    {
                        arguments.Add(FromJson(given[i], kind));
                    }
                }

                object? result = plugin.Instance.GetFunction(name)!.Invoke([.. arguments]);
                if (type.TryGetProperty("result", out JsonElement resultType))
                {
                    Assert.Equal(FromJson(call.GetProperty("result"), resultType.GetString()!), result);
                }

                calls++;
            }
        }

        Assert.InRange(calls, 80, 1000);
    }

    private static bool IsPlain(JsonElement call, JsonElement type)
    {
        bool plainTypes = type.GetProperty("params").EnumerateArray().All(static parameter => parameter.GetProperty("type").GetString() is "string" or "bool" or "int32" or "uint32" or "int64" or "uint64" or "float32" or "float64")
            && (!type.TryGetProperty("result", out JsonElement result) || s_scalars.Contains(result.GetString()));
        bool plainArguments = !call.TryGetProperty("args", out JsonElement arguments) || arguments.EnumerateArray().All(static argument => argument.ValueKind is not (JsonValueKind.Object or JsonValueKind.Null));
        bool plainHost = !call.TryGetProperty("host_calls", out JsonElement host)
            || host.EnumerateArray().All(static hostCall => hostCall.GetProperty("function").GetString() is string function && function != "echo_pointer" && (function == "log" || function.StartsWith("echo_", StringComparison.Ordinal)));
        return plainTypes && plainArguments && plainHost && call.EnumerateObject().All(static property => property.Name is "export" or "args" or "result" or "host_calls");
    }

    // As the dynamic call takes and gives it: unsigned numbers and truth as the signed number with the same bits.
    private static object FromJson(JsonElement value, string type) => type switch
    {
        "bool" => (object)(value.GetBoolean() ? 1 : 0),
        "int32" => value.GetInt32(),
        "uint32" => unchecked((int)value.GetUInt32()),
        "int64" => long.Parse(value.GetString()!, CultureInfo.InvariantCulture),
        "uint64" => unchecked((long)ulong.Parse(value.GetString()!, CultureInfo.InvariantCulture)),
        "float32" => float.Parse(value.GetString()!, CultureInfo.InvariantCulture),
        _ => double.Parse(value.GetString()!, CultureInfo.InvariantCulture),
    };

    private static string Folder()
    {
        string shared = Environment.GetEnvironmentVariable("CODICIL_SHARED") ?? Path.Combine(Repository.Root, "..", "shared");
        string folder = Path.Combine(shared, "conformance", "go-plugin", "typed");
        if (!Directory.Exists(folder))
        {
            Assert.False(Environment.GetEnvironmentVariable("CODICIL_REQUIRE_SHARED") == "1", "the shared test data is required and absent");
            Assert.Skip("the shared test data is not here: set CODICIL_SHARED");
        }

        return folder;
    }

    /// <summary>A fresh instance after <c>_initialize</c>.</summary>
    private sealed class GoPlugin : IDisposable
    {
        private static readonly Lock s_lock = new();
        private static Engine? s_engine;
        private static Module? s_module;

        private readonly Store _store;

        public GoPlugin(string folder)
        {
            lock (s_lock)
            {
                s_engine ??= Engine.Create();
                s_module ??= Module.FromFile(s_engine, Path.Combine(folder, "typed.wasm"));
            }

            _store = s_engine.CreateStore();
            Linker linker = new Linker(s_engine).DefineWasi(WasiOptions.Default)
                .DefineFunction("host", "log", (Caller caller, int message, int length) => HostCalls.Add("log " + caller.GetMemory("memory")!.ReadString((uint)message, length)))
                .DefineFunction("host", "echo_bool", (bool value) => Note("echo_bool", value))
                .DefineFunction("host", "echo_i32", (int value) => Note("echo_i32", value))
                .DefineFunction("host", "echo_u32", (uint value) => Note("echo_u32", value))
                .DefineFunction("host", "echo_i64", (long value) => Note("echo_i64", value))
                .DefineFunction("host", "echo_u64", (ulong value) => Note("echo_u64", value))
                .DefineFunction("host", "echo_f32", (float value) => Note("echo_f32", value))
                .DefineFunction("host", "echo_f64", (double value) => Note("echo_f64", value));
            foreach (ImportType import in s_module.Imports)
            {
                if (import is { ModuleName: "host", Type: Codicil.Format.Types.FunctionType type } && linker.Get(_store, "host", import.Name) is null)
                {
                    linker.DefineFunction("host", import.Name, type, (_, _, _) => throw new NotSupportedException(import.Name));
                }
            }

            Instance = linker.Instantiate(_store, s_module);
            Assert.True(WasiCommand.InitializeReactor(Instance));
            Assert.Equal(["log initialised"], HostCalls);
        }

        public Instance Instance { get; }

        public List<string> HostCalls { get; } = [];

        /// <summary>Hands a string over in the guest's own memory.</summary>
        public (int Pointer, int Length) Write(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            int pointer = Instance.GetFunction<Func<int, int>>("alloc")!(length);
            Instance.GetMemory("memory")!.WriteString((uint)pointer, text);
            return (pointer, length);
        }

        public void Dispose() => _store.Dispose();

        private T Note<T>(string name, T value)
            where T : IFormattable
        {
            HostCalls.Add(name + " " + value.ToString(null, CultureInfo.InvariantCulture));
            return value;
        }

        private bool Note(string name, bool value)
        {
            HostCalls.Add(name + " " + value.ToString());
            return value;
        }
    }
}
