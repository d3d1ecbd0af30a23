using System.Diagnostics;

using Codicil.Format.Modules;

namespace Codicil.Fuzz.Cases;

/// <summary>
/// Makes a failing case small: fewer calls, empty functions, fewer instructions. What is not valid any more is not tried, so that only reductions with a
/// chance reach the engines.
/// </summary>
/// <param name="stillFails">Whether a case still shows what it is about.</param>
/// <param name="time">When to be content.</param>
internal sealed class CaseReducer(Func<FuzzCase, Task<bool>> stillFails, TimeSpan time)
{
    private static readonly byte[] s_emptyBody = [0, 0x00, 0x0B];

    // What may stand for one instruction or several.
    private static readonly byte[][] s_replacements = [[], [0x1A], [0x41, 0], [0x42, 0], [0x01], [0x1A, 0x41, 0], [0x1A, 0x42, 0], [0x1A, 0x1A], [0x1A, 0x1A, 0x41, 0], [0x00]];

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    /// <summary>How many cases were tried.</summary>
    public int Attempts { get; private set; }

    public async Task<FuzzCase> ReduceAsync(FuzzCase item)
    {
        item = await ReduceCallsAsync(item).ConfigureAwait(false);
        item = await ReduceConfigurationsAsync(item).ConfigureAwait(false);
        bool progress = true;
        while (progress && _watch.Elapsed < time)
        {
            int before = item.Module.Length;
            item = await ReduceBodiesAsync(item).ConfigureAwait(false);
            item = await ReduceInstructionsAsync(item).ConfigureAwait(false);
            item = await ReduceCallsAsync(item).ConfigureAwait(false);
            progress = item.Module.Length < before;
        }

        return item;
    }

    private async Task<bool> TryAsync(FuzzCase item)
    {
        if (_watch.Elapsed > time)
        {
            return false;
        }

        Attempts++;
        return await stillFails(item).ConfigureAwait(false);
    }

    private async Task<FuzzCase> ReduceConfigurationsAsync(FuzzCase item)
    {
        foreach (string configuration in item.Configurations.Split(','))
        {
            FuzzCase one = item with { Configurations = configuration };
            if (await TryAsync(one).ConfigureAwait(false))
            {
                return one;
            }
        }

        return item;
    }

    private async Task<FuzzCase> ReduceCallsAsync(FuzzCase item)
    {
        List<string> calls = item.Plan.Calls == "-" ? [] : [.. item.Plan.Calls.Split(',')];
        for (int size = Math.Max(1, calls.Count / 2); calls.Count > 0; size /= 2)
        {
            for (int i = calls.Count - size; i >= 0; i -= size)
            {
                List<string> fewer = [.. calls[..i], .. calls[(i + size)..]];
                FuzzCase one = item with { Plan = item.Plan with { Calls = fewer.Count == 0 ? "-" : string.Join(',', fewer) } };
                if (await TryAsync(one).ConfigureAwait(false))
                {
                    item = one;
                    calls = fewer;
                    i = Math.Min(i, calls.Count);
                }
            }

            if (size <= 1)
            {
                break;
            }
        }

        return item;
    }

    private async Task<FuzzCase> ReduceBodiesAsync(FuzzCase item)
    {
        int count = ModuleBytes.Decode(item.Module)?.Bodies.Length ?? 0;
        for (int i = count - 1; i >= 0; i--)
        {
            WasmModule module = ModuleBytes.Decode(item.Module)!;
            if (module.Bodies[i].Range.Length > s_emptyBody.Length)
            {
                item = await TryBodyAsync(item, module, i, s_emptyBody).ConfigureAwait(false);
            }
        }

        return item;
    }

    private async Task<FuzzCase> ReduceInstructionsAsync(FuzzCase item)
    {
        int count = ModuleBytes.Decode(item.Module)?.Bodies.Length ?? 0;
        for (int body = 0; body < count; body++)
        {
            int size = Math.Max(1, ModuleBytes.Boundaries(ModuleBytes.Decode(item.Module)!, body).Count / 2);
            while (size > 0 && _watch.Elapsed < time)
            {
                bool shrunk = false;
                for (int first = ModuleBytes.Boundaries(ModuleBytes.Decode(item.Module)!, body).Count - 2 - size; first >= 0; first--)
                {
                    WasmModule module = ModuleBytes.Decode(item.Module)!;
                    List<int> boundaries = ModuleBytes.Boundaries(module, body);
                    if (first + size > boundaries.Count - 2)
                    {
                        continue;
                    }

                    FuzzCase before = item;
                    foreach (byte[] replacement in s_replacements)
                    {
                        item = await TrySpliceAsync(item, module, body, boundaries[first], boundaries[first + size], replacement).ConfigureAwait(false);
                        if (!ReferenceEquals(item, before))
                        {
                            shrunk = true;
                            break;
                        }
                    }
                }

                size = shrunk ? size : size / 2;
            }
        }

        return item;
    }

    private async Task<FuzzCase> TrySpliceAsync(FuzzCase item, WasmModule module, int body, int start, int end, byte[] replacement)
    {
        if (replacement.Length >= end - start)
        {
            return item;
        }

        ByteRange range = module.Bodies[body].Range;
        byte[] changed = [.. item.Module.AsSpan(range.Start, start - range.Start), .. replacement, .. item.Module.AsSpan(end, range.End - end)];
        return await TryBodyAsync(item, module, body, changed).ConfigureAwait(false);
    }

    private async Task<FuzzCase> TryBodyAsync(FuzzCase item, WasmModule module, int body, byte[] contents)
    {
        byte[] bytes = ModuleBytes.ReplaceBody(module, body, contents);
        if (!ModuleBytes.IsValid(bytes))
        {
            return item;
        }

        FuzzCase one = item with { Module = bytes };
        return await TryAsync(one).ConfigureAwait(false) ? one : item;
    }
}
