using System.Buffers.Binary;

namespace Codicil.Plugins.Tests;

/// <summary>Calls of kernel functions, made by a guest one after the other; operands may be results of earlier calls.</summary>
internal sealed class KernelScript
{
    private static readonly string[] s_functions =
    [
        "alloc", "free", "length", "length_unsafe", "load_u8", "load_u64", "store_u8", "store_u64", "input_set", "input_length", "input_offset", "input_load_u8",
        "input_load_u64", "output_set", "output_length", "output_offset", "reset", "error_set", "error_get", "memory_bytes", "config_get", "var_get", "var_set",
        "http_status_code", "http_headers", "get_log_level", "log_info",
    ];

    private readonly List<byte> _input = [];
    private int _count;

    /// <summary>An operand: a number, or an earlier result with something added.</summary>
    public readonly record struct Operand(int Result, long Value)
    {
        public static implicit operator Operand(long value) => new(-1, value);

        public static Operand operator +(Operand operand, long value) => operand with { Value = operand.Value + value };

        public static Operand operator -(Operand operand, long value) => operand with { Value = operand.Value - value };
    }

    /// <summary>Adds a call.</summary>
    /// <returns>Its result, as an operand of later calls.</returns>
    public Operand Call(string function, Operand first = default, Operand second = default)
    {
        int index = Array.IndexOf(s_functions, function);
        Assert.True(index >= 0, function);
        Add(index);
        foreach (Operand operand in (ReadOnlySpan<Operand>)[first, second])
        {
            // default(Operand) refers to result 0 plus 0; it is used for operands that the function does not have.
            Add(operand.Result + 1);
            Add(operand.Value);
        }

        return new Operand(_count++, 0);
    }

    /// <summary>Runs the calls on a plug-in.</summary>
    /// <returns>Their results, 0 for those without.</returns>
    public ulong[] Run(Plugin plugin)
    {
        ReadOnlySpan<byte> output = plugin.Call("run", _input.ToArray()).Data;
        ulong[] results = new ulong[output.Length / 8];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = BinaryPrimitives.ReadUInt64LittleEndian(output[(i * 8)..]);
        }

        return results;
    }

    /// <summary>The guest.</summary>
    public static string Guest { get; } = MakeGuest();

    private static string MakeGuest()
    {
        // name, parameters, result; operands are i64 but for the value of store_u8.
        (string Name, string Parameters, string Result)[] signatures =
        [
            ("alloc", "i64", "i64"), ("free", "i64", ""), ("length", "i64", "i64"), ("length_unsafe", "i64", "i64"), ("load_u8", "i64", "i32"), ("load_u64", "i64", "i64"),
            ("store_u8", "i64 i32", ""), ("store_u64", "i64 i64", ""), ("input_set", "i64 i64", ""), ("input_length", "", "i64"), ("input_offset", "", "i64"),
            ("input_load_u8", "i64", "i32"), ("input_load_u64", "i64", "i64"), ("output_set", "i64 i64", ""), ("output_length", "", "i64"), ("output_offset", "", "i64"),
            ("reset", "", ""), ("error_set", "i64", ""), ("error_get", "", "i64"), ("memory_bytes", "", "i64"), ("config_get", "i64", "i64"), ("var_get", "i64", "i64"),
            ("var_set", "i64 i64", ""), ("http_status_code", "", "i32"), ("http_headers", "", "i64"), ("get_log_level", "", "i32"), ("log_info", "i64", ""),
        ];
        Assert.Equal(s_functions, signatures.Select(static signature => signature.Name));
        string imports = string.Join('\n', signatures.Select(static signature =>
            $"(import \"extism:host/env\" \"{signature.Name}\" (func ${signature.Name} (param {signature.Parameters}) (result {signature.Result})))"));
        string cases = string.Concat(signatures.Select(static (signature, index) =>
        {
            string[] parameters = signature.Parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            string first = parameters.Length > 0 ? "(local.get $a)" : "";
            string second = parameters.Length > 1 ? (parameters[1] == "i32" ? "(i32.wrap_i64 (local.get $b))" : "(local.get $b)") : "";
            string call = $"(call ${signature.Name} {first} {second})";
            string body = signature.Result switch
            {
                "i64" => $"(return {call})",
                "i32" => $"(return (i64.extend_i32_u {call}))",
                _ => $"{call} (return (i64.const 0))",
            };
            return $"(if (i32.eq (local.get $op) (i32.const {index})) (then {body}))\n";
        }));
        return $$"""
            (module
              {{imports}}
              (memory 4)
              (func $dispatch (param $op i32) (param $a i64) (param $b i64) (result i64)
                {{cases}}
                (unreachable))
              (func $operand (param $address i32) (result i64)
                (local $ref i32)
                (local.set $ref (i32.load (local.get $address)))
                (i64.add
                  (i64.load offset=8 (local.get $address))
                  (if (result i64) (local.get $ref)
                    (then (i64.load offset=131072 (i32.shl (i32.sub (local.get $ref) (i32.const 1)) (i32.const 3))))
                    (else (i64.const 0)))))
              (func (export "run") (result i32)
                (local $length i32) (local $i i32) (local $count i32) (local $out i64)
                (local.set $length (i32.wrap_i64 (call $input_length)))
                (block $read (loop $next
                  (br_if $read (i32.ge_u (local.get $i) (local.get $length)))
                  (i64.store (local.get $i) (call $input_load_u64 (i64.extend_i32_u (local.get $i))))
                  (local.set $i (i32.add (local.get $i) (i32.const 8)))
                  (br $next)))
                (local.set $i (i32.const 0))
                (block $ran (loop $next
                  (br_if $ran (i32.ge_u (local.get $i) (local.get $length)))
                  (i64.store offset=131072 (i32.shl (local.get $count) (i32.const 3))
                    (call $dispatch
                      (i32.load (local.get $i))
                      (call $operand (i32.add (local.get $i) (i32.const 8)))
                      (call $operand (i32.add (local.get $i) (i32.const 24)))))
                  (local.set $count (i32.add (local.get $count) (i32.const 1)))
                  (local.set $i (i32.add (local.get $i) (i32.const 40)))
                  (br $next)))
                (local.set $count (i32.shl (local.get $count) (i32.const 3)))
                (local.set $out (call $alloc (i64.extend_i32_u (local.get $count))))
                (local.set $i (i32.const 0))
                (block $wrote (loop $next
                  (br_if $wrote (i32.ge_u (local.get $i) (local.get $count)))
                  (call $store_u64 (i64.add (local.get $out) (i64.extend_i32_u (local.get $i))) (i64.load offset=131072 (local.get $i)))
                  (local.set $i (i32.add (local.get $i) (i32.const 8)))
                  (br $next)))
                (call $output_set (local.get $out) (i64.extend_i32_u (local.get $count)))
                (i32.const 0)))
            """;
    }

    private void Add(long value)
    {
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _input.AddRange(bytes);
    }
}
