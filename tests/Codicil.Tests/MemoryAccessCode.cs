using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Intrinsics;

namespace Codicil.Tests;

/// <summary>Loads and stores as the compiler emits them: <c>base + zext(index) + offset</c> on native int, without a check.</summary>
internal static class MemoryAccessCode
{
    public delegate long LoadFunction(nint memory, uint index);

    public delegate void StoreFunction(nint memory, uint index, long value);

    /// <summary>Widths that are accessed, in bytes.</summary>
    public static int[] Widths { get; } = [1, 2, 4, 8, 16];

    public static LoadFunction Load(int width, uint offset = 0, bool collectible = true, bool dead = false) => (LoadFunction)Make(
        typeof(LoadFunction),
        typeof(long),
        [typeof(nint), typeof(uint)],
        collectible,
        il =>
        {
            EmitAddress(il, offset);
            EmitLoad(il, width);
            if (dead)
            {
                il.Emit(OpCodes.Pop);
                il.Emit(OpCodes.Ldc_I8, 1L);
            }

            il.Emit(OpCodes.Ret);
        });

    public static StoreFunction Store(int width, uint offset = 0, bool collectible = true) => (StoreFunction)Make(
        typeof(StoreFunction),
        typeof(void),
        [typeof(nint), typeof(uint), typeof(long)],
        collectible,
        il =>
        {
            EmitAddress(il, offset);
            il.Emit(OpCodes.Ldarg_2);
            if (width == 16)
            {
                il.Emit(OpCodes.Call, typeof(Vector128).GetMethod(nameof(Vector128.Create), [typeof(long)])!);
                il.Emit(OpCodes.Unaligned, (byte)1);
                il.Emit(OpCodes.Stobj, typeof(Vector128<long>));
            }
            else
            {
                il.Emit(OpCodes.Unaligned, (byte)1);
                il.Emit(width switch { 1 => OpCodes.Stind_I1, 2 => OpCodes.Stind_I2, 4 => OpCodes.Stind_I4, _ => OpCodes.Stind_I8 });
            }

            il.Emit(OpCodes.Ret);
        });

    public static Delegate Make(Type delegateType, Type result, Type[] parameters, bool collectible, Action<ILGenerator> emit)
    {
        if (!collectible)
        {
            var method = new DynamicMethod("access", result, parameters, typeof(MemoryAccessCode).Module, skipVisibility: true) { InitLocals = false };
            emit(method.GetILGenerator());
            return method.CreateDelegate(delegateType);
        }

        TypeBuilder type = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName("access"), AssemblyBuilderAccess.RunAndCollect)
            .DefineDynamicModule("access")
            .DefineType("Access", TypeAttributes.Public | TypeAttributes.Abstract | TypeAttributes.Sealed);
        MethodBuilder builder = type.DefineMethod("Run", MethodAttributes.Public | MethodAttributes.Static, result, parameters);
        builder.InitLocals = false;
        emit(builder.GetILGenerator());
        return type.CreateType().GetMethod("Run")!.CreateDelegate(delegateType);
    }

    public static void EmitAddress(ILGenerator il, uint offset)
    {
        il.Emit(OpCodes.Ldarg_0);
        il.Emit(OpCodes.Ldarg_1);
        il.Emit(OpCodes.Conv_U8);
        il.Emit(OpCodes.Add);
        if (offset != 0)
        {
            il.Emit(OpCodes.Ldc_I8, (long)offset);
            il.Emit(OpCodes.Add);
        }
    }

    public static void EmitLoad(ILGenerator il, int width)
    {
        il.Emit(OpCodes.Unaligned, (byte)1);
        if (width == 16)
        {
            il.Emit(OpCodes.Ldobj, typeof(Vector128<long>));

            // Uses every byte: of a vector of which only a part is used the JIT loads only that part.
            il.Emit(OpCodes.Call, typeof(Vector128).GetMethod(nameof(Vector128.Sum))!.MakeGenericMethod(typeof(long)));
        }
        else
        {
            il.Emit(width switch { 1 => OpCodes.Ldind_I1, 2 => OpCodes.Ldind_I2, 4 => OpCodes.Ldind_I4, _ => OpCodes.Ldind_I8 });
            il.Emit(OpCodes.Conv_I8);
        }
    }
}
