using System.Text;

namespace Codicil.Wasi.Tests;

public sealed class SampleTests
{
    [Theory]
    [Trait("Parity", "PGW-06")]
    [InlineData("hello.wat", "", "Hello, world!\n")]
    [InlineData("hello.wasm", "", "Hello, world!\n")]
    [InlineData("hello.wat", "Ada Grace", "Hello, Ada!\nHello, Grace!\n")]
    [InlineData("hello.wasm", "Ada Grace", "Hello, Ada!\nHello, Grace!\n")]
    public void The_sample_greets_its_arguments(string file, string arguments, string expected)
    {
        using var output = new MemoryStream();
        using var engine = Engine.Create();
        using Store store = engine.CreateStore();
        using Module module = Module.FromFile(engine, Path.Combine(FindRepository(), "samples", "hello-wasi", file));
        WasiOptions options = WasiOptions.Default with { Arguments = [file, .. arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)], StandardOutput = output };
        Assert.Equal(0u, WasiCommand.Run(new Linker(engine).DefineWasi(options), store, module));
        Assert.Equal(expected, Encoding.UTF8.GetString(output.ToArray()));
    }

    private static string FindRepository()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Codicil.slnx")))
            {
                return folder.FullName;
            }
        }

        throw new DirectoryNotFoundException("the tests run outside of the repository");
    }
}
