using System.CommandLine;
using System.Globalization;
using System.Text.Json;

using Codicil.Cli.Options;
using Codicil.Cli.Wast;
using Codicil.Format;

namespace Codicil.Cli.Commands;

/// <summary><c>codicil wast FILE|DIR...</c>: runs scripts of the specification's test suite.</summary>
internal static class WastCommand
{
    public static Command Create()
    {
        var paths = new Argument<string[]>("file|dir") { Arity = ArgumentArity.OneOrMore, Description = "Scripts, or folders with scripts." };
        Option<string> engine = EngineChoice.Option();
        var features = new Option<string?>("--features") { Description = "The proposals that modules may use, such as wasm2 or wasm3,threads.", HelpName = "F" };
        var jobs = new Option<int>("--jobs") { Description = "Scripts at a time.", DefaultValueFactory = _ => Environment.ProcessorCount, HelpName = "N" };
        var json = new Option<bool>("--json") { Description = "Print the results as JSON." };
        var command = new Command("wast", "Run scripts of the WebAssembly specification's test suite.") { paths, engine, features, jobs, json };
        command.SetAction(parse =>
        {
            var options = new EngineOptions
            {
                Kind = EngineChoice.Parse(parse.GetValue(engine)!),
                Features = parse.GetValue(features) is string text ? FeatureNames.ParseForEngine(text) : WasmFeatures.Wasm3,
            };
            List<string> files = WastSuite.Find(parse.GetValue(paths)!);
            WastResult[] results = Progress.Run(progress => WastSuite.Run(files, options, parse.GetValue(jobs), progress));
            if (parse.GetValue(json))
            {
                PrintJson(results);
                return results.Any(result => result.Failed > 0) ? ExitCodes.Failure : ExitCodes.Success;
            }

            return Print(results);
        });
        return command;
    }

    private static int Print(WastResult[] results)
    {
        foreach (WastFailure failure in results.SelectMany(result => result.Failures))
        {
            Console.Out.WriteLine(failure);
        }

        foreach (IGrouping<string, KeyValuePair<string, int>> skip in results.SelectMany(result => result.Skips).GroupBy(skip => skip.Key))
        {
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"skipped {skip.Sum(entry => entry.Value)}: {skip.Key}"));
        }

        List<string[]> rows = [];
        foreach (IGrouping<string, WastResult> folder in results.GroupBy(result => Path.GetDirectoryName(result.File) is { Length: > 0 } name ? name : "."))
        {
            rows.Add(
            [
                Messages.Printable(folder.Key),
                Count(folder.Count()),
                Count(folder.Sum(result => result.Passed)),
                Count(folder.Sum(result => result.Failed)),
                Count(folder.Sum(result => result.Skipped)),
            ]);
        }

        TextTable.Write(Console.Out, ["folder", "files", "passed", "failed", "skipped"], rows);
        int failed = results.Sum(result => result.Failed);
        int skipped = results.Sum(result => result.Skipped);
        Console.Out.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{results.Sum(result => result.Passed)} passed, {failed} failed{(skipped > 0 ? string.Create(CultureInfo.InvariantCulture, $", {skipped} skipped") : "")}"));
        return failed == 0 ? ExitCodes.Success : ExitCodes.Failure;
    }

    private static void PrintJson(WastResult[] results)
    {
        using Stream output = Console.OpenStandardOutput();
        using (var writer = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            writer.WriteStartArray();
            foreach (WastResult result in results)
            {
                writer.WriteStartObject();
                writer.WriteString("file", result.File);
                writer.WriteNumber("passed", result.Passed);
                writer.WriteNumber("failed", result.Failed);
                writer.WriteStartObject("skipped");
                foreach ((string reason, int count) in result.Skips)
                {
                    writer.WriteNumber(reason, count);
                }

                writer.WriteEndObject();
                writer.WriteStartArray("failures");
                foreach (WastFailure failure in result.Failures)
                {
                    writer.WriteStartObject();
                    writer.WriteNumber("line", failure.Line);
                    writer.WriteString("kind", failure.Kind);
                    writer.WriteString("expected", failure.Expected);
                    writer.WriteString("came", failure.Came);
                    if (failure.MissingFeature is WasmFeatures feature)
                    {
                        writer.WriteString("feature", FeatureNames.Format(feature));
                    }

                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        output.WriteByte((byte)'\n');
    }

    private static string Count(int value) => value.ToString(CultureInfo.InvariantCulture);
}
