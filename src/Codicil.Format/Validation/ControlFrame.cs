using Codicil.Format.Instructions;

namespace Codicil.Format.Validation;

/// <summary>An open block of the function that a <see cref="FunctionValidator"/> walks. A copy: it does not change as the walk goes on.</summary>
/// <remarks>WebAssembly 3.0, A.3.1 Data Structures.</remarks>
public readonly struct ControlFrame
{
    internal ControlFrame(Opcode opcode, BlockType blockType, int height, bool isFunction, bool isUnreachable)
    {
        Opcode = opcode;
        BlockType = blockType;
        Height = height;
        IsFunction = isFunction;
        IsUnreachable = isUnreachable;
    }

    /// <summary>
    /// What opened it: block, loop, if, else, try_table, or try, catch and catch_all of the legacy exceptions; block for the frame of the function.
    /// After an <c>else</c> or <c>catch</c> it is that instruction.
    /// </summary>
    public Opcode Opcode { get; }

    /// <summary>The type of the block; for the frame of the function, the index of its type.</summary>
    public BlockType BlockType { get; }

    /// <summary>The number of operands below the block, its parameters not counted.</summary>
    public int Height { get; }

    /// <summary>Whether this is the outermost frame, of the function or constant expression itself: it has no parameters on the operand stack.</summary>
    public bool IsFunction { get; }

    /// <summary>Whether the rest of the block cannot be reached, so that its operands are unknown.</summary>
    public bool IsUnreachable { get; }
}
