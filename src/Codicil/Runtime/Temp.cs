namespace Codicil.Runtime;

internal sealed class ManagedEngine(EngineOptions options) : Engine(options)
{
    public override MemoryProtection EffectiveMemoryProtection => default;
    public override bool Supports(Format.WasmFeatures features) => false;
    public override Store CreateStore(ResourceLimits? limits = null) => throw new System.Diagnostics.UnreachableException();
    internal override Module CreateModule(ReadOnlySpan<byte> bytes, ModuleOptions options) => throw new System.Diagnostics.UnreachableException();
    internal override Module CreateModuleFromText(string text, ModuleOptions options) => throw new System.Diagnostics.UnreachableException();
    internal override void ValidateModule(ReadOnlySpan<byte> bytes) => throw new System.Diagnostics.UnreachableException();
    protected override void Dispose(bool disposing) { }
}
internal abstract class ManagedStore(ResourceLimits limits) : Store(limits) { public ExecutionContext Context = null!; }
internal sealed class ExecutionContext { public long CallSerial; }
internal static class DelegateSignature { public static Format.Types.FunctionType ToFunctionType(Type type) => throw new System.Diagnostics.UnreachableException(); }
