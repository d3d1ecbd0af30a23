using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;

using Codicil.Cli.Commands;

namespace Codicil.Cli;

/// <summary>The tool's commands and the one place where a command line becomes an exit code.</summary>
internal static class CommandLine
{
    private static readonly (string Name, Func<Command> Create)[] s_commands =
    [
        ("run", RunCommand.Create),
        ("call", CallCommand.Create),
        ("validate", ValidateCommand.Create),
        ("inspect", InspectCommand.Create),
        ("wat2wasm", Wat2WasmCommand.Create),
        ("wasm2wat", Wasm2WatCommand.Create),
        ("wast", WastCommand.Create),
        ("bench", BenchCommand.Create),
        ("compile", static () => LaterCommand.Create("compile", "Compile a module ahead of time.")),
        ("cache", static () => LaterCommand.Create("cache", "Look after the compilation cache.")),
        ("serve", static () => LaterCommand.Create("serve", "Serve plug-ins.")),
        ("worker", static () => LaterCommand.Create("worker", "Work on jobs with plug-ins.")),
    ];

    // Words that begin with @ and bundles such as -abc are the guest's arguments as they stand.
    private static readonly ParserConfiguration s_configuration = new() { ResponseFileTokenReplacer = null, EnablePosixBundling = false };

    public static int Run(string[] args)
    {
        try
        {
            Command root = CreateRoot(args);
            string[] words = args.Length > 0 && args[0] == "run" ? RunCommand.SeparateGuestArguments(args) : args;
            ParseResult parse = root.Parse(words, s_configuration);
            if (parse.Errors.Count > 0 && parse.Action is null or ParseErrorAction)
            {
                foreach (ParseError error in parse.Errors)
                {
                    Messages.Error(Describe(error));
                }

                Messages.Note($"`codicil {(parse.CommandResult.Parent is null ? "" : parse.CommandResult.Command.Name + " ")}--help` shows the usage");
                return ExitCodes.Usage;
            }

            if (parse.Action is not HelpAction && FindUnknownOption(parse, words) is string option)
            {
                throw new UsageException(File.Exists(option)
                    ? $"`{option}` reads as an option; write `./{option}` for the file"
                    : $"there is no option `{option}`; `codicil {parse.CommandResult.Command.Name} --help` shows those there are");
            }

            return parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
        }
        catch (Exception exception) when (Failures.IsClosedOutput(exception))
        {
            // As when the reader of a pipe has gone: nobody wants to know.
            return ExitCodes.Success;
        }
        catch (Exception exception) when (Failures.ExitCodeOf(exception) is int code)
        {
            Failures.Report(exception);
            return code;
        }
        catch (Exception exception)
        {
            // The process ends here either way: say that it is our bug, with what is needed to find it.
            Messages.Error($"internal error: {exception}");
            return ExitCodes.InternalError;
        }
    }

    // What the parser says of an option that is given twice and of an argument that is missing names neither in our words.
    private static string Describe(ParseError error) => error.SymbolResult switch
    {
        OptionResult { IdentifierTokenCount: > 1, Option: { Arity.MaximumNumberOfValues: 1 } option } => $"{option.Name}: given more than once",
        CommandResult command when command.Command.Arguments.FirstOrDefault(argument => argument.Arity.MinimumNumberOfValues > 0 && command.GetResult(argument) is null or { Tokens.Count: 0 }) is Argument missing =>
            $"{missing.Name.ToUpperInvariant()} is missing",
        ArgumentResult { Tokens.Count: 0, Argument: { Arity.MinimumNumberOfValues: > 0 } missing } => $"{missing.Name.ToUpperInvariant()} is missing",
        _ => error.Message,
    };

    // The parser takes an unknown option for an argument. What follows `--` is an argument whatever it looks like.
    private static string? FindUnknownOption(ParseResult parse, string[] words)
    {
        int end = Array.IndexOf(words, "--");
        int literal = end < 0 ? 0 : words.Length - end - 1;
        string[] arguments = [.. parse.CommandResult.Children.OfType<ArgumentResult>().SelectMany(static result => result.Tokens).Select(static token => token.Value)];
        return arguments.SkipLast(literal).FirstOrDefault(static argument => argument.Length > 1 && argument.StartsWith('-'));
    }

    // One command is asked for at a time: the others are built only for the overview and for completion.
    private static Command CreateRoot(string[] args)
    {
        const string Description = "Codicil runs WebAssembly modules and plug-ins.";

        // A RootCommand brings the directive that completion scripts ask with, but takes its name from the executable's file.
        bool completes = args.Length > 0 && args[0].StartsWith('[');
        Command root = completes ? new RootCommand(Description) : new Command("codicil", Description) { new HelpOption(), new VersionOption() };
        foreach ((string name, Func<Command> create) in s_commands)
        {
            if (args.Length > 0 && args[0] == name)
            {
                root.Subcommands.Add(create());
                return root;
            }
        }

        foreach ((_, Func<Command> create) in s_commands)
        {
            root.Subcommands.Add(create());
        }

        // The overview is what somebody who types the bare name wants to see; it is still no right usage.
        root.SetAction(_ =>
        {
            root.Parse("--help").Invoke(new InvocationConfiguration { Output = Console.Error });
            return ExitCodes.Usage;
        });
        return root;
    }
}
