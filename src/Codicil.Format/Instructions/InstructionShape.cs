namespace Codicil.Format.Instructions;

/// <summary>How an instruction is typed: by its signature in the table, or by a rule of the validator.</summary>
public enum InstructionShape : byte
{
    /// <summary>The signature in the table says it all; memory instructions check their memory and alignment too.</summary>
    Signature,

    /// <summary>A rule of the validator.</summary>
    Special,
}
