using Codicil.Format;
using Codicil.Format.Binary;

namespace Codicil.Fuzz.Cases;

/// <summary>Makes a case of a module: the calls and the ways to run it follow from the seed.</summary>
internal static class CaseMaker
{
    /// <summary>A case, or null where the decoder refuses the module; then only the verdict can be compared.</summary>
    public static FuzzCase? Create(string generator, ulong seed, byte[] module, int rounds, WasmFeatures features)
    {
        try
        {
            CallPlan plan = CallPlan.Create(ModuleDecoder.Decode(module, features), FuzzRandom.For("plan", seed), rounds);
            return new FuzzCase(generator, seed, module, plan, ConfigurationsOf(seed));
        }
        catch (WasmException)
        {
            return null;
        }
    }

    // Both memory modes each time; interruption and the time of compilation change with the seed.
    private static string ConfigurationsOf(ulong seed) => (seed % 8) switch
    {
        0 => "gnl,cil",
        1 => "gil,cnl",
        2 => "gne,cie",
        3 => "gie,cne",
        4 => "gnl,cie",
        5 => "gil,cne",
        6 => "gne,cil",
        _ => "gie,cnl",
    };
}
