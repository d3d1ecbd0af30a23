using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>The program's environment.</summary>
internal sealed class EnvironmentVariables(WasiContext context, IReadOnlyCollection<KeyValuePair<string, string>> variables)
{
    private readonly StringVector _vector = StringVector.FromEnvironment(variables);

    public Errno Get(Caller caller, uint environ, uint buffer) => _vector.Write(context.GetMemory(caller), environ, buffer);

    public Errno GetSizes(Caller caller, uint count, uint size) => _vector.WriteSizes(context.GetMemory(caller), count, size);
}
