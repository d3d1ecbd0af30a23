namespace Codicil.Plugins;

/// <summary>Tasks that nobody waits for.</summary>
internal static class TaskExtensions
{
    /// <summary>Leaves a task to itself: what it throws is looked at, so that it is not reported as unobserved.</summary>
    public static void Forget(this Task task) => _ = task.ContinueWith(
        static ended => _ = ended.Exception,
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
        TaskScheduler.Default);
}
