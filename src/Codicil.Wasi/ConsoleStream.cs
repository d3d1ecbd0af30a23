using System.Net.Sockets;

namespace Codicil.Wasi;

/// <summary>One of this process's standard streams, which knows whether it is a terminal; what is written to one is filtered.</summary>
internal sealed class ConsoleStream : OneWayStream
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

    public override bool CanWrite => _stream.CanWrite;

    /// <summary>Whether it can be asked if a read would wait (<see cref="WaitForInput"/>).</summary>
    public bool CanWaitForInput => _stream is UnixStandardStream;

    public static ConsoleStream OpenInput() => new(OperatingSystem.IsWindows() ? Console.OpenStandardInput() : new UnixStandardStream(0), !Console.IsInputRedirected);

    public static ConsoleStream OpenOutput() => new(OperatingSystem.IsWindows() ? Console.OpenStandardOutput() : new UnixStandardStream(1), !Console.IsOutputRedirected);

    public static ConsoleStream OpenError() => new(OperatingSystem.IsWindows() ? Console.OpenStandardError() : new UnixStandardStream(2), !Console.IsErrorRedirected);

    /// <summary>Output whose writes wait no longer than a store lives and is not interrupted, with a filter of its own; itself where the system has no such writes.</summary>
    public ConsoleStream For(Store store) => _stream is UnixStandardStream { CanWrite: true } stream ? new ConsoleStream(stream.For(store), IsTerminal) : this;

    /// <summary>The stream of a descriptor (tests).</summary>
    internal static ConsoleStream OpenOutput(int descriptor, bool isTerminal, bool asksFirst = false) => new(new UnixStandardStream(descriptor, asksFirst), isTerminal);

    /// <summary>Waits at most some time; whether a read would return at once.</summary>
    public bool WaitForInput(int milliseconds) => ((UnixStandardStream)_stream).WaitForInput(milliseconds);

    /// <summary>Waits at most some time for several of them, each to be read or to be written.</summary>
    public static bool WaitForAny(ReadOnlySpan<(ConsoleStream Stream, SelectMode Mode)> waits, int milliseconds)
    {
        var streams = new (UnixStandardStream, SelectMode)[waits.Length];
        for (int i = 0; i < waits.Length; i++)
        {
            streams[i] = ((UnixStandardStream)waits[i].Stream._stream, waits[i].Mode);
        }

        return UnixStandardStream.WaitForAny(streams, milliseconds);
    }

    /// <summary>Whether a read would return at once, and if so, whether because everybody who could write has gone.</summary>
    public bool HasInput(out bool isHungUp) => ((UnixStandardStream)_stream).HasInput(out isHungUp);

    /// <summary>Whether a write would return at once, and if so, whether because nobody reads any more.</summary>
    public bool HasRoom(out bool isHungUp)
    {
        isHungUp = false;
        return _stream is not UnixStandardStream stream || stream.HasRoom(out isHungUp);
    }

    /// <summary>Writes what there is room for, on a terminal all of it when there is any; 0 when there is none.</summary>
    public int WriteNow(ReadOnlySpan<byte> buffer)
    {
        if (_filter is null && _stream is UnixStandardStream stream)
        {
            return stream.WriteNow(buffer);
        }

        if (!HasRoom(out _))
        {
            return 0;
        }

        // What is shown is not as long as what is written.
        Write(buffer);
        return buffer.Length;
    }

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

    protected override void Dispose(bool disposing)
    {
        // Other streams stay usable: they are shared by all who were given them.
        if (disposing && _stream is UnixStandardStream stream)
        {
            stream.Dispose();
        }

        base.Dispose(disposing);
    }
}
