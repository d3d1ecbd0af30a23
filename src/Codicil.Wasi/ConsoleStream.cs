namespace Codicil.Wasi;

/// <summary>One of this process's standard streams, which knows whether it is a terminal; what is written to one is filtered.</summary>
internal sealed class ConsoleStream : Stream
{
    private readonly Stream _stream;
    private readonly TerminalFilter? _filter;

    private ConsoleStream(Stream stream, bool isTerminal)
    {
        _stream = stream;
        IsTerminal = isTerminal;
        _filter = isTerminal ? new TerminalFilter(stream) : null;
    }

    /// <summary>Whether a person is at the other end.</summary>
    public bool IsTerminal { get; }

    public override bool CanRead => _stream.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => _stream.CanWrite;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Whether it can be asked if a read would wait (<see cref="WaitForInput"/>).</summary>
    public bool CanWaitForInput => _stream is UnixStandardStream;

    public static ConsoleStream OpenInput() => new(OperatingSystem.IsWindows() ? Console.OpenStandardInput() : new UnixStandardStream(0), !Console.IsInputRedirected);

    public static ConsoleStream OpenOutput() => new(OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new UnixStandardStream(1), !Console.IsOutputRedirected);

    public static ConsoleStream OpenError() => new(OperatingSystem.IsWindows() ? Console.OpenStandardError() : new UnixStandardStream(2), !Console.IsErrorRedirected);

    /// <summary>Waits at most some time; whether a read would return at once.</summary>
    public bool WaitForInput(int milliseconds) => ((UnixStandardStream)_stream).WaitForInput(milliseconds);

    /// <summary>Whether a read would return at once, and if so, whether because everybody who could write has gone.</summary>
    public bool HasInput(out bool isHungUp) => ((UnixStandardStream)_stream).HasInput(out isHungUp);

    public override void Flush() => _stream.Flush();

    public override int Read(byte[] buffer, int offset, int count) => _stream.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => _stream.Read(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_filter is null)
        {
            _stream.Write(buffer);
        }
        else
        {
            _filter.Write(buffer);
        }
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
