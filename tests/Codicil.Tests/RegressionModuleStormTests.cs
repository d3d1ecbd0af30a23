namespace Codicil.Tests;

/// <summary>The mappings that compiled code takes are none the collector knows of: it is told to run, or a process ends when it has no more.</summary>
public sealed class RegressionModuleStormTests
{
    [Fact]
    [Trait("Security", "RS-05")]
    public void Modules_that_come_and_go_do_not_use_up_the_mappings_of_the_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the mappings are those of Linux");
        ChildProcess.Run(static _ =>
        {
            using var engine = Engine.Create();
            int most = 0;
            for (int i = 0; i < 2500; i++)
            {
                using Store store = engine.CreateStore();
                using Module module = Module.FromText(engine, Wasm.Format($"(module (func (export \"f\") (result i32) (i32.const {i})))"));
                if (store.Instantiate(module).GetFunction<Func<int>>("f")!() != i)
                {
                    throw new InvalidOperationException("wrong result");
                }

                if (i % 100 == 0)
                {
                    most = Math.Max(most, File.ReadLines("/proc/self/maps").Count());
                }
            }

            Console.WriteLine(most);

            // Without collections there are six or more mappings for each module: 15,000.
            if (most > 10_000)
            {
                throw new InvalidOperationException(Wasm.Format($"{most} mappings"));
            }
        }).AssertSucceeded();
    }
}
