using System.Globalization;
using System.Security.Cryptography;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Validation;

namespace Codicil.Format.Tests.Mutants;

/// <summary>One-byte mutants of real modules: the verdict is V8's, which v8-verdicts.mjs has stored.</summary>
public sealed class MutantTests
{
    // V8 has no switch for these in the version that gave the verdicts: mutants that use more end as unsupported and are not compared.
    private const WasmFeatures Features = WasmFeatures.Wasm2;

    public static TheoryData<string> Lines => [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "Mutants", "v8-verdicts.txt"))];

    [Theory]
    [MemberData(nameof(Lines), DisableDiscoveryEnumeration = true)]
    [Trait("Security", "DV-02")]
    public void Mutants_are_valid_exactly_when_V8_says_so(string line)
    {
        string[] parts = line.Split(' ');
        byte[] module = File.ReadAllBytes(Path.Combine(TextSharedFiles.Directory(Path.GetDirectoryName(parts[0])!), Path.GetFileName(parts[0])));
        Assert.Equal(parts[1], Convert.ToHexStringLower(SHA256.HashData(module)));
        uint state = uint.Parse(parts[2], CultureInfo.InvariantCulture);
        int count = int.Parse(parts[3], CultureInfo.InvariantCulture);
        byte[] verdicts = Convert.FromBase64String(parts[4]);

        List<string> differences = [];
        int compared = 0;
        for (int i = 0; i < count; i++)
        {
            int position = (int)(8 + ((Next(ref state) >> 4) % (uint)(module.Length - 8)));
            byte original = module[position];
            module[position] = (byte)(Next(ref state) >> 8);
            bool expected = ((verdicts[i >> 3] >> (i & 7)) & 1) != 0;
            if (Verdict(module, out string reason) is bool actual)
            {
                compared++;
                if (actual != expected)
                {
                    differences.Add($"byte {position} = 0x{module[position]:x2}: V8 {expected}, here {reason}");
                }
            }

            module[position] = original;
        }

        Assert.Empty(differences);
        Assert.True(compared > count * 0.85, $"only {compared} of {count} were compared");
    }

    /// <summary>Whether a module is valid; null when it needs a proposal that is off or exceeds a limit.</summary>
    private static bool? Verdict(byte[] bytes, out string reason)
    {
        try
        {
            WasmModule module = ModuleDecoder.Decode(bytes, Features);
            _ = ModuleValidator.Validate(module);
            reason = "valid";
            return true;
        }
        catch (UnsupportedModuleException exception)
        {
            reason = exception.Message;
            return null;
        }
        catch (WasmException exception)
        {
            reason = exception.Message;
            return false;
        }
    }

    private static uint Next(ref uint state) => state = unchecked((state * 1664525) + 1013904223);
}
