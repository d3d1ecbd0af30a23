using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Functions;

/// <summary>Random bytes, straight into the guest's memory.</summary>
internal sealed class RandomBytes(WasiContext context)
{
    // Four gigabytes take seconds; in between one may be asked to stop.
    private const uint ChunkSize = 1 << 20;

    public Errno Get(InstanceState caller, uint buffer, uint length)
    {
        InstanceState state = caller.Require();
        GuestMemory memory = state.GetMemory();
        if (!memory.Contains(buffer, length))
        {
            return Errno.Fault;
        }

        for (uint done = 0; done < length;)
        {
            int chunk = (int)Math.Min(length - done, ChunkSize);
            Errno errno = state.Random.Fill(memory.GetSpan((ulong)buffer + done, chunk));
            if (errno != Errno.Success)
            {
                return errno;
            }

            done += (uint)chunk;
            if (chunk == ChunkSize)
            {
                Interruption.Check(context.Store);
            }
        }

        return Errno.Success;
    }
}
