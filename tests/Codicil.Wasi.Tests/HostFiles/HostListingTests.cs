using Codicil.Wasi.Abi;
using Codicil.Wasi.Files;

namespace Codicil.Wasi.Tests.HostFiles;

public sealed class HostListingTests
{
    public static TheoryData<string> Ways => HostTree.Ways;

    [Theory]
    [MemberData(nameof(Ways))]
    public void Entries_have_kinds_and_the_files_numbers(string way)
    {
        using var tree = new HostTree(way);
        tree.MakeDirectory("d");
        tree.Write("f", "");
        tree.Link("f", "l");
        tree.MakeFifo("p");
        List<Entry> entries = Listing.Read(tree.Root);
        Assert.Equal([".", ".."], entries.Take(2).Select(static entry => entry.Name));
        Assert.Equal(
            [("d", FileType.Directory), ("f", FileType.RegularFile), ("l", FileType.SymbolicLink), ("p", FileType.Unknown)],
            entries.Skip(2).Select(static entry => (entry.Name, entry.Type)).Order());
        foreach (Entry entry in entries)
        {
            // What is above the root is none of the program's business, not even its number.
            Assert.Equal(Errno.Success, tree.Root.GetStatus(HostTree.Bytes(entry.Name == ".." ? "." : entry.Name), false, out FileStatus status));
            Assert.Equal(status.Inode, entry.Inode);
        }

        Assert.Equal(Errno.Success, tree.Open("d", out WasiHandle? handle));
        using var directory = (WasiDirectory)handle!;
        Assert.Equal(entries[0].Inode, Listing.Read(directory)[1].Inode);
    }

    [Fact]
    [Trait("Security", "WF-09")]
    public void Any_buffer_and_any_cookie_will_do()
    {
        using var tree = new HostTree("openat2");
        for (int i = 0; i < 300; i++)
        {
            tree.Write($"name-{i}", "");
        }

        List<Entry> all = Listing.Read(tree.Root);
        Assert.Equal(302, all.Select(static entry => entry.Name).Distinct().Count());
        foreach (int size in (int[])[32, 33, 40, 57, 100, 1000, 100_000])
        {
            Assert.Equal(all, Listing.Read(tree.Root, size));
        }

        // From every entry on, in any order.
        byte[] buffer = new byte[64];
        foreach (Entry entry in all.Index().OrderBy(static pair => pair.Index * 7919 % 302).Select(static pair => pair.Item))
        {
            var writer = new DirectoryEntryWriter(buffer);
            Assert.Equal(Errno.Success, tree.Root.ReadEntries(entry.Next, ref writer));
            int next = all.IndexOf(entry) + 1;
            Assert.Equal(next < all.Count ? all[next].Next : 0, writer.Count == 0 ? 0 : BitConverter.ToUInt64(buffer));
        }

        foreach (ulong cookie in (ulong[])[3, 12345, 1ul << 40, long.MaxValue - 1, long.MaxValue, 1ul << 63, ulong.MaxValue])
        {
            var writer = new DirectoryEntryWriter(buffer);
            tree.Root.ReadEntries(cookie, ref writer);
        }
    }

    [Fact]
    [Trait("Security", "WF-09")]
    public void What_stays_comes_once_while_others_come_and_go()
    {
        using var tree = new HostTree("openat2");
        for (int i = 0; i < 2000; i++)
        {
            tree.Write($"{(i % 2 == 0 ? "stays" : "goes")}-{i}", "");
        }

        List<Entry> entries = Listing.Read(tree.Root, 256, count =>
        {
            string gone = tree.At($"goes-{(count * 3 % 1000 * 2) + 1}");
            File.Delete(gone);
            tree.Write($"new-{count}", "");
        });
        Assert.Equal(
            Enumerable.Range(0, 1000).Select(static i => $"stays-{i * 2}").Order(StringComparer.Ordinal),
            entries.Select(static entry => entry.Name).Where(static name => name.StartsWith("stays", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    [Trait("Security", "WF-09")]
    public void Programs_remove_what_they_list()
    {
        using var tree = new HostTree("openat2");
        for (int i = 0; i < 1000; i++)
        {
            tree.Write($"file-{i}", "");
        }

        // What was read is removed before more is read, as `rm -r` does.
        var seen = new List<string>();
        byte[] buffer = new byte[512];
        ulong cookie = 0;
        while (true)
        {
            var writer = new DirectoryEntryWriter(buffer);
            Assert.Equal(Errno.Success, tree.Root.ReadEntries(cookie, ref writer));
            int offset = 0;
            while (offset + 24 <= writer.Count && offset + 24 + BitConverter.ToInt32(buffer, offset + 16) <= writer.Count)
            {
                int length = BitConverter.ToInt32(buffer, offset + 16);
                seen.Add(System.Text.Encoding.UTF8.GetString(buffer, offset + 24, length));
                cookie = BitConverter.ToUInt64(buffer, offset);
                offset += 24 + length;
            }

            foreach (string name in seen.Where(static name => name[0] == 'f'))
            {
                File.Delete(tree.At(name));
            }

            if (writer.Count < buffer.Length)
            {
                break;
            }
        }

        Assert.Equal(1002, seen.Distinct().Count());
        Assert.Empty(Directory.EnumerateFileSystemEntries(tree.RootPath));
    }

    [Fact]
    [Trait("Security", "WF-09")]
    public void Two_hundred_thousand_entries_take_no_memory()
    {
        using var tree = new HostTree("openat2");
        for (int i = 0; i < 200_000; i++)
        {
            File.CreateSymbolicLink(tree.At($"entry-{i}"), "x");
        }

        int count = 0;
        byte[] buffer = new byte[4096];
        ulong cookie = 0;
        long before = GC.GetAllocatedBytesForCurrentThread();
        DirectoryEntryWriter writer;
        do
        {
            writer = new DirectoryEntryWriter(buffer);
            if (tree.Root.ReadEntries(cookie, ref writer) != Errno.Success)
            {
                break;
            }

            int offset = 0;
            while (offset + 24 <= writer.Count && offset + 24 + BitConverter.ToInt32(buffer, offset + 16) <= writer.Count)
            {
                count++;
                cookie = BitConverter.ToUInt64(buffer, offset);
                offset += 24 + BitConverter.ToInt32(buffer, offset + 16);
            }
        }
        while (writer.Count == buffer.Length);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(200_002, count);
        Assert.InRange(allocated, 0, 4096);
    }
}
