using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace Codicil.Compiler;

/// <summary>Makes the collectible assemblies that emitted code lives in: fully optimised at the first call, gone when nobody holds them.</summary>
internal static class EmittedAssembly
{
    private static readonly ConstructorInfo s_attribute = typeof(IgnoresAccessChecksToAttribute).GetConstructor([typeof(string)])!;

    /// <summary>A module of a new assembly that may use the internals of Codicil and of the given assemblies.</summary>
    /// <exception cref="ResourceLimitException">The process has too few mappings left (<see cref="CodeMappings"/>).</exception>
    [RequiresDynamicCode("Emits code.")]
    public static ModuleBuilder Create(params IEnumerable<Assembly> friends)
    {
        int count = CodeMappings.Add();
        string name = string.Create(CultureInfo.InvariantCulture, $"Codicil.Emitted.{count}");
        AssemblyBuilder assembly = AssemblyBuilder.DefineDynamicAssembly(new AssemblyName(name), AssemblyBuilderAccess.RunAndCollect);
        var granted = new HashSet<string>(StringComparer.Ordinal) { typeof(EmittedAssembly).Assembly.GetName().Name! };
        foreach (Assembly friend in friends)
        {
            granted.Add(friend.GetName().Name!);
        }

        foreach (string friend in granted)
        {
            assembly.SetCustomAttribute(new CustomAttributeBuilder(s_attribute, [friend]));
        }

        return assembly.DefineDynamicModule(name);
    }
}
