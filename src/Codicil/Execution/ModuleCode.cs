using System.Collections.Immutable;
using System.Runtime.CompilerServices;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;
using Codicil.Runtime;

namespace Codicil.Execution;

/// <summary>What is known of a module's code before any instance: where globals live, which imports are bound, how functions are grouped.</summary>
internal sealed class ModuleCode
{
    /// <summary>Emitted methods with such a name are the host's: what is inlined into them is its code.</summary>
    public const string HostStubPrefix = "host_f";

    /// <summary>A module with no more code than this is one chunk: every call in it is direct.</summary>
    private const int SingleChunkBytes = 96 * 1024;

    /// <summary>The code bytes of a chunk of a larger module.</summary>
    private const int ChunkBytes = 24 * 1024;

    private const int MostFunctionsInChunk = 8 * 1024;

    private static readonly ConditionalWeakTable<Type, CodeVariant> s_variants = [];

    private readonly List<CodeVariant> _variants = [];

    public ModuleCode(ManagedModule owner, ValidatedModule validated)
    {
        Owner = owner;
        Validated = validated;
        Format = validated.Module;
        InlineGlobalSlots = AssignGlobals(Format, out ConstantGlobals);
        BoundImports = FindBoundImports(owner, out StateSlots, out StateTypes);
        Listener = owner.Options.Listener ?? owner.ManagedEngine.Options.Listener;
        Definitions = Listener is null ? [] : DefineListened(owner, Listener);
        for (int i = 0; i < BoundImports.Length && Listener is not null; i++)
        {
            // A bound import has no code around it.
            BoundImports[i] = IsListened(i) ? null : BoundImports[i];
        }

        (ChunkOfFunction, ChunkStarts) = PlanChunks(Format);
        foreach (SubType type in Format.Types)
        {
            MostResults = Math.Max(MostResults, type.Composite.Function?.Results.Length ?? 0);
        }
    }

    public ManagedModule Owner { get; }

    public ValidatedModule Validated { get; }

    public WasmModule Format { get; }

    /// <summary>The most results of any function type.</summary>
    public int MostResults { get; }

    /// <summary>For each global its place in <see cref="ModuleInstance.InlineGlobals"/>, or -1 when it is an object.</summary>
    public int[] InlineGlobalSlots { get; }

    /// <summary>For each global the bits of its constant when it is an immutable number known now.</summary>
    public readonly ulong?[] ConstantGlobals;

    /// <summary>For each imported function its bound import, or null.</summary>
    public BoundImport?[] BoundImports { get; }

    /// <summary>For each imported function the place of its state in <see cref="ModuleInstance.States"/>.</summary>
    public readonly int[] StateSlots;

    /// <summary>The type of each state.</summary>
    public readonly List<Type> StateTypes;

    /// <summary>What hears of calls, or null.</summary>
    public FunctionListener? Listener { get; }

    /// <summary>For each function what its listener is told of it, or null where it does not listen; empty without a listener.</summary>
    public FunctionDefinition[] Definitions { get; }

    /// <summary>For each defined function its chunk.</summary>
    public int[] ChunkOfFunction { get; }

    /// <summary>For each chunk its first defined function; one more entry at the end.</summary>
    public int[] ChunkStarts { get; }

    /// <summary>Whether the listener hears of a function.</summary>
    public bool IsListened(int functionIndex) => Definitions.Length != 0 && Definitions[functionIndex] is not null;

    /// <summary>The code an instance runs, whose memories and imported functions are there.</summary>
    public CodeVariant GetVariant(ModuleInstance instance)
    {
        var modes = new MemoryMode[instance.LinearMemories.Length];
        for (int i = 0; i < modes.Length; i++)
        {
            modes[i] = instance.LinearMemories[i].Mode;
        }

        return GetVariant(modes, TryBind(instance));
    }

    private CodeVariant GetVariant(MemoryMode[] modes, bool bound)
    {
        lock (_variants)
        {
            foreach (CodeVariant variant in _variants)
            {
                if (variant.UsesBoundImports == bound && variant.MemoryModes.AsSpan().SequenceEqual(modes))
                {
                    return variant;
                }
            }

            var created = new CodeVariant(this, modes, bound);
            _variants.Add(created);
            return created;
        }
    }

    /// <summary>The code that instances of this module are expected to run: memories in the engine's mode, bound imports bound.</summary>
    public CodeVariant GetExpectedVariant()
    {
        var modes = new MemoryMode[Format.Memories.Length];
        for (int i = 0; i < modes.Length; i++)
        {
            MemoryType type = Format.Memories[i];
            modes[i] = MemoryAllocator.FindMode(type, Owner.ManagedEngine.MemoryMode, type.Limits.Maximum ?? ulong.MaxValue);
        }

        return GetVariant(modes, StateTypes.Count > 0);
    }

    /// <summary>The variants made so far.</summary>
    public CodeVariant[] GetVariants()
    {
        lock (_variants)
        {
            return [.. _variants];
        }
    }

    /// <summary>Makes an emitted type known, for stack traces.</summary>
    public static void Register(Type type, CodeVariant variant) => s_variants.AddOrUpdate(type, variant);

    /// <summary>The code that an emitted type belongs to, or null for types of others.</summary>
    public static CodeVariant? Find(Type? type) => type is not null && s_variants.TryGetValue(type, out CodeVariant? variant) ? variant : null;

    private bool TryBind(ModuleInstance instance)
    {
        if (StateTypes.Count == 0)
        {
            return false;
        }

        InlineStates states = default;
        for (int i = 0; i < BoundImports.Length; i++)
        {
            if (BoundImports[i] is not BoundImport bound)
            {
                continue;
            }

            if (instance.ImportedFunctions[i].Host is not { State: object state } host || !ReferenceEquals(host.Definition, bound))
            {
                return false;
            }

            ref object? slot = ref states[StateSlots[i]];
            if (slot is not null && !ReferenceEquals(slot, state))
            {
                return false;
            }

            slot = state;
        }

        instance.States = states;
        return true;
    }

    private static FunctionDefinition[] DefineListened(ManagedModule owner, FunctionListener listener)
    {
        WasmModule module = owner.Format;
        var exports = new Dictionary<int, ImmutableArray<string>>();
        foreach (Export export in module.Exports)
        {
            if (export.Kind == ExternKind.Function)
            {
                exports[export.Index] = exports.GetValueOrDefault(export.Index, []).Add(export.Name);
            }
        }

        var definitions = new FunctionDefinition[module.Functions.Length];
        foreach (Import import in module.Imports)
        {
            if (import.Kind == ExternKind.Function)
            {
                Add(import.Index, new ImportType(import.ModuleName, import.Name, module.GetTypeOfFunction(import.Index)));
            }
        }

        for (int i = module.ImportedFunctionCount; i < definitions.Length; i++)
        {
            Add(i, null);
        }

        return definitions;

        void Add(int index, ImportType? import)
        {
            ImmutableArray<string> names = exports.GetValueOrDefault(index, []);
            string? name = module.Names.Functions[index] ?? (names.IsEmpty ? import?.Name : names[0]);
            var definition = new FunctionDefinition(owner, index, name, module.GetTypeOfFunction(index), import, names);
            definitions[index] = listener.ListensTo(definition) ? definition : null!;
        }
    }

    private static int[] AssignGlobals(WasmModule module, out ulong?[] constants)
    {
        int[] slots = new int[module.Globals.Length];
        constants = new ulong?[slots.Length];
        Array.Fill(slots, -1);
        var visible = new HashSet<int>();
        foreach (Export export in module.Exports)
        {
            if (export.Kind == ExternKind.Global)
            {
                visible.Add(export.Index);
            }
        }

        int used = 0;
        for (int i = module.ImportedGlobalCount; i < slots.Length; i++)
        {
            GlobalType type = module.Globals[i];
            if (!type.Type.IsNumber)
            {
                continue;
            }

            if (!type.IsMutable)
            {
                constants[i] = FindConstant(module, module.GlobalInitializers[i - module.ImportedGlobalCount]);
            }

            if (used < InlineGlobals.Capacity && !visible.Contains(i) && constants[i] is null)
            {
                slots[i] = used++;
            }
        }

        return slots;
    }

    private static ulong? FindConstant(WasmModule module, ByteRange initializer)
    {
        var reader = new InstructionReader(module.Bytes.Span, initializer.Start, initializer.End);
        reader.Read(out Instruction first);
        reader.Read(out Instruction second);
        if (second.Opcode != Opcode.End)
        {
            return null;
        }

        return first.Opcode switch
        {
            Opcode.I32Const => (uint)first.I32,
            Opcode.I64Const or Opcode.F32Const or Opcode.F64Const => first.Bits,
            _ => null,
        };
    }

    private static BoundImport?[] FindBoundImports(ManagedModule owner, out int[] stateSlots, out List<Type> stateTypes)
    {
        WasmModule module = owner.Format;
        var bound = new BoundImport?[module.ImportedFunctionCount];
        stateSlots = new int[bound.Length];
        stateTypes = [];
        if (owner.Options.BoundImports.IsDefaultOrEmpty)
        {
            return bound;
        }

        var byName = new Dictionary<(string, string), BoundImport>();
        foreach (BoundImport definition in owner.Options.BoundImports)
        {
            byName[(definition.ModuleName, definition.Name)] = definition;
        }

        foreach (Import import in module.Imports)
        {
            if (import.Kind != ExternKind.Function || !byName.TryGetValue((import.ModuleName, import.Name), out BoundImport? definition)
                || !DelegateSignature.Fits(definition, module.GetTypeOfFunction(import.Index)))
            {
                continue;
            }

            int slot = stateTypes.IndexOf(definition.StateType);
            if (slot < 0)
            {
                if (stateTypes.Count == InlineStates.Capacity)
                {
                    continue;
                }

                slot = stateTypes.Count;
                stateTypes.Add(definition.StateType);
            }

            bound[import.Index] = definition;
            stateSlots[import.Index] = slot;
        }

        return bound;
    }

    // A few bytes can declare 50,000 locals.
    private static int WeightOf(FunctionBody body) => body.Range.Length + body.LocalCount;

    private static (int[] ChunkOfFunction, int[] ChunkStarts) PlanChunks(WasmModule module)
    {
        long total = 0;
        foreach (FunctionBody body in module.Bodies)
        {
            total += WeightOf(body);
        }

        int limit = total <= SingleChunkBytes ? int.MaxValue : ChunkBytes;
        int[] chunkOf = new int[module.Bodies.Length];
        var starts = new List<int>();
        long size = long.MaxValue;
        for (int i = 0; i < chunkOf.Length; i++)
        {
            int length = WeightOf(module.Bodies[i]);
            if (starts.Count == 0 || size + length > limit || i - starts[^1] >= MostFunctionsInChunk)
            {
                starts.Add(i);
                size = 0;
            }

            size += length;
            chunkOf[i] = starts.Count - 1;
        }

        starts.Add(chunkOf.Length);
        return (chunkOf, [.. starts]);
    }
}
