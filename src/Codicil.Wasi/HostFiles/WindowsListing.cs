using System.Buffers.Binary;
using System.Text.Unicode;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.HostFiles;

/// <summary>
/// The entries of a directory on Windows. There are no places that could be gone back to, so entries are counted: 0 is the beginning, 1 after <c>.</c>, 2 after <c>..</c>. NTFS lists by name, and goes on behind the last name it gave.
/// </summary>
internal sealed class WindowsListing(INtFiles files, NtHandle open) : IDisposable
{
    private const ulong FirstPlace = 2;
    private const int BufferSize = 8192;
    private const int NameOffset = 80;

    private readonly byte[] _buffer = new byte[BufferSize];
    private int _start;
    private int _end;
    private ulong _count;
    private bool _restarts = true;

    /// <summary>Reads entries from a cookie on.</summary>
    /// <param name="inode">The directory's own number.</param>
    /// <param name="parent">That of the directory above, or its own when that is none of the program's business.</param>
    /// <param name="cookie">Where to begin.</param>
    /// <param name="writer">Takes the entries.</param>
    public Errno Read(ulong inode, ulong parent, ulong cookie, ref DirectoryEntryWriter writer)
    {
        if ((cookie == 0 && !writer.TryAdd(1, inode, FileType.Directory, "."u8)) || (cookie < FirstPlace && !writer.TryAdd(FirstPlace, parent, FileType.Directory, ".."u8)))
        {
            return Errno.Success;
        }

        ulong place = Math.Max(cookie, FirstPlace) - FirstPlace;
        if (place < _count)
        {
            _start = 0;
            _end = 0;
            _count = 0;
            _restarts = true;
        }

        while (true)
        {
            if (_start == _end)
            {
                uint result = files.ReadDirectory(open, _buffer, _restarts, out int count);
                _restarts = false;
                if (Nt.IsError(result) || result == Nt.StatusNoMoreFiles || count == 0)
                {
                    // A directory that was removed has no entries.
                    return result is Nt.StatusNoMoreFiles or Nt.StatusNoSuchFile ? Errno.Success : WindowsErrors.Translate(result);
                }

                _start = 0;
                _end = count;
            }

            if (_count >= place && !Add(_buffer.AsSpan(_start, _end - _start), ref writer))
            {
                // The last one was cut, perhaps; then it is asked for again.
                return Errno.Success;
            }

            int next = (int)BinaryPrimitives.ReadUInt32LittleEndian(_buffer.AsSpan(_start));
            _start = next == 0 ? _end : _start + next;
            _count++;
        }
    }

    public void Dispose() => open.Dispose();

    // FILE_ID_FULL_DIR_INFORMATION; the size of extended attributes is the tag of what has one.
    private bool Add(ReadOnlySpan<byte> entry, ref DirectoryEntryWriter writer)
    {
        ReadOnlySpan<byte> text = entry.Slice(NameOffset, (int)BinaryPrimitives.ReadUInt32LittleEndian(entry[60..]));
        Span<char> name = stackalloc char[text.Length / sizeof(char)];
        for (int i = 0; i < name.Length; i++)
        {
            name[i] = (char)BinaryPrimitives.ReadUInt16LittleEndian(text[(i * sizeof(char))..]);
        }

        // `.` and `..` came before. What no path can have is left out.
        const int LongestCharacter = 3;
        int most = name.Length * LongestCharacter;
        Span<byte> utf8 = stackalloc byte[most];
        if (!WindowsNames.IsFileName(name) || Utf8.FromUtf16(name, utf8, out _, out int length, replaceInvalidSequences: false) != System.Buffers.OperationStatus.Done || length >= HostWalk.LongestName)
        {
            return true;
        }

        FileType type = WindowsFiles.TypeOf(BinaryPrimitives.ReadUInt32LittleEndian(entry[56..]), BinaryPrimitives.ReadUInt32LittleEndian(entry[64..]));
        return writer.TryAdd(_count + 1 + FirstPlace, BinaryPrimitives.ReadUInt64LittleEndian(entry[72..]), type, utf8[..length]);
    }
}
