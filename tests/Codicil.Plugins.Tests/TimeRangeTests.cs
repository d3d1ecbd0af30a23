using System.Reflection;

using Codicil.Plugins.Http;
using Codicil.Plugins.Tests.Http;

namespace Codicil.Plugins.Tests;

/// <summary>Every time that options take has a range, which its property holds.</summary>
public sealed class TimeRangeTests
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(int.MaxValue);

    // Compared with, or kept by the thread that watches deadlines: as long as one likes.
    private static readonly string[] s_unbounded = ["Plugin.Timeout", "PluginManifest.Timeout", "PluginTracerOptions.MinimumSpanDuration"];

    private static IEnumerable<PropertyInfo> Times() =>
        from type in typeof(Plugin).Assembly.GetExportedTypes()
        from property in type.GetProperties(BindingFlags.Instance | BindingFlags.Public | BindingFlags.DeclaredOnly)
        where (property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(TimeSpan?)) && property.SetMethod is { IsPublic: true } && !typeof(PluginTraceEvent).IsAssignableFrom(type)
        select property;

    [Fact]
    public void Times_out_of_range_are_refused_by_the_property()
    {
        using Plugin plugin = Fixtures.FromWat("(module)");
        PropertyInfo[] times = [.. Times()];
        Assert.InRange(times.Length, 8, int.MaxValue);
        foreach (PropertyInfo property in times)
        {
            string name = $"{property.DeclaringType!.Name}.{property.Name}";
            object target = property.DeclaringType == typeof(Plugin) ? plugin : Activator.CreateInstance(property.DeclaringType)!;
            Assert.True(Refuses(property, target, TimeSpan.FromTicks(-1)), name);
            Assert.True(Refuses(property, target, Timeout.InfiniteTimeSpan), name);
            Assert.True(Refuses(property, target, TimeSpan.MinValue), name);
            Assert.False(Refuses(property, target, s_longest), name);
            Assert.Equal((name, s_longest), (name, property.GetValue(target)));
            bool isBounded = !s_unbounded.Contains(name);
            Assert.Equal((name, isBounded), (name, Refuses(property, target, s_longest + TimeSpan.FromTicks(1))));
            Assert.Equal((name, isBounded), (name, Refuses(property, target, TimeSpan.MaxValue)));
        }
    }

    [Fact]
    public void The_longest_times_work()
    {
        using HttpServer server = HttpServer.Of("answer");
        var http = new PluginHttpOptions { ConnectTimeout = s_longest, RequestTimeout = s_longest, ConnectionIdleTimeout = s_longest, ConnectionLifetime = s_longest };
        using CompiledPlugin compiled = CompiledPlugin.Create(HttpGuest.Manifest("127.0.0.1") with { Timeout = TimeSpan.MaxValue }, new PluginOptions { Http = http });
        using var pool = new PluginPool(compiled, new PluginPoolOptions { IdleTimeout = s_longest });
        using (PluginLease lease = pool.Rent())
        {
            Assert.Equal("answer", lease.Plugin.Send(server.Url()).Text);
        }

        Assert.Equal(1, pool.State.Idle);
    }

    private static bool Refuses(PropertyInfo property, object target, TimeSpan value)
    {
        try
        {
            property.SetValue(target, value);
            return false;
        }
        catch (TargetInvocationException exception) when (exception.InnerException is ArgumentOutOfRangeException)
        {
            return true;
        }
    }
}
