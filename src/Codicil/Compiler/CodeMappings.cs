using System.Globalization;

using Microsoft.Win32.SafeHandles;

namespace Codicil.Compiler;

/// <summary>
/// Watches the mappings of the process (<c>vm.max_map_count</c>, 65,530 as a rule) while assemblies are emitted, on Linux. Each has about ten once its code is compiled, the collector sees a few small objects, and the runtime
/// ends the process when it gets no more.
/// </summary>
/// <remarks>Mappings are counted where they are, not where they come from: in <c>/proc/self/maps</c>. That takes 2 us each, so it is done once for many assemblies.</remarks>
internal static class CodeMappings
{
    /// <summary>Assemblies between two looks. They take half a second and more to make.</summary>
    public const int Interval = 256;

    private static readonly Lock s_lock = new();
    private static int s_count;
    private static volatile bool s_isShort;

    /// <summary>How many mappings there may be before no more code is emitted: what is left, 8,191 as a rule, is for what comes until the next look, for the collector, the JIT and new threads.</summary>
    public static long Maximum { get; set; } = Runtime.AddressSpace.FindMaximumMappings() / 8 * 7;

    /// <summary>Counts an assembly that is about to be made; gives its number.</summary>
    /// <exception cref="ResourceLimitException">There are too few mappings left, and a collection has not helped. Code that is held takes them.</exception>
    public static int Add()
    {
        int count = Interlocked.Increment(ref s_count);
        if (count % Interval == 0)
        {
            // In the background: assemblies go after their finalizers ran, one or two collections later.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
            s_isShort = OperatingSystem.IsLinux() && Count() > Maximum;
        }

        if (s_isShort)
        {
            Recover();
        }

        return count;
    }

    /// <summary>The mappings of this process.</summary>
    internal static long Count()
    {
        try
        {
            using SafeFileHandle file = File.OpenHandle("/proc/self/maps");
            Span<byte> buffer = stackalloc byte[4096];
            long lines = 0;
            long offset = 0;
            int count;
            while ((count = RandomAccess.Read(file, buffer, offset)) > 0)
            {
                lines += buffer[..count].Count((byte)'\n');
                offset += count;
            }

            return lines;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without /proc nobody knows.
            return 0;
        }
    }

    // It is slow, but the process is at its end otherwise.
    private static void Recover()
    {
        lock (s_lock)
        {
            for (int attempt = 0; attempt < 2 && s_isShort; attempt++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                s_isShort = Count() > Maximum;
            }

            if (s_isShort)
            {
                throw new ResourceLimitException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"out of mappings for code: {Count()} of this process, of which {Maximum} may be used (vm.max_map_count); modules and functions that are held keep their code"));
            }
        }
    }
}
