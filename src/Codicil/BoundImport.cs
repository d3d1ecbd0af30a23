using System.Reflection;

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
    /// <summary>A bound import.</summary>
    /// <param name="moduleName">The import's module name.</param>
    /// <param name="name">The import's name.</param>
    /// <param name="method">
    /// A static method whose first parameter is the import's state (a class) and whose others and result are int, uint, long, ulong, float or double as the import's type has them.
    /// It need not be public.
    /// </param>
    /// <exception cref="ArgumentException">The method has another shape.</exception>
    public BoundImport(string moduleName, string name, MethodInfo method)
    {
        ArgumentNullException.ThrowIfNull(moduleName);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(method);
        ParameterInfo[] parameters = method.GetParameters();
        if (!method.IsStatic || method.IsGenericMethodDefinition || parameters.Length == 0 || !parameters[0].ParameterType.IsClass)
        {
            throw new ArgumentException("a bound import is a static method whose first parameter is a class", nameof(method));
        }

        ModuleName = moduleName;
        Name = name;
        Method = method;
        StateType = parameters[0].ParameterType;
    }

    /// <summary>The import's module name.</summary>
    public string ModuleName { get; }

    /// <summary>The import's name.</summary>
    public string Name { get; }

    /// <summary>The method.</summary>
    public MethodInfo Method { get; }

    /// <summary>The type of the state.</summary>
    public Type StateType { get; }
}
