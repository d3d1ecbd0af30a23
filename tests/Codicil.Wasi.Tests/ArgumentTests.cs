using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class ArgumentTests
{
    [Theory]
    [Trait("Parity", "WAZ-10")]
    [Trait("Security", "WO-03")]
    [InlineData("args_sizes_get", "args_get", "program;;two words;ünïcödé 世界")]
    [InlineData("environ_sizes_get", "environ_get", "A=1;EMPTY=;WITH_EQUALS=a=b=c;UNICODE=ß")]
    public void Strings_are_as_many_and_as_long_as_announced(string sizes, string get, string expected)
    {
        string[] strings = expected.Split(';');
        using var guest = new Guest(WasiOptions.Default with
        {
            Arguments = strings,
            Environment = [.. strings.Select(text => text.Split('=', 2)).Where(parts => parts.Length == 2).Select(parts => KeyValuePair.Create(parts[0], parts[1]))],
        });
        Assert.Equal(Errno.Success, guest.Call(sizes, 0, 4));
        Assert.Equal(strings.Length, guest.Memory.ReadInt32(0));
        int size = guest.Memory.ReadInt32(4);

        // The buffer may end with the memory's last byte.
        uint buffer = Guest.MemorySize - (uint)size;
        Assert.Equal(Errno.Success, guest.Call(get, 16, buffer));
        uint at = buffer;
        for (int i = 0; i < strings.Length; i++)
        {
            Assert.Equal(at, (uint)guest.Memory.ReadInt32(16 + ((ulong)i * 4)));
            int length = guest.Memory.GetSpan(at, (int)(Guest.MemorySize - at)).IndexOf((byte)0);
            Assert.Equal(strings[i], guest.Memory.ReadString(at, length));
            at += (uint)length + 1;
        }

        Assert.Equal(Guest.MemorySize, at);
        Assert.Equal(Errno.Fault, guest.Call(get, 16, buffer + 1));
        Assert.Equal(Errno.Fault, guest.Call(get, Guest.MemorySize - ((uint)strings.Length * 4) + 1, 0));
    }

    [Theory]
    [Trait("Security", "WO-03")]
    [Trait("Parity", "WAZ-18")]
    [InlineData("args_sizes_get", "args_get")]
    [InlineData("environ_sizes_get", "environ_get")]
    public void Nothing_of_the_process_leaks_by_default(string sizes, string get)
    {
        using var guest = new Guest();
        guest.Memory.WriteInt64(0, -1);
        Assert.Equal(Errno.Success, guest.Call(sizes, 0, 4));
        Assert.Equal(0, guest.Memory.ReadInt64(0));
        Assert.Equal(Errno.Success, guest.Call(get, 0, 0));
        Assert.Equal(Errno.Success, guest.Call(get, Guest.MemorySize, Guest.MemorySize));
    }

    [Fact]
    [Trait("Parity", "WAZ-10")]
    public void Options_are_checked_when_a_module_is_instantiated()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))""");
        Linker linker = new Linker(engine).DefineWasi(WasiOptions.Default with { Environment = [new("", "x")] });
        Assert.StartsWith("environ invalid: empty key", Assert.ThrowsAny<ArgumentException>(() => linker.Instantiate(store, module)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WTG-21")]
    public void A_store_without_options_is_told_so()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromText(engine, """(module (import "wasi_snapshot_preview1" "sched_yield" (func (result i32))))""");
        Linker linker = new Linker(engine).DefineWasi();
        Assert.Equal("WASI is not configured for this store", Assert.Throws<InvalidOperationException>(() => linker.Instantiate(store, module)).Message);
        store.SetWasiOptions(WasiOptions.Default);
        linker.Instantiate(store, module);
    }
}
