using Codicil.Format.Types;

namespace Codicil.Format.Text.Scripts;

/// <summary>The class of a literal in a script.</summary>
public enum ScriptValueKind : byte
{
    /// <summary>A number or vector: <see cref="ScriptValue.Type"/> and <see cref="ScriptValue.Bits"/>.</summary>
    Number,

    /// <summary><c>(ref.null t)</c>: <see cref="ScriptValue.Type"/> is the nullable reference type.</summary>
    Null,

    /// <summary><c>(ref.extern n)</c>: the host value n as an external reference.</summary>
    Extern,

    /// <summary><c>(ref.host n)</c>: the host value n as an internal reference.</summary>
    Host,
}

/// <summary>A literal in a script.</summary>
/// <param name="Kind">Its class.</param>
/// <param name="Type">Its type.</param>
/// <param name="Bits">The bits of a number or vector; the number n of a host value.</param>
public readonly record struct ScriptValue(ScriptValueKind Kind, ValType Type, UInt128 Bits);
