namespace Codicil.Plugins;

/// <summary>A linked module ended itself: the call ends with its code, and the plug-in stays usable.</summary>
internal sealed class LinkedExitException(uint exitCode) : ExitException(exitCode);
