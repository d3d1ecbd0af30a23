using Codicil.Compiler;
using Codicil.Format.Types;

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
            // What is allocated gives the collector no reason: 512 MiB may be, which a host that only runs small modules never does.
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

            // 5,500 as it is; 18,800 when the engine keeps its doors. That collections come at all is the runtime's doing as well as ours: without our asking for them there are 6,400.
            if (most > 12_000)
            {
                throw new InvalidOperationException(Wasm.Format($"{most} mappings"));
            }
        }, new() { Environment = { ["DOTNET_GCgen0size"] = "0x20000000" } }).AssertSucceeded();
    }

    [Fact]
    [Trait("Security", "RS-05")]
    public void Functions_of_the_host_of_types_that_guests_choose_do_not_use_up_the_mappings_of_the_process()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the mappings are those of Linux");
        ChildProcess.Run(static _ =>
        {
            ValType[] kinds = [ValType.I32, ValType.I64, ValType.F32, ValType.F64];
            using var engine = Engine.Create();
            using Store kept = engine.CreateStore();
            int calls = 0;
            Instance first = Import(engine, kept, [], () => calls++);
            int most = 0;
            for (int i = 0; i < 1500; i++)
            {
                using Store store = engine.CreateStore();
                Import(engine, store, [.. Enumerable.Range(0, 6).Select(place => kinds[(i >> (2 * place)) & 3])], () => calls++).GetFunction("f")!.Invoke();
                if (i % 100 == 0)
                {
                    most = Math.Max(most, File.ReadLines("/proc/self/maps").Count());

                    // Its thunk is no longer the engine's, but still its own.
                    first.GetFunction("f")!.Invoke();
                }
            }

            Console.WriteLine(most);
            Assert.Equal(1515, calls);
            Assert.True(most < 12_000, Wasm.Format($"{most} mappings"));
        }).AssertSucceeded();

        static Instance Import(Engine engine, Store store, ValType[] parameters, Action called)
        {
            var module = Module.FromText(engine, Wasm.Format(
                $"""(module (import "" "" (func $f (param {string.Join(' ', parameters)}))) (func (export "f") {string.Concat(parameters.Select(static type => Wasm.Format($"({type}.const 0)")))} (call $f)))"""));
            return store.Instantiate(module, Function.Create(store, new FunctionType([.. parameters], []), (_, _, _) => called()));
        }
    }

    [Fact]
    [Trait("Security", "RS-02")]
    public void Modules_whose_code_is_held_are_a_typed_error_before_the_mappings_of_the_process_end()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the mappings are those of Linux");
        ChildProcess.Run(static _ =>
        {
            // As on a system with fewer of them: the real number would take a minute.
            using var engine = Engine.Create();
            CodeMappings.Maximum = CodeMappings.Count() + 4000;
            const int Most = 4000;
            var held = new List<(Store Store, Module Module, Function Function)>();
            ResourceLimitException? limit = null;
            for (int i = 0; i < Most && limit is null; i++)
            {
                try
                {
                    held.Add(Call(engine, i));
                }
                catch (ResourceLimitException exception)
                {
                    limit = exception;
                }
            }

            if (limit is null || !limit.Message.StartsWith("out of mappings for code: ", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"{held.Count} modules are held; {limit}");
            }

            // What is there works on, and what is let go of makes room again.
            if (held[0].Function.Invoke() is not 0)
            {
                throw new InvalidOperationException("wrong result");
            }

            try
            {
                Call(engine, -1);
                throw new InvalidOperationException("there is room all of a sudden");
            }
            catch (ResourceLimitException)
            {
            }

            Release(held);
            Call(engine, -2);
        }).AssertSucceeded();
    }

    private static (Store Store, Module Module, Function Function) Call(Engine engine, int number)
    {
        Store store = engine.CreateStore();
        Module module = Module.FromText(engine, Wasm.Format($"(module (func (export \"f\") (result i32) (i32.const {number})))"));
        Function function = store.Instantiate(module).GetFunction("f")!;
        return function.Invoke() is int result && result == number ? (store, module, function) : throw new InvalidOperationException("wrong result");
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Release(List<(Store Store, Module Module, Function Function)> held)
    {
        foreach ((Store store, Module module, _) in held)
        {
            module.Dispose();
            store.Dispose();
        }

        held.Clear();
    }
}
