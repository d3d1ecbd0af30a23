using System.Globalization;
using System.Text;

using Codicil.Tests;

namespace Codicil.Plugins.Tests;

/// <summary>The same results whatever the culture.</summary>
public sealed class PluginCultureTests
{
    [Fact]
    [Trait("Security", "CL-05")]
    public void Results_and_messages_do_not_depend_on_the_culture()
    {
        // A process of its own, in which cultures are not invariant where the system has their data.
        ChildProcess.Run(
            static _ =>
            {
                string expected = Describe();
                foreach (string name in new[] { "tr-TR", "ar-SA", "de-DE", "fa-IR" })
                {
                    CultureInfo culture = Culture(name);
                    CultureInfo.CurrentCulture = culture;
                    CultureInfo.CurrentUICulture = culture;
                    CultureInfo.DefaultThreadCurrentCulture = culture;
                    string found = Describe();
                    if (found != expected)
                    {
                        throw new InvalidOperationException($"{name}: {found} instead of {expected}");
                    }
                }
            }).AssertSucceeded();
    }

    // Where the runtime knows no cultures, one with what matters of them: other digits and signs, other separators.
    private static CultureInfo Culture(string name)
    {
        try
        {
            CultureInfo known = CultureInfo.GetCultureInfo(name);
            if (known.NumberFormat.NumberDecimalSeparator != "." || name == "tr-TR")
            {
                return known;
            }
        }
        catch (CultureNotFoundException)
        {
        }

        var made = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        made.NumberFormat.NumberDecimalSeparator = ",";
        made.NumberFormat.NumberGroupSeparator = ".";
        made.NumberFormat.NegativeSign = "\u2212";
        made.NumberFormat.NativeDigits = ["\u0660", "\u0661", "\u0662", "\u0663", "\u0664", "\u0665", "\u0666", "\u0667", "\u0668", "\u0669"];
        made.NumberFormat.DigitSubstitution = DigitShapes.NativeNational;
        return made;
    }

    private static string Describe()
    {
        var text = new StringBuilder();
        PluginManifest manifest = PluginManifest.FromJson("""
            { "WASM": [ { "Data": "AGFzbQEAAAA=" } ], "Timeout_MS": 1500, "memory": { "MAX_PAGES": 12, "max_var_bytes": 100 }, "config": { "INIT": "I" } }
            """);
        text.AppendLine(manifest.ToJson());
        using Plugin plugin = Plugin.Create(
            Fixtures.WatManifest("""
                (module
                  (import "extism:host/env" "load_u64" (func $load (param i64) (result i64)))
                  (import "extism:host/env" "store_u64" (func $store (param i64 i64)))
                  (import "extism:host/user" "text" (func $text (param i64 f64) (result i64)))
                  (import "extism:host/env" "input_offset" (func $input_offset (result i64)))
                  (import "extism:host/env" "input_length" (func $input_length (result i64)))
                  (import "extism:host/env" "length" (func $length (param i64) (result i64)))
                  (import "extism:host/env" "output_set" (func $output_set (param i64 i64)))
                  (func (export "bad_load") (drop (call $load (i64.const -1234567))))
                  (func (export "bad_store") (call $store (i64.const 9999999) (i64.const -5)))
                  (func (export "two") (result i32 i32) (i32.const 1) (i32.const 2))
                  (func (export "unreachable") unreachable)
                  (func (export "text") (local $t i64)
                    (local.set $t (call $text (call $input_offset) (f64.const -1234.5)))
                    (call $output_set (local.get $t) (call $length (local.get $t)))))
                """) with { Memory = new PluginMemoryLimits { MaxPages = 20 } },
            new PluginOptions { MaxOutputBytes = 100_000, HostFunctions = [HostFunction.Create<string, double, string>("text", (_, a, b) => string.Create(CultureInfo.InvariantCulture, $"{a} {b}"))] });
        foreach (string name in new[] { "bad_load", "bad_store", "two", "unreachable", "none" })
        {
            text.AppendLine(Record.Exception(() => { plugin.Call(name); })!.Message);
        }

        text.AppendLine(plugin.Call("text", "ISTANBUL istanbul ıİ"));
        text.AppendLine(plugin.CallAsync("text", "async").GetAwaiter().GetResult());
        text.AppendLine(Record.Exception(() => { plugin.Call("text", new byte[2_000_000]); })!.Message);
        text.AppendLine(Record.Exception(() => { plugin.Call("text", new byte[200_000]); })!.Message);
        text.AppendLine(Record.Exception(() => PluginManifest.FromJson("{\"timeout_ms\": -5}"))!.Message);
        text.AppendLine(Record.Exception(() => PluginManifest.FromJson("{\"memory\": {\"max_pages\": -5}}"))!.Message);
        return text.ToString();
    }
}
