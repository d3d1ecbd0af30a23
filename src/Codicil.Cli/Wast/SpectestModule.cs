using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Cli.Wast;

/// <summary>The host module <c>spectest</c> that the suite's scripts import; its items are made when they are first asked for.</summary>
internal sealed class SpectestModule(Store store)
{
    public const string Name = "spectest";

    /// <summary>Wasmtime's own scripts import a function that collects garbage.</summary>
    public const string WasmtimeName = "wasmtime";

    /// <summary>That function.</summary>
    public const string CollectName = "gc";

    private readonly Dictionary<string, Extern> _items = [];

    /// <summary>An item, or null when there is none of that name.</summary>
    public Extern? Get(string name)
    {
        if (!_items.TryGetValue(name, out Extern? item) && Make(name) is Extern made)
        {
            _items[name] = item = made;
        }

        return item;
    }

    private Extern? Make(string name) => name switch
    {
        CollectName => Function.Create(store, FunctionType.Empty, static (_, _, _) => GC.Collect()),
        "print" => Print(),
        "print_i32" => Print(ValType.I32),
        "print_i64" => Print(ValType.I64),
        "print_f32" => Print(ValType.F32),
        "print_f64" => Print(ValType.F64),
        "print_i32_f32" => Print(ValType.I32, ValType.F32),
        "print_f64_f64" => Print(ValType.F64, ValType.F64),
        "global_i32" => Constant(Value.FromI32(666)),
        "global_i64" => Constant(Value.FromI64(666)),
        "global_f32" => Constant(Value.FromF32(666.6f)),
        "global_f64" => Constant(Value.FromF64(666.6)),
        "table" => Table.Create(store, new TableType(ValType.FuncRef, new Limits(10, 20)), Value.FromFunction(null)),
        "table64" => Table.Create(store, new TableType(ValType.FuncRef, new Limits(10, 20), is64: true), Value.FromFunction(null)),
        "memory" => Memory.Create(store, new MemoryType(new Limits(1, 2))),
        "shared_memory" => Memory.Create(store, new MemoryType(new Limits(1, 2), isShared: true)),
        _ => null,
    };

    // What the scripts print is nobody's assertion.
    private Function Print(params ImmutableArray<ValType> parameters) =>
        Function.Create(store, new FunctionType(parameters, []), static (_, _, _) => { });

    private Global Constant(Value value) => Global.Create(store, new GlobalType(value.Type, isMutable: false), value);
}
