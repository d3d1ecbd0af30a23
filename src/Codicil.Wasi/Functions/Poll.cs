using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Functions;

/// <summary>Waiting for clocks and descriptors.</summary>
internal sealed class Poll(WasiContext context)
{
    // Far above what a program can have open; it bounds what a call makes the host allocate.
    private const uint MostSubscriptions = 1 << 16;
    private const int MostOnStack = 4;

    public Errno OneOff(InstanceState caller, uint subscriptionAddress, uint eventAddress, uint count, uint result, Snapshot snapshot)
    {
        if (count == 0)
        {
            return Errno.Inval;
        }

        InstanceState state = caller.Require();
        GuestMemory memory = state.GetMemory();
        if (!memory.Contains(subscriptionAddress, (ulong)count * (uint)snapshot.SubscriptionSize) ||
            !memory.Contains(eventAddress, (ulong)count * Subscription.EventSize) ||
            !memory.Contains(result, sizeof(uint)))
        {
            return Errno.Fault;
        }

        if (count > MostSubscriptions)
        {
            return Errno.Inval;
        }

        // All is read before anything is written: the two arrays may overlap.
        Span<Subscription> subscriptions = count <= MostOnStack ? stackalloc Subscription[MostOnStack] : new Subscription[count];
        subscriptions = subscriptions[..(int)count];
        ReadOnlySpan<byte> source = memory.GetSpan(subscriptionAddress, (int)count * snapshot.SubscriptionSize);
        for (int i = 0; i < subscriptions.Length; i++)
        {
            if (!Subscription.TryRead(source[(i * snapshot.SubscriptionSize)..], snapshot, out subscriptions[i]))
            {
                return Errno.Inval;
            }
        }

        Wait(state, subscriptions);

        // Much may have happened meanwhile.
        memory = state.GetMemory();
        uint events = 0;
        Span<byte> destination = memory.GetSpan(eventAddress, (int)count * Subscription.EventSize);
        foreach (ref readonly Subscription subscription in subscriptions)
        {
            if (subscription.IsReady)
            {
                subscription.WriteEvent(destination[((int)events * Subscription.EventSize)..]);
                events++;
            }
        }

        memory.WriteUInt32(result, events);
        return Errno.Success;
    }

    private void Wait(InstanceState state, Span<Subscription> subscriptions)
    {
        ulong? nearest = MakeRelative(state, subscriptions);
        WaitSet? inputs = null;
        bool isReady = AskDescriptors(subscriptions, ref inputs);
        ulong waited = 0;
        if (!isReady && nearest != 0)
        {
            context.Descriptors.FlushAll();
            ulong? left = nearest;
            do
            {
                if (left == 0 || Sleep(ref left, inputs))
                {
                    waited = nearest!.Value;
                }

                // What one was woken for may be somebody else's already: then the rest of the time is waited for.
                isReady = AskDescriptors(subscriptions, ref inputs);
            }
            while (!isReady && waited == 0);
        }

        foreach (ref Subscription subscription in subscriptions)
        {
            if (subscription.Type == EventType.Clock && subscription.Timeout <= waited)
            {
                subscription.IsReady = true;
            }
        }
    }

    private bool Sleep(ref ulong? left, WaitSet? inputs)
    {
        using WasiGate.Outside outside = context.LeaveForWait();
        return context.Options.Sleep.Wait(context.Store, ref left, inputs);
    }

    // How long each clock has to go, and the least of it. Every clock is read once, so that equal times come together.
    private static ulong? MakeRelative(InstanceState state, Span<Subscription> subscriptions)
    {
        ulong? nearest = null;
        ulong? realtime = null;
        ulong? monotonic = null;
        foreach (ref Subscription subscription in subscriptions)
        {
            if (subscription.Type != EventType.Clock)
            {
                continue;
            }

            if (subscription.IsAbsolute)
            {
                ulong now = subscription.Clock == ClockId.Realtime ? realtime ??= state.WallClock.Read() : monotonic ??= state.MonotonicClock.Read();
                subscription.Timeout = subscription.Timeout > now ? subscription.Timeout - now : 0;
            }

            nearest = Math.Min(nearest ?? ulong.MaxValue, subscription.Timeout);
        }

        return nearest;
    }

    private bool AskDescriptors(Span<Subscription> subscriptions, ref WaitSet? inputs)
    {
        inputs?.Clear();
        bool anyReady = false;
        foreach (ref Subscription subscription in subscriptions)
        {
            if (subscription.Type == EventType.Clock)
            {
                continue;
            }

            subscription.IsReady = true;
            if (!context.Descriptors.TryGet(subscription.Fd, out Descriptor? descriptor))
            {
                subscription.Error = Errno.BadF;
            }
            else if (!MayPoll(descriptor, subscription.Type))
            {
                subscription.Error = Errno.NotCapable;
            }
            else
            {
                Readiness readiness = subscription.Type == EventType.FdRead ? descriptor.PollRead() : descriptor.PollWrite();
                subscription.ByteCount = readiness.ByteCount;
                subscription.IsHungUp = readiness.IsHungUp;
                if (!readiness.IsReady)
                {
                    subscription.IsReady = false;
                    (inputs ??= new WaitSet()).Add(readiness);
                }
            }

            anyReady |= subscription.IsReady;
        }

        return anyReady;
    }

    // rights: with fd_read the right to wait for input, with fd_write for output.
    private static bool MayPoll(Descriptor descriptor, EventType type)
    {
        Rights needed = Rights.PollFdReadWrite | (type == EventType.FdRead ? Rights.FdRead : Rights.FdWrite);
        return (descriptor.RightsBase & needed) == needed;
    }
}
