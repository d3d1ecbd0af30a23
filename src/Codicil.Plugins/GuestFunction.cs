using Codicil.Format.Types;

namespace Codicil.Plugins;

/// <summary>An exported function without parameters and with one result at most, ready to be called without allocation.</summary>
internal sealed class GuestFunction
{
    private readonly Action? _none;
    private readonly Func<int>? _i32;
    private readonly Func<long>? _i64;
    private readonly Func<float>? _f32;
    private readonly Func<double>? _f64;
    private readonly Function? _other;

    private GuestFunction(Function function)
    {
        FunctionType type = function.Type;
        switch (type.Results.IsEmpty ? (ValKind?)null : type.Results[0].Kind)
        {
            case null:
                _none = ManagedCode.CreateDelegate<Action>(function);
                break;
            case ValKind.I32:
                _i32 = ManagedCode.CreateDelegate<Func<int>>(function);
                break;
            case ValKind.I64:
                _i64 = ManagedCode.CreateDelegate<Func<long>>(function);
                break;
            case ValKind.F32:
                _f32 = ManagedCode.CreateDelegate<Func<float>>(function);
                break;
            case ValKind.F64:
                _f64 = ManagedCode.CreateDelegate<Func<double>>(function);
                break;
            default:
                _other = function;
                break;
        }
    }

    /// <summary>The exported function of a name.</summary>
    /// <exception cref="PluginException">There is none, or it cannot be called without arguments for one result at most.</exception>
    public static GuestFunction Find(Instance instance, string name)
    {
        Function function = instance.GetFunction(name) ?? throw new PluginException(PluginFailure.UnknownFunction, $"unknown function: {name}");
        FunctionType type = function.Type;
        if (type.Results.Length > 1)
        {
            throw new PluginException(PluginFailure.UnsuitableFunction, Counted($"function {name} has {type.Results.Length} results, expected 0 or 1"));
        }

        if (!type.Parameters.IsEmpty)
        {
            throw new PluginException(PluginFailure.UnsuitableFunction, Counted($"function {name} has {type.Parameters.Length} parameters, expected none"));
        }

        return new GuestFunction(function);
    }

    /// <summary>Calls it.</summary>
    /// <returns>The low 32 bits of the result, whatever its type; 0 without one.</returns>
    public uint Invoke()
    {
        if (_i32 is not null)
        {
            return (uint)_i32();
        }

        if (_none is not null)
        {
            _none();
            return 0;
        }

        if (_i64 is not null)
        {
            return (uint)_i64();
        }

        return InvokeOther();
    }

    private static string Counted(FormattableString message) => FormattableString.Invariant(message);

    private uint InvokeOther()
    {
        if (_f32 is not null)
        {
            return BitConverter.SingleToUInt32Bits(_f32());
        }

        if (_f64 is not null)
        {
            return (uint)BitConverter.DoubleToUInt64Bits(_f64());
        }

        Span<Value> result = [default];
        _other!.Invoke([], result);
        return (uint)RawValue.ToBits(result[0]);
    }
}
