using Microsoft.Win32.SafeHandles;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// A handle of Windows's file systems. Disposing closes it when the last call that uses it has returned, so that its number cannot become another file's while a call is inside.
/// </summary>
internal sealed class NtHandle : SafeHandleZeroOrMinusOneIsInvalid
{
    private readonly INtFiles _files;

    public NtHandle(INtFiles files, nint value)
        : base(ownsHandle: true)
    {
        _files = files;
        SetHandle(value);
    }

    /// <summary>Holds it open for the time of a call.</summary>
    public Lease Acquire() => new(this);

    protected override bool ReleaseHandle() => _files.Close(handle);

    /// <summary>The handle for the time of a call, if it is still open.</summary>
    public readonly ref struct Lease
    {
        private readonly NtHandle? _handle;

        public Lease(NtHandle handle)
        {
            bool isHeld = false;
            try
            {
                handle.DangerousAddRef(ref isHeld);
                _handle = handle;
                Value = handle.handle;
            }
            catch (ObjectDisposedException)
            {
                // Disposed on another thread, or before: there is no way to ask that is not late.
            }
        }

        /// <summary>Whether it could be held; without, there is no handle to give to a call.</summary>
        public bool IsHeld => _handle is not null;

        public nint Value { get; }

        public void Dispose() => _handle?.DangerousRelease();
    }
}
