using System.Globalization;

using Codicil.Cli.Tests;
using Codicil.Cli.Wast;
using Codicil.Format;
using Codicil.Tests;

namespace Codicil.SpecTests;

/// <summary>Scripts about references with a forced collection before and after every call, with a thread that collects all the time, and a youngest generation so small that allocations collect too.</summary>
public sealed class CollectionTests
{
    [Theory]
    [InlineData("spec3/gc", "Guard", 800, 0)]
    [InlineData("spec3/gc", "Checked", 800, 0)]
    [InlineData("spec3/exceptions", "Guard", 100, 0)]
    [InlineData("wasmtime-misc/gc", "Guard", 300, 3)]
    [Trait("Security", "EX-10")]
    public void Live_references_survive_a_collection_at_every_call(string folder, string memory, int collections, int others)
    {
        string path = SharedData.Get(["conformance", .. folder.Split('/')]);
        ChildProcess.Run(
            static arguments =>
            {
                var listener = new CollectingListener(1);
                var options = new EngineOptions { MemoryProtection = Enum.Parse<MemoryProtection>(arguments[1]), Features = WasmFeatures.All, Listener = listener };

                // Code without a listener, while another thread collects all the time. What fails without collections, or needs threads, shows nothing here.
                List<string> scripts = WastSuite.Find([arguments[0]]);
                HashSet<string> others = [];
                using (var stop = new ManualResetEventSlim())
                {
                    var collector = new Thread(() =>
                    {
                        for (int i = 1; !stop.Wait(1); i++)
                        {
                            GC.Collect(i % 8 == 0 ? 2 : 0, GCCollectionMode.Forced, blocking: true, compacting: true);
                        }
                    });
                    collector.Start();
                    others.UnionWith(WastSuite.Run(scripts, options with { Listener = null }, 1, static _ => { }).Where(static result => result.Failed + result.Skipped > 0).Select(static result => result.File));
                    stop.Set();
                    collector.Join();
                }

                WastResult[] results = WastSuite.Run([.. scripts.Where(script => !others.Contains(script))], options, 1, static _ => { });
                Assert.Empty(results.SelectMany(static result => result.Failures).Select(static failure => failure.ToString()));
                Assert.True(others.Count <= int.Parse(arguments[3], CultureInfo.InvariantCulture), string.Join(' ', others));
                Assert.True(listener.Collections >= int.Parse(arguments[2], CultureInfo.InvariantCulture), string.Create(CultureInfo.InvariantCulture, $"{listener.Collections} collections"));
            },
            new() { Arguments = [path, memory, collections.ToString(CultureInfo.InvariantCulture), others.ToString(CultureInfo.InvariantCulture)], Environment = { ["DOTNET_GCgen0size"] = "10000" } }).AssertSucceeded();
    }
}
