using System.Globalization;
using System.Runtime.Intrinsics;
using System.Text;

using Codicil.Format;
using Codicil.Format.Instructions;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>
/// Every instruction on vectors gives the same whatever the processor offers: each level of instruction sets has code of its own, down to the runtime's
/// vectors in software. The runtime takes its level from the environment, so each is a child process.
/// </summary>
public sealed class VectorLevelTests
{
    private const int Samples = 400;

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX2")]
    [InlineData("DOTNET_EnableAVX")]
    [InlineData("DOTNET_EnableSSE42")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    [Trait("Parity", "WTG-18")]
    public void Results_do_not_depend_on_the_processor(string variable)
    {
        ChildProcessResult lower = ChildProcess.Run(
            static _ => Console.Out.Write(string.Join('\n', Digests())), new() { Environment = { [variable] = "0" } }).AssertSucceeded();
        Assert.Equal(Digests(), lower.StandardOutput.Split('\n'));
    }

    /// <summary>The patterns that the emitter knows, and random ones, against the definition.</summary>
    [Fact]
    public void Shuffles_take_the_bytes_that_their_indices_say() => CheckShuffles();

    [Theory]
    [InlineData("DOTNET_EnableAVX512")]
    [InlineData("DOTNET_EnableAVX")]
    [InlineData("DOTNET_EnableSSE42")]
    [InlineData("DOTNET_EnableHWIntrinsic")]
    public void Shuffles_are_right_without_the_newer_instructions(string variable) =>
        ChildProcess.Run(static _ => CheckShuffles(), new() { Environment = { [variable] = "0" } }).AssertSucceeded();

    // A line for each instruction: its name and a hash of its results.
    private static List<string> Digests()
    {
        var opcodes = new List<Opcode>();
        var text = new StringBuilder("(module\n");
        foreach (Opcode opcode in Enum.GetValues<Opcode>())
        {
            if (OpcodeTable.Feature(opcode) is not (WasmFeatures.Simd or WasmFeatures.RelaxedSimd) || OpcodeTable.Immediate(opcode) is not (ImmediateKind.None or ImmediateKind.Lane))
            {
                continue;
            }

            opcodes.Add(opcode);
            InstructionSignature signature = OpcodeTable.Signature(opcode);
            string result = NameOf(signature.Results[0]);
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"f{opcodes.Count - 1}\") (param v128 v128 v128) (result {result}) ({OpcodeTable.Mnemonic(opcode)}");
            if (OpcodeTable.Immediate(opcode) == ImmediateKind.Lane)
            {
                text.Append(" 1");
            }

            for (int i = 0; i < signature.Operands.Length; i++)
            {
                text.Append(CultureInfo.InvariantCulture, $" {OperandText(signature.Operands[i], i)}");
            }

            text.Append("))\n");
        }

        using Engine engine = Engine.Create(new EngineOptions { DeterministicRelaxedSimd = true });
        Instance instance = Wasm.Instantiate(engine.CreateStore(), text.Append(')').ToString());
        Vector128<byte>[] inputs = MakeInputs();
        var lines = new List<string>();
        for (int i = 0; i < opcodes.Count; i++)
        {
            Function function = instance.GetFunction(string.Create(CultureInfo.InvariantCulture, $"f{i}"))!;
            bool isFloat = OpcodeTable.Mnemonic(opcodes[i])[0] == 'f';
            ulong hash = 14695981039346656037;
            var results = new Value[1];
            for (int k = 0; k < Samples; k++)
            {
                function.Invoke([Value.FromV128(inputs[k % inputs.Length]), Value.FromV128(inputs[(k * 7 + 3) % inputs.Length]), Value.FromV128(inputs[(k * 5 + 1) % inputs.Length])], results);
                Vector128<byte> value = results[0].Kind switch
                {
                    ValKind.V128 => results[0].AsV128(),
                    ValKind.I32 => Vector128.CreateScalar(results[0].AsI32()).AsByte(),
                    ValKind.I64 => Vector128.CreateScalar(results[0].AsI64()).AsByte(),
                    ValKind.F32 => Vector128.CreateScalar(results[0].AsF32()).AsByte(),
                    _ => Vector128.CreateScalar(results[0].AsF64()).AsByte(),
                };
                value = isFloat ? WithoutPayloads(value, OpcodeTable.Mnemonic(opcodes[i]).StartsWith("f64", StringComparison.Ordinal)) : value;
                for (int place = 0; place < 16; place++)
                {
                    hash = (hash ^ value[place]) * 1099511628211;
                }
            }

            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{OpcodeTable.Mnemonic(opcodes[i])} {hash:x16}"));
        }

        Assert.InRange(lines.Count, 200, 236);
        return lines;
    }

    private static string NameOf(OperandKind kind) => kind switch
    {
        OperandKind.I32 => "i32",
        OperandKind.I64 => "i64",
        OperandKind.F32 => "f32",
        OperandKind.F64 => "f64",
        _ => "v128",
    };

    // Numbers are a lane of the third parameter.
    private static string OperandText(OperandKind kind, int index) => kind switch
    {
        OperandKind.I32 => "(i32x4.extract_lane 1 (local.get 2))",
        OperandKind.I64 => "(i64x2.extract_lane 1 (local.get 2))",
        OperandKind.F32 => "(f32x4.extract_lane 2 (local.get 2))",
        OperandKind.F64 => "(f64x2.extract_lane 1 (local.get 2))",
        _ => string.Create(CultureInfo.InvariantCulture, $"(local.get {index})"),
    };

    // Which NaN comes out may depend on the processor (4.3.3), that one does may not.
    private static Vector128<byte> WithoutPayloads(Vector128<byte> value, bool isDouble) => isDouble
        ? Vector128.ConditionalSelect(Vector128.Equals(value.AsDouble(), value.AsDouble()), value.AsDouble(), Vector128.Create(double.NaN)).AsByte()
        : Vector128.ConditionalSelect(Vector128.Equals(value.AsSingle(), value.AsSingle()), value.AsSingle(), Vector128.Create(float.NaN)).AsByte();

    private static Vector128<byte>[] MakeInputs()
    {
        var random = new Random(20261121);
        var inputs = new List<Vector128<byte>>
        {
            Vector128<byte>.Zero,
            Vector128<byte>.AllBitsSet,
            Vector128.CreateSequence((byte)0, (byte)1),
            Vector128.CreateSequence((byte)24, (byte)0xFF),
            Vector128.Create((byte)0x80),
            Vector128.Create(short.MinValue).AsByte(),
            Vector128.Create(int.MinValue).AsByte(),
            Vector128.Create(long.MinValue).AsByte(),
            Vector128.Create(short.MaxValue).AsByte(),
            Vector128.Create(1f, -1f, 0f, -0f).AsByte(),
            Vector128.Create(-0f, 0f, 0f, -0f).AsByte(),
            Vector128.Create(float.NaN, float.PositiveInfinity, float.NegativeInfinity, float.Epsilon).AsByte(),
            Vector128.Create(2147483648f, 4294967296f, -2147483648f, 4294967040f).AsByte(),
            Vector128.Create(0.5f, 1.5f, 2.5f, -0.5f).AsByte(),
            Vector128.Create(8388609.5f, -8388609f, 0.49999997f, 16777217f).AsByte(),
            Vector128.Create(double.NaN, double.PositiveInfinity).AsByte(),
            Vector128.Create(0.0, -0.0).AsByte(),
            Vector128.Create(-0.0, 0.0).AsByte(),
            Vector128.Create(2147483647.9, 4294967295.5).AsByte(),
            Vector128.Create(-2147483649.0, -1.0).AsByte(),
            Vector128.Create(0.5, 2.5).AsByte(),
            Vector128.Create(1e300, -1e-320).AsByte(),
            Vector128.Create(3.4028235677973366e38, 1.401298464324817e-45).AsByte(),
        };
        while (inputs.Count < 89)
        {
            Vector128<byte> any = Vector128.Create(random.NextInt64(), random.NextInt64()).AsByte();
            inputs.Add(random.Next(3) switch
            {
                0 => any,
                1 => Vector128.Create((random.NextSingle() - 0.5f) * 1e10f, (random.NextSingle() - 0.5f) * 10, random.Next(), -random.Next()).AsByte(),
                _ => Vector128.Create((random.NextDouble() - 0.5) * 1e10, (random.NextDouble() - 0.5) * 10).AsByte(),
            });
        }

        return [.. inputs];
    }

    private static void CheckShuffles()
    {
        var random = new Random(7);
        List<byte[]> all = [];
        for (int i = 0; i < 300; i++)
        {
            all.Add([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(32))]);
            all.Add([.. Enumerable.Range(0, 16).Select(_ => (byte)random.Next(16))]);
        }

        foreach (int width in new[] { 1, 2, 4, 8 })
        {
            for (int i = 0; i < 60; i++)
            {
                // Whole lanes, from both, from one, and each half from one.
                byte[] lanes = [.. Enumerable.Range(0, 16 / width).Select(_ => (byte)random.Next(32 / width))];
                byte[] halves = [.. Enumerable.Range(0, 16 / width).Select(lane => (byte)(random.Next(16 / width) + (((i >> (lane * 2 * width / 16)) & 1) * (16 / width))))];
                byte[] blend = [.. Enumerable.Range(0, 16 / width).Select(lane => (byte)(lane + (random.Next(2) * (16 / width))))];
                foreach (byte[] chosen in new[] { lanes, halves, blend })
                {
                    all.Add([.. Enumerable.Range(0, 16).Select(place => (byte)((chosen[place / width] * width) + (place % width)))]);
                }
            }

            foreach (int swap in new[] { 0, 16 })
            {
                foreach (int half in new[] { 0, 8 })
                {
                    all.Add([.. Enumerable.Range(0, 16).Select(place => (byte)((place / width % 2 == 0 ? swap : 16 - swap) + half + (place / width / 2 * width) + (place % width)))]);
                }
            }
        }

        for (int first = 0; first < 32; first++)
        {
            all.Add([.. Enumerable.Range(0, 16).Select(place => (byte)((first + place) % 32))]);
            all.Add([.. Enumerable.Repeat((byte)first, 16)]);
        }

        var text = new StringBuilder("(module\n");
        for (int i = 0; i < all.Count; i++)
        {
            // Operands as locals, computed, constants, and below others.
            string indices = string.Join(' ', all[i]);
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"a{i}\") (param v128 v128) (result v128) (i8x16.shuffle {indices} (local.get 0) (local.get 1)))\n");
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"b{i}\") (param v128 v128) (result v128) (v128.not (local.get 0)) (i8x16.shuffle {indices} (v128.not (local.get 0)) (v128.not (local.get 1))) v128.not v128.or)\n");
        }

        Instance instance = Wasm.Instantiate(text.Append(')').ToString());
        Vector128<byte> x = Vector128.CreateSequence((byte)0x10, (byte)3);
        Vector128<byte> y = Vector128.CreateSequence((byte)0xF0, (byte)0xFB);
        for (int i = 0; i < all.Count; i++)
        {
            Vector128<byte> expected = default;
            for (int place = 0; place < 16; place++)
            {
                expected = expected.WithElement(place, all[i][place] < 16 ? x[all[i][place]] : y[all[i][place] - 16]);
            }

            Assert.Equal(expected, instance.GetFunction(Wasm.Format($"a{i}"))!.Invoke(x, y));
            Assert.Equal(~x | expected, instance.GetFunction(Wasm.Format($"b{i}"))!.Invoke(x, y));
        }
    }
}
