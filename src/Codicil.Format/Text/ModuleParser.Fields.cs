using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Text;

/// <content>The fields (6.6.2 to 6.6.12).</content>
internal sealed partial class ModuleParser
{
    private void ReadImport(int source)
    {
        byte[] moduleName = _cursor.ReadName();
        byte[] name = _cursor.ReadName();
        ExternKind kind = ReadExternKind();
        SkipIdentifier();
        WriteImport(source, moduleName, name, kind);
        _cursor.Close();
    }

    /// <summary>Reads the type of an import and writes the import.</summary>
    private void WriteImport(int source, byte[] moduleName, byte[] name, ExternKind kind)
    {
        // The type use comes before the entry: it may add a type, but it writes nothing here.
        _instructions.BeginFunction();
        uint typeIndex = kind is ExternKind.Function or ExternKind.Tag ? _types.ReadTypeUse(_instructions.Locals, allowIdentifiers: true) : 0;
        ByteWriter writer = _assembler.Imports.Add(source);
        writer.WriteByteVector(moduleName);
        writer.WriteByteVector(name);
        writer.WriteByte((byte)kind);
        switch (kind)
        {
            case ExternKind.Function:
                writer.WriteU32(typeIndex);
                _nextFunction++;
                break;
            case ExternKind.Table:
                TypeWriter.WriteTableType(writer, _types.ReadTableType());
                _nextTable++;
                break;
            case ExternKind.Memory:
                TypeWriter.WriteMemoryType(writer, _types.ReadMemoryType());
                _nextMemory++;
                break;
            case ExternKind.Global:
                TypeWriter.WriteGlobalType(writer, _types.ReadGlobalType());
                _nextGlobal++;
                break;
            default:
                writer.WriteByte(0);
                writer.WriteU32(typeIndex);
                _nextTag++;
                break;
        }
    }

    /// <summary>Reads the identifier, the inline exports and the inline import of a field; true when it was an import, which is then written.</summary>
    private bool ReadInlineExportsAndImport(int source, ExternKind kind, int index)
    {
        SkipIdentifier();
        while (_cursor.AtForm("export"u8))
        {
            int start = _cursor.Current.Start;
            _cursor.Position += 2;
            WriteExport(start, _cursor.ReadName(), kind, (uint)index);
            _cursor.Close();
        }

        if (!_cursor.TryForm("import"u8))
        {
            return false;
        }

        byte[] moduleName = _cursor.ReadName();
        byte[] name = _cursor.ReadName();
        _cursor.Close();
        WriteImport(source, moduleName, name, kind);
        return true;
    }

    private void WriteExport(int source, byte[] name, ExternKind kind, uint index)
    {
        ByteWriter writer = _assembler.Exports.Add(source);
        writer.WriteByteVector(name);
        writer.WriteByte((byte)kind);
        writer.WriteU32(index);
    }

    private void ReadExport(int source)
    {
        byte[] name = _cursor.ReadName();
        ExternKind kind = ReadExternKind();
        WriteExport(source, name, kind, _types.ReadIndex(ScopeOf(kind)));
        _cursor.Close();
    }

    private void ReadStart(int source)
    {
        if (_hasStart)
        {
            _cursor.Fail("multiple start sections", _cursor.Position);
        }

        _hasStart = true;
        _assembler.SetStart(source, _types.ReadIndex(_scopes.Functions));
    }

    private void ReadFunction(int source)
    {
        if (ReadInlineExportsAndImport(source, ExternKind.Function, _nextFunction))
        {
            return;
        }

        int index = _nextFunction++;
        _instructions.BeginFunction();
        int typePosition = _cursor.Position;
        uint typeIndex = _types.ReadTypeUse(_instructions.Locals, allowIdentifiers: true);
        _assembler.Functions.Add(source).WriteU32(typeIndex);
        _scratch.Clear();
        _scratch.Mark(source);
        ReadLocals(typeIndex, typePosition);
        _instructions.ReadBody(_scratch);
        _scratch.Mark(_cursor.Current.Start);
        _scratch.Code.WriteByte((byte)Opcode.End);
        _assembler.AddBody(source, _scratch);
        _assembler.AddBranchHints(index, _instructions.BranchHints);
        _assembler.AddLocalNames(index, _instructions.Locals, _instructions.Labels);
    }

    private void ReadLocals(uint typeIndex, int typePosition)
    {
        List<(uint Count, ValType Type)> groups = [];
        while (_cursor.TryForm("local"u8))
        {
            if (_types.AtBinding)
            {
                if (_scopes.TypeTable.FindFunction(typeIndex) is null)
                {
                    // Without the parameters nobody knows which index the identifier stands for.
                    _cursor.Fail($"unknown type {typeIndex}", typePosition);
                }

                _types.Bind(_instructions.Locals);
                AddLocal(groups, _types.ReadValType());
            }
            else
            {
                while (_cursor.Kind != TokenKind.RightParenthesis)
                {
                    AddLocal(groups, _types.ReadValType());
                    _instructions.Locals.AddAnonymous();
                }
            }

            _cursor.Close();
        }

        _scratch.Code.WriteU32((uint)groups.Count);
        foreach ((uint count, ValType type) in groups)
        {
            _scratch.Code.WriteU32(count);
            TypeWriter.WriteValType(_scratch.Code, type);
        }
    }

    private static void AddLocal(List<(uint Count, ValType Type)> groups, ValType type)
    {
        if (groups.Count > 0 && groups[^1].Type == type)
        {
            groups[^1] = (groups[^1].Count + 1, type);
        }
        else
        {
            groups.Add((1, type));
        }
    }

    private void ReadTable(int source)
    {
        if (ReadInlineExportsAndImport(source, ExternKind.Table, _nextTable))
        {
            return;
        }

        int index = _nextTable++;
        bool is64 = _types.ReadIs64();
        if (_cursor.Kind != TokenKind.Number)
        {
            ReadTableWithElements(source, index, is64);
            return;
        }

        Limits limits = _types.ReadLimits();
        TableType type = new(_types.ReadReferenceType(), limits, is64);
        Section tables = _assembler.Tables;
        ByteWriter writer = tables.Add(source);
        if (_cursor.Kind == TokenKind.RightParenthesis)
        {
            TypeWriter.WriteTableType(writer, type);
            return;
        }

        writer.WriteByte(0x40);
        writer.WriteByte(0x00);
        TypeWriter.WriteTableType(writer, type);
        WriteExpression(tables.Content);
    }

    /// <summary><c>(table reftype (elem ...))</c>.</summary>
    private void ReadTableWithElements(int source, int index, bool is64)
    {
        ValType type = _types.ReadReferenceType();
        int elementsSource = _cursor.Current.Start;
        _cursor.ExpectForm("elem"u8);
        _scratch.Clear();
        uint count;
        bool areIndices = _cursor.Kind != TokenKind.LeftParenthesis && type == ValType.FuncRef;
        if (_cursor.Kind == TokenKind.LeftParenthesis)
        {
            count = ReadElementExpressions(_scratch);
        }
        else
        {
            count = areIndices ? ReadFunctionIndices(_scratch) : ReadFunctionIndicesAsExpressions(_scratch);
        }

        _cursor.Close();
        TypeWriter.WriteTableType(_assembler.Tables.Add(source), new TableType(type, new Limits(count, count), is64));
        WriteZeroOffset(is64, source);
        WriteElements(elementsSource, SegmentMode.Active, (uint)index, type, areIndices, count, _scratch);
    }

    private void WriteZeroOffset(bool is64, int source)
    {
        _offset.Clear();
        _offset.Mark(source);
        _offset.Code.WriteByte((byte)(is64 ? Opcode.I64Const : Opcode.I32Const));
        _offset.Code.WriteByte(0);
        _offset.Code.WriteByte((byte)Opcode.End);
    }

    private void ReadMemory(int source)
    {
        if (ReadInlineExportsAndImport(source, ExternKind.Memory, _nextMemory))
        {
            return;
        }

        int index = _nextMemory++;
        int position = _cursor.Position;
        bool is64 = _types.ReadIs64();
        if (_cursor.Kind == TokenKind.Number)
        {
            _cursor.Position = position;
            TypeWriter.WriteMemoryType(_assembler.Memories.Add(source), _types.ReadMemoryType());
            return;
        }

        int pageSizeLog2 = _types.ReadPageSizeLog2();
        int dataSource = _cursor.Current.Start;
        _cursor.ExpectForm("data"u8);
        ReadOnlySpan<byte> content = ReadStrings();
        _cursor.Close();
        ulong pages = ((ulong)content.Length + (1UL << pageSizeLog2) - 1) >> pageSizeLog2;
        TypeWriter.WriteMemoryType(_assembler.Memories.Add(source), new MemoryType(new Limits(pages, pages), is64, isShared: false, pageSizeLog2));
        WriteZeroOffset(is64, source);
        WriteData(dataSource, (uint)index, content);
    }

    private void ReadGlobal(int source)
    {
        if (ReadInlineExportsAndImport(source, ExternKind.Global, _nextGlobal))
        {
            return;
        }

        _nextGlobal++;
        Section globals = _assembler.Globals;
        TypeWriter.WriteGlobalType(globals.Add(source), _types.ReadGlobalType());
        WriteExpression(globals.Content);
    }

    private void ReadTag(int source)
    {
        if (ReadInlineExportsAndImport(source, ExternKind.Tag, _nextTag))
        {
            return;
        }

        _nextTag++;
        _instructions.BeginFunction();
        uint typeIndex = _types.ReadTypeUse(_instructions.Locals, allowIdentifiers: true);
        ByteWriter writer = _assembler.Tags.Add(source);
        writer.WriteByte(0);
        writer.WriteU32(typeIndex);
    }

    private void ReadElements(int source)
    {
        SkipIdentifier();
        SegmentMode mode = SegmentMode.Passive;
        uint table = 0;
        if (_cursor.TryKeyword("declare"u8))
        {
            mode = SegmentMode.Declarative;
        }
        else if (_cursor.Kind == TokenKind.Number)
        {
            // WebAssembly 1.0 had a bare index here, and texts of its time still do.
            table = _cursor.ReadU32();
            mode = SegmentMode.Active;
            ReadOffset();
        }
        else if (_cursor.TryForm("table"u8))
        {
            table = _types.ReadIndex(_scopes.Tables);
            _cursor.Close();
            mode = SegmentMode.Active;
            ReadOffset();
        }
        else if (_cursor.Kind == TokenKind.LeftParenthesis && !_cursor.AtForm("ref"u8))
        {
            mode = SegmentMode.Active;
            ReadOffset();
        }

        _scratch.Clear();
        if (_cursor.TryKeyword("func"u8) || (mode == SegmentMode.Active && (_cursor.AtIndex || _cursor.Kind == TokenKind.RightParenthesis)))
        {
            uint count = ReadFunctionIndices(_scratch);
            WriteElements(source, mode, table, ValType.FuncRef, areIndices: true, count, _scratch);
        }
        else
        {
            ValType type = _types.ReadReferenceType();
            uint count = ReadElementExpressions(_scratch);
            WriteElements(source, mode, table, type, areIndices: false, count, _scratch);
        }
    }

    /// <summary>Writes an element segment; an active one takes its offset from <c>_offset</c>.</summary>
    private void WriteElements(int source, SegmentMode mode, uint table, ValType type, bool areIndices, uint count, CodeBuffer elements)
    {
        Section section = _assembler.Elements;
        ByteWriter writer = section.Add(source);

        // Bit 0: not active, bit 1: a table index, or declarative; bit 2: expressions (5.5.12). Table 0 of functions has a short form.
        bool isShort = mode == SegmentMode.Active && table == 0 && (areIndices || type == ValType.FuncRef);
        int mode2 = mode switch { SegmentMode.Passive => 1, SegmentMode.Declarative => 3, _ => isShort ? 0 : 2 };
        writer.WriteU32((uint)(mode2 | (areIndices ? 0 : 4)));
        if (mode2 == 2)
        {
            writer.WriteU32(table);
        }

        if (mode == SegmentMode.Active)
        {
            section.Content.Append(_offset);
        }

        if (!isShort && areIndices)
        {
            writer.WriteByte(0);
        }
        else if (!isShort)
        {
            TypeWriter.WriteValType(writer, type);
        }

        writer.WriteU32(count);
        section.Content.Append(elements);
    }

    private uint ReadFunctionIndices(CodeBuffer output)
    {
        uint count = 0;
        for (; _cursor.AtIndex; count++)
        {
            output.Mark(_cursor.Current.Start);
            output.Code.WriteU32(_types.ReadIndex(_scopes.Functions));
        }

        return count;
    }

    private uint ReadFunctionIndicesAsExpressions(CodeBuffer output)
    {
        uint count = 0;
        for (; _cursor.AtIndex; count++)
        {
            output.Mark(_cursor.Current.Start);
            output.Code.WriteByte((byte)Opcode.RefFunc);
            output.Code.WriteU32(_types.ReadIndex(_scopes.Functions));
            output.Code.WriteByte((byte)Opcode.End);
        }

        return count;
    }

    private uint ReadElementExpressions(CodeBuffer output)
    {
        uint count = 0;
        for (; _cursor.Kind == TokenKind.LeftParenthesis; count++)
        {
            if (_cursor.TryForm("item"u8))
            {
                WriteExpression(output);
                _cursor.Close();
            }
            else
            {
                WriteFolded(output);
            }
        }

        return count;
    }

    private void ReadData(int source)
    {
        SkipIdentifier();
        uint? memory = null;
        if (_cursor.Kind == TokenKind.Number)
        {
            // As in WebAssembly 1.0.
            memory = _cursor.ReadU32();
            ReadOffset();
        }
        else if (_cursor.TryForm("memory"u8))
        {
            memory = _types.ReadIndex(_scopes.Memories);
            _cursor.Close();
            ReadOffset();
        }
        else if (_cursor.Kind == TokenKind.LeftParenthesis)
        {
            memory = 0;
            ReadOffset();
        }

        WriteData(source, memory, ReadStrings());
    }

    private void WriteData(int source, uint? memory, ReadOnlySpan<byte> content)
    {
        Section section = _assembler.Data;
        ByteWriter writer = section.Add(source);
        if (memory is not uint index)
        {
            writer.WriteByte(1);
        }
        else
        {
            writer.WriteByte((byte)(index == 0 ? 0 : 2));
            if (index != 0)
            {
                writer.WriteU32(index);
            }

            section.Content.Append(_offset);
        }

        writer.WriteByteVector(content);
    }

    /// <summary><c>(offset expr)</c> or one folded instruction, into <c>_offset</c>.</summary>
    private void ReadOffset()
    {
        _offset.Clear();
        if (_cursor.TryForm("offset"u8))
        {
            WriteExpression(_offset);
            _cursor.Close();
        }
        else
        {
            WriteFolded(_offset);
        }
    }

    /// <summary>Instructions up to the closing parenthesis, and the end.</summary>
    private void WriteExpression(CodeBuffer output)
    {
        _instructions.BeginFunction();
        _instructions.ReadSequence(output);
        output.Mark(_cursor.Current.Start);
        output.Code.WriteByte((byte)Opcode.End);
    }

    private void WriteFolded(CodeBuffer output)
    {
        _instructions.BeginFunction();
        _instructions.ReadFolded(output);
        output.Code.WriteByte((byte)Opcode.End);
    }
}
