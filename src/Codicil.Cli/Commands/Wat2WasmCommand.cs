using System.CommandLine;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Text;
using Codicil.Format.Validation;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil wat2wasm IN [-o OUT]</c>: text to binary.</summary>
internal static class Wat2WasmCommand
{
    public static Command Create()
    {
        var input = new Argument<string>("in") { Description = "The text; `-` is standard input." };
        var output = new Option<string?>("-o", "--output") { Description = "Where the module goes; default IN with the ending .wasm, standard output for `-`.", HelpName = "OUT" };
        var noCheck = new Option<bool>("--no-check") { Description = "Do not validate the module." };
        var command = new Command("wat2wasm", "Turn the text format into the binary format.") { input, output, noCheck };
        command.SetAction(parse =>
        {
            string path = parse.GetValue(input)!;
            byte[] text = ModuleInput.ReadModule(path);
            if (!ModuleInput.IsText(text) && text.AsSpan().StartsWith("\0asm"u8))
            {
                throw new UsageException($"{path} is in the binary format already");
            }

            ParsedModule module = Failures.About(path, () => Wat.Parse(text.AsSpan(text.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0)));
            if (!parse.GetValue(noCheck))
            {
                Failures.About(path, () => ModuleValidator.Validate(ModuleDecoder.Decode(module.Bytes.Span, WasmFeatures.All)), module.SourceMap);
            }

            OutputFile.Write(parse.GetValue(output) ?? OutputFile.Beside(path, ".wasm"), module.Bytes.Span);
            return ExitCodes.Success;
        });
        return command;
    }
}
