namespace Codicil.Format.Instructions;

/// <summary>The row of an instruction in the opcode table; a generator turns the rows into data at compile time.</summary>
/// <param name="mnemonic">The name in the text format.</param>
/// <param name="signature">
/// Operand types, <c>-&gt;</c>, result types (<c>"i32 i32 -> i32"</c>; <c>addr</c> is the address type of the memory or table), or null when the validator has a rule.
/// </param>
/// <param name="immediate">What follows the opcode.</param>
/// <param name="feature">The proposal that it came with.</param>
[AttributeUsage(AttributeTargets.Field)]
internal sealed class InstructionAttribute(string mnemonic, string? signature, ImmediateKind immediate = ImmediateKind.None, WasmFeatures feature = WasmFeatures.None) : Attribute
{
    public string Mnemonic => mnemonic;

    public string? Signature => signature;

    public ImmediateKind Immediate => immediate;

    public WasmFeatures Feature => feature;

    /// <summary>The number of bytes that a memory instruction accesses, or of a lane for instructions with a lane and no memory.</summary>
    public int Width { get; init; }

    /// <summary>Whether it may stand in a constant expression (3.4.12), given its feature and <see cref="ConstantFeature"/>.</summary>
    public bool IsConstant { get; init; }

    /// <summary>The proposal that allows it in constant expressions, where it is not the one it came with.</summary>
    public WasmFeatures ConstantFeature { get; init; }
}
