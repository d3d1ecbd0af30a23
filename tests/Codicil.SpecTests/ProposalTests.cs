using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.SpecTests;

/// <summary>The scripts of proposals that are no part of 3.0, with every proposal switched on.</summary>
public sealed class ProposalTests
{
    [Theory]
    [InlineData("wide-arithmetic", 107)]
    [InlineData("threads/threads", 317)]
    [InlineData("custom-page-sizes", 65 + 107)]
    [InlineData("legacy-exceptions", 89)]
    public void Scripts_pass(string folder, int assertions)
    {
        string path = SharedData.Get("conformance", "spec-proposals", folder);
        foreach (MemoryProtection memory in new[] { MemoryProtection.Guard, MemoryProtection.Checked })
        {
            WastResult[] results = WastSuite.Run(WastSuite.Find([path]), new EngineOptions { MemoryProtection = memory, Features = WasmFeatures.All }, 1, static _ => { });
            Assert.Empty(results.SelectMany(static result => result.Failures).Select(static failure => failure.ToString()));
            Assert.Equal(assertions, results.Sum(static result => result.Passed));
            Assert.Equal(0, results.Sum(static result => result.Skipped));
        }
    }
}
