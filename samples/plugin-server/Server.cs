using System.Globalization;

using Codicil;
using Codicil.Hosting;
using Codicil.Plugins;

namespace PluginServer;

/// <summary>A web server whose answers come from plug-ins.</summary>
public static class Server
{
    /// <summary>Builds the application.</summary>
    /// <param name="options">Arguments and where files lie.</param>
    /// <param name="configure">What the caller has to say before it is built.</param>
    public static WebApplication Create(WebApplicationOptions options, Action<WebApplicationBuilder>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(options);
        int visitors = 0;
        builder.Services.AddCodicil()
            .AddPlugin("greeter", builder.Configuration.GetSection("Plugins:greeter"))
            .AddHostFunctions(HostFunction.Create("visitor", _ => string.Create(CultureInfo.InvariantCulture, $"You are visitor {Interlocked.Increment(ref visitors)}.")))
            .AddPlugin("vowels", builder.Configuration.GetSection("Plugins:vowels"));
        builder.Services.AddHealthChecks().AddCodicil();
        configure?.Invoke(builder);
        WebApplication app = builder.Build();

        app.MapHealthChecks("/health");
        app.MapPost("/greet", static async (HttpRequest request, [FromKeyedServices("greeter")] HostedPlugin greeter, CancellationToken stopped) =>
            await AnswerAsync("text/plain; charset=utf-8", greeter, "greet", request, stopped));
        app.MapPost("/count-vowels", static async (HttpRequest request, [FromKeyedServices("vowels")] HostedPlugin vowels, CancellationToken stopped) =>
            await AnswerAsync("application/json", vowels, "count_vowels", request, stopped));
        app.MapGet("/plugins", static (HostedPlugins plugins) => Results.Text(string.Concat(plugins.Select(static plugin =>
            string.Create(CultureInfo.InvariantCulture, $"{plugin.Name}: generation {plugin.Status.Generation}, {plugin.Status.Pool.Idle} idle, {plugin.Status.Pool.Lent} lent\n")))));
        return app;
    }

    private static async Task<IResult> AnswerAsync(string contentType, HostedPlugin plugin, string function, HttpRequest request, CancellationToken stopped)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, stopped);
        try
        {
            PluginResult result = await plugin.CallAsync(function, body.ToArray(), stopped);
            return Results.Bytes(result.Data, contentType);
        }
        catch (WasmTimeoutException)
        {
            return Results.StatusCode(StatusCodes.Status504GatewayTimeout);
        }
        catch (PluginException exception)
        {
            return Results.Problem(exception.GuestError ?? "the plug-in failed", statusCode: StatusCodes.Status502BadGateway);
        }
    }
}
