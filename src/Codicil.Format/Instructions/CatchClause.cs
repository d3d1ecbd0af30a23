namespace Codicil.Format.Instructions;

/// <summary>What a clause of try_table catches and hands over (2.4.11); the values are the binary format's.</summary>
public enum CatchKind : byte
{
    /// <summary>A tag; the branch takes its values.</summary>
    Catch = 0,

    /// <summary>A tag; the branch takes its values and the exception reference.</summary>
    CatchRef = 1,

    /// <summary>Everything; the branch takes nothing.</summary>
    CatchAll = 2,

    /// <summary>Everything; the branch takes the exception reference.</summary>
    CatchAllRef = 3,
}

/// <summary>A clause of try_table.</summary>
/// <param name="Kind">What it catches.</param>
/// <param name="Tag">The tag index; 0 for those that catch everything.</param>
/// <param name="Label">The label to branch to, counted from outside the try_table.</param>
public readonly record struct CatchClause(CatchKind Kind, uint Tag, uint Label);
