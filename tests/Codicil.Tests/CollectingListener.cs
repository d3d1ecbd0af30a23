using System.Globalization;

namespace Codicil.Tests;

/// <summary>
/// Collects garbage at calls, so that a reference that emitted code keeps where the collector does not look is found by a test and not by chance. With the environment variable
/// CODICIL_GC_ZEAL=N the tests' engines have one that collects at each Nth call, before and after it.
/// </summary>
internal sealed class CollectingListener(int period) : FunctionListener
{
    /// <summary>The environment variable.</summary>
    public const string VariableName = "CODICIL_GC_ZEAL";

    private int _calls;
    private int _collections;

    /// <summary>The listener that the environment asks for; null without.</summary>
    public static CollectingListener? OfEnvironment { get; } =
        int.TryParse(Environment.GetEnvironmentVariable(VariableName), NumberStyles.None, CultureInfo.InvariantCulture, out int period) && period > 0 ? new CollectingListener(period) : null;

    /// <summary>How often it has collected.</summary>
    public int Collections => Volatile.Read(ref _collections);

    public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters) => Collect();

    public override void After(in FunctionCall call, ReadOnlySpan<Value> results) => Collect();

    public override void Abort(in FunctionCall call, Exception exception) => Collect();

    // Compacting, so that what lives moves; of the youngest generation mostly, which moves too and takes a tenth of the time.
    private void Collect()
    {
        int call = Interlocked.Increment(ref _calls);
        if (call % period == 0)
        {
            GC.Collect(Interlocked.Increment(ref _collections) % 8 == 0 ? 2 : 0, GCCollectionMode.Forced, blocking: true, compacting: true);
        }
    }
}
