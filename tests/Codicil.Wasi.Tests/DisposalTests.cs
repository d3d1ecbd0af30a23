using Codicil.Wasi.Abi;

namespace Codicil.Wasi.Tests;

public sealed class DisposalTests
{
    [Fact]
    [Trait("Security", "CL-02")]
    public async Task A_read_ahead_ends_with_the_store()
    {
        using var input = new WaitingStream();
        using (var guest = new Guest(WasiOptions.Default with { StandardInput = input }))
        {
            guest.Call("fd_fdstat_set_flags", 0, (int)FdFlags.NonBlock);
            Assert.Equal(Errno.Again, guest.Read(0, 10).Errno);
            await input.Started;
            Assert.False(input.Ended.IsCompleted);
        }

        await input.Ended.WaitAsync(TimeSpan.FromMinutes(1));
        Assert.False(input.IsDisposed);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public async Task A_read_ahead_ends_with_the_descriptor()
    {
        using var input = new WaitingStream();
        using var guest = new Guest(WasiOptions.Default with { StandardInput = input });
        guest.Call("fd_fdstat_set_flags", 0, (int)FdFlags.NonBlock);
        Assert.Equal(Errno.Again, guest.Read(0, 10).Errno);
        Assert.Equal(Errno.Success, guest.Call("fd_close", 0));
        await input.Ended.WaitAsync(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public void What_is_registered_is_disposed_with_the_store_the_last_first()
    {
        using var engine = Engine.Create();
        var disposed = new List<int>();
        Store store = engine.CreateStore();
        store.RegisterForDispose(new Resource(() => disposed.Add(1)));
        store.RegisterForDispose(new Resource(() => disposed.Add(2)));
        store.Dispose();
        store.Dispose();
        Assert.Equal([2, 1], disposed);
        store.RegisterForDispose(new Resource(() => disposed.Add(3)));
        Assert.Equal([2, 1, 3], disposed);
    }

    [Fact]
    [Trait("Security", "CL-02")]
    public void One_that_throws_keeps_no_other_from_being_disposed()
    {
        using var engine = Engine.Create();
        var disposed = new List<int>();
        var failure = new InvalidOperationException("two");
        Store store = engine.CreateStore();
        store.RegisterForDispose(new Resource(() => disposed.Add(1)));
        store.RegisterForDispose(new Resource(() => throw failure));
        store.RegisterForDispose(new Resource(() => disposed.Add(3)));
        Assert.Same(failure, Assert.Throws<InvalidOperationException>(store.Dispose));
        Assert.Equal([3, 1], disposed);
        Assert.True(store.IsDisposed);
        store.Dispose();

        store = engine.CreateStore();
        var another = new IOException("three");
        store.RegisterForDispose(new Resource(() => disposed.Add(4)));
        store.RegisterForDispose(new Resource(() => throw failure));
        store.RegisterForDispose(new Resource(() => throw another));
        Assert.Equal([another, failure], Assert.Throws<AggregateException>(store.Dispose).InnerExceptions);
        Assert.Equal([3, 1, 4], disposed);
    }

    private sealed class Resource(Action dispose) : IDisposable
    {
        public void Dispose() => dispose();
    }

    /// <summary>Reads wait until they are cancelled.</summary>
    private sealed class WaitingStream : OneWayStream
    {
        private readonly TaskCompletionSource _started = new();
        private readonly TaskCompletionSource _ended = new();

        public Task Started => _started.Task;

        public Task Ended => _ended.Task;

        public bool IsDisposed { get; private set; }

        public override bool CanRead => true;

        public override bool CanWrite => false;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            _started.TrySetResult();
            try
            {
                await Task.Delay(Timeout.Infinite, cancellationToken);
                return 0;
            }
            finally
            {
                _ended.TrySetResult();
            }
        }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }
    }
}
