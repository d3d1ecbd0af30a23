using System.Collections.Immutable;

using Codicil.Execution;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;

namespace Codicil.Runtime;

/// <summary>A validated module with its prepared code.</summary>
internal sealed class ManagedModule : Module
{
    private readonly ManagedEngine _engine;
    private readonly Dictionary<string, int> _exportIndices = new(StringComparer.Ordinal);
    private readonly Dictionary<int, StructLayout> _layouts = [];
    private ImmutableArray<ImportType> _imports;
    private ImmutableArray<ExportType> _exports;
    private volatile bool _disposed;

    public ManagedModule(ManagedEngine engine, ValidatedModule validated, ModuleOptions options)
    {
        _engine = engine;
        Format = validated.Module;
        CheckMemories();
        Options = options;
        Types = engine.Types.CreateContext(Format.Types);
        CanonicalTypes = Types.Types.ToArray();
        Code = new ModuleCode(this, validated);
        if (engine.Options.CompileEagerly)
        {
            Code.GetExpectedVariant().CompileAll();
        }

        for (int i = 0; i < Format.Exports.Length; i++)
        {
            _exportIndices.Add(Format.Exports[i].Name, i);
        }
    }

    public override Engine Engine => _engine;

    public ManagedEngine ManagedEngine => _engine;

    public WasmModule Format { get; }

    public ModuleOptions Options { get; }

    /// <summary>What the module's type indices mean in the engine.</summary>
    public TypeContext Types { get; }

    /// <summary>The type in the engine of each type index. What runs the module's code holds the module, and with it the types whose ids the code has.</summary>
    public CanonicalType[] CanonicalTypes { get; }

    public ModuleCode Code { get; }

    public override string Name => Options.Name ?? Format.Names.ModuleName ?? "";

    public override ImmutableArray<ImportType> Imports
    {
        get
        {
            if (_imports.IsDefault)
            {
                _imports = ImmutableArray.CreateRange(Format.Imports, import => new ImportType(import.ModuleName, import.Name, Format.GetExternType(import.Kind, import.Index)));
            }

            return _imports;
        }
    }

    public override ImmutableArray<ExportType> Exports
    {
        get
        {
            if (_exports.IsDefault)
            {
                _exports = ImmutableArray.CreateRange(Format.Exports, export => new ExportType(export.Name, Format.GetExternType(export.Kind, export.Index)));
            }

            return _exports;
        }
    }

    /// <summary>Where the fields of a structure type are.</summary>
    public StructLayout GetLayout(int typeIndex)
    {
        lock (_layouts)
        {
            if (!_layouts.TryGetValue(typeIndex, out StructLayout? layout))
            {
                layout = StructLayout.Create(Format.Types[typeIndex].Composite.Fields);
                _layouts.Add(typeIndex, layout);
            }

            return layout;
        }
    }

    public override string? GetFunctionName(int functionIndex) => (uint)functionIndex < (uint)Format.Functions.Length ? Format.Names.Functions[functionIndex] : null;

    public bool TryGetExport(string name, out Export export)
    {
        bool found = _exportIndices.TryGetValue(name, out int index);
        export = found ? Format.Exports[index] : default;
        return found;
    }

    public override ImmutableArray<ReadOnlyMemory<byte>> GetCustomSections(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        ImmutableArray<ReadOnlyMemory<byte>>.Builder builder = ImmutableArray.CreateBuilder<ReadOnlyMemory<byte>>();
        foreach (CustomSection section in Format.CustomSections)
        {
            if (section.Name == name)
            {
                builder.Add(Format.Bytes.Slice(section.Content.Start, section.Content.Length));
            }
        }

        return builder.ToImmutable();
    }

    public override ImmutableArray<FunctionCode> DescribeCode()
    {
        CheckUsable();
        FunctionFacts[] facts = Code.GetExpectedVariant().EmitAll();
        return ImmutableArray.Create(Array.ConvertAll(facts, static fact => new FunctionCode(fact.FunctionIndex, fact.CilBytes, fact.FrameBytes, !fact.ExceedsJitLimits)));
    }

    public override bool IsDisposed => _disposed || _engine.IsDisposed;

    public void CheckUsable()
    {
        _engine.CheckUsable();
        ObjectDisposedException.ThrowIf(_disposed, this);
    }

    protected override void Dispose(bool disposing) => _disposed = true;

    // No store of the engine could ever give it such a memory.
    private void CheckMemories()
    {
        foreach (MemoryType memory in Format.Memories)
        {
            if (!memory.Is64 && memory.PageSizeLog2 == 16 && memory.Limits.Minimum > (ulong)_engine.Options.MemoryPageLimit)
            {
                throw new ResourceLimitException(string.Create(
                    System.Globalization.CultureInfo.InvariantCulture,
                    $"memory size exceeds limit: {memory.Limits.Minimum} pages are declared, {_engine.Options.MemoryPageLimit} are allowed"));
            }
        }
    }
}
