using System.CommandLine;
using System.CommandLine.Invocation;

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

    public static int Run(string[] args)
    {
        try
        {
            RootCommand root = CreateRoot(args);
            ParseResult parse = root.Parse(args.Length > 0 && args[0] == "run" ? RunCommand.SeparateGuestArguments(args) : args);
            if (parse.Errors.Count > 0 && parse.Action is null or ParseErrorAction)
            {
                foreach (System.CommandLine.Parsing.ParseError error in parse.Errors)
                {
                    Messages.Error(error.Message);
                }

                Messages.Note($"`codicil {(parse.CommandResult.Command is RootCommand ? "" : parse.CommandResult.Command.Name + " ")}--help` shows the usage");
                return ExitCodes.Usage;
            }

            return parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
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

    // One command is asked for at a time: the others are built only for the overview, help and completion.
    private static RootCommand CreateRoot(string[] args)
    {
        var root = new RootCommand("Codicil runs WebAssembly modules and plug-ins.");
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
