namespace Codicil.Plugins;

/// <summary>Exit codes of calls that did not run to their end (wazero's, which programs know). The kind of exception says more than the number.</summary>
public static class PluginExitCodes
{
    /// <summary>A trap, a host function's exception, a failure before the call.</summary>
    public const uint Failure = 1;

    /// <summary>The deadline passed.</summary>
    public const uint DeadlineExceeded = 0xEFFF_FFFF;

    /// <summary>The token was cancelled.</summary>
    public const uint Canceled = 0xFFFF_FFFF;
}
