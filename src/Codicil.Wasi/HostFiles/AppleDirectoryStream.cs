using System.Buffers.Binary;
using System.Runtime.InteropServices;

using Microsoft.Win32.SafeHandles;

namespace Codicil.Wasi.HostFiles;

/// <summary>An open directory stream of macOS's C library.</summary>
internal sealed unsafe class AppleDirectoryStream : IDisposable
{
    private readonly Stream _stream;

    /// <summary>Takes a directory over.</summary>
    public AppleDirectoryStream(UnixHandle open)
    {
        using UnixHandle.Lease lease = open.Acquire();
        nint stream = NativeMethods.OpenDirectoryStream(lease.Descriptor);
        if (stream != 0)
        {
            // The stream closes the descriptor now.
            open.SetHandleAsInvalid();
        }

        _stream = new Stream(stream);
    }

    public void Dispose() => _stream.Dispose();

    public void Rewind()
    {
        if (_stream.TryHold(out nint stream))
        {
            NativeMethods.RewindDirectoryStream(stream);
            _stream.DangerousRelease();
        }
    }

    /// <summary>The next entry, its name with a NUL; a length of 0 is the end.</summary>
    public int Read(Span<byte> name, out int length, out ulong inode, out byte kind)
    {
        const int NameOffset = 21;
        length = 0;
        inode = 0;
        kind = 0;
        if (!_stream.TryHold(out nint stream))
        {
            return UnixNumbers.ErrorNoEntry;
        }

        try
        {
            // The end and an error look the same but for errno.
            Marshal.SetLastSystemError(0);
            byte* entry = UnixNumbers.IsAppleX64 ? NativeMethods.ReadDirectoryStreamOnAppleX64(stream) : NativeMethods.ReadDirectoryStream(stream);
            if (entry is null)
            {
                return Marshal.GetLastPInvokeError();
            }

            // SAFETY: struct dirent of macOS with 64-bit inodes: a header of 21 bytes with the length of the name, then the name with its NUL. It lives until
            // the next call on the stream, which is held and used by one thread.
            var header = new ReadOnlySpan<byte>(entry, NameOffset);
            inode = BinaryPrimitives.ReadUInt64LittleEndian(header);
            kind = header[20];
            int nameLength = Math.Min((int)BinaryPrimitives.ReadUInt16LittleEndian(header[18..]), name.Length - 1);
            new ReadOnlySpan<byte>(entry + NameOffset, nameLength).CopyTo(name);
            name[nameLength] = 0;
            length = nameLength + 1;
            return 0;
        }
        finally
        {
            _stream.DangerousRelease();
        }
    }

    private sealed class Stream : SafeHandleZeroOrMinusOneIsInvalid
    {
        public Stream(nint stream)
            : base(ownsHandle: true) => SetHandle(stream);

        public bool TryHold(out nint stream)
        {
            bool isHeld = false;
            stream = 0;
            try
            {
                DangerousAddRef(ref isHeld);
                stream = handle;
            }
            catch (ObjectDisposedException)
            {
                return false;
            }

            if (IsInvalid)
            {
                DangerousRelease();
                return false;
            }

            return true;
        }

        protected override bool ReleaseHandle() => NativeMethods.CloseDirectoryStream(handle) == 0;
    }
}
