using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

using Codicil.Compiler;
using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Types;
using Codicil.Format.Validation;

namespace Codicil.Runtime;

/// <summary>The engine in managed code: puts the parts together.</summary>
internal sealed class ManagedEngine : Engine
{
    private const int LeastStack = 16 * 1024;
    private const int MostStack = 256 * 1024 * 1024;

    // With so much left, functions are compiled where they are first called (CodeVariant).
    private const int CompilationStack = 1024 * 1024;

    private volatile bool _disposed;

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Refused where code cannot be generated.")]
    public ManagedEngine(EngineOptions options)
        : base(options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxStackBytes, LeastStack, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxStackBytes, MostStack, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(options.MemoryPageLimit, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MemoryPageLimit, 65_536, nameof(options));
        if (!Enum.IsDefined(options.Kind) || !Enum.IsDefined(options.MemoryProtection))
        {
            throw new ArgumentOutOfRangeException(nameof(options));
        }

        CheckFeatures(options.Features);
        if (!RuntimeFeature.IsDynamicCodeSupported)
        {
            throw new PlatformNotSupportedException("the compiler engine needs a runtime that can generate code");
        }

        Types = new TypeCanonicalizer();
        HostTypes = Types.CreateContext([]);
        Adapters = new Adapters(this);
        RequireMemoryMode = MemoryPolicy.ReadSetting(options.MemoryProtection) == MemoryProtection.Guard;
        MemoryMode = MemoryPolicy.Resolve(options.MemoryProtection);
    }

    // What a feature's instructions cannot be without.
    private static void CheckFeatures(WasmFeatures features)
    {
        Require(WasmFeatures.RelaxedSimd, WasmFeatures.Simd);
        Require(WasmFeatures.ReferenceTypes, WasmFeatures.BulkMemory);
        Require(WasmFeatures.FunctionReferences, WasmFeatures.ReferenceTypes);
        Require(WasmFeatures.GarbageCollection, WasmFeatures.FunctionReferences);
        Require(WasmFeatures.Exceptions, WasmFeatures.ReferenceTypes);

        void Require(WasmFeatures feature, WasmFeatures needed)
        {
            if ((features & feature) != 0 && (features & needed) == 0)
            {
                throw new ArgumentException($"the features contradict each other: {feature} needs {needed}", nameof(features));
            }
        }
    }

    /// <summary>The identities of types; each is known as long as something has it.</summary>
    public TypeCanonicalizer Types { get; }

    /// <summary>What the host's types refer to: no type indices.</summary>
    public TypeContext HostTypes { get; }

    /// <summary>Delegates in and out of WebAssembly.</summary>
    public Adapters Adapters { get; }

    public MemoryMode MemoryMode { get; }

    public bool RequireMemoryMode { get; }

    public override MemoryProtection EffectiveMemoryProtection => MemoryMode == MemoryMode.Guard ? MemoryProtection.Guard : MemoryProtection.Checked;

    public override bool Supports(WasmFeatures features) => (features & ~SupportedFeatures.All) == 0;

    public override Store CreateStore(ResourceLimits? limits = null)
    {
        CheckUsable();
        return new ManagedStore(this, limits ?? ResourceLimits.Default);
    }

    internal override int CallStackBytes => Options.MaxStackBytes + ManagedStore.StackReserve + CompilationStack;

    internal override SharedMemory CreateSharedMemory(MemoryType type)
    {
        CheckUsable();
        ulong pages = type.Is64 ? ulong.MaxValue : ((ulong)Options.MemoryPageLimit << 16) >> type.PageSizeLog2;
        LinearMemory memory = MemoryAllocator.Create(type, MemoryMode, pages, MemoryBudget.Process, Options.CommitMaximumMemory, RequireMemoryMode);
        memory.Shared = new SharedMemory(memory) { IsOwned = true };
        return memory.Shared;
    }

    internal override Module CreateModule(ReadOnlySpan<byte> bytes, ModuleOptions options)
    {
        CheckUsable();
        try
        {
            WasmModule module = ModuleDecoder.Decode(bytes, Options.Features & SupportedFeatures.All);
            return new ManagedModule(this, ModuleValidator.Validate(module), options);
        }
        catch (UnsupportedModuleException exception) when ((exception.Feature & Options.Features & ~SupportedFeatures.All) != 0)
        {
            throw new UnsupportedModuleException($"the compiler engine does not run modules with {exception.Feature} yet", exception.Feature, exception.Offset);
        }
    }

    internal override Module CreateModuleFromText(string text, ModuleOptions options)
    {
        CheckUsable();
        ParsedModule parsed = Wat.Parse(text);
        try
        {
            return CreateModule(parsed.Bytes.Span, options);
        }
        catch (InvalidModuleException exception) when (parsed.SourceMap.Find(exception) is TextPosition position)
        {
            throw new InvalidModuleException(exception, position.Line, position.Column);
        }
    }

    internal override void ValidateModule(ReadOnlySpan<byte> bytes)
    {
        CheckUsable();
        _ = ModuleValidator.Validate(ModuleDecoder.Decode(bytes, Options.Features));
    }

    public override bool IsDisposed => _disposed;

    public void CheckUsable() => ObjectDisposedException.ThrowIf(_disposed, this);

    protected override void Dispose(bool disposing) => _disposed = true;
}

/// <summary>What the engines can run.</summary>
internal static class SupportedFeatures
{
    /// <summary>The features whose instructions the compiler engine emits.</summary>
    public const WasmFeatures All =
        WasmFeatures.MutableGlobals | WasmFeatures.SignExtension | WasmFeatures.SaturatingFloatToInt | WasmFeatures.MultiValue
        | WasmFeatures.BulkMemory | WasmFeatures.ReferenceTypes | WasmFeatures.ExtendedConstants | WasmFeatures.Simd
        | WasmFeatures.TailCalls | WasmFeatures.FunctionReferences | WasmFeatures.GarbageCollection | WasmFeatures.MultiMemory | WasmFeatures.Memory64 | WasmFeatures.CustomPageSizes | WasmFeatures.RelaxedSimd | WasmFeatures.WideArithmetic | WasmFeatures.Threads | WasmFeatures.Exceptions | WasmFeatures.LegacyExceptions;
}
