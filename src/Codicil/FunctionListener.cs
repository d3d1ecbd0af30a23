using System.Collections.Immutable;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>
/// Hears of every call of a module's functions: before, after, and when an exception ends it. Bound when the module is compiled
/// (<see cref="ModuleOptions.Listener"/>, <see cref="EngineOptions.Listener"/>); code for it exists only in such modules.
/// </summary>
/// <remarks>
/// <para>
/// One listener serves every store and thread in which its modules run, so it must be thread-safe; in one store calls are nested: each <see cref="Before"/> has exactly one
/// <see cref="After"/> or <see cref="Abort"/>, in the reverse order. A module's functions are those that it defines and the host functions that it imports, however they are called.
/// What it imports from other modules belongs to those. A function that cannot begin, because the stack is used up or it is beyond what can be compiled, is not heard of.
/// </para>
/// <para>
/// What a listener throws ends the call as if the function had thrown it, and reaches the host unchanged: from <see cref="Before"/> without the function having begun and without an
/// <see cref="Abort"/> of it; from <see cref="After"/> in place of the results. Once it has thrown out of <see cref="Abort"/>, what further ones throw for the same exception is lost.
/// A listener may call functions of the store; it runs on the guest's stack, for which 256 KiB are kept.
/// </para>
/// <para>
/// A tail call of a function that is listened to is inside it, since its end is still to be told: it takes stack, and a loop of tail calls can use the stack up.
/// </para>
/// </remarks>
public abstract class FunctionListener
{
    /// <summary>A listener.</summary>
    protected FunctionListener()
    {
    }

    /// <summary>Whether to hear of a function: asked once for each function when the module is compiled. No code is emitted for those that it does not want.</summary>
    public virtual bool ListensTo(FunctionDefinition function) => true;

    /// <summary>A function is about to begin.</summary>
    /// <param name="call">The call, good until this returns.</param>
    /// <param name="parameters">Its arguments, good until this returns.</param>
    public virtual void Before(in FunctionCall call, ReadOnlySpan<Value> parameters)
    {
    }

    /// <summary>A function has ended well.</summary>
    /// <param name="call">The call, good until this returns.</param>
    /// <param name="results">Its results, good until this returns.</param>
    public virtual void After(in FunctionCall call, ReadOnlySpan<Value> results)
    {
    }

    /// <summary>An exception leaves a function: a trap, an exit, an interruption, an exception of the guest or of the host.</summary>
    /// <param name="call">The call, good until this returns.</param>
    /// <param name="exception">The exception. A trap that the processor finds (memory, division) is given as an object of its own, equal to the one that the host gets in everything but identity.</param>
    public virtual void Abort(in FunctionCall call, Exception exception)
    {
    }
}

/// <summary>What a module says about one of its functions. Immutable and thread-safe.</summary>
public sealed class FunctionDefinition
{
    internal FunctionDefinition(Module module, int index, string? name, FunctionType type, ImportType? import, ImmutableArray<string> exportNames)
    {
        Module = module;
        Index = index;
        Name = name;
        Type = type;
        Import = import;
        ExportNames = exportNames;
    }

    /// <summary>The module.</summary>
    public Module Module { get; }

    /// <summary>The index in the module's function index space; imports come first.</summary>
    public int Index { get; }

    /// <summary>The name of the name section, else the first export's or the import's; null when there is none.</summary>
    public string? Name { get; }

    /// <summary>Parameters and results.</summary>
    public FunctionType Type { get; }

    /// <summary>What it is imported as; null for functions that the module defines.</summary>
    public ImportType? Import { get; }

    /// <summary>The names under which it is exported.</summary>
    public ImmutableArray<string> ExportNames { get; }
}

/// <summary>A call that a <see cref="FunctionListener"/> hears of.</summary>
public readonly ref struct FunctionCall
{
    private readonly ListenerStack _stack;

    internal FunctionCall(ListenerStack stack, int depth)
    {
        _stack = stack;
        Depth = depth;
    }

    /// <summary>The function.</summary>
    public FunctionDefinition Function => _stack[Depth - 1].Function;

    /// <summary>The instance whose function it is; of a host function, the one that imported it.</summary>
    public Instance Instance => _stack[Depth - 1].Instance;

    /// <summary>How many calls the store's listeners have heard the beginning of and not the end, this one included. Calls that the host made from within others count on.</summary>
    public int Depth { get; }

    /// <summary>The function of a call on the stack.</summary>
    /// <param name="level">0 for this call, 1 for the nearest around it that a listener hears of, up to <see cref="Depth"/> less one.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such level.</exception>
    public FunctionDefinition GetCaller(int level)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(level);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(level, Depth);
        return _stack[Depth - 1 - level].Function;
    }
}
