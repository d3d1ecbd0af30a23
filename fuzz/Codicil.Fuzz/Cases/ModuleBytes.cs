using Codicil.Format;
using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Validation;

namespace Codicil.Fuzz.Cases;

/// <summary>Modules as bytes with a little structure: sections, bodies, the ends of instructions.</summary>
internal static class ModuleBytes
{
    /// <summary>The module, or null where it cannot be decoded.</summary>
    public static WasmModule? Decode(byte[] bytes)
    {
        try
        {
            return ModuleDecoder.Decode(bytes, WasmFeatures.All);
        }
        catch (WasmException)
        {
            return null;
        }
    }

    public static bool IsValid(byte[] bytes, WasmFeatures features = WasmFeatures.All)
    {
        try
        {
            _ = ModuleValidator.Validate(ModuleDecoder.Decode(bytes, features));
            return true;
        }
        catch (WasmException)
        {
            return false;
        }
    }

    /// <summary>Where the instructions of a body begin, and the body's end.</summary>
    public static List<int> Boundaries(WasmModule module, int body)
    {
        FunctionBody function = module.Bodies[body];
        List<int> boundaries = [];
        var reader = new InstructionReader(module.Bytes.Span, function.InstructionsStart, function.Range.End);
        while (!reader.AtEnd)
        {
            boundaries.Add(reader.Offset);
            reader.Read(out _);
        }

        boundaries.Add(function.Range.End);
        return boundaries;
    }

    /// <summary>The module with another body; all sections but the code stay as they are.</summary>
    public static byte[] ReplaceBody(WasmModule module, int body, ReadOnlySpan<byte> contents)
    {
        ReadOnlySpan<byte> bytes = module.Bytes.Span;
        using var output = new MemoryStream();
        output.Write(bytes[..8]);
        for (int position = 8; position < bytes.Length;)
        {
            (int start, byte id, int end) = ReadSection(bytes, ref position);
            if (id == (byte)SectionId.Code)
            {
                using var code = new MemoryStream();
                WriteNumber(code, (uint)module.Bodies.Length);
                for (int i = 0; i < module.Bodies.Length; i++)
                {
                    ByteRange range = module.Bodies[i].Range;
                    ReadOnlySpan<byte> one = i == body ? contents : bytes.Slice(range.Start, range.Length);
                    WriteNumber(code, (uint)one.Length);
                    code.Write(one);
                }

                output.WriteByte(id);
                WriteNumber(output, (uint)code.Length);
                output.Write(code.GetBuffer().AsSpan(0, (int)code.Length));
            }
            else
            {
                output.Write(bytes[start..end]);
            }
        }

        return output.ToArray();
    }

    /// <summary>The module without custom sections.</summary>
    public static byte[] WithoutCustomSections(byte[] bytes)
    {
        using var output = new MemoryStream();
        output.Write(bytes.AsSpan(0, 8));
        for (int position = 8; position < bytes.Length;)
        {
            (int start, byte id, int end) = ReadSection(bytes, ref position);
            if (id != (byte)SectionId.Custom)
            {
                output.Write(bytes.AsSpan(start, end - start));
            }
        }

        return output.ToArray();
    }

    private static (int Start, byte Id, int End) ReadSection(ReadOnlySpan<byte> bytes, ref int position)
    {
        int start = position;
        byte id = bytes[position++];
        uint size = 0;
        for (int shift = 0; ; shift += 7)
        {
            byte next = bytes[position++];
            size |= (uint)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                break;
            }
        }

        position += (int)size;
        return (start, id, position);
    }

    private static void WriteNumber(MemoryStream output, uint number)
    {
        for (; number >= 0x80; number >>= 7)
        {
            output.WriteByte((byte)(number | 0x80));
        }

        output.WriteByte((byte)number);
    }
}
