using System.Text;

using Codicil.Format;
using Codicil.Format.Text;
using Codicil.Format.Types;

namespace Codicil.Tests;

/// <summary>Modules before they are instantiated: where they come from, what they tell, what they are called.</summary>
public sealed class ModuleTests
{
    private const string Text = """(module $named (func (export "seven") (result i32) (i32.const 7)))""";

    [Fact]
    [Trait("Parity", "WTG-02")]
    [Trait("Parity", "PGW-03")]
    public void A_module_comes_from_text_bytes_a_stream_or_a_file()
    {
        using Engine engine = Wasm.CreateEngine();
        byte[] bytes = Wat.ToBinary(Text);
        Assert.Equal("0061736D01000000", Convert.ToHexString(bytes, 0, 8));
        string folder = Directory.CreateTempSubdirectory("codicil-module-").FullName;
        try
        {
            string binaryFile = Path.Combine(folder, "m.wasm");
            string textFile = Path.Combine(folder, "m.wat");
            File.WriteAllBytes(binaryFile, bytes);
            File.WriteAllText(textFile, Text);
            Module[] modules =
            [
                Module.FromText(engine, Text),
                Module.FromBytes(engine, bytes),
                Module.FromBytesOrText(engine, bytes),
                Module.FromBytesOrText(engine, Encoding.UTF8.GetBytes(Text)),
                Module.FromFile(engine, binaryFile),
                Module.FromFile(engine, textFile),
                Module.FromStream(engine, new MemoryStream(bytes)),
                Module.FromStream(engine, new MemoryStream(Encoding.UTF8.GetBytes(Text))),
            ];
            using Store store = engine.CreateStore();
            Assert.All(modules, module => Assert.Equal(7, store.Instantiate(module).GetFunction("seven")!.Invoke()));
            Assert.Throws<FileNotFoundException>(() => Module.FromFile(engine, Path.Combine(folder, "none.wasm")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    [Trait("Parity", "WTG-02")]
    public void Errors_in_text_have_a_line_and_a_column()
    {
        using Engine engine = Wasm.CreateEngine();
        MalformedModuleException syntax = Assert.Throws<MalformedModuleException>(() => Wat.ToBinary("(module\n  (func (i32.konst 1)))"));
        Assert.Equal((2, 10), (syntax.Line, syntax.Column));
        InvalidModuleException invalid = Assert.Throws<InvalidModuleException>(() => Module.FromText(engine, "(module\n  (func (result i32)\n    (i64.const 1)))"));
        Assert.Equal(3, invalid.Line);
        Assert.Equal(0, invalid.FunctionIndex);
    }

    [Fact]
    [Trait("Parity", "WTG-03")]
    public void Validation_alone_judges_a_module_and_prepares_nothing()
    {
        using Engine engine = Engine.Create(new EngineOptions { CompileEagerly = true });
        Module.Validate(engine, Wat.ToBinary(Text));
        Assert.Throws<InvalidModuleException>(() => Module.Validate(engine, Wat.ToBinary("(module (func (result i32)))")));
        Assert.Throws<MalformedModuleException>(() => Module.Validate(engine, "no module"u8));

        // A body that is beyond what can be compiled is valid all the same.
        Module.Validate(engine, Wat.ToBinary($"(module (func (param i32) (loop {Wasm.Repeat(30_000, static _ => "local.get 0 br_if 0 ")})))"));
    }

    [Fact]
    [Trait("Parity", "WAZ-06")]
    public void Custom_sections_are_an_ordered_list_with_duplicates()
    {
        using Engine engine = Wasm.CreateEngine();
        byte[] bytes =
        [
            .. Wat.ToBinary("(module)"),
            .. Custom("note", "one"), .. Custom("other", ""), .. Custom("note", "two"), .. Custom("note", "one"),
        ];
        using Module module = Module.FromBytes(engine, bytes);
        Assert.Equal(["one", "two", "one"], module.GetCustomSections("note").Select(static section => Encoding.UTF8.GetString(section.Span)));
        Assert.True(Assert.Single(module.GetCustomSections("other")).IsEmpty);
        Assert.Empty(module.GetCustomSections("none"));
    }

    [Fact]
    [Trait("Parity", "WAZ-09")]
    public void A_module_tells_its_name_and_its_imports_and_exports_with_types()
    {
        using Engine engine = Wasm.CreateEngine();
        using Module module = Module.FromText(
            engine,
            """
            (module $told (import "a" "f" (func (param i32) (result i64))) (import "a" "f" (func (param i32) (result i64))) (import "b" "m" (memory 2 3))
              (export "m" (memory 0)) (export "f" (func 0)) (func (export "g") (param f32 f64)))
            """);
        Assert.Equal("told", module.Name);
        Assert.Equal(["a.f", "a.f", "b.m"], module.Imports.Select(static import => $"{import.ModuleName}.{import.Name}"));
        Assert.Equal(new FunctionType([ValType.I32], [ValType.I64]), module.Imports[1].Type);
        Assert.Equal(new MemoryType(new Limits(2, 3)), module.Imports[2].Type);
        Assert.Equal(["m", "f", "g"], module.Exports.Select(static export => export.Name));
        Assert.Equal(new FunctionType([ValType.F32, ValType.F64], []), module.Exports[2].Type);
        Assert.Equal("", Module.FromText(engine, "(module)").Name);
    }

    [Fact]
    [Trait("Parity", "WAZ-09")]
    public void A_module_can_be_closed_while_its_instances_run()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        Module? module = null;
        module = Module.FromText(engine, """(module (import "" "" (func $close)) (func $late (result i32) (i32.const 5)) (func (export "f") (result i32) call $close call $late))""");
        Instance instance = store.Instantiate(module, Function.FromDelegate(store, () => module!.Dispose()));

        // What is compiled when it is first called is compiled after the end of the module here.
        Assert.Equal(5, instance.GetFunction("f")!.Invoke());
        Assert.Equal(5, instance.GetFunction("f")!.Invoke());
        Assert.Throws<ObjectDisposedException>(() => store.Instantiate(module, Function.FromDelegate(store, static () => { })));
    }

    [Fact]
    [Trait("Parity", "WAZ-13")]
    public void A_module_is_instantiated_often_in_one_store_under_names_that_are_its_hosts_choice()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        const string Counter = """(module $own (global $n (mut i32) (i32.const 0)) (func (export "next") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)) (func (export "fail") unreachable))""";
        using Module own = Module.FromText(engine, Counter);
        using Module given = Module.FromText(engine, Counter, new ModuleOptions { Name = "given" });
        using Module anonymous = Module.FromText(engine, Counter, new ModuleOptions { Name = "" });
        Assert.Equal(("own", "given", ""), (own.Name, given.Name, anonymous.Name));
        foreach ((Module module, string? name) in new[] { (own, "own"), (given, "given"), (anonymous, (string?)null) })
        {
            TrapException trap = Assert.Throws<TrapException>(() => store.Instantiate(module).GetFunction("fail")!.Invoke());
            Assert.Equal(name, trap.Frames[0].ModuleName);
        }

        var linker = new Linker(engine);
        for (int i = 0; i < 5; i++)
        {
            linker.DefineInstance(Wasm.Format($"counter{i}"), store.Instantiate(own));
        }

        for (int i = 0; i < 5; i++)
        {
            for (int count = 1; count <= i + 1; count++)
            {
                Assert.Equal(count, linker.GetFunction(store, Wasm.Format($"counter{i}"), "next")!.Invoke());
            }
        }

        Assert.Throws<ArgumentException>(() => linker.DefineInstance("counter0", store.Instantiate(own)));
    }

    private static byte[] Custom(string name, string content)
    {
        byte[] payload = [(byte)name.Length, .. Encoding.UTF8.GetBytes(name), .. Encoding.UTF8.GetBytes(content)];
        return [0, (byte)payload.Length, .. payload];
    }

    [Fact]
    [Trait("Security", "DV-09")]
    public void Segments_fit_exactly_or_trap_and_their_ends_do_not_wrap()
    {
        using Engine engine = Wasm.CreateEngine();
        using Store store = engine.CreateStore();
        foreach (string fields in new[]
        {
            """(memory 1) (data (i32.const 65536) "")""", """(memory 1) (data (i32.const 65535) "x")""", """(memory 0) (data (i32.const 0) "")""",
            "(table 3 funcref) (func $f) (elem (i32.const 3) func)", "(table 3 funcref) (func $f) (elem (i32.const 2) func $f)",
        })
        {
            Wasm.Instantiate(store, $"(module {fields})");
        }

        foreach (string fields in new[]
        {
            """(memory 1) (data (i32.const 65537) "")""", """(memory 1) (data (i32.const 65536) "x")""", """(memory 1) (data (i32.const -1) "xyz")""",
            """(memory 1) (data (i32.const -1) "")""", """(memory 0) (data (i32.const 1) "")""",
        })
        {
            Wasm.AssertTrap(TrapCode.MemoryOutOfBounds, () => Wasm.Instantiate(store, $"(module {fields})"));
        }

        foreach (string fields in new[] { "(i32.const 4) func", "(i32.const 3) func $f", "(i32.const -1) func $f $f", "(i32.const -1) func" })
        {
            Wasm.AssertTrap(TrapCode.TableOutOfBounds, () => Wasm.Instantiate(store, $"(module (table 3 funcref) (func $f) (elem {fields}))"));
        }
    }

    [Fact]
    [Trait("Security", "DV-09")]
    public void Chains_of_constant_expressions_are_evaluated_in_order_without_depth()
    {
        // Each global is computed from the one before; one expression is as long as all of them. On a small stack.
        const int Count = 20_000;
        using Engine engine = Wasm.CreateEngine();
        Wasm.OnThread(256 * 1024, () =>
        {
            using Store store = engine.CreateStore();
            string chain = Wasm.Repeat(Count, static i => i == 0 ? "(global i64 (i64.const 1))" : Wasm.Format($"(global i64 (i64.add (global.get {i - 1}) (i64.const 3)))"));
            string sum = Wasm.Repeat(Count, static _ => "global.get 1 ") + Wasm.Repeat(Count - 1, static _ => "i64.add ");
            Instance instance = Wasm.Instantiate(store, Wasm.Format($$"""(module {{chain}} (global i64 {{sum}}) (export "last" (global {{Count - 1}})) (export "sum" (global {{Count}})))"""));
            Assert.Equal(1L + (3L * (Count - 1)), instance.GetGlobal("last")!.Value.AsI64());
            Assert.Equal(4L * Count, instance.GetGlobal("sum")!.Value.AsI64());
        });
    }
}
