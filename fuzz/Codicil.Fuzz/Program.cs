using Codicil.Fuzz;
using Codicil.Fuzz.Execution;

switch (args)
{
    case ["worker", var features]:
        EngineWorker.Run(Laboratory.FeaturesOf(features == "simd"), Console.In, Console.Out);
        return 0;
    default:
        return await FuzzCommand.RunAsync(args).ConfigureAwait(false);
}
