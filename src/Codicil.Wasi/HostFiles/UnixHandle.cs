using Microsoft.Win32.SafeHandles;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// An open file descriptor of the system. Disposing closes it when the last call that uses it has returned, so that its number cannot become another file's
/// while a call is inside.
/// </summary>
internal sealed class UnixHandle : SafeHandleMinusOneIsInvalid
{
    public UnixHandle(nint descriptor)
        : base(ownsHandle: true) => SetHandle(descriptor);

    /// <summary>Holds it open for the time of a call.</summary>
    public Lease Acquire() => new(this);

    // Whatever close says, the descriptor is gone.
    protected override bool ReleaseHandle() => NativeMethods.Close(handle) == 0;

    /// <summary>The descriptor for the time of a call: -1 when it was closed before, which the system answers with the right error by itself.</summary>
    public readonly ref struct Lease
    {
        private readonly UnixHandle? _handle;

        public Lease(UnixHandle handle)
        {
            Descriptor = -1;
            bool isHeld = false;
            try
            {
                handle.DangerousAddRef(ref isHeld);
                _handle = handle;
                Descriptor = handle.handle;
            }
            catch (ObjectDisposedException)
            {
                // Disposed on another thread, or before: there is no way to ask that is not late.
            }
        }

        public nint Descriptor { get; }

        public void Dispose() => _handle?.DangerousRelease();
    }
}
