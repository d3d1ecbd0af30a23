using System.Globalization;
using System.Text;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;

namespace Codicil.Fuzz.Execution;

/// <summary>
/// The child process that holds the engine: one request a line on standard input, one answer a line on standard output. What kills it is a finding,
/// not the end of the run.
/// </summary>
internal sealed class EngineWorker(WasmFeatures features)
{
    private const long MostMemory = 1L << 30;
    private const long MostHeap = 1L << 30;

    private readonly Dictionary<string, Engine> _engines = [];

    /// <summary>Answers requests until the input ends.</summary>
    public static void Run(WasmFeatures features, TextReader input, TextWriter output)
    {
        var worker = new EngineWorker(features);
        while (input.ReadLine() is { } line)
        {
            string[] request = line.Split(' ');
            string answer;
            try
            {
                answer = worker.Answer(request);
            }
            catch (Exception exception) when (exception is not OutOfMemoryException)
            {
                answer = "untyped " + exception.ToString().ReplaceLineEndings(" ");
            }

            output.WriteLine(answer.ReplaceLineEndings(" "));
            output.Flush();
        }
    }

    private string Answer(string[] request)
    {
        byte[] data = request.Length > 1 ? Convert.FromBase64String(request[1]) : [];
        return request[0] switch
        {
            "run" => string.Join('\t', request[4].Split(',').Select(configuration => Execute(configuration, data, request[2], request[3]))),
            "ends" => Ends(data, request[2], request[3]),
            "verdict" => Verdict(data),
            "parse" => Parse(data),
            "print" => Print(data),
            "memory" => string.Create(CultureInfo.InvariantCulture, $"{Environment.WorkingSet / 1024 / 1024}"),
            _ => "unknown request",
        };
    }

    private Engine EngineOf(string configuration)
    {
        if (!_engines.TryGetValue(configuration, out Engine? engine))
        {
            engine = Engine.Create(new EngineOptions
            {
                Features = features,
                MemoryProtection = configuration[0] == 'g' ? MemoryProtection.Guard : MemoryProtection.Checked,
                Interruptible = configuration[1] == 'i',
                CompileEagerly = configuration[2] == 'e',
            });
            _engines.Add(configuration, engine);
        }

        return engine;
    }

    private string Execute(string configuration, byte[] bytes, string importPlan, string callPlan, long mostMemory = MostMemory, Action<Store>? begin = null)
    {
        Engine engine = EngineOf(configuration);
        using Store store = engine.CreateStore(new ResourceLimits { MemoryBytes = mostMemory, HeapBytes = MostHeap });
        begin?.Invoke(store);
        List<string> lines = [];
        try
        {
            using Module module = Module.FromBytes(engine, bytes);
            var world = new HostWorld(store, features.HasFlag(WasmFeatures.Exceptions));
            Extern[] imports = world.CreateImports(module, importPlan);
            Instance? instance = null;
            try
            {
                instance = store.Instantiate(module, imports);
            }
            catch (Exception exception) when (Failure(exception, world, [], imports) is { } failure)
            {
                lines.Add("start!" + failure);
            }

            Extern[] exports = [];
            if (instance is not null)
            {
                exports = [.. instance.Exports.Select(static item => item.Value)];
                Array.ForEach(exports, world.Add);
                foreach (string call in callPlan == "-" ? [] : callPlan.Split(','))
                {
                    lines.Add(Call(call, world, exports, imports));
                }

                lines.AddRange(exports.Select(item => HostWorld.Describe(item, exports)));
            }

            lines.AddRange(imports.Select(item => HostWorld.Describe(item, exports)));
            lines.Add(world.State);
            return string.Join(' ', lines);
        }
        catch (LinkException exception)
        {
            return "link " + exception.Message;
        }
        catch (UnsupportedModuleException exception)
        {
            return "unsupported " + exception.Message;
        }
        catch (ResourceLimitException exception)
        {
            return "limit " + exception.Message;
        }
        catch (WasmException exception)
        {
            return "invalid " + exception.Message;
        }
    }

    // Whether a module that nobody made to terminate does so, all calls of it, in half a second of its own: V8 can't be stopped like that. Nor does V8 have our limit of memory: what turns on it is left out.
    private string Ends(byte[] bytes, string importPlan, string callPlan)
    {
        Store? running = null;
        bool wasStopped = false;
        using var watch = new Timer(_ =>
        {
            wasStopped = true;
            Volatile.Read(ref running)?.Interrupt();
        });
        watch.Change(500, 100);
        string account = Execute("cil", bytes, importPlan, callPlan, MostMemory, store => Volatile.Write(ref running, store));
        watch.Change(Timeout.Infinite, Timeout.Infinite);
        return wasStopped ? "no" : account == Execute("cil", bytes, importPlan, callPlan, 8 * MostMemory) ? "yes" : "limited";
    }

    private static string Call(string call, HostWorld world, Extern[] exports, Extern[] imports)
    {
        int colon = call.IndexOf(':', StringComparison.Ordinal);
        string index = call[..colon];
        var function = (Function)exports[int.Parse(index, CultureInfo.InvariantCulture)];
        string[] texts = colon + 1 == call.Length ? [] : call[(colon + 1)..].Split(';');
        var arguments = new Value[texts.Length];
        for (int i = 0; i < texts.Length; i++)
        {
            arguments[i] = HostWorld.Parse(texts[i], exports);
        }

        var results = new Value[function.Type.Results.Length];
        try
        {
            function.Invoke(arguments, results);
        }
        catch (Exception exception) when (Failure(exception, world, exports, imports) is { } failure)
        {
            return index + "!" + failure;
        }

        return index + "=" + (results.Length == 0 ? "v" : string.Join('.', results.Select(value => HostWorld.Format(value, exports))));
    }

    // The classes of traps that both sides tell apart; null for what is no answer of a guest but an error of the engine.
    private static string? Failure(Exception exception, HostWorld world, Extern[] exports, Extern[] imports) => exception switch
    {
        HostWorld.HostStopException => "host",
        GuestException guest => world.Format(guest, exports, imports),
        TrapException trap => trap.Code switch
        {
            TrapCode.UnreachableCodeReached => "unreachable",
            TrapCode.MemoryOutOfBounds => "memory",
            TrapCode.IntegerDivisionByZero => "zero",
            // V8 has one message for both reasons why a float is no integer.
            TrapCode.IntegerOverflow or TrapCode.BadConversionToInteger => "overflow",
            TrapCode.IndirectCallToNull or TrapCode.BadSignature => "indirect",
            TrapCode.TableOutOfBounds or TrapCode.UndefinedElement => "table",
            TrapCode.StackOverflow => "stack",
            TrapCode.ArrayOutOfBounds => "array",
            TrapCode.NullReference => "null",
            TrapCode.CastFailure => "cast",
            _ => "trap(" + trap.Message.Replace(' ', '_') + ")",
        },
        ResourceLimitException => "limit",
        _ => null,
    };

    private string Verdict(byte[] bytes)
    {
        try
        {
            Module.Validate(EngineOf("gni"), bytes);
            return "valid";
        }
        catch (UnsupportedModuleException exception)
        {
            return "unsupported " + exception.Message;
        }
        catch (WasmException exception)
        {
            return "invalid " + exception.Message;
        }
    }

    private static string Parse(byte[] text)
    {
        try
        {
            return "module " + Convert.ToBase64String(Wat.Parse(text).ToArray());
        }
        catch (WasmException exception)
        {
            return "malformed " + exception.Message;
        }
    }

    private static string Print(byte[] bytes)
    {
        try
        {
            WasmModule module = ModuleDecoder.Decode(bytes, WasmFeatures.All);
            return "text " + Convert.ToBase64String(Encoding.UTF8.GetBytes(ModulePrinter.Print(module)));
        }
        catch (WasmException exception)
        {
            return "malformed " + exception.Message;
        }
    }
}
