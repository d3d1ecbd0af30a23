using System.Collections.Immutable;

namespace Codicil.Format.Text.Scripts;

/// <summary>A command of a script. Immutable and thread-safe.</summary>
/// <param name="Line">The line it begins in, from 1.</param>
public abstract record ScriptCommand(int Line);

/// <summary>What a script does with an instance. A null <see cref="InstanceName"/> is the latest instance.</summary>
/// <param name="InstanceName">The instance's identifier without the dollar sign, or null.</param>
/// <param name="Name">The name of the export.</param>
public abstract record ScriptAction(string? InstanceName, string Name);

/// <summary><c>(invoke $i? "name" literal*)</c>.</summary>
/// <param name="InstanceName">The instance's identifier, or null.</param>
/// <param name="Name">The name of the export.</param>
/// <param name="Arguments">The arguments.</param>
public sealed record InvokeAction(string? InstanceName, string Name, ImmutableArray<ScriptValue> Arguments) : ScriptAction(InstanceName, Name);

/// <summary><c>(get $i? "name")</c>.</summary>
/// <param name="InstanceName">The instance's identifier, or null.</param>
/// <param name="Name">The name of the export.</param>
public sealed record GetAction(string? InstanceName, string Name) : ScriptAction(InstanceName, Name);

/// <summary>A module to define and, unless it is a definition only, to instantiate under its name.</summary>
/// <param name="Line">The line.</param>
/// <param name="Module">The module.</param>
/// <param name="IsDefinition">Whether it is <c>(module definition ...)</c>: not instantiated.</param>
public sealed record ModuleCommand(int Line, ScriptModule Module, bool IsDefinition) : ScriptCommand(Line);

/// <summary><c>(module instance $i? $m?)</c>.</summary>
/// <param name="Line">The line.</param>
/// <param name="InstanceName">The instance's identifier, or null.</param>
/// <param name="ModuleName">The definition's identifier, or null for the latest.</param>
public sealed record InstanceCommand(int Line, string? InstanceName, string? ModuleName) : ScriptCommand(Line);

/// <summary><c>(register "name" $i?)</c>.</summary>
/// <param name="Line">The line.</param>
/// <param name="Name">The name under which imports find the instance.</param>
/// <param name="InstanceName">The instance's identifier, or null for the latest.</param>
public sealed record RegisterCommand(int Line, string Name, string? InstanceName) : ScriptCommand(Line);

/// <summary>An action as a command: it must not fail, its results do not matter.</summary>
/// <param name="Line">The line.</param>
/// <param name="Action">The action.</param>
public sealed record ActionCommand(int Line, ScriptAction Action) : ScriptCommand(Line);

/// <summary><c>assert_return</c>.</summary>
/// <param name="Line">The line.</param>
/// <param name="Action">The action.</param>
/// <param name="Results">What each result must be.</param>
public sealed record AssertReturnCommand(int Line, ScriptAction Action, ImmutableArray<ResultPattern> Results) : ScriptCommand(Line);

/// <summary>How an action is expected to fail.</summary>
public enum ExpectedFailure
{
    /// <summary><c>assert_trap</c>.</summary>
    Trap,

    /// <summary><c>assert_exhaustion</c>.</summary>
    Exhaustion,

    /// <summary><c>assert_exception</c>.</summary>
    Exception,

    /// <summary><c>assert_suspension</c>, of the stack switching proposal.</summary>
    Suspension,
}

/// <summary><c>assert_trap</c>, <c>assert_exhaustion</c> and their kin with an action.</summary>
/// <param name="Line">The line.</param>
/// <param name="Action">The action.</param>
/// <param name="Failure">How it must fail.</param>
/// <param name="Message">The suite's words; empty for exceptions.</param>
public sealed record AssertFailureCommand(int Line, ScriptAction Action, ExpectedFailure Failure, string Message) : ScriptCommand(Line);

/// <summary>What is expected to be wrong with a module.</summary>
public enum ExpectedModuleError
{
    /// <summary><c>assert_malformed</c>: the parser or decoder rejects it.</summary>
    Malformed,

    /// <summary><c>assert_invalid</c>: the validator rejects it.</summary>
    Invalid,

    /// <summary><c>assert_unlinkable</c>: its imports can't be satisfied.</summary>
    Unlinkable,

    /// <summary><c>assert_trap</c> with a module: its instantiation traps.</summary>
    Trap,

    /// <summary><c>assert_malformed_custom</c>: an annotation is malformed.</summary>
    MalformedCustom,

    /// <summary><c>assert_invalid_custom</c>: an annotation is invalid.</summary>
    InvalidCustom,
}

/// <summary>An assertion about a module, or about instantiating one that is defined already.</summary>
/// <param name="Line">The line.</param>
/// <param name="Error">What must be wrong.</param>
/// <param name="Module">The module; null for an instance of a definition.</param>
/// <param name="ModuleName">Without a module: the definition's identifier, or null for the latest.</param>
/// <param name="Message">The suite's words.</param>
public sealed record AssertModuleCommand(int Line, ExpectedModuleError Error, ScriptModule? Module, string? ModuleName, string Message) : ScriptCommand(Line);

/// <summary><c>(thread $t (shared (module $m))* command*)</c> of the threads proposal.</summary>
/// <param name="Line">The line.</param>
/// <param name="Name">The thread's identifier.</param>
/// <param name="SharedModules">The instances that the thread can register.</param>
/// <param name="Commands">What the thread does.</param>
public sealed record ThreadCommand(int Line, string Name, ImmutableArray<string> SharedModules, ImmutableArray<ScriptCommand> Commands) : ScriptCommand(Line);

/// <summary><c>(wait $t)</c>: joins a thread.</summary>
/// <param name="Line">The line.</param>
/// <param name="ThreadName">The thread's identifier.</param>
public sealed record WaitCommand(int Line, string ThreadName) : ScriptCommand(Line);
