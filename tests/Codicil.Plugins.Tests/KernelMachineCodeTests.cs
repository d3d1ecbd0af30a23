using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>Hot kernel calls are memory accesses in the guest's machine code: the JIT's own listing of a guest's loop says so.</summary>
public sealed partial class KernelMachineCodeTests
{
    // One function a kernel call; the listing names methods by function index, and the imports come first.
    private static readonly (string Name, string Import, string Body)[] s_calls =
    [
        ("load_u8", "(param i64) (result i32)", "(local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $f (local.get $i)))))"),
        ("load_u64", "(param i64) (result i64)", "(local.set $sum (i64.add (local.get $sum) (call $f (local.get $i))))"),
        ("store_u8", "(param i64 i32)", "(call $f (local.get $i) (i32.wrap_i64 (local.get $i)))"),
        ("store_u64", "(param i64 i64)", "(call $f (local.get $i) (local.get $i))"),
        ("input_load_u8", "(param i64) (result i32)", "(local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $f (local.get $i)))))"),
        ("input_load_u64", "(param i64) (result i64)", "(local.set $sum (i64.add (local.get $sum) (call $f (local.get $i))))"),
    ];

    /// <summary>The calls that may stand in the listing: where bytes are out of range, in no block yet, or the call is interrupted. None of them is on the common path.</summary>
    [Theory]
    [InlineData("load_u8", new string[0])]
    [InlineData("load_u64", new[] { "LoadU64Untouched" })]
    [InlineData("store_u8", new[] { "StoreU8Untouched" })]
    [InlineData("store_u64", new[] { "StoreU64Untouched" })]
    [InlineData("input_load_u8", new string[0])]
    [InlineData("input_load_u64", new[] { "InputLoadTail" })]
    [Trait("Parity", "EXT-15")]
    public void A_loop_over_a_hot_kernel_call_has_no_call_on_its_common_path(string name, string[] allowed)
    {
        Assert.SkipUnless(RuntimeInformation.ProcessArchitecture == Architecture.X64, "the listing is read for x64");
        string file = Path.GetTempFileName();
        try
        {
            ChildProcess.Run(RunLoop, new ChildProcessOptions
            {
                Arguments = [name],
                Environment = { ["DOTNET_JitStdOutFile"] = file, ["DOTNET_JitDisasm"] = "f1" },
            }).AssertSucceeded();
            string listing = File.ReadAllText(file);
            string[] calls = [.. Call().Matches(listing).Select(static match => match.Groups[1].Value)];
            Assert.Contains("f1", listing, StringComparison.Ordinal);
            Assert.Contains("Interrupted", calls);
            Assert.Equal(allowed.Order(), calls.Where(static call => call is not ("Interrupted" or "StackCheckFailed")).Distinct().Order());
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static void RunLoop(string[] arguments)
    {
        (string name, string import, string body) = Array.Find(s_calls, call => call.Name == arguments[0]);
        using Plugin plugin = Fixtures.FromWat($"""
            (module
              (import "extism:host/env" "{name}" (func $f {import}))
              (func (export "run") (result i64) (local $i i64) (local $sum i64)
                (local.set $i (i64.const 64))
                (loop $next
                  {body}
                  (local.set $i (i64.add (local.get $i) (i64.const 1)))
                  (br_if $next (i64.ne (local.get $i) (i64.const 1000))))
                (local.get $sum)))
            """);
        byte[] input = new byte[2_000];
        Array.Fill(input, (byte)1);
        uint sum = plugin.Call("run", input).ExitCode;
        Assert.Equal(
            name switch
            {
                "load_u8" or "input_load_u8" => 936u,
                "load_u64" or "input_load_u64" => unchecked((uint)(936 * 0x01010101L)),
                _ => 0u,
            },
            sum);
    }

    [GeneratedRegex(@"call\s+\[?[\w.]+:(\w+)\(")]
    private static partial Regex Call();
}
