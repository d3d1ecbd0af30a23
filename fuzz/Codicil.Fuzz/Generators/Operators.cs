using Codicil.Format;
using Codicil.Format.Instructions;

namespace Codicil.Fuzz.Generators;

/// <summary>The instructions that make a value of a type, taken from the engine's own table: a row that is added there is fuzzed here.</summary>
internal sealed class Operators
{
    private readonly Dictionary<OperandKind, List<Opcode>> _pure = [];
    private readonly Dictionary<OperandKind, List<Opcode>> _loads = [];

    public Operators(WasmFeatures features)
    {
        foreach (Opcode opcode in OpcodeTable.All)
        {
            if (OpcodeTable.Shape(opcode) != InstructionShape.Signature || (OpcodeTable.Feature(opcode) & ~features) != 0)
            {
                continue;
            }

            InstructionSignature signature = OpcodeTable.Signature(opcode);
            ImmediateKind immediate = OpcodeTable.Immediate(opcode);
            switch (immediate)
            {
                case ImmediateKind.None or ImmediateKind.Lane or ImmediateKind.Lanes when signature.Results.Length == 1 && signature.Operands.Length > 0:
                    Add(_pure, signature.Results[0], opcode);
                    break;
                case ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane when signature.Results.Length == 1:
                    Add(_loads, signature.Results[0], opcode);
                    break;
                case ImmediateKind.MemoryArgument or ImmediateKind.MemoryArgumentAndLane:
                    Stores.Add(opcode);
                    break;
            }
        }
    }

    /// <summary>The stores.</summary>
    public List<Opcode> Stores { get; } = [];

    /// <summary>Rotations and what they are made of, and what looks at whether a number is 0.</summary>
    public static Opcode[] RotationsOf(OperandKind kind) => kind == OperandKind.I32
        ? [Opcode.I32Rotl, Opcode.I32Rotr, Opcode.I32Rotl, Opcode.I32Rotr, Opcode.I32Shl, Opcode.I32ShrU, Opcode.I32Or, Opcode.I32Xor, Opcode.I32Add, Opcode.I32Eqz, Opcode.I64Eqz, Opcode.I32Eq, Opcode.I32Ne, Opcode.I32GtU, Opcode.I32LtU, Opcode.I64Ne, Opcode.I32And, Opcode.I32WrapI64, Opcode.I32Sub, Opcode.I32LtS]
        : [Opcode.I64Rotl, Opcode.I64Rotr, Opcode.I64Rotl, Opcode.I64Rotr, Opcode.I64Shl, Opcode.I64ShrU, Opcode.I64Or, Opcode.I64Xor, Opcode.I64Add, Opcode.I64And, Opcode.I64ExtendI32U, Opcode.I64ExtendI32S, Opcode.I64Sub];

    /// <summary>Instructions without effects and with a result of a type.</summary>
    public List<Opcode> Pure(OperandKind kind) => _pure[kind];

    /// <summary>Loads of a type.</summary>
    public List<Opcode> Loads(OperandKind kind) => _loads[kind];

    private static void Add(Dictionary<OperandKind, List<Opcode>> table, OperandKind kind, Opcode opcode)
    {
        if (!table.TryGetValue(kind, out List<Opcode>? list))
        {
            table.Add(kind, list = []);
        }

        list.Add(opcode);
    }
}
