using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>The WebAssembly side of .NET signatures.</summary>
internal static class DelegateSignature
{
    /// <summary>The value type of a .NET type, or null when it has none.</summary>
    public static ValType? ToValType(Type type)
    {
        if (type == typeof(int) || type == typeof(uint) || type == typeof(bool))
        {
            return ValType.I32;
        }

        if (type == typeof(long) || type == typeof(ulong))
        {
            return ValType.I64;
        }

        if (type == typeof(float))
        {
            return ValType.F32;
        }

        if (type == typeof(double))
        {
            return ValType.F64;
        }

        if (type == typeof(System.Runtime.Intrinsics.Vector128<byte>))
        {
            return ValType.V128;
        }

        if (typeof(Function).IsAssignableFrom(type))
        {
            return type == typeof(Function) ? ValType.FuncRef : null;
        }

        if (typeof(AnyReference).IsAssignableFrom(type))
        {
            return ValType.Reference(true, HeapType.Any);
        }

        if (typeof(GuestException).IsAssignableFrom(type))
        {
            return ValType.Reference(true, HeapType.Exn);
        }

        return type.IsValueType || type.IsByRef || type.IsPointer ? null : ValType.ExternRef;
    }

    /// <summary>The Invoke method of a delegate type.</summary>
    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = "Delegates keep their Invoke method.")]
    public static MethodInfo InvokeMethod(Type delegateType) => delegateType.GetMethod("Invoke")!;

    /// <summary>The types of several results: a value tuple's elements, nested tuples unfolded; one for any other type; none for void.</summary>
    public static ImmutableArray<Type> ResultTypes(Type type)
    {
        if (type == typeof(void))
        {
            return [];
        }

        if (!IsTuple(type))
        {
            return [type];
        }

        ImmutableArray<Type>.Builder builder = ImmutableArray.CreateBuilder<Type>();
        foreach (Type argument in type.GetGenericArguments())
        {
            if (builder.Count == 7 && IsTuple(argument))
            {
                builder.AddRange(ResultTypes(argument));
            }
            else
            {
                builder.Add(argument);
            }
        }

        return builder.ToImmutable();
    }

    public static bool IsTuple(Type type) => type.IsValueType && type.IsGenericType && typeof(ITuple).IsAssignableFrom(type);

    /// <summary>The function type of a delegate used as a host function; a first <see cref="Caller"/> does not count, and of a task its result does.</summary>
    /// <exception cref="ArgumentException">A type has no counterpart.</exception>
    public static FunctionType ToFunctionType(Type delegateType)
    {
        MethodInfo invoke = InvokeMethod(delegateType);
        ImmutableArray<ValType>.Builder parameters = ImmutableArray.CreateBuilder<ValType>();
        ParameterInfo[] declared = invoke.GetParameters();
        for (int i = 0; i < declared.Length; i++)
        {
            Type type = declared[i].ParameterType;
            if (i == 0 && type == typeof(Caller))
            {
                continue;
            }

            parameters.Add(ToValType(type) ?? throw new ArgumentException($"parameter {i} of {delegateType.Name} has type {type.Name}, which is no WebAssembly type"));
        }

        return new FunctionType(parameters.ToImmutable(), ToResults(AsyncHostCall.AwaitedType(invoke.ReturnType) ?? invoke.ReturnType, delegateType.Name));
    }

    public static ImmutableArray<ValType> ToResults(Type returnType, string owner)
    {
        ImmutableArray<ValType>.Builder results = ImmutableArray.CreateBuilder<ValType>();
        foreach (Type type in ResultTypes(returnType))
        {
            results.Add(ToValType(type) ?? throw new ArgumentException($"a result of {owner} has type {type.Name}, which is no WebAssembly type"));
        }

        return results.ToImmutable();
    }

    public static FunctionType ToFunctionType(BoundImport definition)
    {
        ImmutableArray<ValType>.Builder parameters = ImmutableArray.CreateBuilder<ValType>();
        foreach (ParameterInfo parameter in definition.Parameters)
        {
            parameters.Add(ToValType(parameter.ParameterType) ?? throw new ArgumentException($"parameter {parameter.Name} of {definition.Name} has type {parameter.ParameterType.Name}, which is no WebAssembly type"));
        }

        return new FunctionType(parameters.ToImmutable(), ToResults(definition.Method.ReturnType, definition.Name));
    }

    /// <summary>Whether a bound import's method can be called directly for an import of the type: plain numbers and vectors, at most one result.</summary>
    public static bool Fits(BoundImport definition, FunctionType type)
    {
        ReadOnlySpan<ParameterInfo> parameters = definition.Parameters;
        if (parameters.Length != type.Parameters.Length || type.Results.Length > 1)
        {
            return false;
        }

        for (int i = 0; i < parameters.Length; i++)
        {
            if (!IsPlain(parameters[i].ParameterType, type.Parameters[i]))
            {
                return false;
            }
        }

        return type.Results.IsEmpty ? definition.Method.ReturnType == typeof(void) : IsPlain(definition.Method.ReturnType, type.Results[0]);
    }

    private static bool IsPlain(Type type, ValType wanted) => !wanted.IsReference && type != typeof(bool) && ToValType(type) == wanted;
}
