using System.Text;

using Microsoft.Extensions.Logging;

namespace Codicil.Plugins.Tests;

/// <summary>Guests' messages on their way to sinks and loggers.</summary>
public sealed class LoggingTests
{
    // Logs the input n times, n being the config's; and at each level.
    private const string Guest = """
        (module
          (import "extism:host/env" "input_offset" (func $input (result i64)))
          (import "extism:host/env" "input_length" (func $length (result i64)))
          (import "extism:host/env" "alloc" (func $alloc (param i64) (result i64)))
          (import "extism:host/env" "store_u8" (func $store (param i64 i32)))
          (import "extism:host/env" "input_load_u8" (func $load (param i64) (result i32)))
          (import "extism:host/env" "get_log_level" (func $level (result i32)))
          (import "extism:host/env" "log_trace" (func $trace (param i64)))
          (import "extism:host/env" "log_debug" (func $debug (param i64)))
          (import "extism:host/env" "log_info" (func $info (param i64)))
          (import "extism:host/env" "log_warn" (func $warn (param i64)))
          (import "extism:host/env" "log_error" (func $error (param i64)))
          (func $copy (result i64) (local $at i64) (local $i i64)
            (local.set $at (call $alloc (call $length)))
            (block $end (loop $next
              (br_if $end (i64.ge_u (local.get $i) (call $length)))
              (call $store (i64.add (local.get $at) (local.get $i)) (call $load (local.get $i)))
              (local.set $i (i64.add (local.get $i) (i64.const 1)))
              (br $next)))
            (local.get $at))
          (func (export "once") (call $info (call $copy)))
          (func (export "flood") (local $n i32)
            (local.set $n (i32.const 1000000))
            (loop $next
              (call $info (call $copy))
              (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
          (func (export "each")
            (call $trace (call $copy)) (call $debug (call $copy)) (call $info (call $copy)) (call $warn (call $copy)) (call $error (call $copy)))
          (func (export "level") (result i32) (call $level)))
        """;

    [Fact]
    [Trait("Parity", "EXT-20")]
    public void Guests_log_through_a_logger_with_the_levels_mapped_and_a_category_of_the_plugin()
    {
        var log = new RecordingLog(LogLevel.Trace);
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { Name = "greeter", LoggerFactory = log });
        plugin.Call("each", "text");
        Assert.Equal(
            [LogLevel.Trace, LogLevel.Debug, LogLevel.Information, LogLevel.Warning, LogLevel.Error],
            log.Entries.Where(static entry => entry.Message == "text").Select(static entry => entry.Level));
        Assert.All(log.Entries, static entry => Assert.Equal("Codicil.Plugins.greeter", entry.Category));
    }

    [Theory]
    [Trait("Parity", "EXT-20")]
    [InlineData(LogLevel.Trace, 0)]
    [InlineData(LogLevel.Debug, 1)]
    [InlineData(LogLevel.Information, 2)]
    [InlineData(LogLevel.Warning, 3)]
    [InlineData(LogLevel.Error, 4)]
    [InlineData(LogLevel.Critical, int.MaxValue)]
    [InlineData(LogLevel.None, int.MaxValue)]
    public void Guests_see_the_level_that_the_logger_has_enabled(LogLevel enabled, int seen)
    {
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LoggerFactory = new RecordingLog(enabled) });
        Assert.Equal((uint)seen, plugin.Call("level").ExitCode);
    }

    [Fact]
    public void A_level_of_the_plugin_wins_over_the_loggers()
    {
        var log = new RecordingLog(LogLevel.Trace);
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LoggerFactory = log, LogLevel = PluginLogLevel.Error });
        plugin.Call("each", "text");
        Assert.Equal(4u, plugin.Call("level").ExitCode);
        Assert.Equal("text", Assert.Single(log.Entries).Message);
    }

    [Theory]
    [Trait("Security", "KH-08")]
    [InlineData("one\r\ntwo: forged", "one\\r\\ntwo: forged")]
    [InlineData("\u001b[31mred\u001b[0m", "\\u001b[31mred\\u001b[0m")]
    [InlineData("a\0b\tc\u007f\u009b2J", "a\\u0000b\\tc\\u007f\\u009b2J")]
    [InlineData("line\u2028separator\u202Edesrever\u061C", "line\\u2028separator\\u202edesrever\\u061c")]
    [InlineData("plain text, \u00e4\u20ac\U0001F600 {braces}", "plain text, \u00e4\u20ac\U0001F600 {braces}")]
    public void Control_characters_reach_no_logger(string text, string logged)
    {
        var log = new RecordingLog(LogLevel.Information);
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LoggerFactory = log });
        plugin.Call("once", text);
        Assert.Equal(logged, Assert.Single(log.Entries).Message);
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public void A_flood_is_cut_to_its_rate_and_what_was_lost_is_said()
    {
        var log = new RecordingLog(LogLevel.Information);
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LoggerFactory = log, MaxLogMessagesPerSecond = 50 });
        plugin.Call("flood", "x");
        List<RecordingLog.Entry> entries = log.Entries;
        int written = entries.Count(static entry => entry.Message == "x");
        long lost = entries.Where(static entry => entry.Level == LogLevel.Warning).Sum(static entry => long.Parse(entry.Message.Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture));
        Assert.InRange(written, 50, 500_000);
        Assert.Equal(1_000_000, written + lost);
        Assert.Contains(entries, static entry => entry.Message.EndsWith("log messages were dropped: more than 50 in a second", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public void A_sink_hears_of_what_its_own_instance_lost()
    {
        var log = new RecordingLog(LogLevel.Information);
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), new PluginOptions { LoggerFactory = log, MaxLogMessagesPerSecond = 1 });
        var noisy = new List<string>();
        var quiet = new List<string>();
        using Plugin first = compiled.CreateInstance();
        using Plugin second = compiled.CreateInstance();
        first.LogSink = (_, message) => noisy.Add(message);
        second.LogSink = (_, message) => quiet.Add(message);
        first.Call("flood", "x");
        second.Call("level");
        second.Call("once", "y");
        Assert.Contains(noisy, static message => message.EndsWith("were dropped: more than 1 in a second", StringComparison.Ordinal));
        Assert.DoesNotContain(quiet, static message => message != "y" && !message.StartsWith("1 log messages", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public void What_many_calls_lose_is_not_said_by_each_of_them()
    {
        var time = new ManualTime();
        var rate = new LogRate(1, time);
        Assert.True(rate.TryTake(out _));
        long said = 0;
        int reports = 0;
        for (int call = 0; call < 1000; call++)
        {
            Assert.False(rate.TryTake(out _));
            long dropped = rate.TakeDroppedAtEnd();
            said += dropped;
            reports += dropped > 0 ? 1 : 0;
        }

        Assert.Equal(1, reports);
        time.Now += TimeSpan.TicksPerSecond;
        Assert.Equal(1000, said + rate.TakeDroppedAtEnd());
    }

    [Theory]
    [Trait("Security", "KH-08")]
    [InlineData(PluginPoolPolicy.Renew)]
    [InlineData(PluginPoolPolicy.Keep)]
    public void Many_instances_fill_the_log_no_faster_than_one(PluginPoolPolicy policy)
    {
        const int Rate = 5;
        const int Calls = 400;
        var log = new RecordingLog(LogLevel.Information);
        using CompiledPlugin compiled = CompiledPlugin.Create(Fixtures.WatManifest(Guest), new PluginOptions { LoggerFactory = log, MaxLogMessagesPerSecond = Rate });
        using var pool = new PluginPool(compiled, new PluginPoolOptions { MaxSize = 4, Policy = policy });
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        Parallel.For(0, Calls, new ParallelOptions { MaxDegreeOfParallelism = 4 }, _ =>
        {
            using PluginLease lease = pool.Rent();
            lease.Plugin.Call("once", "x");
        });
        int seconds = (int)System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds + 1;
        List<RecordingLog.Entry> entries = log.Entries;
        int written = entries.Count(static entry => entry.Message == "x");
        Assert.InRange(written, Rate, Rate * (seconds + 1));
        Assert.InRange(entries.Count - written, 1, 2 * (seconds + 1));
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public void A_line_of_64_MiB_is_cut_off()
    {
        var log = new RecordingLog(LogLevel.Information);
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LoggerFactory = log, MaxLogMessageBytes = 100 });
        byte[] line = new byte[64 * 1024 * 1024];
        line.AsSpan().Fill((byte)'a');
        Encoding.UTF8.GetBytes("\u20ac", line.AsSpan(98));
        plugin.Call("once", line);
        Assert.Equal(new string('a', 98) + "\u2026 (67108864 bytes)", Assert.Single(log.Entries).Message);
    }

    [Fact]
    [Trait("Security", "KH-08")]
    public void A_logger_or_sink_that_throws_is_not_noticed()
    {
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions
        {
            LoggerFactory = new RecordingLog(LogLevel.Trace) { Throws = true },
            LogSink = static (_, _) => throw new InvalidOperationException("sink"),
        });
        Assert.Equal(0u, plugin.Call("each", "text"u8).ExitCode);
        Assert.Equal(0u, plugin.Call("each", "text"u8).ExitCode);
    }

    [Fact]
    public void A_sink_gets_the_text_as_it_is()
    {
        var messages = new List<string>();
        using Plugin plugin = Fixtures.FromWat(Guest, new PluginOptions { LogLevel = PluginLogLevel.Info, LogSink = (_, message) => messages.Add(message) });
        plugin.Call("once", "a\nb\u001b");
        Assert.Equal(["a\nb\u001b"], messages);
    }

    [Theory]
    [InlineData(0, 5, 5)]
    [InlineData(3, 5, 3)]
    public void A_rate_counts_in_seconds(int perSecond, int tried, int passed)
    {
        var time = new ManualTime();
        var rate = new LogRate(perSecond, time);
        Assert.Equal(passed, Enumerable.Range(0, tried).Count(_ => rate.TryTake(out long _)));
        time.Now += TimeSpan.TicksPerSecond;
        Assert.True(rate.TryTake(out long dropped));
        Assert.Equal(tried - passed, dropped);
        Assert.Equal(0, rate.TakeDropped());
    }

    private sealed class ManualTime : TimeProvider
    {
        public long Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now;
    }
}

/// <summary>Keeps what is logged.</summary>
internal sealed class RecordingLog(LogLevel least) : ILoggerFactory
{
    private readonly Lock _lock = new();
    private readonly List<Entry> _entries = [];

    public sealed record Entry(string Category, LogLevel Level, EventId Id, string Message);

    public bool Throws { get; init; }

    public List<Entry> Entries
    {
        get
        {
            lock (_lock)
            {
                return [.. _entries];
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    private sealed class Logger(RecordingLog log, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= log.Least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (log.Throws)
            {
                throw new InvalidOperationException("logger");
            }

            lock (log._lock)
            {
                log._entries.Add(new Entry(category, logLevel, eventId, formatter(state, exception)));
            }
        }
    }

    private LogLevel Least => least;
}
