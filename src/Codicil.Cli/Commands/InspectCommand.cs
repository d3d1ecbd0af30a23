using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;

using Codicil.Cli.Wast;
using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Types;
using Codicil.Format.Validation;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil inspect FILE</c>: what a module asks for, offers and holds.</summary>
internal static class InspectCommand
{
    public static Command Create()
    {
        var file = new Argument<string>("file") { Description = "The module, binary or text; `-` is standard input." };
        var json = new Option<bool>("--json") { Description = "As one JSON object." };
        var command = new Command("inspect", "Show imports, exports, memories, features, sizes and custom sections of a module.") { file, json };
        command.SetAction(parse =>
        {
            string path = parse.GetValue(file)!;
            byte[] input = ModuleInput.ReadModule(path);
            (byte[] bytes, SourceMap? sourceMap) = Failures.About(path, () => ModuleInput.ToBinary(input));
            WasmModule module = Failures.About(path, () => ModuleValidator.Validate(ModuleDecoder.Decode(bytes, WasmFeatures.All)).Module, sourceMap);
            Code code = Progress.Run(progress =>
            {
                progress($"generating the code of {path}");
                return DescribeCode(bytes);
            });
            if (parse.GetValue(json))
            {
                PrintJson(module, bytes, code);
            }
            else
            {
                Print(path, module, bytes, code);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    /// <summary>What the code generator makes of the module: the functions that hit a limit of it, or why it makes nothing.</summary>
    private sealed record Code(FunctionCode[] Limited, string? Error);

    private static Code DescribeCode(byte[] bytes)
    {
        try
        {
            using Engine engine = Engine.Create(new EngineOptions { Features = WasmFeatures.All });
            using Module compiled = Module.FromBytes(engine, bytes);
            return new Code([.. compiled.DescribeCode().Where(static function => !function.IsOptimized)], null);
        }
        catch (WasmException exception)
        {
            // A limit of the engine.
            return new Code([], exception.Message);
        }
    }

    private static string? NameOf(WasmModule module, int function) => module.Names.Functions[function];

    private static int CodeBytes(WasmModule module) => module.Bodies.Sum(body => body.Range.Length);

    private static int DataBytes(WasmModule module) => module.DataSegments.Sum(segment => segment.Content.Length);

    private static (int Index, int Length) LargestBody(WasmModule module)
    {
        int largest = -1;
        for (int i = 0; i < module.Bodies.Length; i++)
        {
            if (largest < 0 || module.Bodies[i].Range.Length > module.Bodies[largest].Range.Length)
            {
                largest = i;
            }
        }

        return largest < 0 ? (-1, 0) : (module.ImportedFunctionCount + largest, module.Bodies[largest].Range.Length);
    }

    private static void Print(string path, WasmModule module, byte[] bytes, Code code)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{path}: {bytes.Length} bytes, {module.Bodies.Length} functions with {CodeBytes(module)} bytes of code, {module.DataSegments.Length} data segments with {DataBytes(module)} bytes\n");
        (int index, int length) = LargestBody(module);
        if (index >= 0)
        {
            text.Append(CultureInfo.InvariantCulture, $"largest function: {index} with {length} bytes\n");
        }

        text.Append(CultureInfo.InvariantCulture, $"features: {(module.FindUsedFeatures() is var used and not WasmFeatures.None ? FeatureNames.Format(used) : "none")}\n");
        if (module.StartFunction is int start)
        {
            text.Append(CultureInfo.InvariantCulture, $"start function: {start}\n");
        }

        Section(text, "imports", module.Imports.Select(import => $"{import.ModuleName}.{import.Name}: {Describe(module, import.Kind, import.Index)}"));
        Section(text, "exports", module.Exports.Select(export => $"{export.Name}: {Describe(module, export.Kind, export.Index)}"));
        Section(text, "memories", module.Memories.Select(memory => memory.ToString()));
        Section(text, "custom sections", module.CustomSections.Select(section => string.Create(CultureInfo.InvariantCulture, $"{section.Name}: {section.Content.Length} bytes")));
        if (code.Error is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $"not compiled: {code.Error}\n");
        }
        else
        {
            Section(text, "functions beyond a limit of the code generator, compiled without optimisation", code.Limited.Select(function => string.Create(
                CultureInfo.InvariantCulture,
                $"{function.FunctionIndex}{(NameOf(module, function.FunctionIndex) is string name ? " " + name : "")}: {function.CilBytes} bytes of CIL, at most {function.FrameBytes} bytes of frame")));
        }

        Console.Out.Write(Messages.Printable(text.ToString()));
    }

    private static void Section(StringBuilder text, string title, IEnumerable<string> lines)
    {
        string[] all = [.. lines];
        text.Append(CultureInfo.InvariantCulture, $"{title}: {all.Length}\n");
        foreach (string line in all)
        {
            text.Append("  ").Append(line).Append('\n');
        }
    }

    private static string Describe(WasmModule module, ExternKind kind, int index) => kind switch
    {
        ExternKind.Function when module.GetTypeOfFunction(index) is { Parameters.IsEmpty: true, Results.IsEmpty: true } => "func",
        ExternKind.Function => "func " + module.GetExternType(kind, index),
        _ => module.GetExternType(kind, index).ToString()!,
    };

    private static void PrintJson(WasmModule module, byte[] bytes, Code code)
    {
        using Stream output = Console.OpenStandardOutput();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("bytes", bytes.Length);
            writer.WriteNumber("functions", module.Bodies.Length);
            writer.WriteNumber("codeBytes", CodeBytes(module));
            writer.WriteNumber("dataBytes", DataBytes(module));
            writer.WriteNumber("largestFunctionBytes", LargestBody(module).Length);
            writer.WriteStartArray("features");
            foreach (string feature in module.FindUsedFeatures() is var used and not WasmFeatures.None ? FeatureNames.Format(used).Split(',') : [])
            {
                writer.WriteStringValue(feature);
            }

            writer.WriteEndArray();
            if (module.StartFunction is int start)
            {
                writer.WriteNumber("startFunction", start);
            }

            writer.WriteStartArray("imports");
            foreach (Import import in module.Imports)
            {
                writer.WriteStartObject();
                writer.WriteString("module", import.ModuleName);
                writer.WriteString("name", import.Name);
                WriteType(writer, module, import.Kind, import.Index);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartArray("exports");
            foreach (Export export in module.Exports)
            {
                writer.WriteStartObject();
                writer.WriteString("name", export.Name);
                WriteType(writer, module, export.Kind, export.Index);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartArray("memories");
            foreach (MemoryType memory in module.Memories)
            {
                writer.WriteStartObject();
                writer.WriteNumber("minimumPages", memory.Limits.Minimum);
                if (memory.Limits.Maximum is ulong maximum)
                {
                    writer.WriteNumber("maximumPages", maximum);
                }

                writer.WriteBoolean("is64", memory.Is64);
                writer.WriteBoolean("isShared", memory.IsShared);
                writer.WriteNumber("pageSize", 1L << memory.PageSizeLog2);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteStartArray("customSections");
            foreach (CustomSection section in module.CustomSections)
            {
                writer.WriteStartObject();
                writer.WriteString("name", section.Name);
                writer.WriteNumber("bytes", section.Content.Length);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (code.Error is not null)
            {
                writer.WriteString("notCompiled", code.Error);
            }

            writer.WriteStartArray("limitedFunctions");
            foreach (FunctionCode function in code.Limited)
            {
                writer.WriteStartObject();
                writer.WriteNumber("function", function.FunctionIndex);
                if (NameOf(module, function.FunctionIndex) is string name)
                {
                    writer.WriteString("name", name);
                }

                writer.WriteNumber("cilBytes", function.CilBytes);
                writer.WriteNumber("frameBytes", function.FrameBytes);
                writer.WriteBoolean("isOptimized", function.IsOptimized);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        output.WriteByte((byte)'\n');
    }

    private static void WriteType(Utf8JsonWriter writer, WasmModule module, ExternKind kind, int index)
    {
        writer.WriteString("kind", kind.ToString().ToLowerInvariant());
        writer.WriteString("type", Describe(module, kind, index));
    }
}
