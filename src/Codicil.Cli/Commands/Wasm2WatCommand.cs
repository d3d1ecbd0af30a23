using System.CommandLine;
using System.Text;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Validation;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil wasm2wat IN [-o OUT]</c>: binary to text.</summary>
internal static class Wasm2WatCommand
{
    public static Command Create()
    {
        var input = new Argument<string>("in") { Description = "The module; `-` is standard input." };
        var output = new Option<string?>("-o", "--output") { Description = "Where the text goes; default standard output.", HelpName = "OUT" };
        var noCheck = new Option<bool>("--no-check") { Description = "Do not validate the module." };
        var command = new Command("wasm2wat", "Turn the binary format into the text format.") { input, output, noCheck };
        command.SetAction(parse =>
        {
            WasmModule module = ModuleDecoder.Decode(ModuleInput.ReadAll(parse.GetValue(input)!), WasmFeatures.All);
            if (!parse.GetValue(noCheck))
            {
                ModuleValidator.Validate(module);
            }

            OutputFile.Write(parse.GetValue(output) ?? "-", Encoding.UTF8.GetBytes(ModulePrinter.Print(module)));
            return ExitCodes.Success;
        });
        return command;
    }
}
