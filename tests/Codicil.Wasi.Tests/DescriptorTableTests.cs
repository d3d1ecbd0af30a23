using Codicil.Wasi.Abi;
using Codicil.Wasi.Descriptors;

namespace Codicil.Wasi.Tests;

public sealed class DescriptorTableTests
{
    [Fact]
    public void Gives_out_the_lowest_free_number()
    {
        var table = new DescriptorTable(10);
        for (uint expected = 0; expected < 5; expected++)
        {
            Assert.Equal(Errno.Success, table.Add(new TestDescriptor(), out uint fd));
            Assert.Equal(expected, fd);
        }

        Assert.Equal(Errno.Success, table.Close(3));
        Assert.Equal(Errno.Success, table.Close(1));
        table.Add(new TestDescriptor(), out uint first);
        table.Add(new TestDescriptor(), out uint second);
        table.Add(new TestDescriptor(), out uint third);
        Assert.Equal([1u, 3u, 5u], [first, second, third]);
    }

    [Fact]
    public void Refuses_more_than_its_capacity()
    {
        var table = new DescriptorTable(9);
        for (int i = 0; i < 9; i++)
        {
            Assert.Equal(Errno.Success, table.Add(new TestDescriptor(), out _));
        }

        Assert.Equal(Errno.NFile, table.Add(new TestDescriptor(), out _));
        Assert.Equal(Errno.Success, table.Close(4));
        Assert.Equal(Errno.Success, table.Add(new TestDescriptor(), out uint fd));
        Assert.Equal(4u, fd);
        Assert.Equal(Errno.NFile, table.Add(new TestDescriptor(), out _));
    }

    [Fact]
    [Trait("Security", "WO-06")]
    public void Unknown_numbers_are_bad()
    {
        var table = new DescriptorTable(10);
        table.Add(new TestDescriptor(), out _);
        foreach (uint fd in (uint[])[1, 7, 8, 9, 10, 0x7FFF_FFFF, 0x8000_0000, uint.MaxValue])
        {
            Assert.False(table.TryGet(fd, out _));
            Assert.Equal(Errno.BadF, table.Close(fd));
            Assert.Equal(Errno.BadF, table.Renumber(0, fd));
            Assert.Equal(Errno.BadF, table.Renumber(fd, 0));
        }
    }

    [Fact]
    public void Plain_streams_of_the_lowest_numbers_are_at_hand_as_long_as_nobody_shares_the_table()
    {
        var table = new DescriptorTable(20);
        PlainOutput[] outputs = table.PlainOutputs;
        var descriptors = new Descriptor[12];
        for (int i = 0; i < descriptors.Length; i++)
        {
            table.Add(descriptors[i] = i == 0 ? new TestDescriptor() : new PlainDescriptor(new MemoryStream()), out _);
        }

        void Check()
        {
            Assert.Same(outputs, table.PlainOutputs);
            for (uint i = 0; i < outputs.Length; i++)
            {
                Stream? expected = table.TryGet(i, out Descriptor? descriptor) ? descriptor.PlainOutput : null;
                Assert.Same(expected, outputs[i].Stream);
                Assert.Same(descriptor, outputs[i].Descriptor);
            }
        }

        Check();
        Assert.Null(outputs[0].Stream);
        Assert.NotNull(outputs[7].Stream);
        table.Close(5);
        table.Renumber(11, 6);
        Check();
        Assert.Same(descriptors[11], outputs[6].Descriptor);
        Assert.Null(outputs[5].Stream);

        Assert.False(table.TryReduceRights(3, Rights.FdRead, Rights.None));
        Check();
        Assert.NotNull(outputs[3].Stream);
        Assert.True(table.TryReduceRights(3, Rights.FdSync, Rights.None));
        Check();
        Assert.Null(outputs[3].Stream);

        table.Share();
        Assert.All(outputs, static output => Assert.Equal(default, output));
        table.Add(new PlainDescriptor(new MemoryStream()), out uint fd);
        Assert.Equal(5u, fd);
        table.TryReduceRights(6, Rights.FdWrite, Rights.None);
        Assert.All(outputs, static output => Assert.Equal(default, output));
    }

    private sealed class PlainDescriptor(Stream stream) : Descriptor(FileType.Unknown, Rights.FdWrite | Rights.FdSync, Rights.None, stream);

    [Fact]
    public void Renumbering_closes_what_was_there_and_frees_the_old_number()
    {
        var table = new DescriptorTable(10);
        var from = new TestDescriptor();
        var to = new TestDescriptor();
        table.Add(from, out _);
        table.Add(to, out _);
        Assert.Equal(Errno.Success, table.Renumber(0, 0));
        Assert.Equal(Errno.Success, table.Renumber(0, 1));
        Assert.Equal(1, to.CloseCount);
        Assert.Equal(0, from.CloseCount);
        Assert.False(table.TryGet(0, out _));
        Assert.True(table.TryGet(1, out Descriptor? descriptor));
        Assert.Same(from, descriptor);
    }

    [Fact]
    [Trait("Security", "WF-07")]
    public void Rights_are_reduced_and_never_widened()
    {
        var descriptor = new TestDescriptor(Rights.FdRead | Rights.FdWrite, Rights.FdRead);
        Assert.False(descriptor.TryReduceRights(Rights.FdRead | Rights.FdSeek, Rights.None));
        Assert.False(descriptor.TryReduceRights(Rights.FdRead, Rights.FdWrite));
        Assert.Equal(Rights.FdRead | Rights.FdWrite, descriptor.RightsBase);
        Assert.True(descriptor.TryReduceRights(Rights.FdRead, Rights.FdRead));
        Assert.False(descriptor.TryReduceRights(Rights.FdRead | Rights.FdWrite, Rights.FdRead));
        Assert.Equal(Rights.FdRead, descriptor.RightsBase);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public void One_that_throws_keeps_no_other_from_being_disposed()
    {
        var table = new DescriptorTable(10);
        TestDescriptor[] descriptors = [new(), new() { Failure = new IOException("one") }, new(), new() { Failure = new IOException("three") }, new()];
        foreach (TestDescriptor descriptor in descriptors)
        {
            table.Add(descriptor, out _);
        }

        Assert.Equal([descriptors[1].Failure!, descriptors[3].Failure!], Assert.Throws<AggregateException>(table.Dispose).InnerExceptions);
        Assert.All(descriptors, static descriptor => Assert.True(descriptor.IsDisposed));
    }

    private sealed class TestDescriptor(Rights rights = Rights.None, Rights inheriting = Rights.None) : Descriptor(FileType.Unknown, rights, inheriting)
    {
        public int CloseCount { get; private set; }

        public bool IsDisposed { get; private set; }

        public Exception? Failure { get; init; }

        public override void Dispose()
        {
            IsDisposed = true;
            base.Dispose();
            if (Failure is not null)
            {
                throw Failure;
            }
        }

        public override Errno Close()
        {
            CloseCount++;
            return Errno.Success;
        }
    }
}
