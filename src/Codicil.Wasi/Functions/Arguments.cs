using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>The program's arguments.</summary>
internal sealed class Arguments(WasiContext context, IReadOnlyCollection<string> arguments)
{
    private readonly StringVector _vector = StringVector.FromArguments(arguments);

    public Errno Get(Caller caller, uint argv, uint buffer) => _vector.Write(context.GetMemory(caller), argv, buffer);

    public Errno GetSizes(Caller caller, uint count, uint size) => _vector.WriteSizes(context.GetMemory(caller), count, size);
}
