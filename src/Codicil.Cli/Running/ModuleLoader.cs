using System.Diagnostics;

namespace Codicil.Cli.Running;

/// <summary>Makes modules from bytes, and notes how long that takes.</summary>
internal static class ModuleLoader
{
    public static Module Load(Engine engine, byte[] bytes, PhaseTimes times)
    {
        long begin = Stopwatch.GetTimestamp();
        Module module = Module.FromBytesOrText(engine, bytes);
        times.Compile = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return module;
    }
}
