namespace Codicil.Plugins.Http;

/// <summary>How a thread that carries a guest has work done on the pool: it goes when its wait ends, whether the pool has a free thread or not.</summary>
internal static class HttpWait
{
    /// <summary>Starts work and waits for it.</summary>
    /// <param name="work">The work; its token is cancelled when nobody waits any more, and its result is disposed then.</param>
    /// <param name="wait">Waits for the task, whatever its outcome, and throws when the wait is to end.</param>
    public static T Run<T>(Func<CancellationToken, Task<T>> work, Action<Task> wait)
        where T : IDisposable
    {
        var source = new CancellationTokenSource();
        CancellationToken token = source.Token;

        // On the pool from the first step: what callbacks of the host do (a proxy's choice, a resolver) must not hold this thread up.
        Task<T> task = Task.Run(() => work(token), CancellationToken.None);
        try
        {
            wait(task);
        }
        catch
        {
            Abandon(task, source);
            throw;
        }

        source.Dispose();
        return task.GetAwaiter().GetResult();
    }

    /// <summary>A task that is complete when another one is, and never fails.</summary>
    public static TaskCompletionSource Finished(Task task)
    {
        // Completed on whatever thread it is; all that hangs on it is a signal for the one that waits.
        var finished = new TaskCompletionSource();
        task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(() => finished.TrySetResult());
        return finished;
    }

    // Cancelling runs callbacks, some of the host's: on the pool as well.
    private static void Abandon<T>(Task<T> task, CancellationTokenSource source)
        where T : IDisposable
    {
        source.CancelAsync().Forget();
        _ = task.ContinueWith(
            static ended =>
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
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
