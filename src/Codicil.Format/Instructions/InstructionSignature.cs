namespace Codicil.Format.Instructions;

/// <summary>The operands and results of an instruction that the opcode table types completely.</summary>
public readonly ref struct InstructionSignature
{
    internal InstructionSignature(ReadOnlySpan<OperandKind> operands, ReadOnlySpan<OperandKind> results)
    {
        Operands = operands;
        Results = results;
    }

    /// <summary>The operands, the deepest first.</summary>
    public ReadOnlySpan<OperandKind> Operands { get; }

    /// <summary>The results, the deepest first.</summary>
    public ReadOnlySpan<OperandKind> Results { get; }
}
