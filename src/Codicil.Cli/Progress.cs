using Spectre.Console;

namespace Codicil.Cli;

/// <summary>Shows on a terminal what is being worked on; silent elsewhere.</summary>
internal static class Progress
{
    /// <summary>Runs work that names its steps.</summary>
    public static T Run<T>(Func<Action<string>, T> work)
    {
        if (Console.IsErrorRedirected)
        {
            return work(static _ => { });
        }

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(Console.Error),
            ColorSystem = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
        });
        return console.Status().Start("...", context => work(step => context.Status(Markup.Escape(Messages.Printable(step)))));
    }
}
