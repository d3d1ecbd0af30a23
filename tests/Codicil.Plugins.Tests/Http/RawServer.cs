using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Codicil.Plugins.Tests.Http;

/// <summary>A server that speaks bytes: it keeps what each connection sent and does what the test says.</summary>
internal sealed class RawServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly Func<Connection, CancellationToken, Task> _serve;

    /// <summary>Starts it.</summary>
    public RawServer(Func<Connection, CancellationToken, Task> serve)
    {
        _serve = serve;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _ = Task.Run(AcceptAsync);
    }

    /// <summary>A server that reads each request's head and sends the same bytes each time.</summary>
    public static RawServer Answering(string response) => new(async (connection, token) =>
    {
        while (await connection.ReadHeadAsync(token) is not null)
        {
            await connection.SendAsync(response, token);
        }
    });

    /// <summary>The port.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>The connections that were made.</summary>
    public ConcurrentQueue<Connection> Connections { get; } = new();

    /// <summary>A URL of this server.</summary>
    public string Url(string path = "/", string host = "127.0.0.1") => $"http://{host}:{Port}{path}";

    /// <inheritdoc/>
    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        foreach (Socket socket in _sockets)
        {
            socket.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            CancellationToken token = _stop.Token;
            while (true)
            {
                Socket socket = await _listener.AcceptAsync(token);
                _sockets.Add(socket);
                var connection = new Connection(socket);
                Connections.Enqueue(connection);
                _ = Task.Run(() => ServeAsync(connection, token), token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
        }
    }

    private async Task ServeAsync(Connection connection, CancellationToken token)
    {
        try
        {
            await _serve(connection, token);
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException or IOException)
        {
        }
        finally
        {
            connection.Socket.Dispose();
            connection.Ended.TrySetResult();
        }
    }

    /// <summary>A connection.</summary>
    internal sealed class Connection(Socket socket)
    {
        private readonly StringBuilder _received = new();
        private int _taken;

        public Socket Socket => socket;

        /// <summary>Completed when the server is done with it.</summary>
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>All that came so far, a character for a byte.</summary>
        public string Received
        {
            get
            {
                lock (_received)
                {
                    return _received.ToString();
                }
            }
        }

        /// <summary>Reads up to the empty line that ends a request's head; null at the end of the connection.</summary>
        public async Task<string?> ReadHeadAsync(CancellationToken token)
        {
            while (true)
            {
                string received = Received;
                int end = received.IndexOf("\r\n\r\n", _taken, StringComparison.Ordinal);
                if (end >= 0)
                {
                    string head = received[_taken..(end + 4)];
                    _taken = end + 4;
                    return head;
                }

                if (!await ReadMoreAsync(token))
                {
                    return null;
                }
            }
        }

        /// <summary>Reads until the other side ends the connection.</summary>
        public async Task ReadToEndAsync(CancellationToken token)
        {
            while (await ReadMoreAsync(token))
            {
            }
        }

        public async Task SendAsync(string text, CancellationToken token) => await SendAsync(Encoding.Latin1.GetBytes(text), token);

        public async Task SendAsync(byte[] bytes, CancellationToken token)
        {
            for (int sent = 0; sent < bytes.Length;)
            {
                sent += await socket.SendAsync(bytes.AsMemory(sent), token);
            }
        }

        private async Task<bool> ReadMoreAsync(CancellationToken token)
        {
            byte[] buffer = new byte[16 * 1024];
            int read = await socket.ReceiveAsync(buffer, token);
            lock (_received)
            {
                _received.Append(Encoding.Latin1.GetString(buffer, 0, read));
            }

            return read != 0;
        }
    }
}
