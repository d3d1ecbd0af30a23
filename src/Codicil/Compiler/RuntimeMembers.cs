using System.Diagnostics.CodeAnalysis;
using System.Reflection;

using Codicil.Runtime;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>The members that emitted code uses: found by compile-checked names, once.</summary>
internal static class RuntimeMembers
{
    private const BindingFlags Instance = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
    private const BindingFlags Static = BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic;

    private static readonly FieldInfo s_ancestor0 = typeof(GcType).GetField(nameof(GcType.Ancestor0), Instance)!;
    private static readonly FieldInfo s_ancestor1 = typeof(GcType).GetField(nameof(GcType.Ancestor1), Instance)!;
    private static readonly FieldInfo s_ancestor2 = typeof(GcType).GetField(nameof(GcType.Ancestor2), Instance)!;
    private static readonly FieldInfo s_ancestor3 = typeof(GcType).GetField(nameof(GcType.Ancestor3), Instance)!;
    private static readonly FieldInfo s_ancestor4 = typeof(GcType).GetField(nameof(GcType.Ancestor4), Instance)!;
    private static readonly FieldInfo s_ancestor5 = typeof(GcType).GetField(nameof(GcType.Ancestor5), Instance)!;

    public static readonly FieldInfo Context = typeof(ModuleInstance).GetField(nameof(ModuleInstance.Context), Instance)!;
    public static readonly FieldInfo InterruptFlag = typeof(ModuleInstance).GetField(nameof(ModuleInstance.InterruptFlag), Instance)!;
    public static readonly FieldInfo MemoryBase = typeof(ModuleInstance).GetField(nameof(ModuleInstance.MemoryBase), Instance)!;
    public static readonly FieldInfo NearMemoryBase = typeof(ModuleInstance).GetField(nameof(ModuleInstance.NearMemoryBase), Instance)!;
    public static readonly FieldInfo FarMemoryBase = typeof(ModuleInstance).GetField(nameof(ModuleInstance.FarMemoryBase), Instance)!;
    public static readonly FieldInfo Memory0 = typeof(ModuleInstance).GetField(nameof(ModuleInstance.Memory0), Instance)!;
    public static readonly FieldInfo Table0 = typeof(ModuleInstance).GetField(nameof(ModuleInstance.Table0), Instance)!;
    public static readonly FieldInfo InlineGlobals = typeof(ModuleInstance).GetField(nameof(ModuleInstance.InlineGlobals), Instance)!;
    public static readonly FieldInfo States = typeof(ModuleInstance).GetField(nameof(ModuleInstance.States), Instance)!;
    public static readonly FieldInfo CodeSlots = typeof(ModuleInstance).GetField(nameof(ModuleInstance.CodeSlots), Instance)!;
    public static readonly FieldInfo ImportedFunctions = typeof(ModuleInstance).GetField(nameof(ModuleInstance.ImportedFunctions), Instance)!;
    public static readonly FieldInfo InlineImports = typeof(ModuleInstance).GetField(nameof(ModuleInstance.InlineImports), Instance)!;
    public static readonly FieldInfo ImportTarget = typeof(InlineImport).GetField(nameof(InlineImport.Target), Instance)!;
    public static readonly FieldInfo ImportCode = typeof(InlineImport).GetField(nameof(InlineImport.Code), Instance)!;
    public static readonly FieldInfo LinearMemories = typeof(ModuleInstance).GetField(nameof(ModuleInstance.LinearMemories), Instance)!;
    public static readonly FieldInfo Tables = typeof(ModuleInstance).GetField(nameof(ModuleInstance.Tables), Instance)!;
    public static readonly FieldInfo Globals = typeof(ModuleInstance).GetField(nameof(ModuleInstance.Globals), Instance)!;

    public static readonly FieldInfo StackLimit = typeof(Runtime.ExecutionContext).GetField(nameof(Runtime.ExecutionContext.StackLimit), Instance)!;
    public static readonly FieldInfo ExtraResults = typeof(Runtime.ExecutionContext).GetField(nameof(Runtime.ExecutionContext.ExtraResults), Instance)!;
    public static readonly FieldInfo ExtraReferences = typeof(Runtime.ExecutionContext).GetField(nameof(Runtime.ExecutionContext.ExtraReferences), Instance)!;

    public static readonly FieldInfo MemoryLength = typeof(LinearMemory).GetField(nameof(LinearMemory.Length), Instance)!;
    public static readonly FieldInfo MemoryAddress = typeof(LinearMemory).GetField(nameof(LinearMemory.Base), Instance)!;
    public static readonly FieldInfo NearMemoryAddress = typeof(LinearMemory).GetField(nameof(LinearMemory.NearBase), Instance)!;
    public static readonly FieldInfo FarMemoryAddress = typeof(LinearMemory).GetField(nameof(LinearMemory.FarBase), Instance)!;

    public static readonly FieldInfo TableFunctions = typeof(TableInstance).GetField(nameof(TableInstance.Functions), Instance)!;

    public static readonly FieldInfo GlobalBits = typeof(GlobalInstance).GetField(nameof(GlobalInstance.Bits), Instance)!;
    public static readonly FieldInfo GlobalVector = typeof(GlobalInstance).GetField(nameof(GlobalInstance.Vector), Instance)!;
    public static readonly FieldInfo GlobalReference = typeof(GlobalInstance).GetField(nameof(GlobalInstance.Reference), Instance)!;

    public static readonly FieldInfo FunctionTarget = typeof(FunctionInstance).GetField(nameof(FunctionInstance.Target), Instance)!;
    public static readonly FieldInfo FunctionCode = typeof(FunctionInstance).GetField(nameof(FunctionInstance.Code), Instance)!;
    public static readonly FieldInfo FunctionTypeId = typeof(FunctionInstance).GetField(nameof(FunctionInstance.TypeId), Instance)!;

    public static readonly FieldInfo HostCallback = typeof(HostFunction).GetField(nameof(HostFunction.Callback), Instance)!;
    public static readonly FieldInfo HostState = typeof(HostFunction).GetField(nameof(HostFunction.State), Instance)!;

    public static readonly FieldInfo GcTypes = typeof(ModuleInstance).GetField(nameof(ModuleInstance.GcTypes), Instance)!;
    public static readonly FieldInfo ObjectType = typeof(AnyReference).GetField(nameof(AnyReference.Type), Instance)!;
    public static readonly FieldInfo ObjectKind = typeof(GcType).GetField(nameof(GcType.Kind), Instance)!;
    public static readonly FieldInfo ArrayCount = typeof(ArrayInstance).GetField(nameof(ArrayInstance.Count), Instance)!;
    public static readonly FieldInfo ArrayElements = typeof(LongArrayInstance).GetField(nameof(LongArrayInstance.Elements), Instance)!;
    public static readonly FieldInfo FirstElement = typeof(ElementsOfArray).GetField(nameof(ElementsOfArray.First), Instance)!;
    public static readonly FieldInfo I31Number = typeof(I31Reference).GetField(nameof(I31Reference.Number), Instance)!;

    public static FieldInfo Ancestor(int depth) => depth switch
    {
        0 => s_ancestor0,
        1 => s_ancestor1,
        2 => s_ancestor2,
        3 => s_ancestor3,
        4 => s_ancestor4,
        _ => s_ancestor5,
    };

    public static MethodInfo Atomic(string name) => typeof(AtomicOps).GetMethod(name, Static)!;

    public static MethodInfo Gc(string name) => typeof(GcOps).GetMethod(name, Static)!;

    /// <summary>An operation on arrays with elements of a class.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2060", Justification = "The operations' parameters have no requirements.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    public static MethodInfo GcOf(string name, Type element) => Gc(name).MakeGenericMethod(element);

    public static MethodInfo Trap(string name) => typeof(Traps).GetMethod(name, Static)!;

    public static MethodInfo Exception(string name) => typeof(ExceptionOps).GetMethod(name, Static)!;

    public static MethodInfo Numeric(string name) => typeof(NumericOps).GetMethod(name, Static)!;

    public static MethodInfo Vector(string name) => typeof(VectorOps).GetMethod(name, Static)!;

    public static FieldInfo Constant(string name) => typeof(NumericOps).GetField(name, Static)!;

    public static MethodInfo Operation(string name) => typeof(InstanceOps).GetMethod(name, Static)!;
}
