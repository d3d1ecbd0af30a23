using Microsoft.CodeAnalysis;

namespace Codicil.OpcodeTable;

/// <summary>One attributed enum member, as plain values, so that the generator's cache can compare it.</summary>
internal sealed record OpcodeRow(
    string Member,
    uint Value,
    string Mnemonic,
    string? Signature,
    byte Immediate,
    uint Feature,
    uint ConstantFeature,
    int Width,
    bool IsConstant)
{
    public static OpcodeRow Read(IFieldSymbol field, AttributeData attribute)
    {
        int width = 0;
        bool isConstant = false;
        uint constantFeature = 0;
        foreach (KeyValuePair<string, TypedConstant> argument in attribute.NamedArguments)
        {
            switch (argument.Key)
            {
                case "Width":
                    width = (int)argument.Value.Value!;
                    break;
                case "IsConstant":
                    isConstant = (bool)argument.Value.Value!;
                    break;
                case "ConstantFeature":
                    constantFeature = (uint)argument.Value.Value!;
                    break;
            }
        }

        return new OpcodeRow(
            field.Name,
            (uint)field.ConstantValue!,
            (string)attribute.ConstructorArguments[0].Value!,
            (string?)attribute.ConstructorArguments[1].Value,
            (byte)attribute.ConstructorArguments[2].Value!,
            (uint)attribute.ConstructorArguments[3].Value!,
            constantFeature,
            width,
            isConstant);
    }
}
