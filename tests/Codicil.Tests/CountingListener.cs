namespace Codicil.Tests;

/// <summary>A listener that counts calls, and allocates nothing.</summary>
internal sealed class CountingListener : FunctionListener
{
    public int Begun { get; private set; }

    public int Ended { get; private set; }

    public int Aborted { get; private set; }

    public int Deepest { get; private set; }

    public bool ThrowsFromAbort { get; init; }

    public void Reset() => (Begun, Ended, Aborted, Deepest) = (0, 0, 0, 0);

    public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters)
    {
        Begun++;
        Deepest = Math.Max(Deepest, call.Depth);
    }

    public override void After(in FunctionCall call, ReadOnlySpan<Value> results) => Ended++;

    public override void Abort(in FunctionCall call, Exception exception)
    {
        Aborted++;
        if (ThrowsFromAbort)
        {
            throw new InvalidOperationException(Wasm.Format($"abort {Aborted}"));
        }
    }
}
