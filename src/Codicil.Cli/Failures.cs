using Codicil.Format;
using Codicil.Format.Text;
using Codicil.Plugins;

namespace Codicil.Cli;

/// <summary>What each kind of failure means for the exit code, and how it is said.</summary>
internal static class Failures
{
    // A recursion without end has as many frames as the stack holds; the first ones tell it.
    private const int MostFrames = 32;
    private const string FileKey = "codicil.file";
    private const string PositionKey = "codicil.position";

    /// <summary>Lets an error in a module that comes out of some work say which file it is about, and where in it when the module was text.</summary>
    public static T About<T>(string file, Func<T> work, SourceMap? sourceMap = null)
    {
        try
        {
            return work();
        }
        catch (WasmException exception) when (exception is MalformedModuleException or InvalidModuleException or UnsupportedModuleException)
        {
            exception.Data[FileKey] = file;
            exception.Data[PositionKey] = sourceMap?.Find(exception);
            throw;
        }
    }

    /// <summary>Whether the tool was started without a standard output (<c>&gt;&amp;-</c>) and has found out. Files that are opened have a name in their message, and another cause.</summary>
    public static bool IsClosedOutput(Exception exception)
    {
        const int BadDescriptor = 9;
        return !OperatingSystem.IsWindows() && exception is UnauthorizedAccessException { InnerException: IOException { HResult: BadDescriptor } };
    }

    /// <summary>The exit code of a failure that the tool expects; null is a bug.</summary>
    public static int? ExitCodeOf(Exception exception) => exception switch
    {
        ExitException exit => (int)(exit.ExitCode & 0xff),
        PluginException plugin => ExitCodeOf(plugin),
        TrapException { Code: TrapCode.OutOfFuel } => ExitCodes.OutOfFuel,
        TrapException => ExitCodes.Trap,
        LinkException => ExitCodes.Unlinkable,
        MalformedModuleException or InvalidModuleException or UnsupportedModuleException => ExitCodes.BadModule,
        TimeoutException => ExitCodes.Timeout,
        OperationCanceledException => ExitCodes.Interrupted,
        UsageException => ExitCodes.Usage,
        IOException or UnauthorizedAccessException => ExitCodes.NoInput,

        // A limit that the user set or the machine has ends the guest as a trap does.
        ResourceLimitException => ExitCodes.Trap,
        PlatformNotSupportedException => ExitCodes.Usage,
        _ => null,
    };

    // A plug-in's own code where there is one; what cannot be called is wrong usage, what cannot be loaded a bad module.
    private static int ExitCodeOf(PluginException exception) => exception.Failure switch
    {
        PluginFailure.Trap => ExitCodes.Trap,
        PluginFailure.UnknownFunction or PluginFailure.UnsuitableFunction => ExitCodes.Usage,
        PluginFailure.Manifest or PluginFailure.HashMismatch => ExitCodes.BadModule,
        PluginFailure.Load => ExitCodes.NoInput,
        PluginFailure.Initialization when exception.InnerException is Exception inner => ExitCodeOf(inner) ?? ExitCodes.Failure,
        PluginFailure.Limit => ExitCodes.Trap,
        _ => (exception.ExitCode & 0xff) is uint code and not 0 ? (int)code : ExitCodes.Failure,
    };

    public static void Report(Exception exception)
    {
        switch (exception)
        {
            case ExitException:
                return;
            case PluginException { Trap: TrapException inner }:
                Report(inner);
                return;
            case TrapException trap:
                Messages.Error(trap.Message);
                foreach (WasmFrame frame in trap.Frames.Take(MostFrames))
                {
                    Messages.Note($"    at {frame}");
                }

                if (trap.Frames.Length > MostFrames)
                {
                    Messages.Note(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"    and {trap.Frames.Length - MostFrames} frames more"));
                }

                return;
            default:
                Messages.Error(exception.Data[FileKey] is string file ? Locate(file, exception) : exception.Message);
                return;
        }
    }

    // FILE:LINE:COLUMN in front, as editors and terminals find it.
    private static string Locate(string file, Exception exception)
    {
        TextPosition? place = exception switch
        {
            MalformedModuleException { Line: int line, Column: int column } => new TextPosition(line, column),
            InvalidModuleException { Line: int line, Column: int column } => new TextPosition(line, column),
            _ => exception.Data[PositionKey] as TextPosition?,
        };
        string message = exception.Message;
        if (place?.ToString() is not string text)
        {
            return $"{file}: {message}";
        }

        // The message has it, too: before what is about the module's bytes, or at the end.
        string before = $"{text}: ";
        string behind = $" (at {text})";
        message = message.StartsWith(before, StringComparison.Ordinal) ? message[before.Length..] : message.EndsWith(behind, StringComparison.Ordinal) ? message[..^behind.Length] : message;
        return $"{file}:{text}: {message}";
    }
}
