using System.Diagnostics;

using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Validation;

namespace Codicil.Cli.Running;

/// <summary>Makes modules from bytes, and for <c>--time</c> notes how long each phase takes.</summary>
internal static class ModuleLoader
{
    public static Module Load(Engine engine, byte[] bytes, PhaseTimes? times)
    {
        if (times is null)
        {
            return Module.FromBytesOrText(engine, bytes);
        }

        return Measure(() => Module.FromBytesOrText(engine, bytes), [bytes], times);
    }

    /// <summary>
    /// The API decodes, validates and prepares in one step. So decoding and validating are measured on their own beforehand, as the process
    /// finds them cold, and once more afterwards: what the one step took beyond that second, warm pass is what compilation took.
    /// </summary>
    public static T Measure<T>(Func<T> load, IReadOnlyList<byte[]> modules, PhaseTimes times)
    {
        (times.Decode, times.Validate) = MeasureFormat(modules);
        long begin = Stopwatch.GetTimestamp();
        T loaded = load();
        double elapsed = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        (double decode, double validate) = MeasureFormat(modules);
        times.Compile = Math.Max(0, elapsed - decode - validate);
        return loaded;
    }

    // Turning text into the binary format counts as decoding. What is wrong with a module is said by the API, not here.
    private static (double Decode, double Validate) MeasureFormat(IReadOnlyList<byte[]> modules)
    {
        double decode = 0;
        double validate = 0;
        foreach (byte[] bytes in modules)
        {
            try
            {
                long begin = Stopwatch.GetTimestamp();
                WasmModule module = ModuleDecoder.Decode(ModuleInput.ToBinary(bytes).Bytes, WasmFeatures.All);
                decode += Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
                begin = Stopwatch.GetTimestamp();
                ModuleValidator.Validate(module);
                validate += Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
            }
            catch (WasmException)
            {
            }
        }

        return (decode, validate);
    }
}
