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
            // The engine keeps doors for the types of exports, which guests choose: another type each time.
            string[] kinds = ["i32", "i64", "f32", "f64"];
            using var engine = Engine.Create();
            int most = 0;
            for (int i = 0; i < 2500; i++)
            {
                using Store store = engine.CreateStore();
                string parameters = string.Join(' ', Enumerable.Range(0, 6).Select(place => kinds[(i >> (2 * place)) & 3]));
                using Module module = Module.FromText(engine, Wasm.Format($"(module (func (export \"f\") (param {parameters}) (result i32) (i32.const {i})))"));
                Function function = store.Instantiate(module).GetFunction("f")!;
                Value[] arguments = [.. function.Type.Parameters.Select(Value.Default)];
                Value[] results = new Value[1];
                function.Invoke(arguments, results);
                if (results[0].AsI32() != i)
                {
                    throw new InvalidOperationException("wrong result");
                }

                if (i % 100 == 0)
                {
                    most = Math.Max(most, File.ReadLines("/proc/self/maps").Count());
                }
            }

            Console.WriteLine(most);

            // Without collections, or with doors that are kept, there are ten and more for each module: above 20,000.
            if (most > 12_000)
            {
                throw new InvalidOperationException(Wasm.Format($"{most} mappings"));
            }
        }).AssertSucceeded();
    }
}
