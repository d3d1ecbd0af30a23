namespace Codicil.Plugins.Tests;

/// <summary>What a host function may do with plug-ins while one waits for it.</summary>
public sealed class PluginReentrancyTests
{
    private const string Guest = """
        (module
          (import "extism:host/user" "ask" (func $ask (param i64) (result i64)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "length" (func $length (param i64) (result i64)))
          (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
          (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
          (func (export "ask") (local $answer i64)
            (local.set $answer (call $ask (call $input_offset)))
            (call $output_set (local.get $answer) (call $length (local.get $answer))))
          (func (export "run") (result i32) (i32.const 6)))
        """;

    private static CompiledPlugin Compile(Func<CurrentPlugin, string, string> ask) =>
        CompiledPlugin.Create(Fixtures.WatManifest(Guest), new PluginOptions { HostFunctions = [HostFunction.Create("ask", ask)] });

    [Fact]
    [Trait("Security", "KH-05")]
    public void A_host_function_calls_other_plug_ins_to_any_depth_and_the_callers_kernel_stays_its_own()
    {
        var plugins = new List<Plugin>();
        using CompiledPlugin compiled = Compile((current, text) =>
        {
            int depth = int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            long mine = current.WriteString("mine " + text);
            string inner = depth == 0 ? "." : plugins[depth - 1].Call("ask", (depth - 1).ToString(System.Globalization.CultureInfo.InvariantCulture));
            Assert.Equal("mine " + text, current.ReadString(mine));
            return text + inner;
        });
        for (int i = 0; i < 8; i++)
        {
            plugins.Add(compiled.CreateInstance());
        }

        Assert.Equal("76543210.", plugins[7].Call("ask", "7"));
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public void Two_plug_ins_that_call_each_other_in_a_circle_are_refused_and_stay_usable()
    {
        Plugin? first = null;
        Plugin? second = null;
        using CompiledPlugin compiled = Compile((_, text) => text == "1" ? second!.Call("ask", "2") : first!.Call("ask", "1"));
        first = compiled.CreateInstance();
        second = compiled.CreateInstance();
        Assert.Contains("one owner at a time", Assert.Throws<InvalidOperationException>(() => first.Call("ask", "1")).Message, StringComparison.Ordinal);
        Assert.Equal(6u, first.Call("run").ExitCode);
        Assert.Equal(6u, second.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public async Task A_host_function_cannot_call_its_plug_in_asynchronously_either()
    {
        Plugin? plugin = null;
        using CompiledPlugin compiled = CompiledPlugin.Create(
            Fixtures.WatManifest(Guest),
            new PluginOptions { HostFunctions = [HostFunction.Create("ask", async (CurrentPlugin _, string text) => await plugin!.CallAsync("ask", text))] });
        plugin = compiled.CreateInstance();
        await Assert.ThrowsAsync<InvalidOperationException>(() => plugin.CallAsync("ask", "x", TestContext.Current.CancellationToken));
        Assert.Throws<InvalidOperationException>(() => plugin.Call("ask", "x"));
        Assert.Equal(6u, plugin.Call("run").ExitCode);
    }

    [Fact]
    [Trait("Security", "KH-05")]
    [Trait("Security", "CL-02")]
    public void A_host_function_disposes_what_it_runs_in_and_the_current_plug_in_stays_safe_to_touch()
    {
        CompiledPlugin? compiled = null;
        long read = -1;
        compiled = Compile((current, text) =>
        {
            compiled!.Dispose();
            compiled.Dispose();

            // The call has not left yet: what it holds is still there.
            long handle = current.WriteString(text);
            read = current.GetLength(handle);
            Assert.Throws<ObjectDisposedException>(current.ThrowIfInterrupted);
            return text;
        });
        Plugin plugin = compiled.CreateInstance();
        Assert.Throws<ObjectDisposedException>(() => plugin.Call("ask", "four"));
        Assert.Equal(4, read);
        Assert.True(plugin.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => { plugin.Call("run"); });
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public void The_current_plug_in_of_one_is_not_that_of_another_and_ends_with_its_call()
    {
        CurrentPlugin? kept = null;
        using CompiledPlugin compiled = Compile((current, text) =>
        {
            if (kept is not null)
            {
                Assert.Throws<InvalidOperationException>(() => kept.ReadString(0));
                Assert.Throws<InvalidOperationException>(() => kept.Variables);
            }

            kept ??= current;
            return text;
        });
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        first.Call("ask", "a");
        second.Call("ask", "b");
        Assert.Throws<InvalidOperationException>(() => kept!.Free(1));
    }

    [Fact]
    [Trait("Security", "KH-05")]
    public async Task Disposal_inside_an_asynchronous_host_function_ends_its_call()
    {
        Plugin? plugin = null;
        using CompiledPlugin compiled = CompiledPlugin.Create(
            Fixtures.WatManifest(Guest),
            new PluginOptions
            {
                HostFunctions =
                [
                    HostFunction.Create("ask", async (CurrentPlugin _, string text) =>
                    {
                        await Task.Yield();
                        plugin!.Dispose();
                        return text;
                    }),
                ],
            });
        plugin = compiled.CreateInstance();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => plugin.CallAsync("ask", "x", TestContext.Current.CancellationToken));
    }
}
