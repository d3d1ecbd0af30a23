namespace Codicil.Cli;

/// <summary>The command line asks for something that cannot be done; the tool says why and exits 64.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>An option or command of the contract whose feature has not been built yet.</summary>
    public static UsageException NotBuilt(string what) => new($"{what} is not available in this version of codicil");
}
