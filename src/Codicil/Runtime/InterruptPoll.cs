namespace Codicil.Runtime;

/// <summary>What long operations ask between pieces of work whether to go on.</summary>
/// <remarks>An execution context derives from this. A class and not a delegate: no allocation, and one indirect call per mebibyte is free.</remarks>
internal abstract class InterruptPoll
{
    /// <summary>Returns to go on; throws the interruption otherwise.</summary>
    public abstract void Poll();
}
