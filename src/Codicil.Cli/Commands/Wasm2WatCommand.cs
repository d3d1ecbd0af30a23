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
            string path = parse.GetValue(input)!;
            byte[] bytes = ModuleInput.ReadModule(path);
            bool validates = !parse.GetValue(noCheck);
            WasmModule module = Failures.About(path, () =>
            {
                WasmModule decoded = ModuleDecoder.Decode(bytes, WasmFeatures.All);
                return validates ? ModuleValidator.Validate(decoded).Module : decoded;
            });

            OutputFile.Write(parse.GetValue(output) ?? "-", Encoding.UTF8.GetBytes(ModulePrinter.Print(module)));
            return ExitCodes.Success;
        });
        return command;
    }
}
