using System.Text;

namespace Codicil.Plugins;

/// <summary>What a call gave: the output, readable until the plug-in's next call, and the exit code.</summary>
public readonly ref struct PluginOutput
{
    internal PluginOutput(ReadOnlySpan<byte> data, uint exitCode)
    {
        Data = data;
        ExitCode = exitCode;
    }

    /// <summary>The output in the kernel's memory: not copied, and overwritten by the next call.</summary>
    public ReadOnlySpan<byte> Data { get; }

    /// <summary>What the function returned (the low 32 bits of its result; 0 without one) or what the guest exited with. Not 0 is not an error by itself.</summary>
    public uint ExitCode { get; }

    /// <summary>A copy of the output.</summary>
    public byte[] ToArray() => Data.ToArray();

    /// <summary>The output as UTF-8 text; bad sequences become U+FFFD.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Data);
}
