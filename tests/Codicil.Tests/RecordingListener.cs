namespace Codicil.Tests;

/// <summary>A listener that writes down what it hears, and does to calls what a test wants.</summary>
internal sealed class RecordingListener : FunctionListener
{
    public List<string> Events { get; } = [];

    public List<string?> Walked { get; } = [];

    public Func<FunctionDefinition, bool>? Wants { get; init; }

    public Func<string, string?, Exception?>? Throw { get; set; }

    public Action? Then { get; set; }

    public string? WalksAt { get; init; }

    public Action<Value>? Sees { get; init; }

    public List<string> TakeEvents()
    {
        List<string> events = [.. Events];
        Events.Clear();
        return events;
    }

    public override bool ListensTo(FunctionDefinition function) => Wants?.Invoke(function) ?? true;

    public override void Before(in FunctionCall call, ReadOnlySpan<Value> parameters)
    {
        if (Sees is not null)
        {
            foreach (Value value in parameters)
            {
                Sees(value);
            }
        }

        Events.Add(Wasm.Format($"{call.Depth} {call.Function.Name}({Join(parameters)})"));
        if (call.Function.Name == WalksAt)
        {
            for (int i = 0; i < call.Depth; i++)
            {
                Walked.Add(call.GetCaller(i).Name);
            }
        }

        ThrowIfWanted("before", call.Function);
    }

    public override void After(in FunctionCall call, ReadOnlySpan<Value> results)
    {
        Events.Add(Wasm.Format($"{call.Depth} {call.Function.Name} = {Join(results)}").TrimEnd());
        ThrowIfWanted("after", call.Function);
        Then?.Invoke();
    }

    public override void Abort(in FunctionCall call, Exception exception) =>
        Events.Add(Wasm.Format($"{call.Depth} {call.Function.Name} ! {exception.GetType().Name} {(exception as TrapException)?.Code}").TrimEnd());

    private static string Join(ReadOnlySpan<Value> values)
    {
        var texts = new List<string>();
        foreach (Value value in values)
        {
            texts.Add(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{value.ToObject()}"));
        }

        return string.Join(", ", texts);
    }

    private void ThrowIfWanted(string when, FunctionDefinition function)
    {
        if (Throw?.Invoke(when, function.Name) is Exception exception)
        {
            throw exception;
        }
    }
}
