using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Codicil.Runtime;

/// <summary>A class of structures: what all have in common whose words are of the same kinds in the same order. Made when the first of them is, and never unloaded.</summary>
internal sealed class StructClass
{
    // The numbers of groups that there are classes for.
    private static readonly (int Groups, Type Type)[] s_rows =
    [
        (1, typeof(Row1)), (2, typeof(Row2)), (3, typeof(Row3)), (4, typeof(Row4)), (6, typeof(Row6)), (8, typeof(Row8)), (12, typeof(Row12)),
        (16, typeof(Row16)), (24, typeof(Row24)), (32, typeof(Row32)), (64, typeof(Row64)), (128, typeof(Row128)), (256, typeof(Row256)), (512, typeof(Row512)), (1024, typeof(Row1024)),
        (4096, typeof(Row4096)),
    ];

    private static readonly Type[] s_references =
    [
        typeof(References1), typeof(References2), typeof(References3), typeof(References4), typeof(References5), typeof(References6), typeof(References7), typeof(References8),
    ];

    private static readonly Type[] s_bytes = [typeof(Words1), typeof(Words2), typeof(Words3), typeof(Words4), typeof(Words5), typeof(Words6), typeof(Words7), typeof(Words8)];

    // Of two kinds of runs to as many as there can be.
    private static readonly Type[] s_heads = [typeof(Head<,>), typeof(Head<,,>), typeof(Head<,,,>), typeof(Head<,,,,>), typeof(Head<,,,,,>), typeof(Head<,,,,,,>), typeof(Head<,,,,,,,>)];

    private static readonly ConstructorInfo s_constructor = typeof(StructInstance<>).GetConstructors()[0];

    private static readonly ConcurrentDictionary<(int Words, int References, int Row), StructClass> s_classes = [];

    // Guests have as many classes as they like of those that there are, so one keeps nothing that it may never need.
    private ConstructorInvoker? _invoker;

    private StructClass(ConstructorInfo constructor, int fieldBytes)
    {
        Constructor = constructor;
        FieldBytes = fieldBytes;
    }

    /// <summary>What emitted code calls with the type.</summary>
    public ConstructorInfo Constructor { get; }

    /// <summary>The size of the fields.</summary>
    public int FieldBytes { get; }

    /// <summary>Makes an object whose fields are zero or null.</summary>
    public StructReference Allocate(GcType type) => (StructReference)(_invoker ??= ConstructorInvoker.Create(Constructor)).Invoke(type);

    /// <summary>The class of objects with some words, of which those in a set of bits are references, and some groups behind them.</summary>
    /// <exception cref="ResourceLimitException">There is none so large.</exception>
    public static StructClass Get(int words, int references, int groups, bool groupsHaveBytes)
    {
        // 0: no groups; 1: the references of one; then the rows.
        int row = 0;
        if (groups > 0)
        {
            int index = Array.FindIndex(s_rows, candidate => candidate.Groups >= groups);
            row = index < 0 ? throw new ResourceLimitException("a structure has too many fields") : index == 0 && !groupsHaveBytes ? 1 : index + 2;
        }

        return s_classes.GetOrAdd((words, references, row), static key => Define(key.Words, key.References, key.Row));
    }

    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    [UnconditionalSuppressMessage("Trimming", "IL2076", Justification = "A structure needs no constructor.")]
    private static StructClass Define(int words, int references, int row)
    {
        if (words == 0)
        {
            return new StructClass(typeof(EmptyStructInstance).GetConstructors()[0], 0);
        }

        Type fields = HeadOf(words, references);
        int size = words * StructLayout.WordBytes;
        if (row > 0)
        {
            (int groups, Type rest) = row == 1 ? (0, typeof(References4)) : s_rows[row - 2];
            fields = typeof(Head<,>).MakeGenericType(fields, rest);
            size += row == 1 ? StructLayout.GroupReferences * StructLayout.WordBytes : groups * StructLayout.GroupSize;
        }

        Type @class = typeof(StructInstance<>).MakeGenericType(fields);
        return new StructClass((ConstructorInfo)MethodBase.GetMethodFromHandle(s_constructor.MethodHandle, @class.TypeHandle)!, size);
    }

    // Words of a kind next to each other are one field: the collector looks at each field with references on its own.
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The engine refuses to exist where code cannot be generated.")]
    [UnconditionalSuppressMessage("Trimming", "IL2055", Justification = "A structure needs no constructor.")]
    private static Type HeadOf(int words, int references)
    {
        var runs = new List<Type>(words);
        for (int start = 0; start < words;)
        {
            bool isReference = (references >> start & 1) != 0;
            int end = start + 1;
            while (end < words && (references >> end & 1) != 0 == isReference)
            {
                end++;
            }

            runs.Add((isReference ? s_references : s_bytes)[end - start - 1]);
            start = end;
        }

        return runs.Count == 1 ? runs[0] : s_heads[runs.Count - 2].MakeGenericType([.. runs]);
    }
}
