namespace Codicil.Hosting;

/// <summary>
/// Tells when files have changed and come to rest. The system's notice of a change only shortens the wait: what decides is how the files look, so that it does not matter how an editor
/// replaces them, and that notices get lost, on network shares and in containers.
/// </summary>
internal sealed class HostedPluginFiles : IDisposable
{
    private readonly Dictionary<string, FileSystemWatcher> _watchers = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _changed = new(0, 1);

    /// <summary>Asks the system to tell of changes to files of the folders where files lie; folders that were watched and hold none of them are not any more.</summary>
    public void Watch(IReadOnlyList<string> files)
    {
        var folders = files.Select(static file => Path.GetDirectoryName(file)!).Where(Directory.Exists).ToHashSet(StringComparer.Ordinal);
        foreach (string folder in _watchers.Keys.Except(folders).ToArray())
        {
            _watchers.Remove(folder, out FileSystemWatcher? watcher);
            watcher?.Dispose();
        }

        foreach (string folder in folders)
        {
            if (_watchers.ContainsKey(folder))
            {
                continue;
            }

            FileSystemWatcher? watcher = null;
            try
            {
                watcher = new FileSystemWatcher(folder);
                watcher.Changed += OnChanged;
                watcher.Created += OnChanged;
                watcher.Deleted += OnChanged;
                watcher.Renamed += OnChanged;
                watcher.Error += OnError;
                watcher.EnableRaisingEvents = true;
                _watchers.Add(folder, watcher);
                watcher = null;
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or PlatformNotSupportedException)
            {
                // The system has no more watches to give, the folder may not be listed or is gone just now: files are looked at now and then all the same.
            }
            finally
            {
                watcher?.Dispose();
            }
        }
    }

    /// <summary>Waits until somebody says that something may have changed, or for a time.</summary>
    public Task<bool> WaitAsync(TimeSpan time, CancellationToken cancellationToken) => _changed.WaitAsync(time, cancellationToken);

    /// <summary>Ends a wait.</summary>
    public void Signal()
    {
        try
        {
            _changed.Release();
        }
        catch (SemaphoreFullException)
        {
        }
        catch (ObjectDisposedException)
        {
        }
    }

    /// <summary>Waits until files look the same for a time.</summary>
    /// <returns>How they look then.</returns>
    public static async Task<string> WaitForRestAsync(IReadOnlyList<string> files, TimeSpan time, CancellationToken cancellationToken)
    {
        string stamp = HostedPluginSource.StampOf(files);
        while (true)
        {
            await Task.Delay(time, cancellationToken).ConfigureAwait(false);
            string now = HostedPluginSource.StampOf(files);
            if (now == stamp)
            {
                return stamp;
            }

            stamp = now;
        }
    }

    public void Dispose()
    {
        foreach (FileSystemWatcher watcher in _watchers.Values)
        {
            watcher.Dispose();
        }

        _watchers.Clear();
        _changed.Dispose();
    }

    private void OnChanged(object sender, FileSystemEventArgs e) => Signal();

    private void OnError(object sender, ErrorEventArgs e) => Signal();
}
