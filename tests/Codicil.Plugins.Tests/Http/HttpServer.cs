using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Codicil.Plugins.Tests.Http;

/// <summary>A real server on loopback.</summary>
internal sealed class HttpServer : IDisposable
{
    private readonly WebApplication _application;

    /// <summary>Starts it.</summary>
    /// <param name="handler">What answers.</param>
    /// <param name="certificate">For https; null for http.</param>
    /// <param name="requireCertificate">Whether clients must show a certificate, whichever.</param>
    public HttpServer(RequestDelegate handler, X509Certificate2? certificate = null, bool requireCertificate = false)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            options.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                if (certificate is not null)
                {
                    // Offline: a server of its own accord looks for its issuer's certificate where its own one says.
                    var context = SslStreamCertificateContext.Create(certificate, null, offline: true);
                    listen.UseHttps(new TlsHandshakeCallbackOptions
                    {
                        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
                        {
                            ServerCertificateContext = context,
                            ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11],
                            ClientCertificateRequired = requireCertificate,
                            RemoteCertificateValidationCallback = requireCertificate ? (_, shown, _, _) => shown is not null : null,
                        }),
                    });
                }
            });
        });
        _application = builder.Build();
        _application.Run(async context =>
        {
            Requests.Enqueue($"{context.Request.Method} {context.Request.Scheme}://{context.Request.Host}{context.Request.Path}{context.Request.QueryString}");
            Connections.TryAdd(context.Connection.Id, true);
            await handler(context);
        });
        _application.StartAsync().GetAwaiter().GetResult();
        Port = new Uri(_application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    /// <summary>A server that answers with a text.</summary>
    public static HttpServer Of(string text) => new(context => context.Response.WriteAsync(text));

    /// <summary>The port.</summary>
    public int Port { get; }

    /// <summary>Method and URL of each request.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>The connections on which requests came.</summary>
    public ConcurrentDictionary<string, bool> Connections { get; } = new();

    /// <summary>A URL of this server, by address or by a name that a resolver of the test knows.</summary>
    public string Url(string path = "/", string host = "127.0.0.1") => $"http://{host}:{Port}{path}";

    /// <inheritdoc/>
    public void Dispose() => _application.DisposeAsync().AsTask().GetAwaiter().GetResult();
}
