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
    private static int s_count;

    /// <summary>
    /// Each assembly has about ten mappings of the process once its code is compiled; a process has 65,530 (<c>vm.max_map_count</c>), and ends when the
    /// runtime gets no more. The collector sees a few small objects. So whenever so many assemblies have been made it is told to run.
    /// </summary>
    private const int CollectionInterval = 256;

    /// <summary>A module of a new assembly that may use the internals of Codicil and of the given assemblies.</summary>
    [RequiresDynamicCode("Emits code.")]
    public static ModuleBuilder Create(params IEnumerable<Assembly> friends)
    {
        int count = Interlocked.Increment(ref s_count);
        if (count % CollectionInterval == 0)
        {
            // In the background: assemblies go after their finalizers ran, one or two collections later.
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false);
        }

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
