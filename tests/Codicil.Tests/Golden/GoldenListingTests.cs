using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

using Codicil.Compiler;
using Codicil.Execution;
using Codicil.Plugins;
using Codicil.Runtime;

namespace Codicil.Tests.Golden;

/// <summary>
/// The CIL of small functions lies beside their text. The first line of a <c>.wat</c> file names its listings, each a file of its own:
/// <c>guard</c> or <c>checked</c> memory, with <c>+interruptible</c> where loops poll. CODICIL_UPDATE_GOLDEN=1 writes them anew.
/// </summary>
public sealed class GoldenListingTests
{
    private const string Directive = ";; listings: ";

    /// <summary>In a file this stands for a function that is as heavy as many: two of them make a module that is cut into chunks.</summary>
    private const string HeavyFunction = ";; a heavy function";

    /// <summary>In a function this stands for the declaration of 4,200 locals.</summary>
    private const string ManyLocals = ";; many locals";

    private static string Folder => Path.Combine(Repository.Root, "tests", "Codicil.Tests", "Golden");

    public static TheoryData<string, string> Listings
    {
        get
        {
            var data = new TheoryData<string, string>();
            foreach (string path in Directory.EnumerateFiles(Folder, "*.wat").Order(StringComparer.Ordinal))
            {
                string first = File.ReadLines(path).First();
                Assert.StartsWith(Directive, first, StringComparison.Ordinal);
                foreach (string variant in first[Directive.Length..].Split(", "))
                {
                    data.Add(Path.GetFileNameWithoutExtension(path), variant);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Listings))]
    public void The_code_is_the_recorded_one(string name, string variant)
    {
        // Which intrinsics are emitted depends on the processor; the listings are those of x64.
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the listings are recorded on x64");
        Assert.SkipUnless(!variant.StartsWith("guard", StringComparison.Ordinal) || SignalFilter.TryInstall(), "there is no guard memory here");
        string path = Path.Combine(Folder, $"{name}.{variant}.cil");
        string actual = Emit(File.ReadAllText(Path.Combine(Folder, name + ".wat")), variant);
        if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_GOLDEN") == "1")
        {
            File.WriteAllText(path, actual);
        }

        string recorded = File.Exists(path) ? File.ReadAllText(path) : "";
        Assert.True(
            recorded == actual,
            $"The code of {name}.wat ({variant}) has changed. Where that is wanted, run the tests with CODICIL_UPDATE_GOLDEN=1.\n{LineDiff.Of(recorded, actual)}");
    }

    [Fact]
    public void Every_recorded_listing_belongs_to_a_file()
    {
        string[] expected = [.. Listings.Select(static row => $"{row.Data.Item1}.{row.Data.Item2}.cil").Order(StringComparer.Ordinal)];
        Assert.Equal(expected, Directory.EnumerateFiles(Folder, "*.cil").Select(static path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_difference_shows_the_lines_that_changed()
    {
        string diff = LineDiff.Of("a\nb\nc\nd\n", "a\nc\nx\nd\n");
        Assert.Equal("  a\n- b\n  c\n+ x\n  d\n", diff);
    }

    private static string Emit(string text, string variant)
    {
        string[] words = variant.Split('+');
        using Engine engine = Wasm.CreateEngine(words[0] == "guard" ? MemoryProtection.Guard : MemoryProtection.Checked, words.Contains("interruptible"));
        string complete = text.Replace(HeavyFunction, $"(func {Locals(50_000)})", StringComparison.Ordinal).Replace(ManyLocals, Locals(4_200), StringComparison.Ordinal);
        using Module module = Module.FromText(engine, complete, new ModuleOptions { BoundImports = KernelImports.All });
        CodeVariant code = ((ManagedModule)module).Code.GetExpectedVariant();
        var listings = new Dictionary<string, string>();
        new ModuleEmitter(code) { Listings = listings }.EmitChunk(0);
        var result = new StringBuilder();
        foreach ((string method, string listing) in listings.OrderBy(static entry => entry.Key, StringComparer.Ordinal))
        {
            result.Append(CultureInfo.InvariantCulture, $"{method}:\n{listing}\n");
        }

        return result.ToString();
    }

    private static string Locals(int count) => $"(local {string.Join(' ', Enumerable.Repeat("i64", count))})";
}
