using System.Buffers.Binary;

namespace Codicil.Wasi.Abi;

/// <summary>One thing to wait for (typenames.witx, <c>subscription</c>), with what has become of it (<c>event</c>).</summary>
internal struct Subscription
{
    /// <summary>The size of an <c>event</c> in bytes.</summary>
    public const int EventSize = 32;

    private const ushort AbsoluteTime = 1;
    private const ushort HangUpFlag = 1;

    public ulong UserData;
    public ulong Timeout;
    public ulong ByteCount;
    public uint Fd;
    public ClockId Clock;
    public EventType Type;
    public Errno Error;
    public bool IsAbsolute;
    public bool IsReady;
    public bool IsHungUp;

    /// <summary>Reads a subscription; false when its kind, clock or flags have no meaning.</summary>
    public static bool TryRead(ReadOnlySpan<byte> source, Snapshot snapshot, out Subscription subscription)
    {
        subscription = new Subscription { UserData = BinaryPrimitives.ReadUInt64LittleEndian(source), Type = (EventType)source[8] };
        switch (subscription.Type)
        {
            case EventType.Clock:
                ReadOnlySpan<byte> clock = source[snapshot.ClockOffset..];
                subscription.Clock = (ClockId)BinaryPrimitives.ReadUInt32LittleEndian(clock);
                subscription.Timeout = BinaryPrimitives.ReadUInt64LittleEndian(clock[8..]);
                ushort flags = BinaryPrimitives.ReadUInt16LittleEndian(clock[24..]);
                subscription.IsAbsolute = (flags & AbsoluteTime) != 0;
                return (flags & ~AbsoluteTime) == 0 && subscription.Clock is ClockId.Realtime or ClockId.Monotonic;
            case EventType.FdRead or EventType.FdWrite:
                subscription.Fd = BinaryPrimitives.ReadUInt32LittleEndian(source[16..]);
                return true;
            default:
                return false;
        }
    }

    /// <summary>Writes the event.</summary>
    public readonly void WriteEvent(Span<byte> destination)
    {
        destination = destination[..EventSize];
        destination.Clear();
        BinaryPrimitives.WriteUInt64LittleEndian(destination, UserData);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[8..], (ushort)Error);
        destination[10] = (byte)Type;
        BinaryPrimitives.WriteUInt64LittleEndian(destination[16..], ByteCount);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[24..], IsHungUp ? HangUpFlag : (ushort)0);
    }
}
