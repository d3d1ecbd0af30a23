using System.Collections.Immutable;
using System.Runtime.Intrinsics;

using Codicil.Format.Types;

namespace Codicil.Compiler;

/// <summary>How an operand is held in CIL.</summary>
internal enum OperandKind : byte
{
    I32 = 1,
    I64 = 2,
    F32 = 3,
    F64 = 4,
    V128 = 5,

    /// <summary>References of every kind: subtyping never changes how an operand is held.</summary>
    Reference = 6,
}

/// <summary>The CIL types of value types and function types.</summary>
internal static class ClrTypes
{
    private static readonly Type[] s_types = [null!, typeof(int), typeof(long), typeof(float), typeof(double), typeof(Vector128<byte>), typeof(object)];

    public static OperandKind KindOf(ValType type) => type.Kind switch
    {
        ValKind.Reference => OperandKind.Reference,
        ValKind kind => (OperandKind)kind,
    };

    public static Type Of(OperandKind kind) => s_types[(int)kind];

    public static Type Of(ValType type) => s_types[(int)KindOf(type)];

    public static Type ResultOf(FunctionType type) => type.Results.IsEmpty ? typeof(void) : Of(type.Results[0]);

    /// <summary>The parameters in CIL: those of the type, then the target.</summary>
    public static Type[] ParametersOf(FunctionType type, Type target)
    {
        ImmutableArray<ValType> parameters = type.Parameters;
        var types = new Type[parameters.Length + 1];
        for (int i = 0; i < parameters.Length; i++)
        {
            types[i] = Of(parameters[i]);
        }

        types[^1] = target;
        return types;
    }
}
