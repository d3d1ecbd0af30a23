using System.Net.Sockets;
using System.Runtime.CompilerServices;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>What a guest is told when a host's stream fails.</summary>
internal static class StreamErrors
{
    // Windows reports HRESULTs of Win32 errors; elsewhere the runtime leaves the system's errno in HResult.
    private const int WindowsBrokenPipe = unchecked((int)0x8007_006D);
    private const int WindowsNoData = unchecked((int)0x8007_00E8);
    private const int WindowsDiskFull = unchecked((int)0x8007_0070);
    private const int WindowsHandleDiskFull = unchecked((int)0x8007_0027);
    private const int UnixBadDescriptor = 9;
    private const int UnixBrokenPipe = 32;
    private const int UnixNoSpace = 28;
    private const int UnixFileTooBig = 27;

    /// <summary>Whether an exception is one that <see cref="TryGetErrno"/> has an error for.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static bool IsKnown(Exception exception) => TryGetErrno(exception, out _);

    /// <summary>The error of an exception that streams throw for reasons of input and output; false for all others, which are the host's bugs and go on.</summary>
    public static bool TryGetErrno(Exception exception, out Errno errno)
    {
        switch (exception)
        {
            // Pipes are sockets to the runtime on Unix.
            case IOException { InnerException: SocketException { SocketErrorCode: SocketError.Shutdown or SocketError.ConnectionReset or SocketError.ConnectionAborted } }:
                errno = Errno.Pipe;
                return true;
            case IOException io:
                errno = io.HResult switch
                {
                    WindowsBrokenPipe or WindowsNoData or UnixBrokenPipe => Errno.Pipe,
                    WindowsDiskFull or WindowsHandleDiskFull or UnixNoSpace => Errno.NoSpc,
                    UnixFileTooBig => Errno.FBig,
                    _ => Errno.Io,
                };
                return true;
            case ObjectDisposedException:
                // The owner closed the stream: to the guest it is a device that has gone.
                errno = Errno.Io;
                return true;
            case NotSupportedException:
                errno = Errno.NotSup;
                return true;
            case UnauthorizedAccessException { InnerException: IOException { HResult: UnixBadDescriptor } } when !OperatingSystem.IsWindows():
                // The process was started with the stream closed.
                errno = Errno.BadF;
                return true;
            case UnauthorizedAccessException:
                errno = Errno.Acces;
                return true;
            default:
                errno = Errno.Success;
                return false;
        }
    }
}
