using System.Buffers.Binary;
using System.Text;

using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.HostFiles;

internal sealed record Entry(string Name, FileType Type, ulong Inode, ulong Next);

/// <summary>Reads directories as programs do: with a buffer, again and again from the last whole entry.</summary>
internal static class Listing
{
    public static List<Entry> Read(WasiDirectory directory, int bufferSize = 4096, Action<int>? afterEach = null)
    {
        var entries = new List<Entry>();
        byte[] buffer = new byte[bufferSize];
        ulong cookie = 0;
        while (true)
        {
            var writer = new DirectoryEntryWriter(buffer);
            Assert.Equal(Errno.Success, directory.ReadEntries(cookie, ref writer));
            int before = entries.Count;
            ReadOnlySpan<byte> rest = buffer.AsSpan(0, writer.Count);
            while (rest.Length >= 24)
            {
                int length = BinaryPrimitives.ReadInt32LittleEndian(rest[16..]);
                if (rest.Length < 24 + length)
                {
                    break;
                }

                cookie = BinaryPrimitives.ReadUInt64LittleEndian(rest);
                entries.Add(new Entry(Encoding.UTF8.GetString(rest.Slice(24, length)), (FileType)rest[20], BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]), cookie));
                rest = rest[(24 + length)..];
            }

            if (writer.Count < bufferSize)
            {
                return entries;
            }

            Assert.True(entries.Count > before, "the buffer is too small for any entry");
            afterEach?.Invoke(entries.Count);
        }
    }

    public static IEnumerable<string> Names(WasiDirectory directory) => Read(directory).Select(static entry => entry.Name);
}
