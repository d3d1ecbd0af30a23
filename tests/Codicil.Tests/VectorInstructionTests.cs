using System.Globalization;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using System.Text;
using System.Text.RegularExpressions;

using Codicil.Format;
using Codicil.Format.Instructions;

namespace Codicil.Tests;

/// <summary>
/// Holds the table "Which machine instructions come of it?" of docs/decisions.md, column AVX2: for each instruction on vectors a function, and what the JIT's listing of it has. <c>Golden/vector-instructions.txt</c> lists them; moves, zeros and constants
/// are left out, and so is the order. Fewer instructions than there are no failure: a newer runtime may know better. CODICIL_UPDATE_GOLDEN=1 writes the file anew. The runtime takes its level and its listing from the environment, so it is a child process.
/// </summary>
public sealed partial class VectorInstructionTests
{
    [Fact]
    public void Each_vector_instruction_becomes_the_machine_instructions_of_the_table()
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the listing is read for x64");
        Assert.SkipUnless(Avx2.IsSupported, "this processor has no AVX2");
        string file = Path.GetTempFileName();
        try
        {
            ChildProcess.Run(static _ => CompileAll(), new() { Environment = { ["DOTNET_JitStdOutFile"] = file, ["DOTNET_JitDisasm"] = "f*", ["DOTNET_EnableAVX512"] = "0" } }).AssertSucceeded();
            Dictionary<string, string[]> found = Read(File.ReadAllText(file));
            Assert.Equal(Opcodes().Select(OpcodeTable.Mnemonic).Order(StringComparer.Ordinal), found.Keys.Order(StringComparer.Ordinal));
            if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_GOLDEN") == "1")
            {
                File.WriteAllText(GoldenPath, string.Concat(found.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => $"{pair.Key}: {string.Join(' ', pair.Value)}\n")));
            }

            var expected = File.ReadLines(GoldenPath).Select(static line => line.Split(": ")).ToDictionary(static parts => parts[0], static parts => parts[1].Split(' '), StringComparer.Ordinal);
            var differences = new List<string>();
            foreach ((string mnemonic, string[] instructions) in found)
            {
                // A call would be the portable method, not inlined.
                List<string> left = [.. expected[mnemonic]];
                string[] more = [.. instructions.Where(instruction => !left.Remove(instruction))];
                if (more.Length != 0)
                {
                    differences.Add($"{mnemonic}: {string.Join(' ', instructions)}, instead of {string.Join(' ', expected[mnemonic])}");
                }
            }

            Assert.Empty(differences);
            Assert.DoesNotContain(expected, static pair => pair.Value.Contains("call"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string GoldenPath => Path.Combine(Repository.Root, "tests", "Codicil.Tests", "Golden", "vector-instructions.txt");

    private static List<Opcode> Opcodes() => [.. Enum.GetValues<Opcode>().Where(static opcode =>
        OpcodeTable.Feature(opcode) == WasmFeatures.Simd && OpcodeTable.Immediate(opcode) is ImmediateKind.None or ImmediateKind.Lane)];

    private static void CompileAll()
    {
        var text = new StringBuilder("(module\n");
        foreach (Opcode opcode in Opcodes())
        {
            InstructionSignature signature = OpcodeTable.Signature(opcode);
            string parameters = string.Join(' ', signature.Operands.ToArray().Select(NameOf));
            string lane = OpcodeTable.Immediate(opcode) == ImmediateKind.Lane ? " 1" : "";
            string operands = string.Concat(Enumerable.Range(0, signature.Operands.Length).Select(static index => Wasm.Format($" local.get {index}")));
            text.Append(CultureInfo.InvariantCulture, $"(func (export \"{OpcodeTable.Mnemonic(opcode)}\") (param {parameters}) (result {NameOf(signature.Results[0])}){operands} {OpcodeTable.Mnemonic(opcode)}{lane})\n");
        }

        Instance instance = Wasm.Instantiate(text.Append(')').ToString());
        foreach (Opcode opcode in Opcodes())
        {
            Function function = instance.GetFunction(OpcodeTable.Mnemonic(opcode))!;
            function.Invoke([.. function.Type.Parameters.Select(Value.Default)], new Value[1]);
        }
    }

    // The instructions of each function but moves, zeros, constants and what surrounds them, without the `v` of the forms with three operands.
    private static Dictionary<string, string[]> Read(string listing)
    {
        List<Opcode> opcodes = Opcodes();
        var found = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (string part in listing.Split("; Assembly listing for method ").Skip(1))
        {
            Match name = FunctionName().Match(part);
            if (name.Success && int.Parse(name.Groups[1].Value, CultureInfo.InvariantCulture) is int index && index < opcodes.Count)
            {
                found[OpcodeTable.Mnemonic(opcodes[index])] =
                [
                    .. Instruction().Matches(part).Select(static match => match.Groups[1].Value)
                        .Select(static mnemonic => mnemonic[0] == 'v' ? mnemonic[1..] : mnemonic)
                        .Where(static mnemonic => !Surrounding().IsMatch(mnemonic))
                        .Select(static mnemonic => mnemonic.StartsWith("fmadd", StringComparison.Ordinal) ? "fmadd" : mnemonic),
                ];
            }
        }

        return found;
    }

    private static string NameOf(OperandKind kind) => kind switch
    {
        OperandKind.I32 => "i32",
        OperandKind.I64 => "i64",
        OperandKind.F32 => "f32",
        OperandKind.F64 => "f64",
        _ => "v128",
    };

    [GeneratedRegex(@"^\S*:f(\d+)\(")]
    private static partial Regex FunctionName();

    // What is the instruction itself among them stays: extensions, broadcasts that duplicate, and comparisons with zero have names of their own.
    [GeneratedRegex("^(mov(ap|up|sx|zx)?[sd]?|movd|movq|movaps|movups|xorps|broadcastss|ret|push|pop|zeroupper|cwde|lea|sub|add|nop|align)$")]
    private static partial Regex Surrounding();

    [GeneratedRegex(@"^       (\w+)", RegexOptions.Multiline)]
    private static partial Regex Instruction();
}
