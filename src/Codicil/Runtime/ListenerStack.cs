using System.Runtime.CompilerServices;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>A call that a listener has heard the beginning of.</summary>
internal readonly record struct ListenerFrame(FunctionDefinition Function, ModuleInstance Instance, int Room);

/// <summary>The calls of a store that listeners have heard the beginning of, with room for their arguments and results: nothing is allocated once it is large enough.</summary>
internal sealed class ListenerStack
{
    private ListenerFrame[] _frames = new ListenerFrame[16];
    private Value[] _values = new Value[64];
    private int _depth;
    private int _top;

    public int Depth => _depth;

    /// <summary>The exception that a listener threw out of <see cref="FunctionListener.Abort"/> last.</summary>
    public Exception? Failure { get; set; }

    // The fault that was looked at last, and what it is.
    private Exception? _fault;
    private Exception? _meaning;

    /// <summary>What an exception is for a listener: a fault of emitted code is a trap already. (What the host gets is made where it called, and is another object.)</summary>
    public Exception MeaningOf(Exception exception)
    {
        if (exception is not (NullReferenceException or DivideByZeroException or OverflowException or InvalidProgramException))
        {
            return exception;
        }

        if (!ReferenceEquals(exception, _fault))
        {
            _meaning = EntryOps.IsFault(exception) ? EntryOps.ToTrap(exception) : exception;
            _fault = exception;
        }

        return _meaning!;
    }

    public ref readonly ListenerFrame this[int index] => ref _frames[index];

    public Span<Value> Push(FunctionDefinition function, ModuleInstance instance)
    {
        int room = Math.Max(function.Type.Parameters.Length, function.Type.Results.Length);
        if (_depth == _frames.Length)
        {
            Array.Resize(ref _frames, _depth * 2);
        }

        if (_values.Length - _top < room)
        {
            // Those below stay where they are: whoever uses them has a span of the old array.
            _values = new Value[Math.Max(_values.Length * 2, _top + room)];
        }

        Span<Value> values = _values.AsSpan(_top, room);
        _frames[_depth++] = new ListenerFrame(function, instance, room);
        _top += room;
        return values;
    }

    public void Pop()
    {
        int room = _frames[--_depth].Room;
        _frames[_depth] = default;
        _top -= room;

        // No reference is kept for the guest; the old array, if it was there, is garbage.
        _values.AsSpan(_top, room).Clear();
    }
}

/// <summary>What the code around a function calls that a listener hears of.</summary>
/// <remarks>None of it is inlined into emitted code, where a listener's own fault would be taken for the guest's.</remarks>
internal static class ListenerOps
{
    /// <summary>A call begins.</summary>
    /// <returns>Room for its arguments, and later for its results.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static Span<Value> Enter(ModuleInstance instance, int functionIndex)
    {
        ListenerStack stack = instance.Context.Listeners ??= new ListenerStack();
        return stack.Push(instance.ManagedModule.Code.Definitions[functionIndex], instance);
    }

    /// <summary>The arguments are there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Before(ModuleInstance instance, Span<Value> values)
    {
        ListenerStack stack = instance.Context.Listeners!;
        bool done = false;
        try
        {
            var call = new FunctionCall(stack, stack.Depth);
            instance.ManagedModule.Code.Listener!.Before(call, values[..call.Function.Type.Parameters.Length]);
            done = true;
        }
        finally
        {
            if (!done)
            {
                stack.Pop();
            }
        }
    }

    /// <summary>The function has returned; its first result is there, the others are in the context and are left there.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void After(ModuleInstance instance, Span<Value> values)
    {
        ListenerStack stack = instance.Context.Listeners!;
        try
        {
            var call = new FunctionCall(stack, stack.Depth);
            FunctionType type = call.Function.Type;
            for (int i = 1; i < type.Results.Length; i++)
            {
                values[i] = instance.Context.TakeExtraResult(i - 1, type.Results[i], instance.ManagedModule.Types);
            }

            instance.ManagedModule.Code.Listener!.After(call, values[..type.Results.Length]);

            // The listener may have called functions with results of their own.
            for (int i = 1; i < type.Results.Length; i++)
            {
                instance.Context.PutExtraResult(i - 1, values[i]);
            }
        }
        finally
        {
            stack.Pop();
        }
    }

    /// <summary>An exception leaves the function.</summary>
    /// <remarks>
    /// It runs while the stack is being unwound, in the second pass. What is thrown from here begins another unwinding on top of the first; were that to happen in each of
    /// ten thousand frames, the stack would not hold it. So of one unwinding only the first gets through.
    /// </remarks>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static void Abort(ModuleInstance instance, Exception exception)
    {
        ListenerStack stack = instance.Context.Listeners!;
        try
        {
            instance.ManagedModule.Code.Listener!.Abort(new FunctionCall(stack, stack.Depth), stack.MeaningOf(exception));
        }
        catch (Exception thrown) when (IsNotTheFirst(stack, exception, thrown))
        {
        }
        finally
        {
            stack.Pop();
        }
    }

    private static bool IsNotTheFirst(ListenerStack stack, Exception exception, Exception thrown)
    {
        if (ReferenceEquals(exception, stack.Failure))
        {
            return true;
        }

        stack.Failure = thrown;
        return false;
    }
}

/// <summary>A host function that a listener hears of: the last argument of the emitted thunk around it.</summary>
internal sealed class ListenedImport(object thunk, ModuleInstance importer, int functionIndex, FunctionInstance function)
{
    // Read by emitted code.
    public readonly ModuleInstance Importer = importer;

    public readonly int FunctionIndex = functionIndex;

    public readonly object Target = function.Target;

    public readonly nint Code = function.GetCode();

    /// <summary>The function without the listener.</summary>
    public readonly FunctionInstance Function = function;

    /// <summary>Holds the code of the thunk that this is the last argument of.</summary>
    public readonly object Thunk = thunk;
}
