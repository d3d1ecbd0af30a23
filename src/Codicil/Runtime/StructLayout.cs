using System.Collections.Immutable;

using Codicil.Format.Types;

namespace Codicil.Runtime;

/// <summary>
/// Where the fields of a structure are. A subtype has the fields of its supertype in front, and they must be where the supertype's code looks for them; but
/// .NET puts references first. So an object is a row of words, each of which is a reference or bytes as the fields ask for it in their order: what comes later
/// moves nothing. The first <see cref="HeadWords"/> are exactly what is asked for; behind them are groups, each with room for references and for bytes,
/// so that there is an end to the number of classes.
/// </summary>
internal sealed class StructLayout
{
    /// <summary>The words of which each can be either.</summary>
    public const int HeadWords = 8;

    /// <summary>The size of a reference, and of what bytes are taken in.</summary>
    public const int WordBytes = 8;

    /// <summary>The room of a group.</summary>
    public const int GroupReferences = 4;
    public const int GroupBytes = 16;
    public const int GroupSize = (GroupReferences * WordBytes) + GroupBytes;

    // Of .NET, and the type.
    private const int ObjectHeader = 24;

    private StructLayout(int[] offsets, StructClass @class)
    {
        Offsets = offsets;
        Class = @class;
    }

    /// <summary>The offset of each field from the first word.</summary>
    public int[] Offsets { get; }

    /// <summary>The class of the objects.</summary>
    public StructClass Class { get; }

    /// <summary>What an object takes.</summary>
    public int ObjectBytes => ObjectHeader + Class.FieldBytes;

    public static StructLayout Create(ImmutableArray<FieldType> fields)
    {
        int[] offsets = new int[fields.Length];
        var room = new Room();
        for (int i = 0; i < offsets.Length; i++)
        {
            int size = SizeOf(fields[i]);
            offsets[i] = size == 0 ? room.TakeReference() : room.TakeBytes(size);
        }

        return new StructLayout(offsets, room.ClassOf());
    }

    /// <summary>The bytes that a field takes; 0 for a reference.</summary>
    public static int SizeOf(FieldType field) => field.Storage switch
    {
        StorageKind.I8 => 1,
        StorageKind.I16 => 2,
        _ => field.Type.Kind switch
        {
            ValKind.I32 or ValKind.F32 => 4,
            ValKind.I64 or ValKind.F64 => 8,
            ValKind.V128 => 16,
            _ => 0,
        },
    };

    /// <summary>What was given out. Each place depends on the fields before it and on nothing else.</summary>
    private struct Room
    {
        private int _words;
        private int _references;
        private int _groupedReferences;
        private int _groupedBytes;

        // What is left of a word of bytes.
        private int _free;
        private int _freeEnd;

        public int TakeReference()
        {
            if (_words < HeadWords)
            {
                _references |= 1 << _words;
                return _words++ * WordBytes;
            }

            int index = _groupedReferences++;
            return (HeadWords * WordBytes) + (index / GroupReferences * GroupSize) + (index % GroupReferences * WordBytes);
        }

        public int TakeBytes(int size)
        {
            int place = Align(_free, size);
            if (place + size <= _freeEnd)
            {
                _free = place + size;
                return place;
            }

            int length = Align(size, WordBytes);
            place = TakeWords(length);
            if (length - size > _freeEnd - _free)
            {
                _free = place + size;
                _freeEnd = place + length;
            }

            return place;
        }

        public readonly StructClass ClassOf()
        {
            if (_groupedReferences + _groupedBytes == 0)
            {
                return StructClass.Get(_words, _references, groups: 0, groupsHaveBytes: false);
            }

            int groups = Math.Max((_groupedReferences + GroupReferences - 1) / GroupReferences, (_groupedBytes + GroupBytes - 1) / GroupBytes);
            return StructClass.Get(HeadWords, _references, groups, groupsHaveBytes: _groupedBytes > 0);
        }

        private int TakeWords(int length)
        {
            if ((_words * WordBytes) + length <= HeadWords * WordBytes)
            {
                int place = _words * WordBytes;
                _words += length / WordBytes;
                return place;
            }

            int start = Align(_groupedBytes, length);
            _groupedBytes = start + length;
            return (HeadWords * WordBytes) + (start / GroupBytes * GroupSize) + (GroupReferences * WordBytes) + (start % GroupBytes);
        }

        private static int Align(int value, int size) => (value + size - 1) & -size;
    }
}
