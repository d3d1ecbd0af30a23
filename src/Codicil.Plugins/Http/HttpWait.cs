using System.Diagnostics;

namespace Codicil.Plugins.Http;

/// <summary>How a thread that carries a guest waits for work on the pool: it goes when its time is up, whether the pool has a free thread or not.</summary>
internal static class HttpWait
{
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(10);

    /// <summary>Starts work and waits for it.</summary>
    /// <param name="work">The work; its token is cancelled when nobody waits any more, and its result is disposed then.</param>
    /// <param name="timeout">The most that it may take.</param>
    /// <param name="throwIfInterrupted">Throws when the wait is to end.</param>
    /// <param name="timedOut">Makes the exception for work that took too long.</param>
    public static T Run<T>(Func<CancellationToken, Task<T>> work, TimeSpan timeout, Action throwIfInterrupted, Func<Exception> timedOut)
        where T : IDisposable
    {
        long start = Stopwatch.GetTimestamp();
        var source = new CancellationTokenSource();
        CancellationToken token = source.Token;

        // On the pool from the first step: what callbacks of the host do (a proxy's choice, a resolver) must not hold this thread up.
        Task<T> task = Task.Run(() => work(token), CancellationToken.None);
        try
        {
            while (true)
            {
                throwIfInterrupted();
                TimeSpan left = timeout - Stopwatch.GetElapsedTime(start);
                if (left <= TimeSpan.Zero)
                {
                    throw timedOut();
                }

                if (Task.WaitAny([task], left < s_slice ? left : s_slice) == 0)
                {
                    break;
                }
            }
        }
        catch
        {
            Abandon(task, source);
            throw;
        }

        source.Dispose();
        return task.GetAwaiter().GetResult();
    }

    // Cancelling runs callbacks, some of the host's: on the pool as well.
    private static void Abandon<T>(Task<T> task, CancellationTokenSource source)
        where T : IDisposable
    {
        _ = source.CancelAsync();
        _ = task.ContinueWith(
            static (ended, state) =>
            {
                if (ended.IsCompletedSuccessfully)
                {
                    ended.Result.Dispose();
                }
                else
                {
                    // Looked at, so that it is not reported as unobserved.
                    _ = ended.Exception;
                }

                ((CancellationTokenSource)state!).Dispose();
            },
            source,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
