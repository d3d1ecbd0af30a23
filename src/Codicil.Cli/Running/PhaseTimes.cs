using System.Diagnostics;
using System.Globalization;

using Codicil.Cli.Benchmarking;

namespace Codicil.Cli.Running;

/// <summary>What <c>--time</c> prints: the milliseconds of each phase and call, and the process's largest resident memory.</summary>
internal sealed class PhaseTimes
{
    private readonly List<double> _calls = [];

    public double Decode { get; set; }

    public double Validate { get; set; }

    public double Compile { get; set; }

    public double Instantiate { get; set; }

    public void AddCall(long begin) => _calls.Add(Stopwatch.GetElapsedTime(begin).TotalMilliseconds);

    public void Print() => Console.Error.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"decode_ms":{{Decode:F3}},"validate_ms":{{Validate:F3}},"compile_ms":{{Compile:F3}},"instantiate_ms":{{Instantiate:F3}},"call_ms":[{{string.Join(',', _calls.Select(call => call.ToString("F3", CultureInfo.InvariantCulture)))}}],"peak_rss_mb":{{ResidentMemory.PeakMebibytes():F1}}}"""));
}
