using System.Net;
using System.Net.Sockets;
using System.Text;

using Codicil.Plugins.Http;
using Codicil.Tests;

namespace Codicil.Plugins.Tests.Http;

/// <summary>Whatever a request waits for, the end of the call ends it.</summary>
[Trait("Security", "HT-07")]
public sealed class HttpDeadlineTests
{
    private static readonly TimeSpan s_hang = TimeSpan.FromMinutes(3);

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string wait in (string[])["resolver", "stubborn resolver", "connect", "handshake", "silence", "headers", "informational", "body", "compressed body", "upload", "redirects", "proxy"])
            {
                foreach (string end in (string[])["deadline", "token", "dispose", "dispose all", "request timeout"])
                {
                    cases.Add(wait, end);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Security", "LM-02")]
    public async Task The_end_of_the_call_ends_a_request(string wait, string end)
    {
        var reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var resolverEnded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using RawServer server = new((connection, token) => Serve(wait, connection, reached, token));
        using var full = new FullListener(wait == "connect");
        PluginHttpOptions http = new PluginHttpOptions
        {
            RequestTimeout = end == "request timeout" ? TimeSpan.FromMilliseconds(300) : TimeSpan.FromMinutes(10),
            Resolver = async (host, token) =>
            {
                switch (wait)
                {
                    case "resolver":
                        reached.TrySetResult();
                        try
                        {
                            await Task.Delay(Timeout.Infinite, token);
                        }
                        finally
                        {
                            resolverEnded.TrySetResult();
                        }

                        break;
                    case "stubborn resolver":
                        reached.TrySetResult();
                        await Task.Delay(Timeout.Infinite, CancellationToken.None);
                        break;
                    case "connect":
                        reached.TrySetResult();
                        return [full.EndPoint];
                }

                return [new IPEndPoint(IPAddress.Loopback, server.Port)];
            },
            Proxy = wait == "proxy" ? new BlockingProxy(reached) : null,

            // More than anybody follows until then.
            MaxRedirects = int.MaxValue,
        };
        using CompiledPlugin compiled = CompiledPlugin.Create(HttpGuest.Manifest("slow.example"), new PluginOptions { Http = http });
        using Plugin plugin = compiled.CreateInstance();
        plugin.Timeout = end == "deadline" ? TimeSpan.FromMilliseconds(300) : null;
        using var source = new CancellationTokenSource();
        string scheme = wait == "handshake" ? "https" : "http";
        byte[]? body = wait == "upload" ? new byte[40_000_000] : null;
        byte[] json = Encoding.UTF8.GetBytes($$"""{"url":"{{scheme}}://slow.example:{{server.Port}}/"}""");
        var call = Task.Factory.StartNew(() => Record.Exception(() => { plugin.SendJson(json, body, source.Token); }), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        if (end is "token" or "dispose" or "dispose all")
        {
            await reached.Task.WaitAsync(s_hang);
            if (end == "token")
            {
                source.Cancel();
            }
            else if (end == "dispose")
            {
                plugin.Dispose();
            }
            else
            {
                compiled.Dispose();
            }
        }

        Exception? exception = await call.WaitAsync(s_hang);
        switch (end)
        {
            case "deadline":
                Assert.IsType<WasmTimeoutException>(exception);
                Assert.True(plugin.IsClosed);
                break;
            case "token":
                Assert.IsType<WasmCanceledException>(exception);
                Assert.True(plugin.IsClosed);
                break;
            case "dispose" or "dispose all":
                Assert.IsType<ObjectDisposedException>(exception);
                break;
            default:
                Assert.Equal(PluginFailure.Limit, Assert.IsType<PluginException>(exception).Failure);
                Assert.Contains("no complete response", exception.Message, StringComparison.Ordinal);
                Assert.Equal(0u, plugin.Call("status").ExitCode);
                break;
        }

        // Nobody goes on with it; a slow machine may not have come as far in its time.
        if (wait == "resolver" && reached.Task.IsCompleted)
        {
            await resolverEnded.Task.WaitAsync(s_hang);
        }

        foreach (RawServer.Connection connection in server.Connections)
        {
            await connection.Ended.Task.WaitAsync(s_hang);
        }
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public void The_next_call_knows_nothing_of_an_earlier_requests_time()
    {
        using HttpServer fast = HttpServer.Of("fast");
        using RawServer slow = new(async (connection, token) => await connection.ReadToEndAsync(token));
        using Plugin plugin = HttpGuest.Create(new PluginHttpOptions { RequestTimeout = TimeSpan.FromSeconds(4) }, "127.0.0.1");
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(PluginFailure.Limit, plugin.SendFails(slow.Url()).Failure);
            Assert.Equal("fast", plugin.Send(fast.Url()).Text);
        }
    }

    [Fact]
    public void Connecting_has_a_time_of_its_own()
    {
        using RawServer silent = new(async (connection, token) => await connection.ReadToEndAsync(token));
        using HttpServer alive = HttpServer.Of("alive");
        using var full = new FullListener(true);
        PluginHttpOptions options = new()
        {
            ConnectTimeout = TimeSpan.FromSeconds(6),
            Resolver = (_, _) => ValueTask.FromResult<IReadOnlyList<IPEndPoint>>([full.EndPoint, new IPEndPoint(IPAddress.Loopback, alive.Port)]),
        };
        using Plugin plugin = HttpGuest.Create(options, "*");
        Assert.Equal(PluginFailure.Http, plugin.SendFails($"https://127.0.0.1:{silent.Port}/").Failure);

        // An address that does not answer leaves time for the next one.
        Assert.Equal("alive", plugin.Send("http://some.example/").Text);
    }

    [Theory]
    [InlineData("deadline")]
    [InlineData("token")]
    [InlineData("dispose")]
    [InlineData("request timeout")]
    [Trait("Security", "LM-08")]
    public void A_saturated_pool_keeps_no_call_beyond_its_end(string end) => ChildProcess.Run(SaturatedPool, new() { Arguments = [end] }).AssertSucceeded();

    private static void SaturatedPool(string[] arguments)
    {
        string end = arguments[0];
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var http = new PluginHttpOptions { RequestTimeout = end == "request timeout" ? TimeSpan.FromMilliseconds(200) : TimeSpan.FromMinutes(10) };
        using Plugin plugin = HttpGuest.Create(http, "*");
        plugin.Call("status");
        plugin.Timeout = end == "deadline" ? TimeSpan.FromMilliseconds(200) : null;

        using var release = new ManualResetEventSlim();
        Assert.True(ThreadPool.SetMaxThreads(Environment.ProcessorCount, Environment.ProcessorCount));
        using var occupied = new CountdownEvent(Environment.ProcessorCount);
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    occupied.Signal();
                    release.Wait();
                },
                null);
        }

        occupied.Wait();
        using var source = new CancellationTokenSource();
        if (end is "token" or "dispose")
        {
            new Thread(() =>
            {
                Thread.Sleep(200);
                if (end == "token")
                {
                    source.Cancel();
                }
                else
                {
                    plugin.Dispose();
                }
            }).Start();
        }

        byte[] json = Encoding.UTF8.GetBytes($$"""{"url":"http://127.0.0.1:{{((IPEndPoint)listener.LocalEndPoint!).Port}}/"}""");
        Exception? exception = Record.Exception(() => { plugin.SendJson(json, null, source.Token); });
        Type expected = end switch
        {
            "deadline" => typeof(WasmTimeoutException),
            "token" => typeof(WasmCanceledException),
            "dispose" => typeof(ObjectDisposedException),
            _ => typeof(PluginException),
        };
        Assert.IsType(expected, exception);
        release.Set();
    }

    [Fact]
    [Trait("Parity", "EXT-08")]
    public void Asynchronous_calls_that_wait_for_a_server_hold_no_thread_of_the_pool() => ChildProcess.Run(
        static _ =>
        {
            const int Calls = 100;
            using var all = new CountdownEvent(Calls);
            using var server = new HttpServer(async context =>
            {
                // Answers when all requests are there.
                all.Signal();
                while (!all.IsSet)
                {
                    await Task.Delay(10);
                }

                await context.Response.Body.WriteAsync("x"u8.ToArray());
            });
            Assert.True(ThreadPool.SetMaxThreads(Environment.ProcessorCount, Environment.ProcessorCount));
            using CompiledPlugin compiled = HttpGuest.Compile(null, "127.0.0.1");
            byte[] json = Encoding.UTF8.GetBytes($$"""{"url":"{{server.Url()}}"}""");
            byte[] input = [.. BitConverter.GetBytes((long)json.Length), 0, .. json];
            Plugin[] plugins = [.. Enumerable.Range(0, Calls).Select(_ => compiled.CreateInstance())];
            Task<PluginResult>[] calls = [.. plugins.Select(plugin => plugin.CallAsync("request", input))];
            Task.WaitAll(calls);
            Assert.All(calls, static call => Assert.Equal(200u, call.Result.ExitCode));
        }).AssertSucceeded();

    private static async Task Serve(string wait, RawServer.Connection connection, TaskCompletionSource reached, CancellationToken token)
    {
        if (wait == "handshake")
        {
            reached.TrySetResult();
            await connection.ReadToEndAsync(token);
            return;
        }

        await connection.ReadHeadAsync(token);
        reached.TrySetResult();
        switch (wait)
        {
            case "headers":
                await Dribble("HTTP/1.1 200 OK\r\n", "X: y\r\n");
                break;
            case "informational":
                await Dribble("", "HTTP/1.1 102 Processing\r\n\r\n");
                break;
            case "body":
                await Dribble("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "x");
                break;
            case "compressed body":
                await Dribble("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\0\0\0\0\0\0\x03", "\0\0\0\u00ff\u00ff");
                break;
            case "redirects":
                await Task.Delay(100, token);
                await connection.SendAsync("HTTP/1.1 302 Found\r\nLocation: /\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", token);
                break;
            case "upload":
                // Nothing more is read for a while; the sender's buffers are full long before.
                await Task.Delay(TimeSpan.FromSeconds(1), token);
                await connection.ReadToEndAsync(token);
                break;
            default:
                await connection.ReadToEndAsync(token);
                break;
        }

        async Task Dribble(string head, string piece)
        {
            await connection.SendAsync(head, token);
            while (true)
            {
                await connection.SendAsync(piece, token);
                await Task.Delay(50, token);
            }
        }
    }

    /// <summary>A proxy whose choice takes long and cannot be stopped.</summary>
    private sealed class BlockingProxy(TaskCompletionSource reached) : IWebProxy
    {
        public ICredentials? Credentials { get; set; }

        public Uri? GetProxy(Uri destination)
        {
            reached.TrySetResult();
            Thread.Sleep(TimeSpan.FromSeconds(2));
            return null;
        }

        public bool IsBypassed(Uri host) => false;
    }

    /// <summary>A listener whose queue is full: connecting to it neither succeeds nor fails.</summary>
    private sealed class FullListener : IDisposable
    {
        private readonly Socket? _listener;
        private readonly List<Socket> _clients = [];

        public FullListener(bool isNeeded)
        {
            EndPoint = new IPEndPoint(IPAddress.Loopback, 1);
            if (!isNeeded)
            {
                return;
            }

            _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(1);
            EndPoint = (IPEndPoint)_listener.LocalEndPoint!;
            for (int i = 0; i < 8; i++)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _clients.Add(client);
                try
                {
                    client.Connect(EndPoint);
                }
                catch (SocketException exception) when (exception.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
                {
                }
            }
        }

        public IPEndPoint EndPoint { get; }

        public void Dispose()
        {
            _listener?.Dispose();
            _clients.ForEach(static client => client.Dispose());
        }
    }
}
