using System.Reflection;
using System.Text.RegularExpressions;

namespace Codicil.Tests;

/// <summary>The arrows of docs/architecture.md: between assemblies, and between the folders of Codicil.</summary>
public sealed partial class ArchitectureTests
{
    /// <summary>
    /// Contracts &lt;- Runtime &lt;- Semantics &lt;- Execution &lt;- Compiler: a folder uses those to its left.
    /// </summary>
    private static readonly string[] s_folders = ["Runtime", "Semantics", "Execution", "Compiler"];

    private static readonly string[] s_assemblies = ["Codicil.Format", "Codicil", "Codicil.Wasi", "Codicil.Plugins", "Codicil.Hosting"];

    /// <summary>
    /// Where the parts are put together: what may look to the right, and at what. A file that leaves this list makes the architecture better; one that joins it needs a reason.
    /// </summary>
    private static readonly Dictionary<string, string[]> s_exceptions = new(StringComparer.Ordinal)
    {
        // The engine makes the adapters, the store and the instances hand functions of the host to them.
        ["src/Codicil/Runtime/ManagedEngine.cs"] = ["Compiler"],
        ["src/Codicil/Runtime/ManagedStore.cs"] = ["Compiler"],
        ["src/Codicil/Runtime/Instantiator.cs"] = ["Compiler"],

        // A module and an instance hold their code; the inner seam binds it.
        ["src/Codicil/Runtime/ManagedModule.cs"] = ["Execution"],
        ["src/Codicil/Runtime/ModuleInstance.cs"] = ["Execution"],
        ["src/Codicil/Runtime/FunctionInstance.cs"] = ["Compiler", "Execution"],

        // Stack traces name functions by the code they are in.
        ["src/Codicil/Runtime/EntryOps.cs"] = ["Execution"],

        // An entry and a poll throw the trap that an interruption is.
        ["src/Codicil/Runtime/ManagedStore.Entry.cs"] = ["Semantics"],
        ["src/Codicil/Runtime/ExecutionContext.cs"] = ["Semantics"],

        // A variant has its chunks emitted when they are first needed.
        ["src/Codicil/Execution/CodeVariant.cs"] = ["Compiler"],
        ["src/Codicil/Execution/ModuleCode.cs"] = ["Compiler"],
    };

    public static TheoryData<string, string> AssemblyArrows => new()
    {
        { "Codicil.Format", "" },
        { "Codicil", "Codicil.Format" },
        { "Codicil.Wasi", "Codicil Codicil.Format" },
        { "Codicil.Plugins", "Codicil Codicil.Format Codicil.Wasi" },
        { "Codicil.Hosting", "Codicil Codicil.Format Codicil.Wasi Codicil.Plugins" },
    };

    [Theory]
    [MemberData(nameof(AssemblyArrows))]
    public void Assemblies_refer_only_to_those_below_them(string assembly, string allowed)
    {
        IEnumerable<string> references = Assembly.Load(assembly).GetReferencedAssemblies()
            .Select(static name => name.Name!)
            .Where(static name => name.StartsWith("Codicil", StringComparison.Ordinal));
        Assert.Empty(references.Except(allowed.Split(' ')));
    }

    [Fact]
    public void Assemblies_refer_to_nothing_but_the_runtime()
    {
        foreach (string name in s_assemblies)
        {
            Assert.All(
                Assembly.Load(name).GetReferencedAssemblies(),
                reference => Assert.True(
                    reference.Name!.StartsWith("Codicil", StringComparison.Ordinal) || reference.Name.StartsWith("System.", StringComparison.Ordinal)
                    || (name == "Codicil.Plugins" && reference.Name == "Microsoft.Extensions.Logging.Abstractions")
                    || (name == "Codicil.Hosting" && reference.Name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal)),
                    reference.Name));
        }
    }

    [Fact]
    public void Internals_are_visible_to_tests_only()
    {
        foreach (string name in s_assemblies)
        {
            Assert.All(
                Assembly.Load(name).GetCustomAttributes<System.Runtime.CompilerServices.InternalsVisibleToAttribute>(),
                static attribute => Assert.EndsWith(".Tests", attribute.AssemblyName.Split(',')[0], StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Folders_of_Codicil_use_only_those_before_them()
    {
        var wrong = new List<string>();
        foreach (string path in Repository.SourceFiles("src/Codicil"))
        {
            string[] parts = path.Split('/');
            int own = parts.Length == 4 ? Array.IndexOf(s_folders, parts[2]) : -1;
            if (own < 0)
            {
                continue;
            }

            foreach (string used in UsedNamespaces().Matches(Comments().Replace(Repository.Read(path), "")).Select(static match => match.Groups[1].Value).Distinct())
            {
                if (Array.IndexOf(s_folders, used) > own && !(s_exceptions.TryGetValue(path, out string[]? allowed) && allowed.Contains(used)))
                {
                    wrong.Add($"{path} uses {used}");
                }
            }
        }

        Assert.Empty(wrong);
        Assert.All(s_exceptions.Keys, static path => Assert.True(File.Exists(Path.Combine(Repository.Root, path)), path));
    }

    [Fact]
    public void Files_are_in_the_namespace_of_their_folder()
    {
        foreach (string project in s_assemblies)
        {
            foreach (string path in Repository.SourceFiles("src/" + project))
            {
                Match declared = DeclaredNamespace().Match(Repository.Read(path));
                string expected = string.Join('.', path.Split('/')[1..^1]);

                // The attribute that emitted assemblies carry must be in the runtime's namespace.
                Assert.True(!declared.Success || declared.Groups[1].Value == expected || path.EndsWith("IgnoresAccessChecksToAttribute.cs", StringComparison.Ordinal), path);
            }
        }
    }

    [GeneratedRegex(@"(?:using Codicil\.|\b)(Runtime|Semantics|Execution|Compiler)(?:;|\.(?=[A-Z]))")]
    private static partial Regex UsedNamespaces();

    [GeneratedRegex(@"//[^\n]*")]
    private static partial Regex Comments();

    [GeneratedRegex(@"^namespace ([A-Za-z.]+);", RegexOptions.Multiline)]
    private static partial Regex DeclaredNamespace();
}
