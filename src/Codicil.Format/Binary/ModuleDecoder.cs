using Codicil.Format.Instructions;
using Codicil.Format.Modules;

namespace Codicil.Format.Binary;

/// <summary>Decodes the binary format. The instances do the work of one call and are not handed out.</summary>
/// <remarks>
/// WebAssembly 3.0, 5.5 Modules. Function bodies are only measured here, not read: the validator walks their instructions. Items are read up to
/// the end of the module and their section's size is checked behind them, as the reference interpreter does it, so that errors are the same.
/// </remarks>
public ref partial struct ModuleDecoder
{
    private const uint Magic = 0x6D736100;
    private const uint Version = 1;
    private const int HeaderLength = 8;

    private ModuleDecoder(ReadOnlySpan<byte> bytes, WasmFeatures features)
    {
        _bytes = bytes;
        _features = features;
        _reader = new ByteReader(bytes, HeaderLength, bytes.Length);
    }

    /// <summary>Decodes a module.</summary>
    /// <param name="bytes">The bytes; they are copied.</param>
    /// <param name="features">The proposals that the module may use.</param>
    /// <exception cref="MalformedModuleException">The bytes do not follow the binary format.</exception>
    /// <exception cref="UnsupportedModuleException">The module needs a proposal that <paramref name="features"/> lacks, or exceeds one of the <see cref="ImplementationLimits"/>.</exception>
    public static WasmModule Decode(ReadOnlySpan<byte> bytes, WasmFeatures features = WasmFeatures.Wasm3)
    {
        if (bytes.Length > ImplementationLimits.ModuleSizeInBytes)
        {
            Malformed.OverLimit("bytes in the module", (ulong)bytes.Length, ImplementationLimits.ModuleSizeInBytes, 0);
        }

        CheckHeader(bytes);
        byte[] copy = GC.AllocateUninitializedArray<byte>(bytes.Length);
        bytes.CopyTo(copy);
        var decoder = new ModuleDecoder(copy, features);
        try
        {
            decoder.ReadSections();
        }
        catch (MalformedModuleException)
        {
            // Bodies are not read before they are validated. Where the module is malformed anyway, the first error in it is reported,
            // which may lie in a body: an overlong number there often looks like a broken section behind the body.
            decoder.ReadBodies();
            throw;
        }

        return decoder.ToModule(copy);
    }

    private static void CheckHeader(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            Malformed.Throw("unexpected end: the input is empty", 0);
        }

        var reader = new ByteReader(bytes, 0, bytes.Length);
        if (reader.ReadFixed32() != Magic)
        {
            Malformed.Throw("magic header not detected" + Guess(bytes), 0);
        }

        uint version = reader.ReadFixed32();
        if (version != Version)
        {
            string component = version >> 16 == 1 ? ": this is a component, not a core module" : $": {version}";
            Malformed.Throw("unknown binary version" + component, 4);
        }
    }

    /// <summary>What people hand over instead of a module.</summary>
    private static string Guess(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0x1F, 0x8B, ..] => ": the input is compressed with gzip",
        [(byte)'P', (byte)'K', 3, 4, ..] => ": the input is a zip archive",
        [0x28, 0xB5, 0x2F, 0xFD, ..] => ": the input is compressed with Zstandard",
        [0x7F, (byte)'E', (byte)'L', (byte)'F', ..] => ": the input is a native program",
        [(byte)'!', (byte)'<', (byte)'a', (byte)'r', ..] => ": the input is an archive of object files",
        [(byte)'(', ..] or [(byte)';', (byte)';', ..] => ": the input looks like the text format",
        _ => "",
    };

    private void ReadSections()
    {
        var last = SectionId.Custom;
        while (!_reader.AtEnd)
        {
            int start = _reader.Position;
            byte id = _reader.ReadByte();
            if (id > (byte)SectionId.Tag)
            {
                Malformed.Throw($"malformed section id {id}", start);
            }

            var section = (SectionId)id;
            if (section != SectionId.Custom)
            {
                if (last != SectionId.Custom && SectionOrder.Rank(section) <= SectionOrder.Rank(last))
                {
                    Malformed.Throw($"unexpected content after last section: the {section} section cannot follow the {last} section", start);
                }

                last = section;
            }

            int size = _reader.ReadLength();
            int contentStart = _reader.Position;
            ReadSection(section, last, contentStart + size);
            if (_reader.Position != contentStart + size)
            {
                Malformed.SectionSizeMismatch(contentStart);
            }
        }

        if (_bodies.Count != _functions.Count - _importedFunctionCount)
        {
            Malformed.Throw(
                $"function and code section have inconsistent lengths: {_functions.Count - _importedFunctionCount} and {_bodies.Count}",
                _bytes.Length);
        }

        if (_dataCount is int dataCount && dataCount != _dataSegments.Count)
        {
            Malformed.Throw($"data count and data section have inconsistent lengths: {dataCount} and {_dataSegments.Count}", _bytes.Length);
        }
    }

    private void ReadSection(SectionId section, SectionId last, int end)
    {
        switch (section)
        {
            case SectionId.Custom:
                ReadCustomSection(last, end);
                break;
            case SectionId.Type:
                ReadTypeSection();
                break;
            case SectionId.Import:
                ReadImportSection();
                break;
            case SectionId.Function:
                ReadFunctionSection();
                break;
            case SectionId.Table:
                ReadTableSection();
                break;
            case SectionId.Memory:
                ReadMemorySection();
                break;
            case SectionId.Tag:
                ReadTagSection();
                break;
            case SectionId.Global:
                ReadGlobalSection();
                break;
            case SectionId.Export:
                ReadExportSection();
                break;
            case SectionId.Start:
                _startOffset = _reader.Position;
                _startFunction = _reader.ReadIndex();
                break;
            case SectionId.Element:
                ReadElementSection();
                break;
            case SectionId.DataCount:
                FeatureGate.Require(_features, WasmFeatures.BulkMemory, _reader.Position);
                _dataCount = _reader.ReadIndex();
                break;
            case SectionId.Code:
                ReadCodeSection();
                break;
            default:
                ReadDataSection();
                break;
        }
    }

    /// <summary>Reads the instructions of the bodies for the errors in them.</summary>
    private readonly void ReadBodies()
    {
        foreach (FunctionBody body in _bodies)
        {
            var instructions = new InstructionReader(_bytes, body.InstructionsStart, body.Range.End, _features);
            while (!instructions.AtEnd)
            {
                instructions.Read(out _);
            }
        }
    }

    private void ReadCustomSection(SectionId last, int end)
    {
        string name = _reader.ReadName();
        if (_reader.Position > end)
        {
            Malformed.UnexpectedEnd(end);
        }

        _customSections.Add(new CustomSection(name, new ByteRange(_reader.Position, end - _reader.Position)) { PrecedingSection = last });
        _reader.Skip(end - _reader.Position);
    }

    /// <summary>Reads the number of elements of a vector and holds it, with those that are there already, to a limit.</summary>
    private int ReadCount(int present, int limit, string what)
    {
        int start = _reader.Position;
        int count = _reader.ReadLength();
        if (count > limit - present)
        {
            Malformed.OverLimit(what, (ulong)count + (ulong)present, limit, start);
        }

        return count;
    }

    /// <summary>How many elements to make room for: the declared count, but no more than the bytes that are left can hold.</summary>
    private readonly int RoomFor(int count, int minimumSizeInBytes) => Math.Min(count, (_reader.Remaining / minimumSizeInBytes) + 1);

    /// <summary>Reads a constant expression up to and with its <c>end</c>; which instructions may stand in it is the validator's business.</summary>
    private ByteRange ReadConstantExpression()
    {
        int start = _reader.Position;
        var instructions = new InstructionReader(_bytes, start, _bytes.Length, _features);
        instructions.ReadToEnd();
        _reader.Position = instructions.Offset;
        return new ByteRange(start, instructions.Offset - start);
    }
}
