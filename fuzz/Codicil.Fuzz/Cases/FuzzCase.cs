namespace Codicil.Fuzz.Cases;

/// <summary>A module and what is done with it.</summary>
/// <param name="Generator">What made it.</param>
/// <param name="Seed">From which number.</param>
/// <param name="Module">The binary format.</param>
/// <param name="Plan">The imports and calls.</param>
/// <param name="Configurations">
/// The ways to run it, by commas: <c>g</c> or <c>c</c> for guard or checked memory, <c>i</c> or <c>n</c> for interruptible or not, <c>e</c> or <c>l</c> for eager or lazy compilation.
/// </param>
internal sealed record FuzzCase(string Generator, ulong Seed, byte[] Module, CallPlan Plan, string Configurations);
