using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Codicil.Wasi.Tests.GoTyped;

/// <summary>A plug-in by the standard Go compiler with every type that exports and imports can have, called through the embedding API: 63 cases of expected.json.</summary>
public sealed class GoTypedTests
{
    private const string Folder = "conformance/go-plugin/typed";

    private static readonly Engine s_engine = Engine.Create(new EngineOptions { Interruptible = true });
    private static readonly Lazy<Module> s_module = new(static () => Module.FromFile(s_engine, SharedFolder.GetPath(Folder + "/typed.wasm")));

    public static TheoryData<string> Cases
    {
        get
        {
            string? path = SharedFolder.TryGetPath(Folder + "/expected.json");
            if (path is null)
            {
                return [SharedFolder.Absent];
            }

            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. document.RootElement.GetProperty("cases").EnumerateArray().Select(static element => element.GetProperty("id").GetString()!)];
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Passes(string id)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(SharedFolder.GetPath(Folder + "/expected.json")));
        JsonElement element = document.RootElement.GetProperty("cases").EnumerateArray().Single(element => element.GetProperty("id").GetString() == id);
        using var run = new Run(document.RootElement, element);
        run.Execute();
    }

    private sealed class Run : IDisposable
    {
        private readonly JsonElement _case;
        private readonly JsonElement _options;
        private readonly JsonElement _exports;
        private readonly GoTypes _types;
        private readonly GoHost _host;
        private readonly FileStorage _storage = new(FileStorageKind.Host);
        private readonly MemoryStream _output = new();
        private readonly MemoryStream _error = new();
        private readonly RecordingRandom _random = new();
        private readonly Dictionary<string, ulong> _saved = new(StringComparer.Ordinal);
        private readonly Store _store;
        private readonly Instance _instance;
        private readonly Memory _memory;

        public Run(JsonElement document, JsonElement @case)
        {
            _case = @case;
            _options = @case.TryGetProperty("options", out JsonElement given) ? given : default;
            _exports = document.GetProperty("exports");
            _types = new GoTypes(document.GetProperty("structs"));
            _host = new GoHost(document, _types);
            JsonElement defaults = document.GetProperty("wasi");

            // How far Go's collector has come when a function returns depends on the time that passes: the same in each run.
            bool isTimeFree = @case.GetProperty("id").GetString() == "garbage-collection";
            WasiOptions options = (isTimeFree ? WasiOptions.Default : WasiOptions.Default.WithSystemTime()) with
            {
                Arguments = [.. Option("args", defaults)!.Value.EnumerateArray().Select(static argument => argument.GetString()!)],
                Environment = [.. Option("env", defaults)!.Value.EnumerateObject().Select(static variable => KeyValuePair.Create(variable.Name, variable.Value.GetString()!))],
                StandardInput = new MemoryStream(Encoding.UTF8.GetBytes(Option("stdin", defaults)?.GetString() ?? "")),
                StandardOutput = _output,
                StandardError = _error,
                Random = WasiRandom.FromStream(_random),
            };
            foreach (JsonProperty directory in Option("dirs", defaults)!.Value.EnumerateObject())
            {
                options = _storage.Mount(options, directory.Name, Path.Combine(SharedFolder.GetPath(Folder), directory.Value.GetString()!));
            }

            _store = s_engine.CreateStore(Option("memory_limit_pages", default) is JsonElement pages ? ResourceLimits.Default with { MemoryBytes = pages.GetInt64() << 16 } : null);
            Linker linker = new Linker(s_engine).DefineWasi(options);
            _host.Define(linker, s_module.Value);
            _instance = linker.Instantiate(_store, s_module.Value);
            _memory = _instance.GetMemory("memory")!;
            if (Option("initialize", default)?.GetBoolean() != false)
            {
                _host.Expect(document.GetProperty("initialize").GetProperty("host_calls"));
                Assert.True(WasiCommand.InitializeReactor(_instance));
                Assert.Equal(0, _host.MissingCalls);
            }
        }

        public void Execute()
        {
            foreach (JsonElement call in _case.GetProperty("calls").EnumerateArray())
            {
                try
                {
                    Call(call);
                }
                catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
                {
                    throw new InvalidOperationException($"{call.GetRawText()}\n{exception.Message}\nstandard error: {Encoding.UTF8.GetString(_error.ToArray())}", exception);
                }
            }

            if (_case.TryGetProperty("files_after", out JsonElement files))
            {
                foreach (JsonProperty file in files.EnumerateObject())
                {
                    byte[]? contents = _storage.Read("/data", file.Name["/data/".Length..]);
                    Assert.Equal(file.Value.GetString(), contents is null ? null : Encoding.UTF8.GetString(contents));
                }
            }
        }

        public void Dispose()
        {
            _store.Dispose();
            _storage.Dispose();
        }

        private JsonElement? Option(string name, JsonElement defaults) =>
            _options.ValueKind == JsonValueKind.Object && _options.TryGetProperty(name, out JsonElement own) ? own :
            defaults.ValueKind == JsonValueKind.Object && defaults.TryGetProperty(name, out JsonElement usual) ? usual : null;

        private void Call(JsonElement call)
        {
            string name = call.GetProperty("export").GetString()!;
            JsonElement signature = _exports.GetProperty(name);
            JsonElement[] arguments = call.TryGetProperty("args", out JsonElement list) ? [.. list.EnumerateArray()] : [];
            string[] types = [.. signature.GetProperty("params").EnumerateArray().Select(static parameter => parameter.GetProperty("type").GetString()!)];
            Assert.Equal(types.Length, arguments.Length);
            _host.Compares = !call.TryGetProperty("host_calls_any", out JsonElement _);
            _host.Expect(null);
            var bits = new List<ulong>();
            var values = new List<Value>();
            for (int i = 0; i < types.Length; i++)
            {
                bits.Add(Prepare(types[i], arguments[i], values));
            }

            _host.Expect(call.TryGetProperty("host_calls", out JsonElement hostCalls) ? hostCalls : null);
            _host.ExportArguments = bits;
            _output.SetLength(0);
            _error.SetLength(0);
            ulong size = _memory.LengthInBytes;
            Function function = _instance.GetFunction(name)!;
            Value[] results = [.. function.Type.Results.Select(static type => Value.Default(type))];
            if (call.TryGetProperty("ends", out JsonElement end))
            {
                CheckEnd(end, Record.Exception(() => Invoke(function, values, results)));
            }
            else
            {
                Invoke(function, values, results);
                CheckResult(call, signature, bits, results);
                CheckArguments(types, arguments, bits);
                Assert.Equal(call.TryGetProperty("set_result", out JsonElement result) ? result.GetString() : null, _host.Result is null ? null : Encoding.UTF8.GetString(_host.Result));
            }

            Assert.Empty(_host.Failures);
            Assert.Equal(0, _host.MissingCalls);
            Assert.True(!call.TryGetProperty("memory_grows", out JsonElement _) || _memory.LengthInBytes > size);
            Assert.Equal(call.TryGetProperty("stdout", out JsonElement output) ? output.GetString() : "", Encoding.UTF8.GetString(_output.ToArray()));
            string error = Encoding.UTF8.GetString(_error.ToArray());
            if (call.TryGetProperty("stderr_starts", out JsonElement start))
            {
                Assert.StartsWith(start.GetString()!, error, StringComparison.Ordinal);
            }
            else if (!call.TryGetProperty("ends", out JsonElement _) || call.TryGetProperty("stderr", out JsonElement _))
            {
                Assert.Equal(call.TryGetProperty("stderr", out JsonElement expected) ? expected.GetString() : "", error);
            }
        }

        private void Invoke(Function function, List<Value> values, Value[] results)
        {
            if (Option("timeout_ms", default) is not JsonElement milliseconds)
            {
                function.Invoke([.. values], results);
                return;
            }

            using var timer = new Timer(_ => _store.Interrupt(new TimeoutException("too long")), null, milliseconds.GetInt32(), Timeout.Infinite);
            function.Invoke([.. values], results);
        }

        private ulong Prepare(string type, JsonElement argument, List<Value> values)
        {
            if (type == "string")
            {
                uint address;
                uint length;
                if (argument.ValueKind == JsonValueKind.Object && argument.TryGetProperty("raw", out JsonElement raw))
                {
                    address = raw[0].GetUInt32();
                    length = raw[1].GetUInt32();
                }
                else
                {
                    byte[] bytes = GoTypes.ToBytes(argument);
                    length = (uint)bytes.Length;
                    address = Allocate(bytes.Length);
                    bytes.CopyTo(_memory.GetSpan(address, bytes.Length));
                }

                values.Add(Value.FromI32((int)address));
                values.Add(Value.FromI32((int)length));
                return address;
            }

            ulong bits = GoTypes.IsPointer(type) ? PreparePointer(type, argument) : GoTypes.ToBits(type, argument);
            values.Add(type switch
            {
                "int64" or "uint64" => Value.FromI64((long)bits),
                "float32" => Value.FromF32(BitConverter.UInt32BitsToSingle((uint)bits)),
                "float64" => Value.FromF64(BitConverter.UInt64BitsToDouble(bits)),
                _ => Value.FromI32((int)bits),
            });
            return bits;
        }

        private ulong PreparePointer(string type, JsonElement argument)
        {
            if (argument.ValueKind == JsonValueKind.Null)
            {
                return 0;
            }

            if (argument.TryGetProperty("address", out JsonElement address))
            {
                return address.GetUInt32();
            }

            if (argument.TryGetProperty("saved", out JsonElement saved))
            {
                return _saved[saved.GetString()!];
            }

            int size = argument.TryGetProperty("buffer", out JsonElement buffer) ? buffer.GetInt32() : _types.SizeOf(type[1..]);
            uint pointer = Allocate(size);
            Span<byte> span = _memory.GetSpan(pointer, size);
            span.Clear();
            if (argument.TryGetProperty("in", out JsonElement value))
            {
                _types.Write(type[1..], value, span);
            }

            return pointer;
        }

        private uint Allocate(int size) => (uint)(int)_instance.GetFunction("alloc")!.Invoke(size)!;

        private void CheckArguments(string[] types, JsonElement[] arguments, List<ulong> bits)
        {
            for (int i = 0; i < types.Length; i++)
            {
                if (!GoTypes.IsPointer(types[i]) || arguments[i].ValueKind != JsonValueKind.Object)
                {
                    continue;
                }

                if (arguments[i].TryGetProperty("in", out JsonElement value))
                {
                    string type = types[i][1..];
                    JsonElement expected = arguments[i].TryGetProperty("out", out JsonElement after) ? after : value;
                    Assert.True(_types.Holds(type, expected, _memory.GetSpan(bits[i], _types.SizeOf(type))), $"argument {i} is not {expected.GetRawText()}");
                }
                else if (arguments[i].TryGetProperty("buffer", out JsonElement size))
                {
                    var expected = new byte[size.GetInt32()];
                    byte[] contents = arguments[i].TryGetProperty("out", out JsonElement after) ? GoTypes.ToBytes(after) : arguments[i].TryGetProperty("out_random", out JsonElement _) ? _random.Last : [];
                    contents.CopyTo(expected, 0);
                    Assert.Equal(expected, _memory.GetSpan(bits[i], expected.Length).ToArray());
                }
            }
        }

        private void CheckResult(JsonElement call, JsonElement signature, List<ulong> bits, Value[] results)
        {
            if (results.Length == 0)
            {
                return;
            }

            string type = signature.GetProperty("result").GetString()!;
            ulong result = GoHost.ToBits(results[0]);
            if (call.TryGetProperty("save", out JsonElement name))
            {
                _saved[name.GetString()!] = result;
            }

            if (call.TryGetProperty("result_at_least", out JsonElement least))
            {
                Assert.True(result >= GoTypes.ToBits(type, least), $"{result} is less than {least.GetRawText()}");
            }
            else if (call.TryGetProperty("result", out JsonElement expected))
            {
                if (!GoTypes.IsPointer(type))
                {
                    Assert.True(GoTypes.AreSame(type, result, GoTypes.ToBits(type, expected)), $"{results[0]} is not {expected.GetRawText()}");
                    return;
                }

                if (expected.ValueKind == JsonValueKind.Null)
                {
                    Assert.Equal(0UL, result);
                    return;
                }

                if (expected.TryGetProperty("arg", out JsonElement argument))
                {
                    Assert.Equal(bits[argument.GetInt32()] + expected.GetProperty("offset").GetUInt64(), result);
                }

                Assert.True(!expected.TryGetProperty("nonnull", out JsonElement _) || result != 0);
                if (expected.TryGetProperty("points_to", out JsonElement contents))
                {
                    Assert.True(_types.Holds(type[1..], contents, _memory.GetSpan(result, _types.SizeOf(type[1..]))));
                }

                if (expected.TryGetProperty("text", out JsonElement text))
                {
                    Assert.Equal(text.GetString(), _memory.ReadString(result, call.GetProperty("text_length").GetInt32()));
                }
            }
        }

        private static void CheckEnd(JsonElement end, Exception? exception)
        {
            if (end.TryGetProperty("exit_code", out JsonElement code))
            {
                Assert.Equal(code.GetUInt32(), Assert.IsType<ExitException>(exception, exactMatch: false).ExitCode);
            }
            else if (end.TryGetProperty("trap", out JsonElement trap))
            {
                Assert.Contains(trap.GetString()!, Assert.IsType<TrapException>(exception).Message, StringComparison.Ordinal);
            }
            else if (end.TryGetProperty("host_error", out JsonElement message))
            {
                Assert.Equal(message.GetString(), Assert.IsType<InvalidOperationException>(exception).Message);
            }
            else if (end.TryGetProperty("timeout", out JsonElement _))
            {
                Assert.IsType<TimeoutException>(exception, exactMatch: false);
            }
            else
            {
                Assert.IsType<HostBoundsException>(exception);
            }
        }
    }

    /// <summary>Random bytes, and what was read last.</summary>
    private sealed class RecordingRandom : OneWayStream
    {
        public byte[] Last { get; private set; } = [];

        public override bool CanRead => true;

        public override bool CanWrite => false;

        public override int Read(Span<byte> buffer)
        {
            RandomNumberGenerator.Fill(buffer);
            Last = buffer.ToArray();
            return buffer.Length;
        }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));
    }
}
