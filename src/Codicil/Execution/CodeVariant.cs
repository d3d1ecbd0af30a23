using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

using Codicil.Compiler;
using Codicil.Runtime;

namespace Codicil.Execution;

/// <summary>The code of a module for one combination of memory modes and bound imports. Emitted a chunk at a time, when a member is first needed. Thread-safe.</summary>
internal sealed unsafe class CodeVariant
{
    /// <summary>Below this much free stack, emission and the JIT run on a thread of ours.</summary>
    private const int ComfortableStack = 1024 * 1024;

    private const int CompileThreadStack = 16 * 1024 * 1024;

    private readonly Lock _lock = new();
    private readonly nint[] _slots;
    private readonly ChunkCode?[] _chunks;
    private ModuleEmitter? _emitter;

    public CodeVariant(ModuleCode module, MemoryMode[] memoryModes, bool usesBoundImports)
    {
        Module = module;
        MemoryModes = memoryModes;
        UsesBoundImports = usesBoundImports;
        _slots = GC.AllocateArray<nint>(Math.Max(1, module.Format.Bodies.Length), pinned: true);

        // SAFETY: the array is pinned, and every instance that has the address holds this object.
        SlotsAddress = (nint)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(_slots));
        _chunks = new ChunkCode?[module.ChunkStarts.Length - 1];
    }

    public ModuleCode Module { get; }

    public MemoryMode[] MemoryModes { get; }

    public bool UsesBoundImports { get; }

    public nint SlotsAddress { get; }

    /// <summary>Why functions could not be compiled: their code throws it.</summary>
    public ConcurrentDictionary<int, string> Refusals { get; } = new();

    /// <summary>The chunks emitted so far.</summary>
    public IEnumerable<ChunkCode> Chunks => _chunks.OfType<ChunkCode>();

    /// <summary>The address of a defined function's code if it is compiled, else 0.</summary>
    public nint TryGetCode(int functionIndex) => Volatile.Read(ref _slots[functionIndex - Module.Format.ImportedFunctionCount]);

    /// <summary>The address of a defined function's code, compiled now if it is not yet.</summary>
    /// <exception cref="ResourceLimitException">The function is beyond what the JIT compiles. One that was refused before that throws when it is called.</exception>
    public nint GetCode(int functionIndex)
    {
        int defined = functionIndex - Module.Format.ImportedFunctionCount;
        nint code = Volatile.Read(ref _slots[defined]);
        return code != 0 ? code : Compile(defined);
    }

    /// <summary>Compiles every function on all processors.</summary>
    public void CompileAll()
    {
        try
        {
            Parallel.For(0, Module.Format.Bodies.Length, defined => Compile(defined));
        }
        catch (AggregateException exception) when (exception.InnerException is ResourceLimitException limit)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(limit);
        }
    }

    /// <summary>What emission finds out about every function; nothing is handed to the JIT.</summary>
    public FunctionFacts[] EmitAll()
    {
        var facts = new FunctionFacts[Module.Format.Bodies.Length];
        for (int i = 0; i < _chunks.Length; i++)
        {
            ChunkCode chunk = GetChunk(i);
            chunk.Facts.CopyTo(facts.AsSpan(chunk.FirstDefined));
        }

        return facts;
    }

    private nint Compile(int defined)
    {
        if (ThreadStack.RemainingLength >= ComfortableStack)
        {
            return CompileHere(defined);
        }

        nint code = 0;
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    code = CompileHere(defined);
                }
#pragma warning disable CA1031 // Carried to the caller as it is.
                catch (Exception exception)
#pragma warning restore CA1031
                {
                    failure = exception;
                }
            },
            CompileThreadStack)
        {
            IsBackground = true,
            Name = "Codicil compile",
        };
        thread.UnsafeStart();
        thread.Join();
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        return code;
    }

    private nint CompileHere(int defined)
    {
        ChunkCode chunk = GetChunk(Module.ChunkOfFunction[defined]);
        MethodInfo method = chunk.GetMethod(defined);
        try
        {
            // The body behind a checking entry, too: it is what takes the JIT's time and stack, and would have the guest's at its first call.
            if (chunk.GetBody(defined) is MethodInfo body)
            {
                RuntimeHelpers.PrepareMethod(body.MethodHandle);
            }

            RuntimeHelpers.PrepareMethod(method.MethodHandle);
        }
        catch (InvalidProgramException exception)
        {
            throw JitRefusal(exception);
        }

        nint code = method.MethodHandle.GetFunctionPointer();
        Volatile.Write(ref _slots[defined], code);
        return code;
    }

    /// <summary>What a guest's function that the JIT takes for invalid has met: one of the JIT's own limits.</summary>
    public static ResourceLimitException JitRefusal(InvalidProgramException exception) => new("a function is too complex for the just-in-time compiler", exception);

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    private ChunkCode GetChunk(int index)
    {
        ChunkCode? chunk = Volatile.Read(ref _chunks[index]);
        if (chunk is not null)
        {
            return chunk;
        }

        lock (_lock)
        {
            if (_chunks[index] is null)
            {
                _emitter ??= new ModuleEmitter(this);
                chunk = _emitter.EmitChunk(index);
                Volatile.Write(ref _chunks[index], chunk);
            }

            return _chunks[index]!;
        }
    }
}

/// <summary>An emitted chunk: its type, and facts about each function.</summary>
internal sealed class ChunkCode(Type type, int firstDefined, MethodInfo[] methods, MethodInfo?[] bodies, FunctionFacts[] facts)
{
    public Type Type => type;

    public int FirstDefined => firstDefined;

    public FunctionFacts[] Facts => facts;

    public MethodInfo GetMethod(int defined) => methods[defined - firstDefined];

    /// <summary>The method behind a function that only checks the stack for it, or null.</summary>
    public MethodInfo? GetBody(int defined) => bodies[defined - firstDefined];
}

/// <summary>What emission found out about a function.</summary>
/// <param name="FunctionIndex">The function.</param>
/// <param name="CilBytes">The size of its CIL in bytes.</param>
/// <param name="CilInstructions">Its CIL instructions.</param>
/// <param name="LocalReferences">References to locals and arguments.</param>
/// <param name="Blocks">Basic blocks, estimated.</param>
/// <param name="FrameBytes">What the stack frame is at most.</param>
/// <param name="IsRefusedOptimization">Whether the JIT was told not to optimise it, because that would take too long.</param>
internal readonly record struct FunctionFacts(
    int FunctionIndex, int CilBytes, int CilInstructions, int LocalReferences, int Blocks, int FrameBytes, bool IsRefusedOptimization = false)
{
    /// <summary>Whether the JIT compiles it without optimisation: one of its limits is exceeded, or it was told so.</summary>
    public bool ExceedsJitLimits => IsRefusedOptimization || CilBytes > 60_000 || CilInstructions > 20_000 || LocalReferences > 8_000 || Blocks > 2_000;
}
