using System.Globalization;
using System.Text;

using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>
/// Calls the same functions in guard memory and in checked memory and compares everything a guest or host could see: the result or the trap, the
/// bytes of the memory, and a global.
/// </summary>
/// <remarks>Every function is of type <c>(i32) -> i64</c>; the memory has one page and holds the same pattern before every call.</remarks>
internal sealed class GuardExactnessHarness : IDisposable
{
    public const int PageBytes = 65_536;

    /// <summary>The bytes at both ends of the memory that calls may change.</summary>
    private const int WindowBytes = 256;

    private const int MostDifferences = 12;

    private readonly AccessedMemory _memory;
    private readonly Engine _guard;
    private readonly Engine _checked;
    private readonly List<string> _differences = [];

    public GuardExactnessHarness(AccessedMemory memory = AccessedMemory.First)
    {
        _memory = memory;
        Assert.SkipUnless(SignalFilter.TryInstall(), $"no guard memory here: {SignalFilter.UnavailableReason}");
        _guard = Engine.Create(new EngineOptions { MemoryProtection = MemoryProtection.Guard });
        _checked = Engine.Create(new EngineOptions { MemoryProtection = MemoryProtection.Checked });
    }

    public int Calls { get; private set; }

    public int Traps { get; private set; }

    public int DifferenceCount { get; private set; }

    /// <summary>Calls each of the functions <c>f0</c>, <c>f1</c>, ... with each argument, in both modes.</summary>
    /// <param name="functions">Functions in text form, without their names' declaration: <c>BODY</c> of <c>(func $fN (export "fN") (param $a i32) (result i64) BODY)</c>.</param>
    /// <param name="arguments">The values of <c>$a</c>.</param>
    /// <param name="shared">More fields of the module.</param>
    public void Compare(IReadOnlyList<string> functions, ReadOnlySpan<int> arguments, string shared = "")
    {
        string text = MakeModule(functions, shared, _memory);
        using Module guardModule = Module.FromText(_guard, text);
        using Module checkedModule = Module.FromText(_checked, text);
        using Store guardStore = _guard.CreateStore();
        using Store checkedStore = _checked.CreateStore();
        var guard = new Subject(guardStore.Instantiate(guardModule), functions.Count);
        var with = new Subject(checkedStore.Instantiate(checkedModule), functions.Count);
        for (int i = 0; i < functions.Count; i++)
        {
            foreach (int argument in arguments)
            {
                Outcome left = guard.Call(i, argument);
                Outcome right = with.Call(i, argument);
                Calls++;
                Traps += right.Trap is null ? 0 : 1;
                if (left != right || !guard.Window.SequenceEqual(with.Window))
                {
                    Report(functions[i], argument, left, right, guard.Window, with.Window);
                }
            }
        }
    }

    public void AssertSame()
    {
        if (DifferenceCount != 0)
        {
            Assert.Fail(string.Create(CultureInfo.InvariantCulture, $"{DifferenceCount} of {Calls} calls differ\n\n") + string.Join("\n\n", _differences));
        }

        Assert.True(Calls > 0);
    }

    public void Dispose()
    {
        _guard.Dispose();
        _checked.Dispose();
    }

    public static string MakeModule(IReadOnlyList<string> functions, string shared, AccessedMemory memory = AccessedMemory.First)
    {
        var text = new StringBuilder($"(module {GuardExactnessMemory.Declare(memory)} (global $g (export \"g\") (mut i64) (i64.const 0))\n").Append(GuardExactnessMemory.Rewrite(shared, memory));
        for (int i = 0; i < functions.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"(func $f{i} (export \"f{i}\") (param $a i32) (result i64)\n{GuardExactnessMemory.Rewrite(functions[i], memory)})\n");
        }

        return text.Append(')').ToString();
    }

    private void Report(string function, int argument, Outcome guard, Outcome with, ReadOnlySpan<byte> guardBytes, ReadOnlySpan<byte> checkedBytes)
    {
        DifferenceCount++;
        if (_differences.Count == MostDifferences || (_differences.Count > 0 && _differences[^1].EndsWith(function, StringComparison.Ordinal)))
        {
            return;
        }

        var bytes = new StringBuilder();
        for (int i = 0; i < guardBytes.Length; i++)
        {
            if (guardBytes[i] != checkedBytes[i])
            {
                bytes.Append(CultureInfo.InvariantCulture, $" [{(i < WindowBytes ? i : PageBytes - (2 * WindowBytes) + i)}] {guardBytes[i]:x2}/{checkedBytes[i]:x2}");
            }
        }

        _differences.Add(string.Create(CultureInfo.InvariantCulture, $"argument {argument}: guard {guard}, checked {with}{bytes}\n{function}"));
    }

    private readonly record struct Outcome(TrapCode? Trap, long Result, long Global, ulong Pages)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{(Trap is TrapCode code ? code.ToString() : Result.ToString("x", CultureInfo.InvariantCulture))} (global {Global:x}, {Pages} pages)");
    }

    private sealed class Subject
    {
        private readonly Memory _memory;
        private readonly Global _global;
        private readonly Func<int, long>[] _functions;
        private readonly byte[] _window = new byte[2 * WindowBytes];

        public Subject(Instance instance, int count)
        {
            _memory = instance.GetMemory("m")!;
            _global = instance.GetGlobal("g")!;
            _functions = new Func<int, long>[count];
            for (int i = 0; i < count; i++)
            {
                _functions[i] = instance.GetFunction<Func<int, long>>(string.Create(CultureInfo.InvariantCulture, $"f{i}"))!;
            }
        }

        public ReadOnlySpan<byte> Window => _window;

        public Outcome Call(int function, int argument)
        {
            Span<byte> low = _memory.GetSpan(0, WindowBytes);
            Span<byte> high = _memory.GetSpan(PageBytes - WindowBytes, WindowBytes);
            for (int i = 0; i < WindowBytes; i++)
            {
                low[i] = (byte)((i * 37) + 11);
                high[i] = (byte)((i * 91) + 129);
            }

            _global.Value = Value.FromI64(0);
            TrapCode? trap = null;
            long result = 0;
            try
            {
                result = _functions[function](argument);
            }
            catch (TrapException exception)
            {
                trap = exception.Code;
            }

            low.CopyTo(_window);
            high.CopyTo(_window.AsSpan(WindowBytes));
            return new Outcome(trap, result, _global.Value.AsI64(), _memory.PageCount);
        }
    }
}
