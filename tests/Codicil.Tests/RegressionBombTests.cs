using System.Text;

namespace Codicil.Tests;

/// <summary>Modules of a few bytes that ask the compiler or the stack for much.</summary>
public sealed class RegressionBombTests
{
    private static readonly string s_thousand = Repeat("i32 ", 1000);

    private static string Source => $"(type $g (func (result {s_thousand}))) (func $g (type $g) {Repeat("(i32.const 1) ", 1000)})";

    [Fact]
    public void Gives_the_same_typed_error_for_a_refused_function_each_time_and_runs_the_others()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        string big = Repeat("i32.const 0 drop ", 400_000);
        Instance instance = store.Instantiate(Module.FromText(engine, $$"""
            (module (table funcref (elem $big))
              (func $big (export "big") {{big}})
              (func (export "direct") (call $big))
              (func (export "indirect") (call_indirect (i32.const 0)))
              (func (export "ok") (result i32) (i32.const 7)))
            """));
        string? message = null;
        foreach (string name in (string[])["big", "direct", "indirect", "big", "direct"])
        {
            ResourceLimitException exception = Assert.Throws<ResourceLimitException>(() => instance.GetFunction<Action>(name)!());
            message ??= exception.Message;
            Assert.Equal(message, exception.Message);
            Assert.Equal(7, instance.GetFunction<Func<int>>("ok")!());
        }
    }

    [Fact]
    public void Refuses_more_branches_back_to_loops_than_the_JIT_can_take()
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(
            engine, $"(module (func (export \"f\") (param i32) (loop {Repeat("local.get 0 br_if 0 ", 30_000)})))"));
        Assert.Throws<ResourceLimitException>(() => instance.GetFunction<Action<int>>("f")!(0));
    }

    [Theory]
    [InlineData("call $g ", "i32.const 0 br_if 0 ", "return", 100_000)]
    [InlineData("block (type $g) i32.const 0 call $g ", "i32.const 0 br_if 0 ", "br 0 end", 100_000)]
    [InlineData("", "call $g ", "unreachable", 1000)]
    public void Refuses_a_function_whose_code_would_be_out_of_proportion(string head, string repeated, string tail, int count)
    {
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromText(engine, $"""
            (module {Source}
              (func (export "f") (type $g) {head}{Repeat(repeated, count)}{tail})
              (func (export "ok") (result i32) (i32.const 7)))
            """));
        Assert.Throws<ResourceLimitException>(() => instance.GetFunction("f")!.Invoke([], new Value[1000]));
        Assert.Equal(7, instance.GetFunction<Func<int>>("ok")!());
    }

    [Fact]
    public void Checks_the_stack_before_the_frame_of_a_short_function_with_many_operands()
    {
        ChildProcess.Run(static _ =>
        {
            // Every count that compiles: a frame of 8 KB for each call, on the smallest stack that is used as it is.
            using var engine = Engine.Create();
            for (int calls = 2; calls <= 12; calls += 2)
            {
                using Store store = engine.CreateStore();
                Instance instance = store.Instantiate(Module.FromText(engine, $"""(module {Source} (func $f (export "f") {Repeat("call $g ", calls)} call $f unreachable))"""));
                Action function = instance.GetFunction<Action>("f")!;
                Wasm.OnThread(800 * 1024, () => Assert.Equal(TrapCode.StackOverflow, Assert.Throws<TrapException>(function).Code));
            }
        }).AssertSucceeded();
    }

    [Fact]
    public void Compiles_a_function_apart_from_neighbours_that_declare_very_many_locals()
    {
        const int Count = 2000;
        var text = new StringBuilder("(module ");
        text.Append("""(func (export "ok") (result i32) (i32.const 7))""");
        byte[] head = Wat(text.Append(')').ToString());
        byte[] module = WithManyLocals(head, Count);
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        Instance instance = store.Instantiate(Module.FromBytes(engine, module));
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(7, instance.GetFunction<Func<int>>("ok")!());

        // All of them together would be 100,000,000 locals.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 256L << 20);
    }

    private static byte[] Wat(string text) => Codicil.Format.Text.Wat.Parse(text).Bytes.ToArray();

    // The function section and the code section of a module with one type and one function, with more functions behind it.
    private static byte[] WithManyLocals(byte[] module, int count)
    {
        var result = new List<byte>(module[..8]);
        int position = 8;
        while (position < module.Length)
        {
            byte id = module[position++];
            int length = ReadLeb(module, ref position);
            byte[] content = module[position..(position + length)];
            position += length;
            if (id is 3 or 10)
            {
                int at = 0;
                _ = ReadLeb(content, ref at);
                var longer = new List<byte>(Leb(count + 1));
                longer.AddRange(content[at..]);
                for (int i = 0; i < count; i++)
                {
                    longer.AddRange(id == 3 ? [0] : [8, 1, .. Leb(50_000), 0x7E, 0x41, 0, 0x0B]);
                }

                content = [.. longer];
            }

            result.Add(id);
            result.AddRange(Leb(content.Length));
            result.AddRange(content);
        }

        return [.. result];
    }

    private static int ReadLeb(byte[] bytes, ref int position)
    {
        int value = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[position++];
            value |= (next & 127) << shift;
            if (next < 128)
            {
                return value;
            }
        }
    }

    private static byte[] Leb(int value)
    {
        var bytes = new List<byte>();
        for (; value > 127; value >>= 7)
        {
            bytes.Add((byte)(value | 128));
        }

        bytes.Add((byte)value);
        return [.. bytes];
    }

    private static string Repeat(string text, int count) => new StringBuilder(text.Length * count).Insert(0, text, count).ToString();
}
