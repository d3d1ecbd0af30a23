using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

using Codicil.Execution;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Runtime;

namespace Codicil.Compiler;

/// <summary>Emits the chunks of one code variant: one assembly, a type a chunk, a static method a function. Not thread-safe.</summary>
internal sealed class ModuleEmitter
{
    private readonly CodeVariant _variant;
    private readonly ModuleBuilder _builder;
    private readonly FunctionValidator _validator;
    private readonly Dictionary<int, MethodBuilder> _stubs = [];
    private readonly Dictionary<int, MethodBuilder> _tailStubs = [];
    private MethodBuilder[] _methods = [];
    private MethodBuilder?[] _bodies = [];
    private int _firstDefined;
    private int _attempts;
    private TypeBuilder _type = null!;

    [RequiresDynamicCode("Emits code.")]
    public ModuleEmitter(CodeVariant variant)
    {
        _variant = variant;
        ModuleCode code = variant.Module;
        _builder = EmittedAssembly.Create(code.BoundImports.OfType<BoundImport>().Select(static bound => bound.Method.Module.Assembly));
        // Its constants are there before code that loads them is compiled: otherwise every such function would ask for the class to be initialised.
        RuntimeHelpers.RunClassConstructor(typeof(Semantics.NumericOps).TypeHandle);
        Tokens = new MemberTokens(_builder);
        _validator = new FunctionValidator(code.Format);
    }

    public CodeVariant Variant => _variant;

    public ModuleCode Module => _variant.Module;

    public WasmModule Format => _variant.Module.Format;

    public int MaxStackBytes => _variant.Module.Owner.ManagedEngine.Options.MaxStackBytes;

    public bool IsInterruptible => _variant.Module.Owner.ManagedEngine.Options.Interruptible;

    public bool IsDeterministic => _variant.Module.Owner.ManagedEngine.Options.DeterministicRelaxedSimd;

    public FunctionValidator Validator => _validator;

    /// <summary>The tokens of the members that emitted code uses.</summary>
    public MemberTokens Tokens { get; }

    /// <summary>Where the listings of emitted methods go, by name; null records none.</summary>
    public Dictionary<string, string>? Listings { get; init; }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The type is emitted here.")]
    [UnconditionalSuppressMessage("Trimming", "IL2075", Justification = "The type is emitted here.")]
    public ChunkCode EmitChunk(int index)
    {
        _firstDefined = Module.ChunkStarts[index];
        var facts = new FunctionFacts[Module.ChunkStarts[index + 1] - _firstDefined];

        // What has been written of a function that is refused cannot be taken back: then all of it again, with a throw in its place.
        if (!TryEmitFunctions(index, facts) && !TryEmitFunctions(index, facts))
        {
            throw new UnreachableException("a function was refused at the second time only");
        }

        Type created = _type.CreateType();
        ModuleCode.Register(created, _variant);
        var methods = new MethodInfo[facts.Length];
        var bodies = new MethodInfo?[facts.Length];
        for (int i = 0; i < methods.Length; i++)
        {
            methods[i] = (MethodInfo)created.Module.ResolveMethod(_methods[i].MetadataToken)!;
            bodies[i] = _bodies[i] is MethodBuilder body ? (MethodInfo)created.Module.ResolveMethod(body.MetadataToken)! : null;
        }

        return new ChunkCode(created, _firstDefined, methods, bodies, facts);
    }

    /// <summary>What writes the CIL of a method.</summary>
    public CilWriter CreateWriter(MethodBuilder method) => new(method.GetILGenerator(), Tokens, Listings is not null);

    /// <summary>Keeps the listing of a method that is complete, where listings are wanted.</summary>
    public void Record(MethodBuilder method, CilWriter il)
    {
        if (Listings is not null)
        {
            Listings[method.Name] = il.Listing;
        }
    }

    // False when a function was refused that had not been before.
    private bool TryEmitFunctions(int chunk, FunctionFacts[] facts)
    {
        _stubs.Clear();
        _tailStubs.Clear();
        _type = _builder.DefineType(
            string.Create(CultureInfo.InvariantCulture, $"Chunk{chunk}.{_attempts++}"), TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed, typeof(object));
        _methods = new MethodBuilder[facts.Length];
        _bodies = new MethodBuilder?[facts.Length];
        for (int i = 0; i < _methods.Length; i++)
        {
            int functionIndex = Format.ImportedFunctionCount + _firstDefined + i;
            _methods[i] = DefineMethod(string.Create(CultureInfo.InvariantCulture, $"f{functionIndex}"), Format.GetTypeOfFunction(functionIndex));
        }

        bool complete = true;
        for (int i = 0; i < facts.Length; i++)
        {
            int functionIndex = Format.ImportedFunctionCount + _firstDefined + i;
            if (_variant.Refusals.ContainsKey(functionIndex))
            {
                facts[i] = EmitRefusal(functionIndex, _methods[i]);
                continue;
            }

            try
            {
                facts[i] = new FunctionEmitter(this, functionIndex).Emit(_methods[i]);
            }
            catch (ResourceLimitException exception)
            {
                _variant.Refusals[functionIndex] = exception.Message;
                complete = false;
            }
        }

        return complete;
    }

    private FunctionFacts EmitRefusal(int functionIndex, MethodBuilder method)
    {
        CilWriter il = CreateWriter(method);
        il.LoadInt32(functionIndex);
        il.LoadArgument(Format.GetTypeOfFunction(functionIndex).Parameters.Length);
        il.Call(RuntimeMembers.Operation(nameof(Semantics.InstanceOps.ThrowRefusal)));
        il.Emit(OpCodes.Ldnull);
        il.Emit(OpCodes.Throw);
        Record(method, il);
        return new FunctionFacts(functionIndex, il.Bytes, il.Instructions, il.LocalReferences, il.Blocks, 0);
    }

    /// <summary>A method for the body of a function whose frame is large: the function itself only checks the stack and calls it.</summary>
    public MethodBuilder DefineBody(int functionIndex)
    {
        MethodBuilder body = DefineMethod(string.Create(CultureInfo.InvariantCulture, $"f{functionIndex}_body"), Format.GetTypeOfFunction(functionIndex));
        body.SetImplementationFlags(MethodImplAttributes.IL | MethodImplAttributes.NoInlining);
        _bodies[functionIndex - Format.ImportedFunctionCount - _firstDefined] = body;
        return body;
    }

    /// <summary>What a direct call of a defined function calls: the function when it is in this chunk, else a stub that goes through its slot.</summary>
    public MethodInfo GetCallee(int functionIndex)
    {
        int defined = functionIndex - Format.ImportedFunctionCount;
        int inChunk = defined - _firstDefined;
        if ((uint)inChunk < (uint)_methods.Length)
        {
            return _methods[inChunk];
        }

        if (!_stubs.TryGetValue(functionIndex, out MethodBuilder? stub))
        {
            stub = EmitStub("to_f", functionIndex, defined, isTailCall: false);
            _stubs.Add(functionIndex, stub);
        }

        return stub;
    }

    /// <summary>What a direct tail call of a defined function calls: the same, but that the stub gives its frame up without being asked.</summary>
    public MethodInfo GetTailCallee(int functionIndex)
    {
        int defined = functionIndex - Format.ImportedFunctionCount;
        int inChunk = defined - _firstDefined;
        if ((uint)inChunk < (uint)_methods.Length)
        {
            return _methods[inChunk];
        }

        if (!_tailStubs.TryGetValue(functionIndex, out MethodBuilder? stub))
        {
            stub = EmitStub("tail_to_f", functionIndex, defined, isTailCall: true);
            _tailStubs.Add(functionIndex, stub);
        }

        return stub;
    }

    /// <summary>
    /// What a call of a bound import calls. A method that asks for it becomes part of the guest's code. Any other is kept out of it, by its own word or by a
    /// method in between, so that a null reference, a division by zero or an overflow in it is not taken for the guest's.
    /// </summary>
    public MethodInfo GetBoundCallee(int functionIndex, BoundImport bound)
    {
        const MethodImplAttributes decided = MethodImplAttributes.AggressiveInlining | MethodImplAttributes.NoInlining;
        if ((bound.Method.GetMethodImplementationFlags() & decided) != 0)
        {
            return bound.Method;
        }

        if (!_stubs.TryGetValue(functionIndex, out MethodBuilder? stub))
        {
            ParameterInfo[] parameters = bound.Method.GetParameters();
            stub = _type.DefineMethod(
                ModuleCode.HostStubPrefix + functionIndex.ToString(CultureInfo.InvariantCulture),
                MethodAttributes.Public | MethodAttributes.Static,
                bound.Method.ReturnType,
                Array.ConvertAll(parameters, static (parameter) => parameter.ParameterType));
            stub.SetImplementationFlags(MethodImplAttributes.IL | MethodImplAttributes.NoInlining);
            CilWriter il = CreateWriter(stub);
            for (int i = 0; i < parameters.Length; i++)
            {
                il.LoadArgument(i);
            }

            il.Call(bound.Method);
            il.Emit(OpCodes.Ret);
            Record(stub, il);
            _stubs.Add(functionIndex, stub);
        }

        return stub;
    }

    private MethodBuilder DefineMethod(string name, FunctionType type)
    {
        MethodBuilder method = _type.DefineMethod(
            name, MethodAttributes.Public | MethodAttributes.Static, ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(ModuleInstance)));
        method.InitLocals = false;
        return method;
    }

    // The slot is 0 until the function is compiled. The JIT turns the last call into a jump where it can; marked as a tail call it always does, but
    // then the stub is not inlined.
    private MethodBuilder EmitStub(string prefix, int functionIndex, int defined, bool isTailCall)
    {
        FunctionType type = Format.GetTypeOfFunction(functionIndex);
        MethodBuilder stub = DefineMethod(string.Create(CultureInfo.InvariantCulture, $"{prefix}{functionIndex}"), type);
        CilWriter il = CreateWriter(stub);
        int instance = type.Parameters.Length;
        LocalBuilder code = il.DeclareLocal(typeof(nint));
        Label ready = il.DefineLabel();
        il.LoadArgument(instance);
        il.LoadField(RuntimeMembers.CodeSlots);
        il.LoadInt32(defined * IntPtr.Size);
        il.Emit(OpCodes.Add);
        il.Emit(OpCodes.Ldind_I);
        il.StoreLocal(code);
        il.LoadLocal(code);
        il.Branch(OpCodes.Brtrue, ready);
        il.LoadInt32(functionIndex);
        il.LoadArgument(instance);
        il.Call(RuntimeMembers.Operation(nameof(Semantics.InstanceOps.ResolveSlot)));
        il.StoreLocal(code);
        il.Mark(ready);
        for (int i = 0; i <= instance; i++)
        {
            il.LoadArgument(i);
        }

        il.LoadLocal(code);
        if (isTailCall)
        {
            il.TailCallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(ModuleInstance)));
        }
        else
        {
            il.CallIndirect(ClrTypes.ResultOf(type), ClrTypes.ParametersOf(type, typeof(ModuleInstance)));
            il.Emit(OpCodes.Ret);
        }

        Record(stub, il);
        return stub;
    }
}
