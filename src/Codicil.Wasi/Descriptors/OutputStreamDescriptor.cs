using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Descriptors;

/// <summary>Standard output or standard error: a stream of the host, or nothing at all.</summary>
internal sealed class OutputStreamDescriptor(Stream? stream, WasiContext context)
    : Descriptor(TypeOf(stream), Rights.FdWrite | Rights.FdSync | Rights.FdDataSync | Rights.FdFdStatSetFlags | Rights.FdFileStatGet | Rights.PollFdReadWrite, Rights.None)
{
    private bool _isBroken;

    /// <summary>Programs take a character device that cannot seek for a terminal.</summary>
    public static FileType TypeOf(Stream? stream) => stream is ConsoleStream { IsTerminal: true } ? FileType.CharacterDevice : FileType.Unknown;

    public override Errno Write(ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        if (stream is not null)
        {
            try
            {
                if (stream is not PipeOutputStream pipe)
                {
                    stream.Write(source);
                }
                else if (!pipe.TryWrite(source, context.Store))
                {
                    return Errno.Pipe;
                }
            }
            catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
            {
                // The end of the store and an interrupt look like errors of the stream that was waited for.
                Interruption.Check(context.Store);

                // A pipe stream says why only once.
                _isBroken |= errno == Errno.Pipe;
                return _isBroken ? Errno.Pipe : errno;
            }
        }

        count = source.Length;
        return Errno.Success;
    }

    public override Errno Flush()
    {
        try
        {
            stream?.Flush();
            return Errno.Success;
        }
        catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
        {
            return errno;
        }
    }

    public override Errno Close() => Flush();
}
