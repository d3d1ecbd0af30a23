namespace Codicil.Wasi;

/// <summary>
/// What keeps the threads of a program apart in what they share: descriptors, streams, files. A function of WASI is inside while it works and outside while it waits for a clock, input
/// or a socket. A program without threads has none, which costs a comparison.
/// </summary>
internal static class WasiGate
{
    /// <summary>The time inside.</summary>
    public readonly ref struct Inside
    {
        private readonly Lock? _gate;

        public Inside(Lock? gate)
        {
            gate?.Enter();
            _gate = gate;
        }

        public void Dispose() => _gate?.Exit();
    }

    /// <summary>A wait of somebody who is inside.</summary>
    public readonly ref struct Outside
    {
        private readonly Lock? _gate;

        public Outside(Lock? gate)
        {
            if (gate is { IsHeldByCurrentThread: true })
            {
                gate.Exit();
                _gate = gate;
            }
        }

        public void Dispose() => _gate?.Enter();
    }
}
