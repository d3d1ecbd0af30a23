using System.Diagnostics;
using System.Runtime.Intrinsics;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>Evaluates constant expressions (3.4.12, 4.7.2): global and table initialisers, segment offsets, elements.</summary>
internal static class ConstantEvaluator
{
    /// <summary>What a constant expression is: bits for a number, else a vector or a reference.</summary>
    public readonly record struct Constant(ulong Bits, Vector128<byte> Vector, object? Reference)
    {
        public static Constant Of(ulong bits) => new(bits, default, null);

        public static Constant Of(object? reference) => new(0, default, reference);
    }

    /// <summary>The value of a validated constant expression.</summary>
    public static Constant Evaluate(ModuleInstance instance, ByteRange expression)
    {
        WasmModule module = instance.ManagedModule.Format;
        var reader = new InstructionReader(module.Bytes.Span, expression.Start, expression.End);
        reader.Read(out Instruction instruction);
        Constant first = instruction.Opcode == Opcode.End ? default : EvaluateSimple(instance, instruction);
        if (instruction.Opcode != Opcode.End)
        {
            reader.Read(out Instruction second);
            if (second.Opcode != Opcode.End)
            {
                // Chains as long as the guest likes: the heap, not the host's stack.
                reader = new InstructionReader(module.Bytes.Span, expression.Start, expression.End);
                return EvaluateChain(instance, ref reader);
            }
        }

        return first;
    }

    private static Constant EvaluateChain(ModuleInstance instance, ref InstructionReader reader)
    {
        var stack = new Stack<Constant>();
        while (true)
        {
            reader.Read(out Instruction instruction);
            switch (instruction.Opcode)
            {
                case Opcode.End:
                    return stack.Pop();
                case Opcode.I32Add or Opcode.I32Sub or Opcode.I32Mul or Opcode.I64Add or Opcode.I64Sub or Opcode.I64Mul:
                    {
                        ulong right = stack.Pop().Bits;
                        ulong left = stack.Pop().Bits;
                        stack.Push(Constant.Of(Calculate(instruction.Opcode, left, right)));
                        break;
                    }

                case Opcode.RefI31:
                    stack.Push(Constant.Of(I31Reference.Create((int)stack.Pop().Bits)));
                    break;
                case Opcode.AnyConvertExtern:
                    stack.Push(Constant.Of(HostReference.Internalize(stack.Pop().Reference)));
                    break;
                case Opcode.ExternConvertAny:
                    stack.Push(Constant.Of(HostReference.Externalize(stack.Pop().Reference)));
                    break;
                case Opcode.StructNew:
                    {
                        GcType type = instance.GcTypes[(int)instruction.Index];
                        StructReference structure = type.Layout!.Class.Allocate(type);
                        for (int i = type.Fields.Length - 1; i >= 0; i--)
                        {
                            StructFields.Set(structure, i, ToValue(stack.Pop(), type.Fields[i].Type, type.Types));
                        }

                        stack.Push(Constant.Of(structure));
                        break;
                    }

                case Opcode.ArrayNew:
                    {
                        GcType type = instance.GcTypes[(int)instruction.Index];
                        int length = (int)stack.Pop().Bits;
                        Value value = ToValue(stack.Pop(), type.Fields[0].Type, type.Types);
                        ArrayInstance array = ArrayInstance.Create(length, type);
                        for (int i = 0; i < array.Length; i++)
                        {
                            array.Put(i, value);
                        }

                        stack.Push(Constant.Of(array));
                        break;
                    }

                case Opcode.ArrayNewDefault:
                    stack.Push(Constant.Of(ArrayInstance.Create((int)stack.Pop().Bits, instance.GcTypes[(int)instruction.Index])));
                    break;
                case Opcode.ArrayNewFixed:
                    {
                        GcType type = instance.GcTypes[(int)instruction.Index];
                        ArrayInstance array = ArrayInstance.Create((int)instruction.SecondIndex, type);
                        for (int i = array.Length - 1; i >= 0; i--)
                        {
                            array.Put(i, ToValue(stack.Pop(), type.Fields[0].Type, type.Types));
                        }

                        stack.Push(Constant.Of(array));
                        break;
                    }

                default:
                    stack.Push(EvaluateSimple(instance, instruction));
                    break;
            }
        }
    }

    // Instructions without operands.
    private static Constant EvaluateSimple(ModuleInstance instance, in Instruction instruction)
    {
        switch (instruction.Opcode)
        {
            case Opcode.I32Const:
                return Constant.Of((uint)instruction.I32);
            case Opcode.I64Const or Opcode.F32Const or Opcode.F64Const:
                return Constant.Of(instruction.Bits);
            case Opcode.V128Const:
                return new Constant(0, Vector128.Create(instruction.Bits, instruction.HighBits).AsByte(), null);
            case Opcode.GlobalGet:
                {
                    int index = (int)instruction.Index;
                    return instance.Globals[index] is GlobalInstance global
                        ? new Constant(global.Bits, global.Vector, global.Reference)
                        : Constant.Of(instance.InlineGlobals[instance.Code.Module.InlineGlobalSlots[index]]);
                }

            case Opcode.RefNull:
                return default;
            case Opcode.RefFunc:
                return Constant.Of(instance.GetFunction((int)instruction.Index));
            case Opcode.StructNewDefault:
                {
                    GcType type = instance.GcTypes[(int)instruction.Index];
                    return Constant.Of(type.Layout!.Class.Allocate(type));
                }

            case Opcode.StructNew:
                {
                    // Of a structure without fields.
                    GcType type = instance.GcTypes[(int)instruction.Index];
                    return Constant.Of(type.Layout!.Class.Allocate(type));
                }

            case Opcode.ArrayNewFixed:
                return Constant.Of(ArrayInstance.Create(0, instance.GcTypes[(int)instruction.Index]));
            default:
                throw new UnreachableException($"constant instruction {instruction.Opcode}");
        }
    }

    private static ulong Calculate(Opcode opcode, ulong left, ulong right) => opcode switch
    {
        Opcode.I32Add => (uint)left + (uint)right & 0xFFFF_FFFF,
        Opcode.I32Sub => (uint)((uint)left - (uint)right),
        Opcode.I32Mul => (uint)((uint)left * (uint)right),
        Opcode.I64Add => left + right,
        Opcode.I64Sub => left - right,
        _ => left * right,
    };

    private static Value ToValue(Constant constant, ValType type, TypeContext types) => type.Kind switch
    {
        ValKind.Reference => References.ToValue(constant.Reference, type, types),
        ValKind.V128 => Value.FromV128(constant.Vector),
        _ => Value.FromRaw(type, constant.Bits),
    };
}
