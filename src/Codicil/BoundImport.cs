using System.Reflection;
using System.Runtime.InteropServices;

using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil;

/// <summary>
/// An import that is known when a module is compiled: a direct call of a static method, which the JIT can inline into the guest's machine code.
/// When an instance is given another function for it, the general call is used. Immutable and thread-safe.
/// </summary>
/// <remarks>
/// Other engines treat such an import as an ordinary one. The method becomes part of the guest's machine code only where it asks for that with
/// <see cref="System.Runtime.CompilerServices.MethodImplOptions.AggressiveInlining"/>; then a null dereference, a division by zero or an overflow in it
/// cannot be told from the guest's and is a trap: such a method must not raise them. Other exceptions, and all of other methods, reach the caller unchanged.
/// </remarks>
public sealed class BoundImport
{
    private BoundShape? _shape;

    /// <summary>A bound import.</summary>
    /// <param name="moduleName">The import's module name.</param>
    /// <param name="name">The import's name.</param>
    /// <param name="method">
    /// A static method whose first or last parameter is the import's state (a class) and whose others and result are int, uint, long, ulong, float or double as the import's type has them.
    /// It need not be public. Where both are classes, the first is the state. With the state last it has the form of WebAssembly's own functions: where it is not known when the module is compiled, it is called without anything in between.
    /// </param>
    /// <exception cref="ArgumentException">The method has another shape.</exception>
    public BoundImport(string moduleName, string name, MethodInfo method)
    {
        ArgumentNullException.ThrowIfNull(moduleName);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(method);
        ParameterInfo[] parameters = method.GetParameters();
        if (!IsCallable(method) || parameters.Length == 0 || !(parameters[0].ParameterType.IsClass || parameters[^1].ParameterType.IsClass))
        {
            throw new ArgumentException("a bound import is a static, managed method without type parameters whose first or last parameter is a class", nameof(method));
        }

        ModuleName = moduleName;
        Name = name;
        Method = method;
        StateIsFirst = parameters[0].ParameterType.IsClass;
        StateType = parameters[StateIsFirst ? 0 : ^1].ParameterType;
    }

    // By its address, with the runtime's own calling convention.
    private static bool IsCallable(MethodInfo method) => method.IsStatic && !method.IsAbstract && !method.ContainsGenericParameters
        && (method.CallingConvention & CallingConventions.VarArgs) != CallingConventions.VarArgs && !method.IsDefined(typeof(UnmanagedCallersOnlyAttribute), inherit: false);

    /// <summary>The import's module name.</summary>
    public string ModuleName { get; }

    /// <summary>The import's name.</summary>
    public string Name { get; }

    /// <summary>The method.</summary>
    public MethodInfo Method { get; }

    /// <summary>The type of the state.</summary>
    public Type StateType { get; }

    /// <summary>The state, if it is one.</summary>
    /// <exception cref="ArgumentException">It is of another type.</exception>
    internal object CheckState(object? state) => StateType.IsInstanceOfType(state)
        ? state!
        : throw new ArgumentException($"the state is {(state is null ? "null" : "a " + state.GetType().Name)}, the bound import wants a {StateType.Name}", nameof(state));

    /// <summary>Whether the state comes before the import's parameters.</summary>
    internal bool StateIsFirst { get; }

    /// <summary>The parameters that are the import's.</summary>
    internal ReadOnlySpan<ParameterInfo> Parameters => StateIsFirst ? Method.GetParameters().AsSpan(1) : Method.GetParameters().AsSpan()[..^1];

    /// <summary>The function's type and how the method has it.</summary>
    /// <exception cref="ArgumentException">A type has no counterpart.</exception>
    internal BoundShape Shape => _shape ??= BoundShape.Of(this);
}

/// <summary>What a bound import's method looks like to WebAssembly.</summary>
/// <param name="Type">The function's type.</param>
/// <param name="IsPlain">Whether parameters and result are held in CIL as the function's are.</param>
/// <param name="StateIsFirst">Whether the state comes before the parameters, or behind.</param>
internal sealed record BoundShape(FunctionType Type, bool IsPlain, bool StateIsFirst)
{
    /// <summary>Whether the method has the form of WebAssembly's own functions: their parameters, then what they are called with.</summary>
    public bool IsGuestForm => IsPlain && !StateIsFirst;

    public static BoundShape Of(BoundImport definition)
    {
        FunctionType type = DelegateSignature.ToFunctionType(definition);
        return new BoundShape(type, DelegateSignature.Fits(definition, type), definition.StateIsFirst);
    }
}
