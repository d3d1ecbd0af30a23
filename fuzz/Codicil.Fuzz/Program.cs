using System.Globalization;

using Codicil.Format;
using Codicil.Fuzz;
using Codicil.Fuzz.Execution;

switch (args)
{
    case ["worker", var features]:
        EngineWorker.Run((WasmFeatures)uint.Parse(features, NumberStyles.HexNumber, CultureInfo.InvariantCulture), Console.In, Console.Out);
        return 0;
    default:
        return await FuzzCommand.RunAsync(args).ConfigureAwait(false);
}
