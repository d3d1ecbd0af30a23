using System.Globalization;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Whatever the guest does with the stack, it traps and the process lives.</summary>
public sealed class StackTests
{
    private const string Recursions = """
        (module
          (import "host" "again" (func $again))
          (type $none (func))
          (table 2 funcref)
          (elem (i32.const 0) $indirect $self)
          (global $depth (mut i32) (i32.const 0))
          (func (export "depth") (result i32) global.get $depth)
          (func $self (export "direct") call $self)
          (func $value (export "value") (param i64) (result i64) (i64.add (call $value (i64.add (local.get 0) (i64.const 1))) (i64.const 1)))
          (func $indirect (export "indirect") (call_indirect (type $none) (i32.const 0)))
          (func $even (export "mutual") (param i32) (result i32) (call $odd (i32.add (local.get 0) (i32.const 1))))
          (func $odd (param i32) (result i32) (call $even (i32.sub (local.get 0) (i32.const 1))))
          (func $host (export "host") call $again)
          (func $counted (export "counted") (global.set $depth (i32.add (global.get $depth) (i32.const 1))) call $counted))
        """;

    [Theory]
    [InlineData(128 << 10)]
    [InlineData(256 << 10)]
    [InlineData(1 << 20)]
    [InlineData(64 << 20)]
    [InlineData(0)]
    [Trait("Security", "EX-03")]
    public void Endless_recursion_traps_a_thousand_times_in_a_row(int stackBytes) => ChildProcess.Run(
        static arguments =>
        {
            int size = int.Parse(arguments[0], CultureInfo.InvariantCulture);
            Recurse(64 << 10, 1000);
            Recurse(EngineOptions.Default.MaxStackBytes, 20);

            void Recurse(int budget, int rounds)
            {
                if (size == 0)
                {
                    RecurseHere(budget, rounds);
                }
                else
                {
                    Wasm.OnThread(size, () => RecurseHere(budget, rounds));
                }
            }
        },
        new() { Arguments = [stackBytes.ToString(CultureInfo.InvariantCulture)] }).AssertSucceeded();

    [Fact]
    [Trait("Security", "EX-03")]
    public void The_budget_is_the_options_on_every_thread() => ChildProcess.Run(static _ =>
    {
        foreach (int budget in new[] { 64 << 10, 512 << 10, 4 << 20 })
        {
            var depths = new List<int>();
            foreach (int size in new[] { 256 << 10, 1 << 20, 16 << 20 })
            {
                using Engine engine = Engine.Create(new EngineOptions { MaxStackBytes = budget });
                Instance instance = Wasm.Instantiate(engine.CreateStore(), Recursions, static linker => linker.DefineFunction("host", "again", static () => { }));
                Wasm.OnThread(size, () => Wasm.AssertTrap(TrapCode.StackOverflow, instance.GetFunction<Action>("counted")!));
                depths.Add((int)instance.GetFunction("depth")!.Invoke()!);
            }

            Assert.Equal(depths.Min(), depths.Max());
            Assert.InRange(budget / depths[0], 16, 128);
        }
    }).AssertSucceeded();

    [Theory]
    [InlineData("locals", 20_000)]
    [InlineData("locals", 50_000)]
    [InlineData("live locals", 1_500)]
    [InlineData("live locals", 20_000)]
    [InlineData("operands", 900)]
    [InlineData("operands", 8_000)]
    [InlineData("loads below operands", 50)]
    [InlineData("loads below operands", 340)]
    [InlineData("loads below operands", 2_500)]
    [InlineData("parameters", 990)]
    [InlineData("calls", 6_000)]
    [InlineData("indirect calls", 3_000)]
    [InlineData("conversions", 6_000)]
    [Trait("Security", "EX-05")]
    public void Recursion_with_huge_frames_traps(string kind, int count) => ChildProcess.Run(
        static arguments =>
        {
            foreach (MemoryProtection mode in Wasm.Modes)
            {
                Instance instance = Wasm.Instantiate(HugeFrame(arguments[0], int.Parse(arguments[1], CultureInfo.InvariantCulture)), mode, define: static linker => linker.DefineFunction("host", "here", static () => { }));
                Func<int, long> recurse = instance.GetFunction<Func<int, long>>("f")!;
                foreach (int size in new[] { 256 << 10, 1 << 20, 8 << 20 })
                {
                    Wasm.OnThread(size, () =>
                    {
                        for (int round = 0; round < 3; round++)
                        {
                            Wasm.AssertTrap(TrapCode.StackOverflow, () => recurse(int.MaxValue));
                        }
                    });
                }
            }
        },
        new() { Arguments = [kind, count.ToString(CultureInfo.InvariantCulture)] }).AssertSucceeded();

    [Fact]
    [Trait("Security", "EX-05")]
    public void A_frame_larger_than_the_whole_stack_is_a_limit()
    {
        using Engine engine = Engine.Create(new EngineOptions { MaxStackBytes = 64 << 10 });
        Instance instance = Wasm.Instantiate(engine.CreateStore(), $"""
            (module
              (func (export "large") (result i64) (local {string.Concat(Enumerable.Repeat("i64 ", 9_000))}) (local.get 8000))
              (func (export "small") (result i32) (i32.const 7)))
            """);
        ResourceLimitException limit = Assert.Throws<ResourceLimitException>(() => instance.GetFunction("large")!.Invoke());
        Assert.Contains("function 0", limit.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(EngineOptions.MaxStackBytes), limit.Message, StringComparison.Ordinal);
        Assert.Equal(7, instance.GetFunction("small")!.Invoke());
    }

    /// <summary>The check before a large frame is only as good as the bound it uses: the distance of two levels of a recursion is the frame.</summary>
    [Theory]
    [InlineData("locals", 20_000)]
    [InlineData("live locals", 900)]
    [InlineData("live locals", 8_000)]
    [InlineData("operands", 50)]
    [InlineData("operands", 900)]
    [InlineData("operands", 8_000)]
    [InlineData("loads below operands", 50)]
    [InlineData("loads below operands", 900)]
    [InlineData("parameters", 900)]
    [InlineData("calls", 900)]
    [InlineData("calls", 8_000)]
    [InlineData("indirect calls", 2_000)]
    [InlineData("conversions", 8_000)]
    [Trait("Security", "EX-05")]
    public unsafe void No_frame_is_larger_than_its_bound(string kind, int count)
    {
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            using Engine engine = Engine.Create(new EngineOptions { MemoryProtection = mode, MaxStackBytes = 64 << 20 });
            var addresses = new List<long>();
            void Here()
            {
                int local;
                addresses.Add((long)(&local));
            }

            var instance = (ModuleInstance)Wasm.Instantiate(engine.CreateStore(), HugeFrame(kind, count), linker => linker.DefineFunction("host", "here", Here));
            Func<int, long> recurse = instance.GetFunction<Func<int, long>>("f")!;
            Wasm.OnThread(128 << 20, () => recurse(3));
            long frame = addresses.Zip(addresses.Skip(1), static (outer, inner) => outer - inner).Max();
            long bound = instance.Code.Chunks.SelectMany(static chunk => chunk.Facts).Max(static facts => facts.FrameBytes);
            Assert.True(frame <= bound, string.Create(CultureInfo.InvariantCulture, $"{kind} {count} {mode}: a frame of {frame} bytes has a bound of {bound}"));
        }
    }

    /// <summary>First calls are compiled on the guest's stack, near its end: the reserve must hold the JIT.</summary>
    [Fact]
    [Trait("Security", "EX-05")]
    public void The_worst_functions_are_compiled_just_above_the_limit() => ChildProcess.Run(static _ =>
    {
        string[] bodies =
        [
            "local.get 0 " + Wasm.Repeat(1_900, static i => Wasm.Format($"i32.const {(i * 7) + 3} i32.mul local.get 0 i32.xor ")),
            "local.get 0 " + Wasm.Repeat(20_000, static i => Wasm.Format($"i32.const {(i * 7) + 3} i32.mul local.get 0 i32.xor ")),
            "local.get 0 " + Wasm.Repeat(600, static _ => "i32.load "),
            "local.get 0 f64.convert_i32_s " + Wasm.Repeat(1_900, static _ => "f64.sqrt f64.const 2 f64.add ") + "i32.trunc_sat_f64_s",
            Wasm.Repeat(300, static _ => "local.get 0 if ") + Wasm.Repeat(300, static _ => "end ") + "local.get 0",
            Wasm.Repeat(4_000, static _ => "block ") + "local.get 0 br_table " + Wasm.Repeat(4_000, static i => Wasm.Format($"{i} ")) + Wasm.Repeat(4_000, static _ => "end ") + "local.get 0",
            Wasm.Repeat(1_000, static _ => "local.get 0 i32.const 3 i32.mul ") + Wasm.Repeat(999, static _ => "i32.xor "),
        ];
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            foreach (string body in bodies)
            {
                // The descent ends one level before it would trap; there the function is called for the first time.
                string text = $"""
                    (module (memory 1)
                      (func (export "f") (param i32) (result i32) (call $descend (local.get 0)))
                      (func $descend (param i32) (result i32)
                        local.get 0 if (result i32) (call $descend (i32.sub (local.get 0) (i32.const 1))) else (call $worst (i32.const 0)) end)
                      (func $worst (param i32) (result i32) {body}))
                    """;
                foreach (int size in new[] { 256 << 10, 300 << 10, 8 << 20 })
                {
                    // 300 KiB are enough for the least budget with its reserve: the call stays on that thread.
                    using Engine engine = Engine.Create(new EngineOptions { MemoryProtection = mode, MaxStackBytes = 16 << 10 });
                    using Module module = Module.FromText(engine, text);
                    int deepest = 0;
                    Wasm.OnThread(size, () => deepest = FindDeepest(() => engine.CreateStore().Instantiate(Module.FromText(engine, text.Replace(body, "local.get 0", StringComparison.Ordinal)))));
                    Wasm.OnThread(size, () =>
                    {
                        try
                        {
                            engine.CreateStore().Instantiate(module).GetFunction<Func<int, int>>("f")!(deepest);
                        }
                        catch (TrapException trap)
                        {
                            Assert.True(trap.Code is TrapCode.StackOverflow or TrapCode.MemoryOutOfBounds);
                        }
                        catch (ResourceLimitException)
                        {
                            // Its frame may be larger than all of this stack.
                        }
                    });
                }
            }
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Security", "EX-05")]
    public void A_first_call_near_the_end_of_a_small_thread_is_compiled_elsewhere() => ChildProcess.Run(static _ =>
    {
        Instance instance = Wasm.Instantiate(HugeFrame("operands", 3_000), define: static linker => linker.DefineFunction("host", "here", static () => { }));
        Wasm.OnThread(256 << 10, () => Descend(() => Assert.NotEqual(0, instance.GetFunction<Func<int, long>>("f")!(1))));
    }).AssertSucceeded();

    private static unsafe void Descend(Action bottom)
    {
        byte* some = stackalloc byte[4096];
        some[0] = 1;
        if (ThreadStack.RemainingLength < 96 << 10)
        {
            bottom();
            return;
        }

        Descend(bottom);
        GC.KeepAlive(bottom);
    }

    private static int FindDeepest(Func<Instance> create)
    {
        Func<int, int> descend = create().GetFunction<Func<int, int>>("f")!;
        int low = 0;
        int high = 1 << 20;
        while (low < high - 1)
        {
            int middle = (low + high) / 2;
            try
            {
                descend(middle);
                low = middle;
            }
            catch (TrapException)
            {
                high = middle;
            }
        }

        return low;
    }

    private static void RecurseHere(int budget, int rounds)
    {
        Instance instance = InstantiateRecursions(budget);
        Action[] recursions =
        [
            instance.GetFunction<Action>("direct")!,
            () => instance.GetFunction<Func<long, long>>("value")!(1),
            instance.GetFunction<Action>("indirect")!,
            () => instance.GetFunction<Func<int, int>>("mutual")!(1),
            instance.GetFunction<Action>("host")!,
            () => instance.GetFunction("direct")!.Invoke(),
        ];
        for (int round = 0; round < rounds; round++)
        {
            // Those through the host cost an exception through hundreds of frames each.
            Wasm.AssertTrap(TrapCode.StackOverflow, recursions[round % 20 == 19 ? 4 : round % 4]);
        }

        Wasm.AssertTrap(TrapCode.StackOverflow, recursions[5]);
    }

    private static Instance InstantiateRecursions(int budget)
    {
        Action? again = null;
        Engine engine = Engine.Create(new EngineOptions { MaxStackBytes = budget });
        Instance instance = Wasm.Instantiate(engine.CreateStore(), Recursions, linker => linker.DefineFunction("host", "again", () => again!()));
        again = instance.GetFunction<Action>("host")!;
        return instance;
    }

    /// <summary>A function f(n) that calls the host and then itself, n times, with a frame that is large in one way or another.</summary>
    private static string HugeFrame(string kind, int count)
    {
        const string Again = "(call $here) local.get 0 if (result i64) (call $f (i32.sub (local.get 0) (i32.const 1))) else i64.const 1 end ";
        const string Head = "(func $f (export \"f\") (param i32) (result i64) ";
        string body = kind switch
        {
            "locals" => Head + "(local " + Wasm.Repeat(count, static _ => "i64 ") + ") " + Again + "(i64.add (local.get 1)))",
            "live locals" => Head + "(local " + Wasm.Repeat(count, static _ => "i64 ") + ") "
                + Wasm.Repeat(count, static i => Wasm.Format($"(local.set {i + 1} (i64.mul (i64.extend_i32_s (local.get 0)) (i64.const {i}))) "))
                + Again + Wasm.Repeat(count, static i => Wasm.Format($"local.get {i + 1} i64.add ")) + ")",
            "operands" => Head + Wasm.Repeat(count, static i => Wasm.Format($"(i64.mul (i64.extend_i32_s (local.get 0)) (i64.const {i})) ")) + Again + Wasm.Repeat(count, static _ => "i64.add ") + ")",
            "loads below operands" => "(memory 1) " + Head + "(local i32) "
                + Wasm.Repeat(count, static i => Wasm.Format($"(i64.load offset={i} (local.get 1)) (i32.store offset={i * 4} (local.get 1) (i32.const 5)) "))
                + Wasm.Repeat(count - 1, static _ => "i64.add ") + "drop " + Again + ")",
            "parameters" => Head + "local.get 0 " + Wasm.Repeat(count, static i => Wasm.Format($"i64.const {i} ")) + "call $g) (func $g (param i32 " + Wasm.Repeat(count, static _ => "i64 ") + ") (result i64) "
                + Again + Wasm.Repeat(count, static i => Wasm.Format($"local.get {i + 1} i64.add ")) + ")",
            "calls" => "(func $g (param i64) (result i64) local.get 0) " + Head + Wasm.Repeat(count, static i => Wasm.Format($"(call $g (i64.const {i})) ")) + Again + Wasm.Repeat(count, static _ => "i64.add ") + ")",
            "indirect calls" => "(type $t (func (param i64) (result i64))) (table 1 funcref) (elem (i32.const 0) $g) (func $g (type $t) local.get 0) "
                + Head + Wasm.Repeat(count, static i => Wasm.Format($"(drop (call_indirect (type $t) (i64.const {i}) (i32.const 0))) ")) + Again + ")",
            "conversions" => Head + "(local i32 f64) "
                + Wasm.Repeat(count, static _ => "local.get 2 i32.trunc_f64_s local.get 2 f64.floor i64.trunc_sat_f64_u i32.wrap_i64 i32.add local.set 1 local.get 2 local.get 2 f64.min local.get 2 f64.max local.set 2 ")
                + Again + ")",
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };
        return "(module (import \"host\" \"here\" (func $here)) " + body + ")";
    }
}
