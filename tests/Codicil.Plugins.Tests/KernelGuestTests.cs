using System.Text;

using static Codicil.Plugins.Tests.KernelScript;

namespace Codicil.Plugins.Tests;

/// <summary>The kernel's results as a guest sees them, call by call.</summary>
public sealed class KernelGuestTests : IDisposable
{
    private const long Far = 1L << 40;
    private readonly List<(PluginLogLevel Level, string Message)> _log = [];
    private readonly Plugin _plugin;
    private readonly KernelScript _script = new();

    public KernelGuestTests() => _plugin = Fixtures.FromWat(Guest, new PluginOptions { LogSink = (level, message) => _log.Add((level, message)) });

    public void Dispose() => _plugin.Dispose();

    // A block with a text, written by the guest.
    private Operand Block(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Operand block = _script.Call("alloc", bytes.Length);
        for (int i = 0; i < bytes.Length; i++)
        {
            _script.Call("store_u8", block + i, bytes[i]);
        }

        return block;
    }

    private ulong[] Run() => _script.Run(_plugin);

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Allocation_and_lengths()
    {
        Operand bytes = _script.Call("memory_bytes");
        Operand nothing = _script.Call("alloc", 0);
        Operand tooMuch = _script.Call("alloc", Far);
        Operand block = _script.Call("alloc", 100);
        Operand length = _script.Call("length", block);
        Operand lengthUnsafe = _script.Call("length_unsafe", block);
        var zeros = new List<Operand>();
        foreach (Operand offset in (Operand[])[0, block + 1, block - 1, block + 100, Far, block + (1L << 32), -1])
        {
            zeros.Add(_script.Call("length", offset));
            zeros.Add(_script.Call("length_unsafe", offset));
        }

        _script.Call("free", block + 1);
        _script.Call("free", Far);
        Operand stillThere = _script.Call("length", block);
        _script.Call("free", block);
        _script.Call("free", block);
        zeros.Add(_script.Call("length", block));
        ulong[] results = Run();
        Assert.Equal(65_472UL, results[bytes.Result]);
        Assert.Equal((0UL, 0UL), (results[nothing.Result], results[tooMuch.Result]));
        Assert.Equal((100UL, 100UL, 100UL), (results[length.Result], results[lengthUnsafe.Result], results[stillThere.Result]));
        Assert.All(zeros, zero => Assert.Equal(0UL, results[zero.Result]));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Byte_access_out_of_range_gives_0_or_is_ignored()
    {
        var zeros = new List<Operand>();
        foreach (long offset in (long[])[0, 65_536, Far, 1L << 32, (1L << 32) + 64, -1])
        {
            _script.Call("store_u8", offset, 255);
            zeros.Add(_script.Call("load_u8", offset));
            zeros.Add(_script.Call("input_load_u8", 65_536 + offset));
        }

        ulong[] results = Run();
        Assert.All(zeros, zero => Assert.Equal(0UL, results[zero.Result]));
    }

    [Theory]
    [InlineData("load_u64", 65_529, "could not read value at offset: 65529")]
    [InlineData("load_u64", Far, "could not read value at offset: 1099511627776")]
    [InlineData("load_u64", 1L << 32, "could not read value at offset: 4294967296")]
    [InlineData("store_u64", 65_529, "could not write value '9' at offset: 65529")]
    [InlineData("store_u64", -8, "could not write value '9' at offset: 18446744073709551608")]
    [InlineData("input_load_u64", Far, "could not read value at offset: 1099511627776")]
    [InlineData("var_get", Far, "failed to read var name from memory: invalid memory block")]
    [InlineData("var_set", Far, "failed to read var name from memory: invalid memory block")]
    [InlineData("config_get", Far, "failed to read config name from memory: invalid memory block")]
    [InlineData("log_info", Far, "failed to read log message from memory: invalid memory block")]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-02")]
    public void Access_past_the_end_traps_and_the_plug_in_stays_usable(string function, long offset, string message)
    {
        _plugin.LogLevel = PluginLogLevel.Info;
        _script.Call(function, offset, 9);
        PluginException exception = Assert.Throws<PluginException>(() => Run());
        Assert.Equal((PluginFailure.Trap, 1u), (exception.Failure, exception.ExitCode));
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        var next = new KernelScript();
        next.Call("memory_bytes");
        Assert.Equal([65_472UL], next.Run(_plugin));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Security", "KH-03")]
    public void Registers()
    {
        Operand block = Block("register");
        _script.Call("output_set", block, 8);
        _script.Call("output_set", Far, 4);
        _script.Call("output_set", 0, 0);
        _script.Call("output_set", block, -1);
        Operand kept = _script.Call("output_offset");
        Operand keptLength = _script.Call("output_length");
        _script.Call("output_set", block + 3, 1_000);
        Operand interior = _script.Call("output_offset");
        Operand interiorLength = _script.Call("output_length");
        Operand input = _script.Call("input_length");
        _script.Call("input_set", Far, 1);
        Operand sameInput = _script.Call("input_length");
        _script.Call("input_set", block, 8);
        Operand ownInput = _script.Call("input_load_u8", 7);
        Operand ownOffset = _script.Call("input_offset");
        _script.Call("error_set", block);
        Operand error = _script.Call("error_get");
        _script.Call("error_set", Far);
        Operand outside = _script.Call("error_get");
        _script.Call("error_set", block);
        _script.Call("error_set", 0);
        Operand cleared = _script.Call("error_get");
        ulong[] results = Run();
        ulong Of(Operand operand) => results[operand.Result];
        Assert.Equal((Of(block), 8UL), (Of(kept), Of(keptLength)));
        Assert.Equal((Of(block) + 3, 1_000UL), (Of(interior), Of(interiorLength)));
        Assert.Equal(Of(input), Of(sameInput));
        Assert.Equal(('r', Of(block)), ((char)Of(ownInput), Of(ownOffset)));
        Assert.Equal((Of(block), 0UL, 0UL), (Of(error), Of(outside), Of(cleared)));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Reset_clears_everything_and_memory_does_not_shrink()
    {
        Operand block = Block("contents");
        Operand big = _script.Call("alloc", 100_000);
        _script.Call("output_set", block, 8);
        _script.Call("error_set", block);
        Operand bytes = _script.Call("memory_bytes");
        _script.Call("reset");
        Operand[] zeros =
        [
            _script.Call("input_length"), _script.Call("input_offset"), _script.Call("output_length"), _script.Call("output_offset"), _script.Call("error_get"),
            _script.Call("length", block), _script.Call("length", big), _script.Call("load_u64", block),
        ];
        Operand after = _script.Call("memory_bytes");
        ulong[] results = Run();
        Assert.All(zeros, zero => Assert.Equal(0UL, results[zero.Result]));
        Assert.Equal(results[bytes.Result], results[after.Result]);
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Parity", "EXT-16")]
    public void Configuration_keeps_the_key_and_tells_empty_from_missing()
    {
        _plugin.Config["key"] = "value";
        _plugin.Config["empty"] = "";
        Operand key = Block("key");
        Operand value = _script.Call("config_get", key);
        Operand length = _script.Call("length", value);
        Operand first = _script.Call("load_u8", value);
        Operand keyLength = _script.Call("length", key);
        Operand empty = _script.Call("config_get", Block("empty"));
        Operand emptyLength = _script.Call("length", empty);
        Operand missing = _script.Call("config_get", Block("missing"));
        Operand unknown = _script.Call("config_get", key + 1);
        ulong[] results = Run();
        ulong Of(Operand operand) => results[operand.Result];
        Assert.Equal((5UL, 'v', 3UL), (Of(length), (char)Of(first), Of(keyLength)));
        Assert.NotEqual(0UL, Of(empty));
        Assert.Equal((0UL, 0UL, 0UL), (Of(emptyLength), Of(missing), Of(unknown)));
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Parity", "EXT-17")]
    public void Variables_free_what_they_are_given_and_offset_0_deletes()
    {
        _plugin.Variables.Set("empty", []);
        Operand key = Block("name");
        Operand value = Block("12345");
        _script.Call("var_set", key, value);
        Operand keyLength = _script.Call("length", key);
        Operand valueLength = _script.Call("length", value);
        Operand getKey = Block("name");
        Operand got = _script.Call("var_get", getKey);
        Operand gotLength = _script.Call("length", got);
        Operand empty = _script.Call("var_get", Block("empty"));
        Operand missingKey = Block("missing");
        Operand missing = _script.Call("var_get", missingKey);
        Operand missingKeyLength = _script.Call("length", missingKey);
        Operand deleteKey = Block("empty");
        _script.Call("var_set", deleteKey, 0);
        Operand deleted = _script.Call("var_get", Block("empty"));
        ulong[] results = Run();
        ulong Of(Operand operand) => results[operand.Result];
        Assert.Equal((0UL, 0UL, 0UL), (Of(keyLength), Of(valueLength), Of(missingKeyLength)));
        Assert.Equal((5UL, 0UL, 0UL), (Of(gotLength), Of(missing), Of(deleted)));
        Assert.NotEqual(0UL, Of(empty));
        Assert.Equal("12345"u8, _plugin.Variables.Get("name")!.Value.Span);
        Assert.Null(_plugin.Variables.Get("empty"));
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    [Trait("Security", "KH-07")]
    public void Disabled_variables_refuse_to_be_set_and_deleted_but_answer()
    {
        _plugin.Variables.MaxBytes = 0;
        _plugin.Variables.Set("host", "x"u8);
        Operand length = _script.Call("length", _script.Call("var_get", Block("host")));
        Assert.Equal(1UL, Run()[length.Result]);
        foreach (bool delete in (bool[])[true, false])
        {
            var script = new KernelScript();
            Operand name = script.Call("alloc", 1);
            script.Call("var_set", name, delete ? 0 : name);
            PluginException exception = Assert.Throws<PluginException>(() => script.Run(_plugin));
            Assert.Equal((PluginFailure.NotAllowed, 1u), (exception.Failure, exception.ExitCode));
            Assert.Contains("Vars are disabled by this host", exception.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-17")]
    [Trait("Security", "KH-07")]
    public void A_full_store_fails_the_call()
    {
        _plugin.Variables.MaxBytes = 100;
        _script.Call("var_set", Block("a"), _script.Call("alloc", 58));
        Run();
        var script = new KernelScript();
        script.Call("var_set", script.Call("alloc", 1), script.Call("alloc", 59));
        PluginException exception = Assert.Throws<PluginException>(() => script.Run(_plugin));
        Assert.Contains("Variable store is full", exception.Message, StringComparison.Ordinal);
        Assert.Equal(58, _plugin.Variables.Get("a")!.Value.Length);
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    [Trait("Parity", "EXT-20")]
    public void Log_messages_are_freed_also_when_filtered()
    {
        Operand message = Block("quiet");
        _script.Call("log_info", message);
        Operand length = _script.Call("length", message);
        Operand level = _script.Call("get_log_level");
        ulong[] results = Run();
        Assert.Equal((0UL, 2147483647UL), (results[length.Result], results[level.Result]));
        Assert.Empty(_log);

        _plugin.LogLevel = PluginLogLevel.Info;
        results = Run();
        Assert.Equal((0UL, 2UL), (results[length.Result], results[level.Result]));
        Assert.Equal([(PluginLogLevel.Info, "quiet")], _log);
    }

    [Fact]
    [Trait("Parity", "EXT-15")]
    public void Without_a_request_there_is_neither_status_nor_headers()
    {
        Operand status = _script.Call("http_status_code");
        Operand headers = _script.Call("http_headers");
        ulong[] results = Run();
        Assert.Equal((0UL, 0UL), (results[status.Result], results[headers.Result]));
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void Blocks_of_a_later_call_hold_nothing_of_an_earlier_one()
    {
        Block("a secret that stays where it is put");
        Run();
        var script = new KernelScript();
        Operand block = script.Call("alloc", 40_000);
        Operand[] words = [.. Enumerable.Range(0, 500).Select(i => script.Call("load_u64", block + (i * 8)))];
        ulong[] results = script.Run(_plugin);
        Assert.All(words, word => Assert.Equal(0UL, results[word.Result]));
    }

    [Fact]
    [Trait("Security", "KH-09")]
    public void Instances_share_no_kernel_memory()
    {
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest));
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        Operand block = Block("secret");
        _script.Run(first);
        first.Dispose();
        var script = new KernelScript();
        Operand[] words = [.. Enumerable.Range(0, 1_000).Select(i => script.Call("load_u64", 45_000 + (i * 8)))];
        ulong[] results = script.Run(second);
        Assert.All(words, word => Assert.Equal(0UL, results[word.Result]));
        Assert.Equal(0, block.Result);
    }

    [Fact]
    [Trait("Security", "KH-01")]
    public void A_guest_that_allocates_until_it_is_refused_stays_within_the_limit()
    {
        using Plugin plugin = Plugin.Create(Fixtures.WatManifest("""
            (module
              (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
              (import "extism:host/env" "memory_bytes" (func $memory_bytes (result i64)))
              (func (export "run") (result i64)
                (loop $again (br_if $again (i64.ne (call $alloc (i64.const 1000)) (i64.const 0))))
                (call $memory_bytes)))
            """) with { Memory = new PluginMemoryLimits { MaxPages = 4 } });
        Assert.Equal((4u * 65_536) - 64, plugin.Call("run").ExitCode);
        Assert.Equal((4u * 65_536) - 64, plugin.Call("run").ExitCode);
    }
}
