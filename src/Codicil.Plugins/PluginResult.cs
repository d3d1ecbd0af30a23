using System.Text;

namespace Codicil.Plugins;

/// <summary>What an asynchronous call gave: a copy of the output, and the exit code.</summary>
public sealed class PluginResult
{
    internal PluginResult(byte[] data, uint exitCode)
    {
        Data = data;
        ExitCode = exitCode;
    }

    /// <summary>The output.</summary>
    public ReadOnlyMemory<byte> Data { get; }

    /// <summary>What the function returned (the low 32 bits of its result; 0 without one) or what the guest exited with. Not 0 is not an error by itself.</summary>
    public uint ExitCode { get; }

    /// <summary>The output as UTF-8 text; bad sequences become U+FFFD.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Data.Span);
}
