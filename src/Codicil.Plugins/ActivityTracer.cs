using System.Diagnostics;
using System.Globalization;

namespace Codicil.Plugins;

/// <summary>Makes spans of traces, below the span of the call.</summary>
internal sealed class ActivityTracer(PluginTracerOptions? options) : PluginTracer(options)
{
    public override void Flush(PluginTrace trace)
    {
        if (!PluginTelemetry.Source.HasListeners())
        {
            return;
        }

        Activity? call = Activity.Current;
        Add(call, trace, trace.Events);

        // A guest chooses how deep its spans are: no recursion.
        var pending = new Stack<(PluginSpan Span, ActivityContext Parent)>();
        Push(pending, trace.Events, call?.Context ?? default);
        while (pending.TryPop(out (PluginSpan Span, ActivityContext Parent) next))
        {
            DateTimeOffset start = trace.Start + next.Span.Time;
            using Activity? activity = PluginTelemetry.Source.StartActivity(
                next.Span.Name, ActivityKind.Internal, next.Parent, null, null, start);
            if (activity is null)
            {
                continue;
            }

            activity.SetTag("codicil.plugin.name", trace.PluginName);
            activity.SetTag("codicil.span.kind", next.Span.Kind switch
            {
                PluginSpanKind.Function => "function",
                PluginSpanKind.HostFunction => "host_function",
                _ => "custom",
            });
            if (next.Span.FunctionIndex is int index)
            {
                activity.SetTag("codicil.function.name", next.Span.Name);
                activity.SetTag("codicil.function.index", index);
            }

            foreach (KeyValuePair<string, string> tag in next.Span.Tags)
            {
                activity.SetTag("codicil.guest." + LogText.Escape(tag.Key), tag.Value);
            }

            if (next.Span.IsAborted)
            {
                activity.SetStatus(ActivityStatusCode.Error);
            }

            Add(activity, trace, next.Span.Events);
            activity.SetEndTime((start + next.Span.Duration).UtcDateTime);
            Push(pending, next.Span.Events, activity.Context);
        }
    }

    private static void Push(Stack<(PluginSpan Span, ActivityContext Parent)> pending, IReadOnlyList<PluginTraceEvent> events, ActivityContext parent)
    {
        for (int i = events.Count - 1; i >= 0; i--)
        {
            if (events[i] is PluginSpan span)
            {
                pending.Push((span, parent));
            }
        }
    }

    private static void Add(Activity? activity, PluginTrace trace, IReadOnlyList<PluginTraceEvent> events)
    {
        if (activity is null)
        {
            return;
        }

        foreach (PluginTraceEvent item in events)
        {
            ActivityEvent? made = item switch
            {
                PluginMemoryGrowth growth => new ActivityEvent("codicil.memory.grow", trace.Start + item.Time, new ActivityTagsCollection { ["codicil.memory.pages"] = growth.Pages }),
                PluginTraceMetric metric => new ActivityEvent(
                    "codicil.metric", trace.Start + item.Time, new ActivityTagsCollection { ["codicil.metric.format"] = metric.Format, ["codicil.metric.text"] = metric.Text }),
                PluginTraceMessage message => new ActivityEvent(
                    "codicil.log",
                    trace.Start + item.Time,
                    new ActivityTagsCollection { ["codicil.log.level"] = message.Level.ToString().ToLower(CultureInfo.InvariantCulture), ["codicil.log.message"] = LogText.Escape(message.Message) }),
                _ => null,
            };
            if (made is ActivityEvent added)
            {
                activity.AddEvent(added);
            }
        }
    }
}
