namespace Codicil.Tests;

/// <summary>
/// RyuJIT 10.0 makes a load of 4 bytes of a load of 1 or 2 bytes whose value is reinterpreted as a float: a wrong number, and an access beyond the end
/// of a checked memory that ended the process.
/// </summary>
public sealed class RegressionNarrowLoadTests
{
    public static TheoryData<MemoryProtection, string> Cases()
    {
        var data = new TheoryData<MemoryProtection, string>();
        foreach (MemoryProtection mode in Wasm.Modes)
        {
            foreach (string load in (string[])["i32.load8_s", "i32.load8_u", "i32.load16_s", "i32.load16_u"])
            {
                data.Add(mode, load);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Security", "EX-01")]
    public void A_narrow_load_reinterpreted_as_a_float_reads_its_own_bytes(MemoryProtection mode, string load)
    {
        // The last access of each kind to a page: what lies behind it is not there.
        bool isByte = load.Contains('8', StringComparison.Ordinal);
        int last = isByte ? 65535 : 65534;
        string bytes = isByte ? @"\81\82\83\84\85" : @"\81\82\83\84\85\86";
        Instance instance = Wasm.Instantiate(
            $$"""
            (module (memory 1)
              (data (i32.const {{last - 4}}) "{{bytes}}")
              (func (export "integer") (param i32) (result i32) ({{load}} (local.get 0)))
              (func (export "float") (param i32) (result f32) (f32.reinterpret_i32 ({{load}} (local.get 0))))
              (func (export "local") (param i32) (result f32) (local i32) (local.set 1 ({{load}} (local.get 0))) (f32.reinterpret_i32 (local.get 1)))
              (func (export "sum") (param i32) (result f32) (f32.neg (f32.reinterpret_i32 ({{load}} (local.get 0)))))
              (func (export "stored") (param i32) (result i32) (f32.store (i32.const 0) (f32.reinterpret_i32 ({{load}} (local.get 0)))) (i32.load (i32.const 0))))
            """,
            mode);
        Func<int, int> integer = instance.GetFunction<Func<int, int>>("integer")!;
        foreach (int address in (int[])[last, last - 1, last - 4])
        {
            int expected = integer(address);
            Assert.Equal(expected, BitConverter.SingleToInt32Bits(instance.GetFunction<Func<int, float>>("float")!(address)));
            Assert.Equal(expected, BitConverter.SingleToInt32Bits(instance.GetFunction<Func<int, float>>("local")!(address)));
            Assert.Equal(expected, BitConverter.SingleToInt32Bits(-instance.GetFunction<Func<int, float>>("sum")!(address)));
            Assert.Equal(expected, instance.GetFunction<Func<int, int>>("stored")!(address));
        }
    }
}
