using System.IO.Compression;
using System.Text;

using Codicil.Format;

namespace Codicil.Tests;

/// <summary>Limits, segments and constant expressions at their edges, and input that is no module.</summary>
[Trait("Security", "DV-09")]
public sealed class ModuleInputTests
{
    private static readonly byte[] s_empty = [0, (byte)'a', (byte)'s', (byte)'m', 1, 0, 0, 0];

    [Theory]
    [InlineData("(module (memory 2 1))")]
    [InlineData("(module (memory 65537))")]
    [InlineData("(module (memory 0 65537))")]
    [InlineData("(module (import \"a\" \"b\" (memory 65537)))")]
    [InlineData("(module (memory i64 0 0x1000000000001))")]
    [InlineData("(module (table 2 1 funcref))")]
    [InlineData("(module (table 10 (ref func)))")]
    [InlineData("(module (data (i32.const 0) \"\"))")]
    [InlineData("(module (memory i64 1) (data (i32.const 0) \"\"))")]
    [InlineData("(module (memory 1) (data (i64.const 0) \"\"))")]
    [InlineData("(module (memory 1) (data (global.get 0) \"\") (global i32 (i32.const 0)) (global (mut i32) (global.get 1)))")]
    [InlineData("(module (global (mut i32) (i32.const 0)) (global i32 (global.get 0)))")]
    [InlineData("(module (global i32 (global.get 0)))")]
    [InlineData("(module (global i32 (i32.div_u (i32.const 1) (i32.const 1))))")]
    [InlineData("(module (global i32 (i64.const 0)))")]
    [InlineData("(module (global i32))")]
    [InlineData("(module (global i32 (i32.const 0) (i32.const 1)))")]
    public void Limits_segments_and_constants_that_the_specification_excludes_are_refused(string text)
    {
        using var engine = Engine.Create();
        Assert.IsType<WasmException>(Record.Exception(() => Module.FromText(engine, text)), exactMatch: false);
    }

    [Theory]
    [InlineData("(memory 1) (data (i32.const 65536) \"\")", true)]
    [InlineData("(memory 1) (data (i32.const 65537) \"\")", false)]
    [InlineData("(memory 1) (data (i32.const 65535) \"a\")", true)]
    [InlineData("(memory 1) (data (i32.const 65535) \"ab\")", false)]
    [InlineData("(memory 1) (data (i32.const -1) \"ab\")", false)]
    [InlineData("(memory 1) (data (i32.const -1) \"\")", false)]
    [InlineData("(memory 0) (data (i32.const 0) \"\")", true)]
    [InlineData("(memory 0) (data (i32.const 1) \"\")", false)]
    [InlineData("(table 3 funcref) (elem (i32.const 3) func)", true)]
    [InlineData("(table 3 funcref) (elem (i32.const 4) func)", false)]
    [InlineData("(table 3 funcref) (elem (i32.const 2) func $f)", true)]
    [InlineData("(table 3 funcref) (elem (i32.const 2) func $f $f)", false)]
    [InlineData("(table 3 funcref) (elem (i32.const -1) func $f $f)", false)]
    [InlineData("(table 3 funcref) (elem (i32.const -1) func)", false)]
    public void Segments_fit_to_the_last_byte_and_their_ends_do_not_wrap(string fields, bool fits)
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            Exception? failure = Record.Exception(() => Wasm.Instantiate($"(module {fields} (func $f))", mode));
            if (fits)
            {
                Assert.Null(failure);
            }
            else
            {
                Assert.Contains(Assert.IsType<TrapException>(failure).Code!.Value, (TrapCode[])[TrapCode.MemoryOutOfBounds, TrapCode.TableOutOfBounds]);
            }
        }
    }

    [Fact]
    public void A_chain_of_globals_and_a_long_constant_expression_are_evaluated_without_recursion()
    {
        const int Length = 20_000;
        var text = new StringBuilder("(module (global $g0 i32 (i32.const 1))");
        for (int i = 1; i < Length; i++)
        {
            text.Append(Wasm.Format($"(global $g{i} i32 (i32.add (global.get {i - 1}) (i32.const 1)))"));
        }

        text.Append(Wasm.Format($"(global (export \"last\") i32 (global.get {Length - 1}))"));
        text.Append("(global (export \"sum\") i64 (i64.const 0) ").Append(Wasm.Repeat(Length, static _ => "(i64.const 3) i64.add ")).Append("))");

        // On a stack that a frame for each link would not fit on.
        Wasm.OnThread(256 * 1024, () =>
        {
            Instance instance = Wasm.Instantiate(text.ToString());
            Assert.Equal(Length, instance.GetGlobal("last")!.Value.AsI32());
            Assert.Equal(3L * Length, instance.GetGlobal("sum")!.Value.AsI64());
        });
    }

    public static TheoryData<string> NoModules => ["", "00", "0061736D", "0061736D0D000100", "0A", "EFBBBF", "4D5A9000", "7F454C4602", "FF", "0061736E01000000", "0061736D0200000000"];

    [Theory]
    [MemberData(nameof(NoModules))]
    public void What_is_no_module_is_refused_from_bytes_and_streams(string hexadecimal)
    {
        byte[] bytes = Convert.FromHexString(hexadecimal);
        using var engine = Engine.Create();
        Assert.IsType<MalformedModuleException>(Record.Exception(() => Module.FromBytes(engine, bytes)));
        Exception? fromStream = Record.Exception(() => Module.FromStream(engine, new MemoryStream(bytes)));

        // An empty text is an empty module.
        bool isText = hexadecimal is "0A" or "EFBBBF";
        Assert.True(isText ? fromStream is null or MalformedModuleException : fromStream is MalformedModuleException, fromStream?.ToString());
    }

    [Fact]
    public void A_compressed_module_is_not_taken_for_one()
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write(s_empty);
        }

        using var engine = Engine.Create();
        compressed.Position = 0;
        Assert.Contains("gzip", Assert.Throws<MalformedModuleException>(() => Module.FromStream(engine, compressed)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_endless_stream_that_is_no_module_is_left_at_once(bool isText)
    {
        using var engine = Engine.Create();
        using var stream = new EndlessStream(isText ? "hello "u8.ToArray() : [0]);
        Assert.IsType<MalformedModuleException>(Record.Exception(() => Module.FromStream(engine, stream)));
        Assert.InRange(stream.Given, 1, 1 << 20);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_endless_stream_that_begins_like_a_module_is_read_to_the_cap(bool isText)
    {
        const int Cap = 1 << 20;
        using var engine = Engine.Create();
        using var stream = new EndlessStream(isText ? "(; "u8.ToArray() : [.. s_empty, .. new byte[8]]);
        Assert.IsType<UnsupportedModuleException>(Record.Exception(() => Module.FromStream(engine, stream, new ModuleOptions { MaxSizeInBytes = Cap })));
        Assert.InRange(stream.Given, Cap, Cap + 1);
    }

    [Fact]
    public void A_stream_of_exactly_the_cap_is_a_module()
    {
        using var engine = Engine.Create();
        Module.FromStream(engine, new MemoryStream(s_empty), new ModuleOptions { MaxSizeInBytes = s_empty.Length }).Dispose();
        Assert.IsType<UnsupportedModuleException>(
            Record.Exception(() => Module.FromStream(engine, new MemoryStream(s_empty), new ModuleOptions { MaxSizeInBytes = s_empty.Length - 1 })));
    }

    /// <summary>Gives the same bytes again and again, a few at a time.</summary>
    private sealed class EndlessStream(byte[] bytes) : Stream
    {
        public long Given { get; private set; }

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count)
        {
            int length = Math.Min(count, 4099);
            for (int i = 0; i < length; i++)
            {
                buffer[offset + i] = bytes[(int)(Given++ % bytes.Length)];
            }

            return length;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
