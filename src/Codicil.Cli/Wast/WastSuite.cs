namespace Codicil.Cli.Wast;

/// <summary>Finds scripts and runs them, several at a time, each on a thread with a stack of known size.</summary>
internal static class WastSuite
{
    /// <summary>Room for the engine's own limit and everything around it, wherever the scripts are run.</summary>
    private const int StackBytes = 16 * 1024 * 1024;

    /// <summary>The scripts of files and folders (with their subfolders), each with the name that failures use.</summary>
    /// <exception cref="FileNotFoundException">A path does not exist, or is a folder without scripts.</exception>
    public static List<string> Find(IEnumerable<string> paths)
    {
        List<string> files = [];
        foreach (string path in paths)
        {
            if (Directory.Exists(path))
            {
                int before = files.Count;
                files.AddRange(Directory.EnumerateFiles(path, "*.wast", SearchOption.AllDirectories).Order(StringComparer.Ordinal));
                if (files.Count == before)
                {
                    // Nothing has failed, and nothing was tested: a script's path that is wrong must not look like a success.
                    throw new FileNotFoundException($"{path}: there are no scripts (*.wast) in it");
                }
            }
            else if (File.Exists(path))
            {
                files.Add(path);
            }
            else
            {
                throw new FileNotFoundException($"{path}: no such file or directory");
            }
        }

        return files;
    }

    /// <summary>Runs scripts; the results are in the scripts' order, <paramref name="finished"/> hears of each as it ends.</summary>
    public static WastResult[] Run(IReadOnlyList<string> files, EngineOptions options, int jobs, Action<string> finished)
    {
        var results = new WastResult[files.Count];
        var errors = new Exception?[files.Count];
        int next = -1;
        Thread[] threads = [.. Enumerable.Range(0, Math.Clamp(jobs, 1, Math.Max(1, files.Count))).Select(_ => new Thread(Work, StackBytes) { IsBackground = true, Name = "codicil wast" })];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        if (errors.FirstOrDefault(error => error is not null) is Exception first)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }

        return results;

        void Work()
        {
            while (Interlocked.Increment(ref next) is int index && index < files.Count)
            {
                try
                {
                    results[index] = RunOne(files[index], options);
                }
                catch (Exception exception)
                {
                    // Carried to the caller's thread: here it would end the process without the tool's exit codes.
                    errors[index] = exception;
                }

                finished(files[index]);
            }
        }
    }

    private static WastResult RunOne(string file, EngineOptions options)
    {
        // An engine a script: everything that its modules were compiled to goes with it.
        using Engine engine = Engine.Create(options);
        return WastRunner.RunFile(engine, file, file);
    }
}
