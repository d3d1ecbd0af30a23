using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>The program's arguments.</summary>
internal sealed class Arguments(IReadOnlyCollection<string> arguments)
{
    private readonly StringVector _vector = StringVector.FromArguments(arguments);

    public Errno Get(InstanceState caller, uint argv, uint buffer) => _vector.Write(caller.GetMemory(), argv, buffer);

    public Errno GetSizes(InstanceState caller, uint count, uint size) => _vector.WriteSizes(caller.GetMemory(), count, size);
}
