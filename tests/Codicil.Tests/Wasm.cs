using System.Globalization;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>Short ways to engines and instances for tests.</summary>
internal static class Wasm
{
    /// <summary>The memory modes that exist here.</summary>
    public static MemoryProtection[] Modes { get; } = SignalFilter.TryInstall() ? [MemoryProtection.Guard, MemoryProtection.Checked] : [MemoryProtection.Checked];

    /// <summary>The memory modes as theory data.</summary>
    public static TheoryData<MemoryProtection> ModeData => [.. Modes];

    public static Engine CreateEngine(MemoryProtection mode = MemoryProtection.Auto, bool interruptible = false) =>
        Engine.Create(new EngineOptions { MemoryProtection = mode, Interruptible = interruptible, Listener = CollectingListener.OfEnvironment });

    /// <summary>An instance in a store and an engine of its own.</summary>
    public static Instance Instantiate(string text, MemoryProtection mode = MemoryProtection.Auto, bool interruptible = false, Action<Linker>? define = null)
    {
        Engine engine = CreateEngine(mode, interruptible);
        return Instantiate(engine.CreateStore(), text, define);
    }

    /// <summary>An instance in a store.</summary>
    public static Instance Instantiate(Store store, string text, Action<Linker>? define = null)
    {
        var linker = new Linker(store.Engine);
        define?.Invoke(linker);
        return linker.Instantiate(store, Module.FromText(store.Engine, text));
    }

    /// <summary>Runs an action on a thread with a stack of a size and gives what it throws to the caller.</summary>
    public static void OnThread(int stackBytes, Action action)
    {
        Exception? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    action();
                }
                catch (Exception exception)
                {
                    failure = exception;
                }
            },
            stackBytes);
        thread.Start();
        thread.Join();
        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    /// <summary>The trap that an action ends with.</summary>
    public static void AssertTrap(TrapCode code, Action action) => Assert.Equal(code, Assert.Throws<TrapException>(action).Code);

    /// <summary>A text for each number below a count, joined.</summary>
    public static string Repeat(int count, Func<int, string> text) => string.Concat(Enumerable.Range(0, count).Select(text));

    public static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
