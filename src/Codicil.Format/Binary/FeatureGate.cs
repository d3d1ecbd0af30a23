using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Codicil.Format.Binary;

/// <summary>Refuses what belongs to a proposal that is switched off.</summary>
internal static class FeatureGate
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Require(WasmFeatures enabled, WasmFeatures needed, int offset)
    {
        if ((needed & ~enabled) != 0)
        {
            Refuse(needed & ~enabled, offset);
        }
    }

    [DoesNotReturn]
    public static void Refuse(WasmFeatures missing, int offset)
    {
        var feature = (WasmFeatures)(1u << BitOperations.TrailingZeroCount((uint)missing));
        throw new UnsupportedModuleException(Message(feature), feature, offset);
    }

    /// <summary>The sentence that says that a feature is off.</summary>
    public static string Message(WasmFeatures feature) => feature switch
    {
        WasmFeatures.MutableGlobals => "imports and exports of mutable globals are switched off",
        WasmFeatures.SignExtension => "sign extension instructions are switched off",
        WasmFeatures.SaturatingFloatToInt => "saturating float-to-int conversions are switched off",
        WasmFeatures.MultiValue => "multiple values are switched off",
        WasmFeatures.BulkMemory => "bulk memory operations are switched off",
        WasmFeatures.ReferenceTypes => "reference types are switched off",
        WasmFeatures.Simd => "SIMD is switched off",
        WasmFeatures.ExtendedConstants => "extended constant expressions are switched off",
        WasmFeatures.TailCalls => "tail calls are switched off",
        WasmFeatures.FunctionReferences => "typed function references are switched off",
        WasmFeatures.GarbageCollection => "garbage collection is switched off",
        WasmFeatures.MultiMemory => "multiple memories are switched off",
        WasmFeatures.Memory64 => "64-bit memories and tables are switched off",
        WasmFeatures.Exceptions => "exceptions are switched off",
        WasmFeatures.RelaxedSimd => "relaxed SIMD is switched off",
        WasmFeatures.Threads => "threads are switched off",
        WasmFeatures.CustomPageSizes => "custom page sizes are switched off",
        WasmFeatures.WideArithmetic => "wide arithmetic is switched off",
        WasmFeatures.LegacyExceptions => "legacy exceptions are switched off",
        _ => $"{feature} is switched off",
    };
}
