using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Text;

namespace Codicil.Compiler;

/// <summary>Writes CIL and counts what the JIT's limits are about; can record a listing.</summary>
internal sealed class CilWriter(ILGenerator generator, MemberTokens tokens, bool record)
{
    private readonly StringBuilder? _listing = record ? new StringBuilder() : null;
    private readonly List<Type>? _localTypes = record ? [] : null;
    private readonly Dictionary<Label, int> _labels = [];
    private int[] _branches = new int[16];
    private int _lastMark = -1;
    private int _branchesToLastMark;

    public int Instructions { get; private set; }

    public int LocalReferences { get; private set; }

    public int Blocks { get; private set; } = 1;

    public int Bytes => generator.ILOffset;

    /// <summary>The most forward branches to one place. The JIT's optimiser takes time in proportion to their cube where nothing lies between them.</summary>
    public int MostBranchesToOnePlace { get; private set; }

    public int LocalCount { get; private set; }

    /// <summary>The operands on the CIL stack when the present instruction began; whoever emits instructions sets it.</summary>
    public int Operands { get; set; }

    /// <summary>
    /// The most temporaries of the JIT: where a block ends each operand on the CIL stack gets a new one, and a store, a call or a dup may make one more.
    /// Optimised code uses few of them; measured, code beyond the JIT's limits and code that keeps many values alive use them all.
    /// </summary>
    public int Temporaries { get; private set; }

    /// <summary>The CIL written so far: the locals, then an instruction a line. Nothing in it depends on the run.</summary>
    public string Listing
    {
        get
        {
            var text = new StringBuilder();
            for (int i = 0; i < LocalCount && _localTypes is not null;)
            {
                int end = i + 1;
                while (end < LocalCount && _localTypes[end] == _localTypes[i])
                {
                    end++;
                }

                text.Append(CultureInfo.InvariantCulture, $"    .locals {i} to {end - 1}: {_localTypes[i].Name}\n");
                i = end;
            }

            return text.Append(_listing).ToString();
        }
    }

    public LocalBuilder DeclareLocal(Type type)
    {
        _localTypes?.Add(type);
        LocalCount++;
        return generator.DeclareLocal(type);
    }

    public Label DefineLabel() => generator.DefineLabel();

    public void Mark(Label label)
    {
        generator.MarkLabel(label);
        Blocks++;
        int branches = label.Id < _branches.Length ? _branches[label.Id] : 0;
        _branchesToLastMark = branches + (_lastMark == Bytes ? _branchesToLastMark : 0);
        _lastMark = Bytes;
        MostBranchesToOnePlace = Math.Max(MostBranchesToOnePlace, _branchesToLastMark);
        _listing?.Append(CultureInfo.InvariantCulture, $"L{NumberOf(label)}:\n");
    }

    public void Emit(OpCode code)
    {
        generator.Emit(code);
        Temporaries += code == OpCodes.Dup ? 1 : 0;
        Note(code, null);
    }

    public void LoadInt32(int value)
    {
        switch (value)
        {
            case >= -1 and <= 8:
                Emit(s_smallConstants[value + 1]);
                break;
            case >= sbyte.MinValue and <= sbyte.MaxValue:
                generator.Emit(OpCodes.Ldc_I4_S, (sbyte)value);
                Note(OpCodes.Ldc_I4_S, value.ToString(CultureInfo.InvariantCulture));
                break;
            default:
                generator.Emit(OpCodes.Ldc_I4, value);
                Note(OpCodes.Ldc_I4, value.ToString(CultureInfo.InvariantCulture));
                break;
        }
    }

    public void LoadInt64(long value)
    {
        if (value is >= int.MinValue and <= int.MaxValue)
        {
            LoadInt32((int)value);
            Emit(OpCodes.Conv_I8);
            return;
        }

        generator.Emit(OpCodes.Ldc_I8, value);
        Note(OpCodes.Ldc_I8, value.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>An f32. In the JIT constants of this type pass through f64, so a signalling NaN is made by a call.</summary>
    public void LoadSingle(uint bits)
    {
        float value = BitConverter.UInt32BitsToSingle(bits);
        if (float.IsNaN(value))
        {
            LoadInt32((int)bits);
            bool isSignalling = (bits & 0x0040_0000) == 0;
            Call(isSignalling ? s_signallingSingle : s_int32BitsToSingle);
            return;
        }

        generator.Emit(OpCodes.Ldc_R4, value);
        Note(OpCodes.Ldc_R4, value.ToString("R", CultureInfo.InvariantCulture));
    }

    /// <summary>An f64.</summary>
    public void LoadDouble(ulong bits)
    {
        double value = BitConverter.UInt64BitsToDouble(bits);
        if (double.IsNaN(value))
        {
            LoadInt64((long)bits);
            Call(s_int64BitsToDouble);
            return;
        }

        generator.Emit(OpCodes.Ldc_R8, value);
        Note(OpCodes.Ldc_R8, value.ToString("R", CultureInfo.InvariantCulture));
    }

    public void LoadStaticField(FieldInfo field)
    {
        generator.Emit(OpCodes.Ldsfld, tokens.Of(field));
        Note(OpCodes.Ldsfld, field.DeclaringType!.Name + "::" + field.Name);
    }

    public void LoadLocal(LocalBuilder local)
    {
        generator.Emit(OpCodes.Ldloc, local);
        LocalReferences++;
        Note(OpCodes.Ldloc, local.LocalIndex.ToString(CultureInfo.InvariantCulture));
    }

    public void StoreLocal(LocalBuilder local)
    {
        generator.Emit(OpCodes.Stloc, local);
        LocalReferences++;
        Temporaries += Operands > 1 ? 1 : 0;
        Note(OpCodes.Stloc, local.LocalIndex.ToString(CultureInfo.InvariantCulture));
    }

    public void LoadLocalAddress(LocalBuilder local)
    {
        generator.Emit(OpCodes.Ldloca, local);
        LocalReferences++;
        Note(OpCodes.Ldloca, local.LocalIndex.ToString(CultureInfo.InvariantCulture));
    }

    public void LoadArgument(int index)
    {
        LocalReferences++;
        if (index < 4)
        {
            Emit(index switch { 0 => OpCodes.Ldarg_0, 1 => OpCodes.Ldarg_1, 2 => OpCodes.Ldarg_2, _ => OpCodes.Ldarg_3 });
            return;
        }

        if (index <= byte.MaxValue)
        {
            generator.Emit(OpCodes.Ldarg_S, (byte)index);
        }
        else
        {
            generator.Emit(OpCodes.Ldarg, (short)index);
        }

        Note(OpCodes.Ldarg, index.ToString(CultureInfo.InvariantCulture));
    }

    public void StoreArgument(int index)
    {
        LocalReferences++;
        if (index <= byte.MaxValue)
        {
            generator.Emit(OpCodes.Starg_S, (byte)index);
        }
        else
        {
            generator.Emit(OpCodes.Starg, (short)index);
        }

        Note(OpCodes.Starg, index.ToString(CultureInfo.InvariantCulture));
    }

    public void LoadField(FieldInfo field)
    {
        generator.Emit(OpCodes.Ldfld, tokens.Of(field));
        Note(OpCodes.Ldfld, field.DeclaringType!.Name + "::" + field.Name);
    }

    public void LoadVolatileField(FieldInfo field)
    {
        Emit(OpCodes.Volatile);
        LoadField(field);
    }

    public void LoadFieldAddress(FieldInfo field)
    {
        generator.Emit(OpCodes.Ldflda, tokens.Of(field));
        Note(OpCodes.Ldflda, field.DeclaringType!.Name + "::" + field.Name);
    }

    public void StoreField(FieldInfo field)
    {
        generator.Emit(OpCodes.Stfld, tokens.Of(field));
        Note(OpCodes.Stfld, field.DeclaringType!.Name + "::" + field.Name);
    }

    public void Call(MethodInfo method)
    {
        if (!method.IsGenericMethod && tokens.TryGetToken(method, out int token))
        {
            generator.Emit(OpCodes.Call, token);
        }
        else
        {
            generator.Emit(OpCodes.Call, method);
        }

        Temporaries += method.ReturnType == typeof(void) ? 0 : 1;
        Note(OpCodes.Call, (method is not MethodBuilder && method.DeclaringType is { } type ? type.Name + "::" : "") + method.Name);
    }

    public void NewObject(ConstructorInfo constructor)
    {
        generator.Emit(OpCodes.Newobj, constructor);
        Temporaries++;
        Note(OpCodes.Newobj, constructor.DeclaringType!.Name);
    }

    public void CallVirtual(MethodInfo method)
    {
        generator.Emit(OpCodes.Callvirt, method);
        Note(OpCodes.Callvirt, method.DeclaringType!.Name + "::" + method.Name);
    }

    public void CallIndirect(Type result, Type[] parameters)
    {
        generator.EmitCalli(OpCodes.Calli, CallingConventions.Standard, result, parameters, null);
        Temporaries++;
        Note(OpCodes.Calli, _listing is null ? null : $"{result.Name}({string.Join(", ", parameters.Select(static type => type.Name))})");
    }

    public void Branch(OpCode code, Label target)
    {
        generator.Emit(code, target);
        Blocks++;
        if (target.Id >= _branches.Length)
        {
            Array.Resize(ref _branches, Math.Max(target.Id + 1, _branches.Length * 2));
        }

        _branches[target.Id]++;
        Temporaries += Operands;
        Note(code, _listing is null ? null : "L" + NumberOf(target).ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The CIL stack is empty here, and at the other parts of a protected block.</summary>
    public void BeginTry()
    {
        generator.BeginExceptionBlock();
        Blocks++;
        _listing?.Append("    .try\n");
    }

    /// <summary>Ends what is protected; the exception is on the stack, and 1 must be left there for the handler to run.</summary>
    public void BeginFilter()
    {
        generator.BeginExceptFilterBlock();
        Blocks++;
        _listing?.Append("    .filter\n");
    }

    /// <summary>Ends the filter; the exception is on the stack.</summary>
    public void BeginHandler()
    {
        generator.BeginCatchBlock(null!);
        Blocks++;
        _listing?.Append("    .handler\n");
    }

    /// <summary>Ends the handler; what follows is where it goes.</summary>
    public void EndTry()
    {
        generator.EndExceptionBlock();
        Blocks++;
        _listing?.Append("    .end\n");
    }

    /// <summary>A call that gives the frame up, and the return that belongs to it.</summary>
    public void TailCall(MethodInfo method)
    {
        Emit(OpCodes.Tailcall);
        Call(method);
        Emit(OpCodes.Ret);
    }

    /// <summary>A call through an address that gives the frame up, and the return that belongs to it.</summary>
    public void TailCallIndirect(Type result, Type[] parameters)
    {
        Emit(OpCodes.Tailcall);
        CallIndirect(result, parameters);
        Emit(OpCodes.Ret);
    }

    public void Switch(Label[] targets)
    {
        generator.Emit(OpCodes.Switch, targets);
        Blocks++;
        Note(OpCodes.Switch, _listing is null ? null : string.Join(", ", targets.Select(label => "L" + NumberOf(label).ToString(CultureInfo.InvariantCulture))));
    }

    /// <summary>An access of a value type at any address.</summary>
    public void EmitUnaligned(OpCode code, Type type)
    {
        generator.Emit(OpCodes.Unaligned, (byte)1);
        Note(OpCodes.Unaligned, "1");
        EmitType(code, type);
    }

    public void EmitType(OpCode code, Type type)
    {
        generator.Emit(code, type);
        Note(code, type.Name);
    }

    private int NumberOf(Label label)
    {
        if (!_labels.TryGetValue(label, out int number))
        {
            number = _labels.Count;
            _labels.Add(label, number);
        }

        return number;
    }

    private void Note(OpCode code, string? argument)
    {
        Instructions++;
        if (_listing is not null)
        {
            _listing.Append("    ").Append(code.Name);
            if (argument is not null)
            {
                _listing.Append(' ').Append(argument);
            }

            _listing.Append('\n');
        }
    }

    private static readonly OpCode[] s_smallConstants =
    [
        OpCodes.Ldc_I4_M1, OpCodes.Ldc_I4_0, OpCodes.Ldc_I4_1, OpCodes.Ldc_I4_2, OpCodes.Ldc_I4_3,
        OpCodes.Ldc_I4_4, OpCodes.Ldc_I4_5, OpCodes.Ldc_I4_6, OpCodes.Ldc_I4_7, OpCodes.Ldc_I4_8,
    ];

    private static readonly MethodInfo s_signallingSingle = RuntimeMembers.Numeric(nameof(Semantics.NumericOps.F32FromBits));
    private static readonly MethodInfo s_int32BitsToSingle = typeof(BitConverter).GetMethod(nameof(BitConverter.Int32BitsToSingle))!;
    private static readonly MethodInfo s_int64BitsToDouble = typeof(BitConverter).GetMethod(nameof(BitConverter.Int64BitsToDouble))!;
}

/// <summary>The metadata tokens of members in an emitted module. The builder asks the runtime each time, which is half of the time of emission.</summary>
internal sealed class MemberTokens(ModuleBuilder module)
{
    private readonly Dictionary<FieldInfo, int> _fields = [];
    private readonly Dictionary<MethodInfo, int> _methods = [];

    public int Of(FieldInfo field)
    {
        if (!_fields.TryGetValue(field, out int token))
        {
            token = module.GetFieldMetadataToken(field);
            _fields.Add(field, token);
        }

        return token;
    }

    /// <summary>
    /// The token of a method of the host that takes at least as many operands as it returns. With a bare token the generator takes a call for
    /// balanced: the stack it reserves may be too deep, which costs nothing, but must not be too shallow.
    /// </summary>
    public bool TryGetToken(MethodInfo method, out int token)
    {
        if (method is MethodBuilder)
        {
            token = 0;
            return false;
        }

        if (!_methods.TryGetValue(method, out token))
        {
            bool isEnough = method.IsStatic && method.GetParameters().Length >= (method.ReturnType == typeof(void) ? 0 : 1);
            token = isEnough ? module.GetMethodMetadataToken(method) : 0;
            _methods.Add(method, token);
        }

        return token != 0;
    }
}
