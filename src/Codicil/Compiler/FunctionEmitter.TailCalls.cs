using System.Reflection.Emit;

using Codicil.Format.Types;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// Tail calls and calls of references. An explicit tail call is always one: the JIT makes a jump of it, or goes through a helper where the callee's
/// arguments need more room than the caller's. None stands in a protected block: the arguments go to locals, and the call behind the function's end.
/// </summary>
internal sealed partial class FunctionEmitter
{
    private readonly List<Action> _landings = [];

    private void EmitReturnCall(int functionIndex)
    {
        FunctionType type = _format.GetTypeOfFunction(functionIndex);
        if (FindBoundImport(functionIndex) is not null)
        {
            // A method of the host, which returns: there is nothing to be gained by giving the frame up.
            EmitCall(functionIndex);
            EmitReturn();
            return;
        }

        if (functionIndex >= _format.ImportedFunctionCount)
        {
            EmitTail(type, () =>
            {
                LoadInstance();
                _il.TailCall(_module.GetTailCallee(functionIndex));
            });
            return;
        }

        EmitTail(type, () =>
        {
            EmitLoadImport(functionIndex);
            _il.TailCallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)));
        });
    }

    private void EmitReturnCallIndirect(int typeIndex, int tableIndex)
    {
        FunctionType type = _format.GetFunctionType(typeIndex);
        LocalBuilder function = EmitIndirectCallee(typeIndex, tableIndex);
        EmitTail(type, () => EmitTailCallOfReference(function, type));
    }

    private void EmitReturnCallRef(int typeIndex)
    {
        FunctionType type = _format.GetFunctionType(typeIndex);
        LocalBuilder function = EmitReferencedCallee();
        EmitTail(type, () => EmitTailCallOfReference(function, type));
    }

    private void EmitCallRef(int typeIndex)
    {
        FunctionType type = _format.GetFunctionType(typeIndex);
        LocalBuilder function = EmitReferencedCallee();
        int parameters = type.Parameters.Length;
        EnsureTop(parameters);
        EmitCallOfReference(function, type);
        Pop(parameters);
        PushResults(type);
    }

    /// <summary>Takes the reference on top: a function that is not null and has code.</summary>
    private LocalBuilder EmitReferencedCallee()
    {
        bool isNullable = _validator.PeekOperand(0).IsNullable;
        LocalBuilder function = ScratchFunction();
        EnsureTop(1);
        _il.StoreLocal(function);
        Pop(1);
        Flush();
        if (isNullable)
        {
            EmitNullCheck(function);
        }

        Label ready = _il.DefineLabel();
        _il.LoadLocal(function);
        _il.LoadField(RuntimeMembers.FunctionCode);
        _il.Branch(OpCodes.Brtrue, ready);
        _il.LoadLocal(function);
        _il.Call(RuntimeMembers.Operation(nameof(InstanceOps.Compile)));
        _il.Mark(ready);
        return function;
    }

    private void EmitNullCheck(LocalBuilder reference)
    {
        Label present = _il.DefineLabel();
        _il.LoadLocal(reference);
        _il.Branch(OpCodes.Brtrue, present);
        _il.Call(RuntimeMembers.Trap(nameof(Traps.NullReference)));
        _il.Mark(present);
    }

    private void EmitTailCallOfReference(LocalBuilder function, FunctionType type)
    {
        EmitLoadTarget(function);
        _il.TailCallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(object)));
    }

    // The arguments alone on the CIL stack, then the call.
    private void EmitTail(FunctionType type, Action call)
    {
        int parameters = type.Parameters.Length;
        EnsureTop(parameters);
        if (_tryDepth == 0 && _onStack == parameters)
        {
            call();
            Pop(parameters);
            _reachable = false;
            return;
        }

        var arguments = new LocalBuilder[parameters];
        for (int i = parameters - 1; i >= 0; i--)
        {
            arguments[i] = Scratch(ClrTypes.KindOf(type.Parameters[i]));
            _il.StoreLocal(arguments[i]);
        }

        Pop(parameters);
        PopAll();
        if (_tryDepth == 0)
        {
            LoadAndCall();
        }
        else
        {
            Label landing = _il.DefineLabel();
            _il.Branch(OpCodes.Leave, landing);
            _landings.Add(() =>
            {
                _il.Mark(landing);
                LoadAndCall();
            });
        }

        _reachable = false;

        void LoadAndCall()
        {
            foreach (LocalBuilder argument in arguments)
            {
                _il.LoadLocal(argument);
            }

            call();
        }
    }

    // What protected blocks jump to behind the end of the function.
    private void EmitLandings()
    {
        foreach (Action landing in _landings)
        {
            Array.Clear(_takenScratch);
            landing();
            CheckCilBytes();
        }

        EmitDelegated(_functionLanding);
    }
}
