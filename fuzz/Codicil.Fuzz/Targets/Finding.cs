namespace Codicil.Fuzz.Targets;

/// <summary>Something that must not be: a difference, a crash, an exception without a type.</summary>
/// <param name="Name">Target, generator and seed: a file name.</param>
/// <param name="Description">What differs.</param>
/// <param name="Input">The module or text.</param>
/// <param name="Extension">The input's kind of file.</param>
/// <param name="Details">What replays it.</param>
internal sealed record Finding(string Name, string Description, byte[] Input, string Extension, string Details);
