using System.Collections.Immutable;
using System.Globalization;

using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>The imports of modules instrumented for observation, under the names of either generation of the instrumentation.</summary>
/// <remarks>
/// Dylibso Observe SDK. Texts are pointer and length in the caller's memory; C bindings declare pointers as i64, so integers of either width are taken. Levels and formats count from 1 in
/// <c>dylibso_observe</c> and from 0 in <c>dylibso:observe/api</c>. What is out of range or of no known shape does nothing: observation must not break a guest.
/// </remarks>
internal static class ObserveImports
{
    private const string Core = "dylibso_observe";
    private const string Instrument = "dylibso:observe/instrument";
    private const string Api = "dylibso:observe/api";

    // error, warn, info, debug, trace.
    private static readonly ImmutableArray<PluginLogLevel> s_levels = [PluginLogLevel.Error, PluginLogLevel.Warn, PluginLogLevel.Info, PluginLogLevel.Debug, PluginLogLevel.Trace];

    /// <summary>Whether imports of a module name are observation's.</summary>
    public static bool IsObserve(string moduleName) => moduleName is Core or Instrument or Api;

    /// <summary>Whether a module reports its functions itself.</summary>
    public static bool IsInstrumented(Module module)
    {
        foreach (ImportType import in module.Imports)
        {
            if (import is { ModuleName: Core, Name: "instrument_enter" } or { ModuleName: Instrument, Name: "enter" })
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The function for an import; without a recorder one that does nothing.</summary>
    public static Function Bind(Store store, Module module, ImportType import, PluginTraceRecorder? recorder)
    {
        var type = (FunctionType)import.Type;
        if (recorder is null || !type.Results.IsEmpty || type.Parameters.Any(static parameter => parameter.Kind is not (ValKind.I32 or ValKind.I64)))
        {
            return DoNothing(store, type);
        }

        bool isCore = import.ModuleName == Core;
        return (import.Name.Replace('-', '_'), type.Parameters.Length) switch
        {
            ("instrument_enter" or "enter", 1) when type.Parameters[0] == ValType.I32 && Has(import, "instrument_enter", "enter") =>
                ManagedCode.FromDelegate(store, new Action<int>(index => recorder.Enter(NameOf(module, index), PluginSpanKind.Function, index))),
            ("instrument_exit" or "exit", 1) when type.Parameters[0] == ValType.I32 && Has(import, "instrument_exit", "exit") =>
                ManagedCode.FromDelegate(store, new Action<int>(recorder.ExitFunction)),
            ("instrument_memory_grow" or "memory_grow", 1) when Has(import, "instrument_memory_grow", "memory-grow") =>
                Raw(store, type, (_, arguments) => recorder.Grow((uint)Number(arguments[0]))),
            ("span_enter", 2) => Raw(store, type, (caller, arguments) =>
                recorder.Enter(PluginTraceRecorder.NameOf(Text(caller, arguments) ?? "", 0), PluginSpanKind.Custom, null)),
            ("span_exit", 0) => ManagedCode.FromDelegate(store, new Action(recorder.ExitCustom)),
            ("span_tags", 2) => Raw(store, type, (caller, arguments) => recorder.Tag(Text(caller, arguments) ?? "")),
            ("metric", 3) => Raw(store, type, (caller, arguments) =>
            {
                if (Text(caller, arguments[1..]) is string text)
                {
                    recorder.Metric(FormatOf(Number(arguments[0]), isCore), text);
                }
            }),
            ("log", 3) => Raw(store, type, (caller, arguments) =>
            {
                if (Text(caller, arguments[1..]) is string text)
                {
                    recorder.Message(LevelOf(Number(arguments[0]), isCore), text);
                }
            }),
            _ => DoNothing(store, type),
        };
    }

    private delegate void Callback(Caller caller, ReadOnlySpan<Value> arguments);

    // The older namespace has everything; the newer ones part the instrumentation from what guests call themselves.
    private static bool Has(ImportType import, string core, string instrument) => import.ModuleName switch
    {
        Core => import.Name == core,
        Instrument => import.Name == instrument,
        _ => false,
    };

    private static string NameOf(Module module, int index) => PluginTraceRecorder.NameOf(module.GetFunctionName(index), index);

    private static string FormatOf(ulong format, bool isCore) => format == (isCore ? 1u : 0u) ? "statsd" : format.ToString(CultureInfo.InvariantCulture);

    private static PluginLogLevel LevelOf(ulong level, bool isCore)
    {
        ulong index = isCore ? level - 1 : level;
        return index < (ulong)s_levels.Length ? s_levels[(int)index] : PluginLogLevel.Info;
    }

    private static ulong Number(Value value) => value.Kind == ValKind.I32 ? (uint)value.AsI32() : (ulong)value.AsI64();

    // Null when it is outside the memory; a long one is cut off.
    private static string? Text(Caller caller, ReadOnlySpan<Value> arguments)
    {
        ulong address = Number(arguments[0]);
        ulong length = Number(arguments[1]);
        if (caller.GetMemory("memory") is not Memory memory || address > memory.LengthInBytes || length > memory.LengthInBytes - address)
        {
            return null;
        }

        // One byte more than is kept tells whether something was cut off.
        return LogText.Decode(memory.GetSpan(address, (int)Math.Min(length, PluginTraceRecorder.MaxTextBytes + 1)), PluginTraceRecorder.MaxTextBytes);
    }

    private static Function Raw(Store store, FunctionType type, Callback callback) => Function.Create(store, type, (caller, arguments, _) => callback(caller, arguments));

    private static Function DoNothing(Store store, FunctionType type) => Function.Create(store, type, (_, _, results) =>
    {
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = Value.Default(type.Results[i]);
        }
    });
}
