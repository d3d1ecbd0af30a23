using System.Globalization;

using Codicil.Format.Text.Scripts;

namespace Codicil.Format.Tests;

/// <summary>The text parser over the specification's test suite: what must parse parses, what must not does not.</summary>
public sealed class TextSuiteTests
{
    [Fact]
    public void Parses_every_text_module_of_the_suite()
    {
        List<string> failures = [];
        int modules = 0;
        foreach (string file in TextSharedFiles.Files("conformance/spec3", "*.wast"))
        {
            foreach (ScriptModule module in WellFormedModules(WastScript.Parse(File.ReadAllBytes(file)).Commands))
            {
                if (module.Kind == ScriptModuleKind.Binary)
                {
                    continue;
                }

                modules++;
                try
                {
                    module.Parse();
                }
                catch (MalformedModuleException exception)
                {
                    failures.Add($"{Path.GetFileName(file)}: {exception.Message}");
                }
            }
        }

        Assert.Empty(failures);
        Assert.True(modules > 4000, modules.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Rejects_every_malformed_text_module_of_the_suite()
    {
        List<string> accepted = [];
        List<string> wrongWords = [];
        int modules = 0;
        foreach (string file in TextSharedFiles.Files("conformance/spec3", "*.wast"))
        {
            foreach (AssertModuleCommand assertion in WastScript.Parse(File.ReadAllBytes(file)).Commands.OfType<AssertModuleCommand>())
            {
                if (assertion is not { Error: ExpectedModuleError.Malformed, Module: { Kind: ScriptModuleKind.Quote } module })
                {
                    continue;
                }

                modules++;
                string place = $"{Path.GetFileName(file)}:{assertion.Line}: {assertion.Message}";
                try
                {
                    module.Parse();
                    accepted.Add(place);
                }
                catch (MalformedModuleException exception)
                {
                    Assert.True(exception.Line > 0 && exception.Column > 0);
                    if (!exception.Message.StartsWith(assertion.Message, StringComparison.Ordinal))
                    {
                        wrongWords.Add($"{place} <> {exception.Message}");
                    }
                }
            }
        }

        Assert.Empty(accepted);
        Assert.Empty(wrongWords);
        Assert.True(modules > 1000, modules.ToString(CultureInfo.InvariantCulture));
    }

    [Fact]
    public void Rejects_malformed_custom_annotations()
    {
        int modules = 0;
        foreach (string file in TextSharedFiles.Files("conformance/spec-proposals/custom-annotations", "*.wast"))
        {
            foreach (AssertModuleCommand assertion in WastScript.Parse(File.ReadAllBytes(file)).Commands.OfType<AssertModuleCommand>())
            {
                Assert.True(assertion.Error is ExpectedModuleError.MalformedCustom or ExpectedModuleError.InvalidCustom);
                MalformedModuleException exception = Assert.Throws<MalformedModuleException>(() => assertion.Module!.Parse());
                Assert.StartsWith(assertion.Message, exception.Message, StringComparison.Ordinal);
                modules++;
            }
        }

        Assert.Equal(20, modules);
    }

    /// <summary>The modules of a script that are well-formed, whatever becomes of them: also invalid ones and those of threads.</summary>
    internal static IEnumerable<ScriptModule> WellFormedModules(IEnumerable<ScriptCommand> commands)
    {
        foreach (ScriptCommand command in commands)
        {
            switch (command)
            {
                case ModuleCommand module:
                    yield return module.Module;
                    break;
                case AssertModuleCommand { Module: { } module, Error: ExpectedModuleError.Invalid or ExpectedModuleError.Unlinkable or ExpectedModuleError.Trap }:
                    yield return module;
                    break;
                case ThreadCommand thread:
                    foreach (ScriptModule module in WellFormedModules(thread.Commands))
                    {
                        yield return module;
                    }

                    break;
                default:
                    break;
            }
        }
    }
}
