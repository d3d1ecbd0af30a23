using System.Diagnostics;
using System.Globalization;

using Codicil.Plugins;

// An ordinary console application that calls a plug-in once. Prints the milliseconds from the start of Main, and from the start of the process.
long begin = Stopwatch.GetTimestamp();
using Plugin plugin = Plugin.Create(PluginManifest.FromWasmFile(args[0]), new PluginOptions { Wasi = true });
int length = plugin.Call("count_vowels", "Hello, World!"u8).Data.Length;
double sinceMain = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
double sinceStart = (DateTime.Now - Process.GetCurrentProcess().StartTime).TotalMilliseconds;
Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"first_call_ms {sinceMain}"));
Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"first_call_process_ms {sinceStart}"));
return length > 0 ? 0 : 1;
