using System.Globalization;

namespace Codicil.Tests;

/// <summary>Bodies in which the JIT cancels a wide load behind a narrower one of the same place.</summary>
internal static partial class GuardExactnessCases
{
    /// <summary>These bodies; then the same in functions that load a third width more often than these, or the wide one itself.</summary>
    /// <param name="each">Only each so manieth.</param>
    public static List<string> Cancelled(int each = 1)
    {
        var bodies = new List<string>();
        AddCancelled(bodies);
        List<string> usual = [.. bodies.Where((_, i) => i % each == 0)];
        bodies = [.. usual];
        foreach (string load in (string[])["v128.load", "i64.load", "i32.load"])
        {
            bodies.AddRange(usual.ConvertAll(body => $"(loop (drop ({load} (i32.const 0))))" + body));
        }

        return bodies.ConvertAll(static body => Locals + body);
    }

    /// <summary>A body for an address before the end of the page that is no parameter.</summary>
    /// <param name="body">The body.</param>
    /// <param name="form">How the address comes about.</param>
    /// <param name="address">The address.</param>
    public static string WithAddress(string body, AddressForm form, int address)
    {
        string rest = (address - 65000).ToString(CultureInfo.InvariantCulture);
        string whole = string.Create(CultureInfo.InvariantCulture, $"(i32.const {address})");
        int first = body.IndexOf(A, StringComparison.Ordinal);
        return form switch
        {
            AddressForm.Local => Set(whole),
            AddressForm.Sum => Set($"(i32.add (i32.const 65000) (i32.const {rest}))"),
            AddressForm.Call => Set($"(call $end (i32.const {rest}))"),
            AddressForm.Constant => body.Replace(A, whole, StringComparison.Ordinal),

            // Known to be below the end; of the parameter nothing is known.
            _ => body[..first] + $"(local.tee $a (i32.and (i32.or {A} {whole}) (i32.const 65535)))" + body[(first + A.Length)..],
        };

        string Set(string value) => body.Insert(body.IndexOf('\n', StringComparison.Ordinal) + 1, $"(local.set $a {value})\n");
    }

    // A wide load goes into a value which is, once the JIT has calculated, one that it has already from a narrower load of the same place.
    private static void AddCancelled(List<string> bodies)
    {
        foreach (Access narrow in s_loads)
        {
            foreach (Access wide in s_loads.Where(wide => wide.Width > narrow.Width))
            {
                foreach (string offset in (string[])["", "offset=4", "offset=40000"])
                {
                    AddCancelled(bodies, ToI64(narrow.Type, $"({narrow.Load} {offset} {A})"), ToI64(wide.Type, $"({wide.Load} {offset} {A})"));
                }
            }

            AddCancelled(bodies, ToI64(narrow.Type, $"({narrow.Load} {A})"), $"(call $load64 {A})");
        }
    }

    /// <summary>Adds bodies in which nothing is left of a wide load but its trap.</summary>
    /// <param name="bodies">Where they go.</param>
    /// <param name="narrow">An i64 from a narrower load.</param>
    /// <param name="wide">An i64 from the wide one.</param>
    public static void AddCancelled(List<string> bodies, string narrow, string wide)
    {
        bodies.Add($"(local.set $x {narrow}) (i64.add (local.get $x) (i64.mul (i64.sub (local.get $x) (local.get $x)) {wide}))");
        bodies.Add($"(i64.mul (i64.sub {narrow} {narrow}) {wide})");
        bodies.Add($"(i64.and {wide} (i64.xor {narrow} {narrow}))");
        bodies.Add($"(i64.add {narrow} (i64.sub {wide} {wide}))");
    }
}

/// <summary>How an address comes about.</summary>
internal enum AddressForm
{
    /// <summary>A constant in a local.</summary>
    Local,

    /// <summary>A sum of constants in a local: only the JIT knows it.</summary>
    Sum,

    /// <summary>What a function that is inlined makes of a constant.</summary>
    Call,

    /// <summary>A constant at each access.</summary>
    Constant,

    /// <summary>A number that the emitter knows to be below the page's end, whatever it is.</summary>
    Masked,
}
