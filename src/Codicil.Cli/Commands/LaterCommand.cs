using System.CommandLine;

namespace Codicil.Cli.Commands;

/// <summary>A command of the contract whose feature has not been built yet: it exits 64 and says so, whatever its arguments.</summary>
internal static class LaterCommand
{
    public static Command Create(string name, string description)
    {
        var command = new Command(name, description + " Not available in this version.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(int (_) => throw UsageException.NotBuilt($"the command `{name}`"));
        return command;
    }
}
