using System.CommandLine;
using System.Text;
using System.Text.Json;

using Codicil.Cli.Wast;
using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Text;
using Codicil.Format.Validation;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil validate FILE...</c>: decodes and validates; one line a file.</summary>
internal static class ValidateCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("file") { Arity = ArgumentArity.OneOrMore, Description = "Modules, binary or text; `-` is standard input." };
        var features = new Option<string?>("--features") { Description = "The proposals that modules may use; default WebAssembly 3.0.", HelpName = "F" };
        var json = new Option<bool>("--json") { Description = "One JSON object a file." };
        var command = new Command("validate", "Decode and validate modules; one line a file.") { files, features, json };
        command.SetAction(parse =>
        {
            WasmFeatures enabled = parse.GetValue(features) is string text ? FeatureNames.Parse(text) : WasmFeatures.Wasm3;
            int worst = ExitCodes.Success;
            foreach (string file in parse.GetValue(files)!)
            {
                int code = Validate(file, enabled, out string message);
                Console.Out.WriteLine(parse.GetValue(json) ? ToJson(file, code, message) : Messages.Printable($"{file}: {message}"));
                worst = Math.Max(worst, code);
            }

            return worst;
        });
        return command;
    }

    private static int Validate(string file, WasmFeatures features, out string message)
    {
        SourceMap? sourceMap = null;
        try
        {
            (byte[] bytes, sourceMap) = ModuleInput.ToBinary(ModuleInput.ReadModule(file));
            ModuleValidator.Validate(ModuleDecoder.Decode(bytes, features), Environment.ProcessorCount);
            message = "valid";
            return ExitCodes.Success;
        }
        catch (WasmException exception)
        {
            message = exception switch
            {
                MalformedModuleException => "malformed: ",
                InvalidModuleException => "invalid: ",
                _ => "unsupported: ",
            }

            + ModuleInput.Describe(exception, sourceMap);
            return ExitCodes.BadModule;
        }
        catch (IOException exception)
        {
            // The line begins with the file already.
            string name = file + ": ";
            message = "unreadable: " + (exception.Message.StartsWith(name, StringComparison.Ordinal) ? exception.Message[name.Length..] : exception.Message);
            return ExitCodes.NoInput;
        }
    }

    private static string ToJson(string file, int code, string message)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("file", file);
            writer.WriteBoolean("valid", code == ExitCodes.Success);
            if (code != ExitCodes.Success)
            {
                writer.WriteString("error", message);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }
}
