using System.Globalization;
using System.Text;

namespace Codicil.Tests;

/// <summary>Small numbers scaled and moved to a table: what the compiler does with them in 64 bits must be what 32 bits would give.</summary>
public sealed class TableIndexTests
{
    private const int Pages = 2;
    private const int Functions = 1500;

    public static TheoryData<MemoryProtection> Modes => Wasm.ModeData;

    [Theory]
    [MemberData(nameof(Modes))]
    public void Indices_are_what_arithmetic_in_32_bits_makes_them(MemoryProtection mode)
    {
        var random = new Random(20261121);
        var text = new StringBuilder(
            $"""
            (module (memory (export "memory") {Pages}) (global $g (mut i32) (i32.const 0))
            (func $identity (param i32) (result i32) (local.get 0))

            """);
        var expressions = new List<Expression>();
        for (int i = 0; i < Functions; i++)
        {
            var expression = Expression.Next(random);
            expressions.Add(expression);
            text.AppendLine(CultureInfo.InvariantCulture, $"(func (export \"{i}\") (param i32 i32) (result i32) (local i32) {expression.Text})");
        }

        Instance instance = Wasm.Instantiate(text.Append(')').ToString(), mode);
        Span<byte> memory = instance.GetMemory("memory")!.GetSpan(0, Pages << 16);
        random.NextBytes(memory);
        int traps = 0;
        uint[] arguments = [0, 1, 2, 127, 128, 255, 256, 0xFFFF, 0x10000, 0x1FFFB, 0x1FFFF, 0x20000, 0x3FFF_FFFF, 0x4000_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFF0, uint.MaxValue];
        for (int i = 0; i < Functions; i++)
        {
            var function = instance.GetFunction<Func<int, int, int>>(i.ToString(CultureInfo.InvariantCulture))!;
            for (int k = 0; k < 12; k++)
            {
                uint x = arguments[random.Next(arguments.Length)];
                uint y = arguments[random.Next(arguments.Length)];
                uint? expected = expressions[i].Evaluate(x, y, memory);
                if (expected is null)
                {
                    traps++;
                    Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => function((int)x, (int)y));
                }
                else
                {
                    Assert.True(expected == (uint)function((int)x, (int)y), $"{expressions[i].Text} of {x:x}, {y:x}: {(uint)function((int)x, (int)y):x} instead of {expected:x}");
                }
            }
        }

        Assert.InRange(traps, Functions / 2, Functions * 8);
    }

    private delegate uint? Evaluation(uint x, uint y, ReadOnlySpan<byte> memory);

    /// <param name="Text">Instructions that leave an i32.</param>
    /// <param name="Evaluate">The i32, or null for a trap.</param>
    private sealed record Expression(string Text, Evaluation Evaluate)
    {
        private static readonly uint[] s_constants = [0, 1, 2, 3, 8, 24, 31, 32, 112, 128, 1024, 32767, 32768, 65535, 0x1FFF8, 0x20000, 0xFFFF_FFFF, 0xFFFF_FF00, 0x7FFF_FFFF];
        private static readonly uint[] s_masks = [0, 1, 15, 255, 0xFFFF, 0x3FFF_FFFF, 0xFFFF_FFFF];

        public static Expression Next(Random random)
        {
            Expression expression = Small(random);
            int steps = 1 + random.Next(4);
            for (int i = 0; i < steps; i++)
            {
                expression = expression.Then(random);
            }

            return random.Next(8) switch
            {
                0 => new($"{expression.Text} local.tee 2 local.get 2 i32.add", (x, y, m) => expression.Evaluate(x, y, m) * 2),
                1 => new($"{expression.Text} call $identity", expression.Evaluate),
                2 => new($"{expression.Text} global.set $g global.get $g", expression.Evaluate),
                3 => new($"(if (result i32) (block (result i32) {expression.Text}) (then (i32.const 5)) (else (i32.const 6)))", (x, y, m) => expression.Evaluate(x, y, m) is uint c ? c != 0 ? 5u : 6u : null),
                4 => new($"(select (block (result i32) {expression.Text}) (local.get 0) (local.get 1))", (x, y, m) => expression.Evaluate(x, y, m) is uint v ? y != 0 ? v : x : null),
                _ => expression.Load(random),
            };
        }

        private static Expression Small(Random random)
        {
            uint mask = s_masks[random.Next(s_masks.Length)];
            return random.Next(5) switch
            {
                0 => new($"local.get 0 i32.const {(int)mask} i32.and", (x, _, _) => x & mask),
                1 => new("local.get 0 i32.const 1023 i32.and i32.load8_u offset=64", (x, _, m) => m[(int)(x & 1023) + 64]),
                2 => new("local.get 1 i32.const 2047 i32.and i32.load16_u", (_, y, m) => BitConverter.ToUInt16(m[(int)(y & 2047)..])),
                3 => new($"local.get 0 i32.const {(int)mask} i32.and local.get 1 i32.const 255 i32.and {(mask & 1) switch { 0 => "i32.xor", _ => "i32.or" }}", (x, y, _) => (mask & 1) == 0 ? (x & mask) ^ (y & 255) : (x & mask) | (y & 255)),
                _ => new("local.get 0 local.get 1 i32.rem_u", (x, y, _) => y == 0 ? null : x % y) { Guard = true },
            };
        }

        /// <summary>Whether it divides by the second argument.</summary>
        private bool Guard { get; init; }

        private Expression Then(Random random)
        {
            uint constant = s_constants[random.Next(s_constants.Length)];
            Expression inner = Guard ? new($"local.get 1 if (result i32) {Text} else i32.const 7 end", (x, y, m) => y == 0 ? 7 : Evaluate(x, y, m)) : this;
            Evaluation evaluate = inner.Evaluate;
            return random.Next(7) switch
            {
                0 or 1 => new($"{inner.Text} i32.const {(int)constant} i32.shl", (x, y, m) => evaluate(x, y, m) << (int)(constant & 31)),
                2 or 3 => new($"{inner.Text} i32.const {(int)constant} i32.add", (x, y, m) => evaluate(x, y, m) + constant),
                4 => new($"{inner.Text} i32.const {(int)constant} i32.shr_u", (x, y, m) => evaluate(x, y, m) >> (int)(constant & 31)),
                5 => new($"{inner.Text} local.get 1 i32.add", (x, y, m) => evaluate(x, y, m) + y),
                _ => inner.Load(random),
            };
        }

        private Expression Load(Random random)
        {
            uint offset = s_constants[random.Next(12)];
            Evaluation evaluate = Evaluate;
            if (Guard)
            {
                return Then(random);
            }

            (string name, int width) = random.Next(3) switch { 0 => ("i32.load8_u", 1), 1 => ("i32.load16_u", 2), _ => ("i32.load", 4) };
            return new(
                $"{Text} {name} offset={offset}",
                (x, y, m) =>
                {
                    if (evaluate(x, y, m) is not uint index || (ulong)index + offset + (uint)width > (ulong)m.Length)
                    {
                        return null;
                    }

                    ReadOnlySpan<byte> bytes = m[(int)(index + offset)..];
                    return width switch { 1 => bytes[0], 2 => BitConverter.ToUInt16(bytes), _ => BitConverter.ToUInt32(bytes) };
                });
        }
    }
}
