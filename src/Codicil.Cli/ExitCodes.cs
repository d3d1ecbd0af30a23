namespace Codicil.Cli;

/// <summary>The tool's exit codes; a guest's own exit code passes through with its low 8 bits.</summary>
internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>A plug-in set an error text but returned 0; also: something that was checked failed (validate, wast).</summary>
    public const int Failure = 1;

    /// <summary>Wrong usage, or an unknown function.</summary>
    public const int Usage = 64;

    /// <summary>A malformed or invalid module.</summary>
    public const int BadModule = 65;

    /// <summary>A file that is not there or cannot be read.</summary>
    public const int NoInput = 66;

    /// <summary>A missing or mismatched import.</summary>
    public const int Unlinkable = 69;

    /// <summary>An error inside Codicil.</summary>
    public const int InternalError = 70;

    public const int Timeout = 124;

    public const int OutOfFuel = 125;

    public const int Interrupted = 130;

    public const int Trap = 134;
}
