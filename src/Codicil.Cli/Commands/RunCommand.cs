using System.CommandLine;
using System.Diagnostics;
using System.Runtime.InteropServices;

using Codicil.Cli.Options;
using Codicil.Cli.Running;
using Codicil.Wasi;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil run MODULE [ARG...]</c>: a WASI command, or one export of any module.</summary>
internal static class RunCommand
{
    private const string Invoke = "--invoke";

    // The contract's options of run that take no value, for the one question whether the next word belongs to an option.
    private static readonly string[] s_flags = ["--inherit-env", "--no-cache", "--time", "--bench", "--deterministic", "--help", "-h", "-?"];

    public static Command Create()
    {
        var module = new Argument<string>("module") { Description = "The module, binary or text; `-` is standard input." };
        var arguments = new Argument<string[]>("arg") { Arity = ArgumentArity.ZeroOrMore, Description = "The guest's arguments, or those of the export." };
        var invoke = new Option<string?>(Invoke) { Description = "Call this export, with ARGs by its parameter types, and print its results.", HelpName = "NAME" };
        var argv0 = new Option<string?>("--argv0") { Description = "The guest's argument 0; default MODULE.", HelpName = "NAME" };
        var options = new GuestOptions(withThreads: true);
        var command = new Command("run", "Run a WASI command, or one export of any module.") { module, arguments, invoke, argv0 };
        options.AddTo(command);
        command.SetAction(parse => Run(
            parse.GetValue(module)!,
            parse.GetValue(arguments) ?? [],
            parse.GetValue(invoke),
            parse.GetValue(argv0),
            options.Read(parse)));
        return command;
    }

    /// <summary>
    /// Marks where the guest's own arguments begin: after MODULE they are never taken for options of the tool. With <c>--invoke</c> the
    /// arguments are values, which no option can be confused with: there options may stand after MODULE too.
    /// </summary>
    public static string[] SeparateGuestArguments(string[] args)
    {
        int position = 1;
        bool invokes = false;
        while (position < args.Length && args[position].StartsWith('-') && args[position].Length > 1)
        {
            if (args[position] == "--")
            {
                return args;
            }

            invokes |= args[position] == Invoke || args[position].StartsWith(Invoke + "=", StringComparison.Ordinal);
            position += s_flags.Contains(args[position]) || args[position].Contains('=', StringComparison.Ordinal) ? 1 : 2;
        }

        if (position >= args.Length)
        {
            return args;
        }

        // `run MODULE --invoke NAME VALUE...`: what stands between MODULE and the first word that is no option belongs to the tool.
        int values = position;
        if (invokes || (position + 1 < args.Length && args[position + 1] == Invoke))
        {
            values++;
            while (values < args.Length && args[values].StartsWith("--", StringComparison.Ordinal) && args[values].Length > 2)
            {
                values += s_flags.Contains(args[values]) || args[values].Contains('=', StringComparison.Ordinal) ? 1 : 2;
            }

            values = Math.Min(values, args.Length);
            return [.. args[..position], .. args[(position + 1)..values], "--", args[position], .. args[values..]];
        }

        return [.. args[..position], "--", .. args[position..]];
    }

    private static int Run(string path, string[] arguments, string? invoke, string? argv0, GuestOptions.Values options)
    {
        byte[] bytes = ModuleInput.ReadModule(path);
        var times = new PhaseTimes();
        using PosixSignalRegistration signal = InterruptSignal.Register();
        using Engine engine = Engine.Create(options.ToEngineOptions());
        using Module module = Failures.About(path, () => ModuleLoader.Load(engine, bytes, options.Time ? times : null));
        if (invoke is not null && GuestWorld.FindFunction(module, invoke) is null)
        {
            throw new UsageException($"unknown function: the module has no exported function `{invoke}`");
        }

        if (invoke is null && GuestWorld.FindFunction(module, "_start") is null)
        {
            throw new UsageException("unknown function: the module has no exported function `_start`; --invoke names another one");
        }

        // Values that look like options may be set apart, on whichever side of the module.
        if (invoke is not null && arguments is ["--", ..])
        {
            arguments = arguments[1..];
        }

        using GuestListeners listeners = GuestListeners.Open(options.Listeners);
        Linker linker = GuestWorld.CreateLinker(engine, module, options, listeners, [argv0 ?? path, .. invoke is null ? arguments : []]);
        using GuestDeadline? deadline = options.Timeout is TimeSpan timeout ? new GuestDeadline(timeout) : null;
        try
        {
            if (invoke is null)
            {
                return RunStart(engine, module, linker, options, deadline, times);
            }

            RunExport(engine, module, linker, invoke, arguments, options, deadline, times);
            return ExitCodes.Success;
        }
        finally
        {
            if (options.Time)
            {
                times.Print();
            }
        }
    }

    // A command's instance is made for one call of _start.
    private static int RunStart(Engine engine, Module module, Linker linker, GuestOptions.Values options, GuestDeadline? deadline, PhaseTimes times)
    {
        for (int i = 0; i < options.Repeat; i++)
        {
            using Store store = engine.CreateStore(options.ToLimits());
            deadline?.Guard(store);
            long begin = Stopwatch.GetTimestamp();
            Instance instance = linker.Instantiate(store, module);
            times.Instantiate += Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            begin = Stopwatch.GetTimestamp();
            uint exitCode;
            try
            {
                exitCode = WasiCommand.Run(instance);
            }
            finally
            {
                times.AddCall(begin);
            }

            if (exitCode != 0)
            {
                return (int)(exitCode & 0xff);
            }
        }

        return ExitCodes.Success;
    }

    private static void RunExport(
        Engine engine, Module module, Linker linker, string name, string[] arguments, GuestOptions.Values options, GuestDeadline? deadline, PhaseTimes times)
    {
        Format.Types.FunctionType type = GuestWorld.FindFunction(module, name)!;
        if (arguments.Length != type.Parameters.Length)
        {
            throw new UsageException(string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"`{name}` is {type}: it takes {type.Parameters.Length} argument{(type.Parameters.Length == 1 ? "" : "s")}, found {arguments.Length}"));
        }

        var values = new Value[arguments.Length];
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = ValueText.Parse(arguments[i], type.Parameters[i], i + 1);
        }

        using Store store = engine.CreateStore(options.ToLimits());
        deadline?.Guard(store);
        long begin = Stopwatch.GetTimestamp();
        Instance instance = linker.Instantiate(store, module);
        if (name != "_initialize")
        {
            WasiCommand.InitializeReactor(instance);
        }

        times.Instantiate = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        Function function = instance.GetFunction(name)!;
        var results = new Value[type.Results.Length];
        for (int i = 0; i < options.Repeat; i++)
        {
            begin = Stopwatch.GetTimestamp();
            try
            {
                function.Invoke(values, results);
            }
            finally
            {
                times.AddCall(begin);
            }

            foreach (Value result in results)
            {
                Console.Out.WriteLine(ValueText.Format(result));
            }
        }
    }
}
