using System.Globalization;
using System.Text;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

/// <summary>
/// A guest that exports each WASI function under its own name, so that a test makes the calls a program would make, with any argument, and sees the
/// guest's memory before and after.
/// </summary>
internal sealed class Guest : IDisposable
{
    /// <summary>The size of its memory: one page.</summary>
    public const uint MemorySize = 65536;

    private static readonly Engine s_engine = Engine.Create();
    private static readonly Engine s_interruptible = Engine.Create(new EngineOptions { Interruptible = true });

    public Guest(WasiOptions? options = null, string moduleName = "wasi_snapshot_preview1", bool interruptible = false)
    {
        Engine engine = interruptible ? s_interruptible : s_engine;
        using Module module = Module.FromText(engine, Text(moduleName));
        Store = engine.CreateStore();
        Instance = new Linker(engine).DefineWasi(options ?? WasiOptions.Default).Instantiate(Store, module);
        Memory = Instance.GetMemory("memory")!;
    }

    public Store Store { get; }

    public Instance Instance { get; }

    public Memory Memory { get; }

    /// <summary>Calls a function.</summary>
    public Errno Call(string name, params object?[] arguments) => (Errno)(int)Instance.GetFunction(name)!.Invoke(arguments)!;

    /// <summary>Writes one iovec at an address.</summary>
    public void WriteVector(uint at, uint address, uint length)
    {
        Memory.WriteInt32(at, (int)address);
        Memory.WriteInt32(at + 4, (int)length);
    }

    /// <summary>Writes text to a descriptor with one vector; the text lies at 1024.</summary>
    public Errno Write(uint fd, string text)
    {
        WriteVector(0, 1024, (uint)Memory.WriteString(1024, text));
        return Call("fd_write", fd, 0, 1, 8);
    }

    /// <summary>Reads from a descriptor with one vector.</summary>
    public (Errno Errno, string Text) Read(uint fd, int length)
    {
        WriteVector(0, 1024, (uint)length);
        Memory.WriteInt32(8, 0);
        Errno errno = Call("fd_read", fd, 0, 1, 8);
        return (errno, Memory.ReadString(1024, Memory.ReadInt32(8)));
    }

    public void Dispose() => Store.Dispose();

    private static string Text(string moduleName)
    {
        var imports = new StringBuilder();
        var functions = new StringBuilder();
        foreach (string signature in AbiTests.Signatures)
        {
            string[] parts = signature.Split(' ', ':');
            if (moduleName == "wasi_unstable" && parts[0] == "sock_accept")
            {
                continue;
            }

            string type = string.Concat(parts[1].Select(letter => $" (param {Type(letter)})")) + string.Concat(parts[2].Select(letter => $" (result {Type(letter)})"));
            imports.Append(CultureInfo.InvariantCulture, $"(import \"{moduleName}\" \"{parts[0]}\" (func ${parts[0]}{type}))\n");
            functions.Append(CultureInfo.InvariantCulture, $"(func (export \"{parts[0]}\"){type}");
            for (int i = 0; i < parts[1].Length; i++)
            {
                functions.Append(CultureInfo.InvariantCulture, $" local.get {i}");
            }

            functions.Append(CultureInfo.InvariantCulture, $" call ${parts[0]})\n");
        }

        return $"(module\n{imports}(memory (export \"memory\") 1)\n{functions})";

        static string Type(char letter) => letter == 'i' ? "i32" : "i64";
    }
}
