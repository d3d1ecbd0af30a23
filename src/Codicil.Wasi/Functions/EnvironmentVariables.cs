using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>The program's environment.</summary>
internal sealed class EnvironmentVariables(IReadOnlyCollection<KeyValuePair<string, string>> variables)
{
    private readonly StringVector _vector = StringVector.FromEnvironment(variables);

    public Errno Get(InstanceState caller, uint environ, uint buffer) => _vector.Write(caller.GetMemory(), environ, buffer);

    public Errno GetSizes(InstanceState caller, uint count, uint size) => _vector.WriteSizes(caller.GetMemory(), count, size);
}
