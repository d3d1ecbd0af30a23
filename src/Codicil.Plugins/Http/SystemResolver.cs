using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Codicil.Plugins.Http;

/// <summary>
/// The system's resolver. It blocks and cannot be stopped, so it has threads of its own, a few for each group: a plug-in that asks for names whose servers are silent holds up look-ups of its group, and
/// not the pool of the process. Thread-safe.
/// </summary>
[SuppressMessage("Design", "CA1001:Types that own disposable fields should be disposable", Justification = "The semaphore has no handle, and look-ups that nobody waits for outlive the group.")]
internal sealed class SystemResolver
{
    private const int MaxThreads = 16;

    private readonly SemaphoreSlim _threads = new(MaxThreads);

    /// <summary>Finds a host's addresses.</summary>
    /// <exception cref="System.Net.Sockets.SocketException">There are none.</exception>
    public async ValueTask<IReadOnlyList<IPEndPoint>> ResolveAsync(DnsEndPoint host, CancellationToken cancellationToken)
    {
        await _threads.WaitAsync(cancellationToken).ConfigureAwait(false);
        var addresses = new TaskCompletionSource<IPAddress[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        try
        {
            new Thread(() => LookUp(host.Host, addresses), 256 * 1024) { IsBackground = true, Name = "Codicil name look-up" }.UnsafeStart();
        }
        catch
        {
            _threads.Release();
            throw;
        }

        IPAddress[] found = await addresses.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        return [.. found.Select(address => new IPEndPoint(address, host.Port))];
    }

    private void LookUp(string host, TaskCompletionSource<IPAddress[]> addresses)
    {
        // Whatever it is, it belongs to the one who waits, and a thread must not end with it.
#pragma warning disable CA1031
        try
        {
            addresses.TrySetResult(Dns.GetHostAddresses(host));
        }
        catch (Exception exception)
        {
            addresses.TrySetException(exception);

            // Looked at: perhaps nobody waits any more.
            _ = addresses.Task.Exception;
        }
        finally
        {
            _threads.Release();
        }
#pragma warning restore CA1031
    }
}
