using System.Runtime.Intrinsics;

using Codicil.Runtime;

namespace Codicil.Semantics;

/// <summary>The meaning of exceptions (4.6.3): made, told apart and taken apart; called by emitted code. They are exceptions of .NET, which cost nothing until one is thrown.</summary>
internal static class ExceptionOps
{
    /// <summary>An exception whose values are put in before it is thrown.</summary>
    public static GuestException Create(int tagIndex, ModuleInstance instance)
    {
        TagInstance tag = instance.Tags[tagIndex];
        return GuestException.Create(tag, tag.Type.FunctionType.Parameters.Length);
    }

    /// <summary>What a handler's filter looks at: the exception if it is one of WebAssembly. No guest sees any other.</summary>
    public static GuestException? Caught(object exception) => exception as GuestException;

    /// <summary>Whether an exception has a tag of the instance.</summary>
    public static bool Has(GuestException? exception, int tagIndex, ModuleInstance instance) =>
        exception is not null && ReferenceEquals(exception.Tag, instance.Tags[tagIndex]);

    /// <summary>What throw_ref throws.</summary>
    public static Exception ToThrow(object? reference)
    {
        if (reference is null)
        {
            Traps.NullReference();
        }

        return (GuestException)reference!;
    }

    public static void PutI32(int value, GuestException exception, int index) => exception.RawValues[index] = Value.FromI32(value);

    public static void PutI64(long value, GuestException exception, int index) => exception.RawValues[index] = Value.FromI64(value);

    public static void PutF32(float value, GuestException exception, int index) => exception.RawValues[index] = Value.FromF32(value);

    public static void PutF64(double value, GuestException exception, int index) => exception.RawValues[index] = Value.FromF64(value);

    public static void PutV128(Vector128<byte> value, GuestException exception, int index) => exception.RawValues[index] = Value.FromV128(value);

    public static void PutReference(object? value, GuestException exception, int index)
    {
        var tag = (TagInstance)exception.Tag;
        exception.RawValues[index] = References.ToValue(value, tag.Type.FunctionType.Parameters[index], tag.Types);
    }

    public static int GetI32(GuestException exception, int index) => exception.RawValues[index].AsI32();

    public static long GetI64(GuestException exception, int index) => exception.RawValues[index].AsI64();

    public static float GetF32(GuestException exception, int index) => exception.RawValues[index].AsF32();

    public static double GetF64(GuestException exception, int index) => exception.RawValues[index].AsF64();

    public static Vector128<byte> GetV128(GuestException exception, int index) => exception.RawValues[index].AsV128();

    public static object? GetReference(GuestException exception, int index) => exception.RawValues[index].RawReference;
}
