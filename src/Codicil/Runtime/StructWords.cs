using System.Runtime.CompilerServices;

namespace Codicil.Runtime;

/// <summary>Words of a structure that are references, as many as the name says. .NET keeps fields of one kind in the order in which they are declared.</summary>
internal struct References1
{
    public object? Reference0;
}

internal struct References2
{
    public object? Reference0, Reference1;
}

internal struct References3
{
    public object? Reference0, Reference1, Reference2;
}

internal struct References4
{
    public object? Reference0, Reference1, Reference2, Reference3;
}

internal struct References5
{
    public object? Reference0, Reference1, Reference2, Reference3, Reference4;
}

internal struct References6
{
    public object? Reference0, Reference1, Reference2, Reference3, Reference4, Reference5;
}

internal struct References7
{
    public object? Reference0, Reference1, Reference2, Reference3, Reference4, Reference5, Reference6;
}

internal struct References8
{
    public object? Reference0, Reference1, Reference2, Reference3, Reference4, Reference5, Reference6, Reference7;
}

/// <summary>Words of a structure that are bytes, as many as the name says.</summary>
[InlineArray(1)]
internal struct Words1
{
    private ulong _first;
}

[InlineArray(2)]
internal struct Words2
{
    private ulong _first;
}

[InlineArray(3)]
internal struct Words3
{
    private ulong _first;
}

[InlineArray(4)]
internal struct Words4
{
    private ulong _first;
}

[InlineArray(5)]
internal struct Words5
{
    private ulong _first;
}

[InlineArray(6)]
internal struct Words6
{
    private ulong _first;
}

[InlineArray(7)]
internal struct Words7
{
    private ulong _first;
}

[InlineArray(8)]
internal struct Words8
{
    private ulong _first;
}

/// <summary>What lies behind one another: .NET keeps fields that are structures in the order in which they are declared, and behind all others.</summary>
internal struct Head<TFirst, TSecond>
    where TFirst : struct
    where TSecond : struct
{
    public TFirst First;
    public TSecond Second;
}

internal struct Head<TFirst, TSecond, TThird>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
}

internal struct Head<TFirst, TSecond, TThird, TFourth>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
    where TFourth : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
    public TFourth Fourth;
}

internal struct Head<TFirst, TSecond, TThird, TFourth, TFifth>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
    where TFourth : struct
    where TFifth : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
    public TFourth Fourth;
    public TFifth Fifth;
}

internal struct Head<TFirst, TSecond, TThird, TFourth, TFifth, TSixth>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
    where TFourth : struct
    where TFifth : struct
    where TSixth : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
    public TFourth Fourth;
    public TFifth Fifth;
    public TSixth Sixth;
}

internal struct Head<TFirst, TSecond, TThird, TFourth, TFifth, TSixth, TSeventh>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
    where TFourth : struct
    where TFifth : struct
    where TSixth : struct
    where TSeventh : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
    public TFourth Fourth;
    public TFifth Fifth;
    public TSixth Sixth;
    public TSeventh Seventh;
}

internal struct Head<TFirst, TSecond, TThird, TFourth, TFifth, TSixth, TSeventh, TEighth>
    where TFirst : struct
    where TSecond : struct
    where TThird : struct
    where TFourth : struct
    where TFifth : struct
    where TSixth : struct
    where TSeventh : struct
    where TEighth : struct
{
    public TFirst First;
    public TSecond Second;
    public TThird Third;
    public TFourth Fourth;
    public TFifth Fifth;
    public TSixth Sixth;
    public TSeventh Seventh;
    public TEighth Eighth;
}

/// <summary>A group, see <see cref="StructLayout"/>.</summary>
internal struct Group
{
    public References4 References;
    public Words2 Bytes;
}

/// <summary>Groups, as many as the name says.</summary>
[InlineArray(1)]
internal struct Row1
{
    private Group _first;
}

[InlineArray(2)]
internal struct Row2
{
    private Group _first;
}

[InlineArray(3)]
internal struct Row3
{
    private Group _first;
}

[InlineArray(4)]
internal struct Row4
{
    private Group _first;
}

[InlineArray(6)]
internal struct Row6
{
    private Group _first;
}

[InlineArray(8)]
internal struct Row8
{
    private Group _first;
}

[InlineArray(12)]
internal struct Row12
{
    private Group _first;
}

[InlineArray(16)]
internal struct Row16
{
    private Group _first;
}

[InlineArray(24)]
internal struct Row24
{
    private Group _first;
}

[InlineArray(32)]
internal struct Row32
{
    private Group _first;
}

[InlineArray(64)]
internal struct Row64
{
    private Group _first;
}

[InlineArray(128)]
internal struct Row128
{
    private Group _first;
}

[InlineArray(256)]
internal struct Row256
{
    private Group _first;
}

[InlineArray(512)]
internal struct Row512
{
    private Group _first;
}

[InlineArray(1024)]
internal struct Row1024
{
    private Group _first;
}

[InlineArray(4096)]
internal struct Row4096
{
    private Group _first;
}
