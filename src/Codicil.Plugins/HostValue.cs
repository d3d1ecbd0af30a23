using System.Runtime.CompilerServices;

namespace Codicil.Plugins;

/// <summary>How values of .NET travel between a host function and the guest: numbers as they are, text and bytes as handles of kernel memory.</summary>
internal static class HostValue
{
    /// <summary>The result of a function that has none.</summary>
    internal readonly struct Nothing;

    /// <summary>Whether values of a type are handles to the guest. A constant to the JIT.</summary>
    public static bool IsInMemory<T>() => typeof(T) == typeof(string) || typeof(T) == typeof(byte[]) || typeof(T) == typeof(ReadOnlyMemory<byte>);

    /// <summary>What the guest gave as the host's type. <typeparamref name="TRaw"/> is the type itself, or long for a handle.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T, TRaw>(CurrentPlugin current, TRaw raw)
    {
        // The casts through object are none in the code for a type: the JIT sees that both sides are the same.
        if (typeof(T) == typeof(string))
        {
            return (T)(object)current.ReadString((long)(object)raw!);
        }

        if (typeof(T) == typeof(byte[]))
        {
            return (T)(object)current.ReadBytes((long)(object)raw!);
        }

        if (typeof(T) == typeof(ReadOnlyMemory<byte>))
        {
            return (T)(object)(ReadOnlyMemory<byte>)current.ReadBytes((long)(object)raw!);
        }

        return (T)(object)raw!;
    }

    /// <summary>What the host gave as the guest's type.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TRaw Write<T, TRaw>(CurrentPlugin current, T value)
    {
        if (typeof(T) == typeof(string))
        {
            return (TRaw)(object)(value is null ? 0L : current.WriteString((string)(object)value));
        }

        if (typeof(T) == typeof(byte[]))
        {
            return (TRaw)(object)(value is null ? 0L : current.WriteBytes((byte[])(object)value));
        }

        if (typeof(T) == typeof(ReadOnlyMemory<byte>))
        {
            return (TRaw)(object)current.WriteBytes(((ReadOnlyMemory<byte>)(object)value!).Span);
        }

        return (TRaw)(object)value!;
    }
}
