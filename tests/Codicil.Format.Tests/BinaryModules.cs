using Codicil.Format.Binary;
using Codicil.Format.Modules;

namespace Codicil.Format.Tests;

/// <summary>Modules written by hand, byte by byte.</summary>
internal static class BinaryModules
{
    /// <summary>A type section with one type, <c>[] -> []</c>.</summary>
    public static byte[] OneType => Section(SectionId.Type, [1, 0x60, 0, 0]);

    /// <summary>A function section with one function of type 0.</summary>
    public static byte[] OneFunction => Section(SectionId.Function, [1, 0]);

    public static byte[] Module(params byte[][] sections)
    {
        var writer = new ByteWriter();
        writer.WriteBytes([0x00, 0x61, 0x73, 0x6D, 1, 0, 0, 0]);
        foreach (byte[] section in sections)
        {
            writer.WriteBytes(section);
        }

        return writer.ToArray();
    }

    public static byte[] Section(SectionId id, ReadOnlySpan<byte> content)
    {
        var writer = new ByteWriter();
        int start = writer.BeginSection(id);
        writer.WriteBytes(content);
        writer.EndSized(start);
        return writer.ToArray();
    }

    /// <summary>A custom section.</summary>
    public static byte[] Custom(string name, ReadOnlySpan<byte> content)
    {
        var writer = new ByteWriter();
        writer.WriteName(name);
        writer.WriteBytes(content);
        return Section(SectionId.Custom, writer.Written);
    }

    /// <summary>A module with one function of the given body (locals and instructions).</summary>
    public static byte[] WithBody(ReadOnlySpan<byte> body) => Module(OneType, OneFunction, CodeSection(body));

    /// <summary>A code section with one body.</summary>
    public static byte[] CodeSection(ReadOnlySpan<byte> body)
    {
        var code = new ByteWriter();
        code.WriteU32(1);
        code.WriteByteVector(body);
        return Section(SectionId.Code, code.Written);
    }

    /// <summary>The unsigned LEB128 bytes of a number.</summary>
    public static byte[] U32(uint value)
    {
        var writer = new ByteWriter();
        writer.WriteU32(value);
        return writer.ToArray();
    }
}
