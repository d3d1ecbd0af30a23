using System.Collections.Concurrent;
using System.Reflection;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

using Codicil.Format.Instructions;
using Codicil.Semantics;

namespace Codicil.Compiler;

/// <summary>
/// The method that an instruction on vectors is a call of. Where this processor has one instruction for it, that is the runtime's intrinsic,
/// which takes the operands in the order they lie in and has no effect on traps; elsewhere it is the meaning in <see cref="VectorOps"/>.
/// </summary>
/// <remarks>
/// The intrinsics want vectors of their own lanes and get vectors of bytes: all are one type to the JIT, which does not verify. Calls that
/// name the lanes, or methods for the JIT to inline, made the JIT take two to three times as long for a function; see docs/decisions.md.
/// </remarks>
internal static class VectorIntrinsics
{
    /// <summary>A v128 of two numbers of 64 bits.</summary>
    public static readonly MethodInfo Constant = Sse2.IsSupported
        ? ((Func<long, long, Vector128<long>>)Vector128.Create).Method
        : RuntimeMembers.Vector(nameof(VectorOps.V128Const));

    /// <summary>A v128 whose other lanes are 0.</summary>
    public static readonly MethodInfo FromInt32 = Sse2.IsSupported ? Method<int, Vector128<int>>(Vector128.CreateScalar) : RuntimeMembers.Vector(nameof(VectorOps.FromInt32));
    public static readonly MethodInfo FromInt64 = Sse2.IsSupported ? Method<long, Vector128<long>>(Vector128.CreateScalar) : RuntimeMembers.Vector(nameof(VectorOps.FromInt64));

    // The intrinsics that take pointers: found by the parameter's element type.
    public static readonly MethodInfo Load = typeof(Sse3).GetMethod(nameof(Sse3.LoadDquVector128), [typeof(byte).MakePointerType()])!;
    public static readonly MethodInfo LoadAndDuplicate = typeof(Sse3).GetMethod(nameof(Sse3.LoadAndDuplicateToVector128), [typeof(double).MakePointerType()])!;
    public static readonly MethodInfo LoadScalarInt64 = typeof(Sse2).GetMethod(nameof(Sse2.LoadScalarVector128), [typeof(long).MakePointerType()])!;

    public static readonly MethodInfo ClearUpper = Unary<long>(Sse2.MoveScalar);

    // Parts of sequences.
    public static readonly MethodInfo AndNot = Binary<byte>(Sse2.AndNot);
    public static readonly MethodInfo ShiftBytesRight = Shift<byte>(Sse2.ShiftRightLogical128BitLane);
    public static readonly MethodInfo TernaryLogic = ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>, byte, Vector128<byte>>)Avx512F.VL.TernaryLogic).Method;
    public static readonly MethodInfo RangeSingle = ((Func<Vector128<float>, Vector128<float>, byte, Vector128<float>>)Avx512DQ.VL.Range).Method;
    public static readonly MethodInfo RangeDouble = ((Func<Vector128<double>, Vector128<double>, byte, Vector128<double>>)Avx512DQ.VL.Range).Method;
    public static readonly MethodInfo UnorderedSingle = Binary<float>(Sse.CompareUnordered);
    public static readonly MethodInfo UnorderedDouble = Binary<double>(Sse2.CompareUnordered);
    public static readonly MethodInfo BlendSingle = ((Func<Vector128<float>, Vector128<float>, Vector128<float>, Vector128<float>>)Sse41.BlendVariable).Method;
    public static readonly MethodInfo BlendDouble = ((Func<Vector128<double>, Vector128<double>, Vector128<double>, Vector128<double>>)Sse41.BlendVariable).Method;

    // Shuffles.
    public static readonly MethodInfo Shuffle = RuntimeMembers.Vector(nameof(VectorOps.I8x16Shuffle));
    public static readonly MethodInfo Swizzle = RuntimeMembers.Vector(nameof(VectorOps.I8x16Swizzle));
    public static readonly MethodInfo ShuffleInt32 = ((Func<Vector128<int>, byte, Vector128<int>>)Sse2.Shuffle).Method;
    public static readonly MethodInfo ShuffleSingle = ((Func<Vector128<float>, Vector128<float>, byte, Vector128<float>>)Sse.Shuffle).Method;
    public static readonly MethodInfo ShuffleBytes = ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>>)Ssse3.Shuffle).Method;
    public static readonly MethodInfo AlignRight = ((Func<Vector128<byte>, Vector128<byte>, byte, Vector128<byte>>)Ssse3.AlignRight).Method;
    public static readonly MethodInfo BlendWords = ((Func<Vector128<short>, Vector128<short>, byte, Vector128<short>>)Sse41.Blend).Method;
    public static readonly MethodInfo BlendBytes = ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>>)Sse41.BlendVariable).Method;
    public static readonly MethodInfo BroadcastByte = ((Func<Vector128<byte>, Vector128<byte>>)Avx2.BroadcastScalarToVector128).Method;
    public static readonly MethodInfo PermuteBoth = ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>, Vector128<byte>>)Avx512Vbmi.VL.PermuteVar16x8x2).Method;

    public static readonly (int Width, bool High, MethodInfo Method)[] Interleaves =
    [
        (4, false, ((Func<Vector128<int>, Vector128<int>, Vector128<int>>)Sse2.UnpackLow).Method),
        (4, true, ((Func<Vector128<int>, Vector128<int>, Vector128<int>>)Sse2.UnpackHigh).Method),
        (8, false, ((Func<Vector128<long>, Vector128<long>, Vector128<long>>)Sse2.UnpackLow).Method),
        (8, true, ((Func<Vector128<long>, Vector128<long>, Vector128<long>>)Sse2.UnpackHigh).Method),
        (1, false, ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>>)Sse2.UnpackLow).Method),
        (1, true, ((Func<Vector128<byte>, Vector128<byte>, Vector128<byte>>)Sse2.UnpackHigh).Method),
        (2, false, ((Func<Vector128<short>, Vector128<short>, Vector128<short>>)Sse2.UnpackLow).Method),
        (2, true, ((Func<Vector128<short>, Vector128<short>, Vector128<short>>)Sse2.UnpackHigh).Method),
    ];

    private static readonly MethodInfo s_minimumSingle = Binary<float>(Sse.Min);
    private static readonly MethodInfo s_maximumSingle = Binary<float>(Sse.Max);
    private static readonly MethodInfo s_minimumDouble = Binary<double>(Sse2.Min);
    private static readonly MethodInfo s_maximumDouble = Binary<double>(Sse2.Max);
    private static readonly ConcurrentDictionary<Opcode, MethodInfo?> s_methods = new();
    private static readonly ConcurrentDictionary<Opcode, MethodInfo?> s_constantShifts = new();
    private static readonly ConcurrentDictionary<Opcode, (MethodInfo, int)?> s_variableShifts = new();

    /// <summary>The method of an instruction that has no immediate, or a lane as its last operand; null for others.</summary>
    public static MethodInfo? Find(Opcode opcode) => s_methods.GetOrAdd(opcode, static key => FindIntrinsic(key) ?? RuntimeMembers.Vector(key.ToString()));

    /// <summary>The intrinsic for a shift by a constant, whose count must be less than the lane's width; null when there is none.</summary>
    public static MethodInfo? FindConstantShift(Opcode opcode) => s_constantShifts.GetOrAdd(opcode, static key => Sse2.IsSupported ? ShiftOf(key) : null);

    /// <summary>The intrinsic for a shift by the number in the lowest lane of a vector, and the lane's width; null when there is none.</summary>
    public static (MethodInfo Method, int Width)? FindVariableShift(Opcode opcode) => s_variableShifts.GetOrAdd(opcode, static key => VariableShiftOf(key));

    private static (MethodInfo Method, int Width)? VariableShiftOf(Opcode opcode) => opcode switch
    {
        Opcode.I16x8Shl => (Binary<short>(Sse2.ShiftLeftLogical), 16),
        Opcode.I16x8ShrS => (Binary<short>(Sse2.ShiftRightArithmetic), 16),
        Opcode.I16x8ShrU => (Binary<short>(Sse2.ShiftRightLogical), 16),
        Opcode.I32x4Shl => (Binary<int>(Sse2.ShiftLeftLogical), 32),
        Opcode.I32x4ShrS => (Binary<int>(Sse2.ShiftRightArithmetic), 32),
        Opcode.I32x4ShrU => (Binary<int>(Sse2.ShiftRightLogical), 32),
        Opcode.I64x2Shl => (Binary<long>(Sse2.ShiftLeftLogical), 64),
        Opcode.I64x2ShrS when Avx512F.VL.IsSupported => (Binary<long>(Avx512F.VL.ShiftRightArithmetic), 64),
        Opcode.I64x2ShrU => (Binary<long>(Sse2.ShiftRightLogical), 64),
        _ => null,
    };

    /// <summary>The processor's minimum or maximum: the second operand where the first is not less, or greater.</summary>
    public static MethodInfo NativeExtremum(bool isSingle, bool isMinimum) => (isSingle, isMinimum) switch
    {
        (true, true) => s_minimumSingle,
        (true, false) => s_maximumSingle,
        (false, true) => s_minimumDouble,
        (false, false) => s_maximumDouble,
    };

    private static MethodInfo? FindIntrinsic(Opcode opcode) =>
        Sse2.IsSupported ? OnSse2(opcode) ?? (Sse41.IsSupported ? OnSse42(opcode) : null) ?? (Avx512BW.VL.IsSupported ? OnAvx512(opcode) : null) : null;

    private static MethodInfo? OnSse2(Opcode opcode) => opcode switch
    {
        Opcode.V128And => Binary<byte>(Sse2.And),
        Opcode.V128Or => Binary<byte>(Sse2.Or),
        Opcode.V128Xor => Binary<byte>(Sse2.Xor),

        Opcode.I8x16Splat => Method<byte, Vector128<byte>>(Vector128.Create),
        Opcode.I16x8Splat => Method<short, Vector128<short>>(Vector128.Create),
        Opcode.I32x4Splat => Method<int, Vector128<int>>(Vector128.Create),
        Opcode.I64x2Splat => Method<long, Vector128<long>>(Vector128.Create),
        Opcode.F32x4Splat => Method<float, Vector128<float>>(Vector128.Create),
        Opcode.F64x2Splat => Method<double, Vector128<double>>(Vector128.Create),
        Opcode.I16x8ExtractLaneU => ((Func<Vector128<ushort>, byte, ushort>)Sse2.Extract).Method,
        Opcode.I16x8ReplaceLane => ((Func<Vector128<short>, short, byte, Vector128<short>>)Sse2.Insert).Method,

        Opcode.I8x16Eq => Binary<byte>(Sse2.CompareEqual),
        Opcode.I16x8Eq => Binary<short>(Sse2.CompareEqual),
        Opcode.I32x4Eq => Binary<int>(Sse2.CompareEqual),
        Opcode.I8x16GtS => Binary<sbyte>(Sse2.CompareGreaterThan),
        Opcode.I16x8GtS => Binary<short>(Sse2.CompareGreaterThan),
        Opcode.I32x4GtS => Binary<int>(Sse2.CompareGreaterThan),
        Opcode.I8x16LtS => Binary<sbyte>(Sse2.CompareLessThan),
        Opcode.I16x8LtS => Binary<short>(Sse2.CompareLessThan),
        Opcode.I32x4LtS => Binary<int>(Sse2.CompareLessThan),

        Opcode.I8x16Add => Binary<byte>(Sse2.Add),
        Opcode.I16x8Add => Binary<short>(Sse2.Add),
        Opcode.I32x4Add => Binary<int>(Sse2.Add),
        Opcode.I64x2Add => Binary<long>(Sse2.Add),
        Opcode.I8x16Sub => Binary<byte>(Sse2.Subtract),
        Opcode.I16x8Sub => Binary<short>(Sse2.Subtract),
        Opcode.I32x4Sub => Binary<int>(Sse2.Subtract),
        Opcode.I64x2Sub => Binary<long>(Sse2.Subtract),
        Opcode.I8x16AddSatS => Binary<sbyte>(Sse2.AddSaturate),
        Opcode.I8x16AddSatU => Binary<byte>(Sse2.AddSaturate),
        Opcode.I16x8AddSatS => Binary<short>(Sse2.AddSaturate),
        Opcode.I16x8AddSatU => Binary<ushort>(Sse2.AddSaturate),
        Opcode.I8x16SubSatS => Binary<sbyte>(Sse2.SubtractSaturate),
        Opcode.I8x16SubSatU => Binary<byte>(Sse2.SubtractSaturate),
        Opcode.I16x8SubSatS => Binary<short>(Sse2.SubtractSaturate),
        Opcode.I16x8SubSatU => Binary<ushort>(Sse2.SubtractSaturate),
        Opcode.I16x8Mul => Binary<short>(Sse2.MultiplyLow),
        Opcode.I8x16MinU => Binary<byte>(Sse2.Min),
        Opcode.I8x16MaxU => Binary<byte>(Sse2.Max),
        Opcode.I16x8MinS => Binary<short>(Sse2.Min),
        Opcode.I16x8MaxS => Binary<short>(Sse2.Max),
        Opcode.I8x16AvgrU => Binary<byte>(Sse2.Average),
        Opcode.I16x8AvgrU => Binary<ushort>(Sse2.Average),
        Opcode.I32x4DotI16x8S => Binary<short, int>(Sse2.MultiplyAddAdjacent),
        Opcode.I8x16NarrowI16x8S => Binary<short, sbyte>(Sse2.PackSignedSaturate),
        Opcode.I8x16NarrowI16x8U => Binary<short, byte>(Sse2.PackUnsignedSaturate),
        Opcode.I16x8NarrowI32x4S => Binary<int, short>(Sse2.PackSignedSaturate),
        Opcode.I8x16Bitmask => Method<Vector128<byte>, int>(Sse2.MoveMask),
        Opcode.I32x4Bitmask => Method<Vector128<float>, int>(Sse.MoveMask),
        Opcode.I64x2Bitmask => Method<Vector128<double>, int>(Sse2.MoveMask),

        Opcode.F32x4Eq => Binary<float>(Sse.CompareEqual),
        Opcode.F32x4Ne => Binary<float>(Sse.CompareNotEqual),
        Opcode.F32x4Lt => Binary<float>(Sse.CompareLessThan),
        Opcode.F32x4Gt => Binary<float>(Sse.CompareGreaterThan),
        Opcode.F32x4Le => Binary<float>(Sse.CompareLessThanOrEqual),
        Opcode.F32x4Ge => Binary<float>(Sse.CompareGreaterThanOrEqual),
        Opcode.F64x2Eq => Binary<double>(Sse2.CompareEqual),
        Opcode.F64x2Ne => Binary<double>(Sse2.CompareNotEqual),
        Opcode.F64x2Lt => Binary<double>(Sse2.CompareLessThan),
        Opcode.F64x2Gt => Binary<double>(Sse2.CompareGreaterThan),
        Opcode.F64x2Le => Binary<double>(Sse2.CompareLessThanOrEqual),
        Opcode.F64x2Ge => Binary<double>(Sse2.CompareGreaterThanOrEqual),
        Opcode.F32x4Add => Binary<float>(Sse.Add),
        Opcode.F32x4Sub => Binary<float>(Sse.Subtract),
        Opcode.F32x4Mul => Binary<float>(Sse.Multiply),
        Opcode.F32x4Div => Binary<float>(Sse.Divide),
        Opcode.F32x4Sqrt => Unary<float>(Sse.Sqrt),
        Opcode.F64x2Add => Binary<double>(Sse2.Add),
        Opcode.F64x2Sub => Binary<double>(Sse2.Subtract),
        Opcode.F64x2Mul => Binary<double>(Sse2.Multiply),
        Opcode.F64x2Div => Binary<double>(Sse2.Divide),
        Opcode.F64x2Sqrt => Unary<double>(Sse2.Sqrt),
        Opcode.F32x4ConvertI32x4S => Method<Vector128<int>, Vector128<float>>(Sse2.ConvertToVector128Single),
        Opcode.F64x2ConvertLowI32x4S => Method<Vector128<int>, Vector128<double>>(Sse2.ConvertToVector128Double),
        Opcode.F32x4DemoteF64x2Zero => Method<Vector128<double>, Vector128<float>>(Sse2.ConvertToVector128Single),
        Opcode.F64x2PromoteLowF32x4 => Method<Vector128<float>, Vector128<double>>(Sse2.ConvertToVector128Double),
        _ => null,
    };

    // The runtime has SSE3 to SSE4.2 together or not at all.
    private static MethodInfo? OnSse42(Opcode opcode) => opcode switch
    {
        Opcode.I8x16ExtractLaneU => ((Func<Vector128<byte>, byte, byte>)Sse41.Extract).Method,
        Opcode.I32x4ExtractLane => ((Func<Vector128<int>, byte, int>)Sse41.Extract).Method,
        Opcode.I64x2ExtractLane => ((Func<Vector128<long>, byte, long>)Sse41.X64.Extract).Method,
        Opcode.I8x16ReplaceLane => ((Func<Vector128<byte>, byte, byte, Vector128<byte>>)Sse41.Insert).Method,
        Opcode.I32x4ReplaceLane => ((Func<Vector128<int>, int, byte, Vector128<int>>)Sse41.Insert).Method,
        Opcode.I64x2ReplaceLane => ((Func<Vector128<long>, long, byte, Vector128<long>>)Sse41.X64.Insert).Method,

        Opcode.I64x2Eq => Binary<long>(Sse41.CompareEqual),
        Opcode.I64x2GtS => Binary<long>(Sse42.CompareGreaterThan),
        Opcode.I8x16Abs => Method<Vector128<sbyte>, Vector128<byte>>(Ssse3.Abs),
        Opcode.I16x8Abs => Method<Vector128<short>, Vector128<ushort>>(Ssse3.Abs),
        Opcode.I32x4Abs => Method<Vector128<int>, Vector128<uint>>(Ssse3.Abs),
        Opcode.I32x4Mul => Binary<int>(Sse41.MultiplyLow),
        Opcode.I8x16MinS => Binary<sbyte>(Sse41.Min),
        Opcode.I8x16MaxS => Binary<sbyte>(Sse41.Max),
        Opcode.I16x8MinU => Binary<ushort>(Sse41.Min),
        Opcode.I16x8MaxU => Binary<ushort>(Sse41.Max),
        Opcode.I32x4MinS => Binary<int>(Sse41.Min),
        Opcode.I32x4MaxS => Binary<int>(Sse41.Max),
        Opcode.I32x4MinU => Binary<uint>(Sse41.Min),
        Opcode.I32x4MaxU => Binary<uint>(Sse41.Max),
        Opcode.I16x8NarrowI32x4U => Binary<int, ushort>(Sse41.PackUnsignedSaturate),
        Opcode.I16x8ExtendLowI8x16S => Method<Vector128<sbyte>, Vector128<short>>(Sse41.ConvertToVector128Int16),
        Opcode.I16x8ExtendLowI8x16U => Method<Vector128<byte>, Vector128<short>>(Sse41.ConvertToVector128Int16),
        Opcode.I32x4ExtendLowI16x8S => Method<Vector128<short>, Vector128<int>>(Sse41.ConvertToVector128Int32),
        Opcode.I32x4ExtendLowI16x8U => Method<Vector128<ushort>, Vector128<int>>(Sse41.ConvertToVector128Int32),
        Opcode.I64x2ExtendLowI32x4S => Method<Vector128<int>, Vector128<long>>(Sse41.ConvertToVector128Int64),
        Opcode.I64x2ExtendLowI32x4U => Method<Vector128<uint>, Vector128<long>>(Sse41.ConvertToVector128Int64),

        Opcode.F32x4Ceil => Unary<float>(Sse41.Ceiling),
        Opcode.F32x4Floor => Unary<float>(Sse41.Floor),
        Opcode.F32x4Trunc => Unary<float>(Sse41.RoundToZero),
        Opcode.F32x4Nearest => Unary<float>(Sse41.RoundToNearestInteger),
        Opcode.F64x2Ceil => Unary<double>(Sse41.Ceiling),
        Opcode.F64x2Floor => Unary<double>(Sse41.Floor),
        Opcode.F64x2Trunc => Unary<double>(Sse41.RoundToZero),
        Opcode.F64x2Nearest => Unary<double>(Sse41.RoundToNearestInteger),
        _ => null,
    };

    private static MethodInfo? OnAvx512(Opcode opcode) => opcode switch
    {
        Opcode.I64x2Abs => Method<Vector128<long>, Vector128<ulong>>(Avx512F.VL.Abs),
        Opcode.I8x16LeS => Binary<sbyte>(Avx512BW.VL.CompareLessThanOrEqual),
        Opcode.I8x16LeU => Binary<byte>(Avx512BW.VL.CompareLessThanOrEqual),
        Opcode.I8x16GeS => Binary<sbyte>(Avx512BW.VL.CompareGreaterThanOrEqual),
        Opcode.I8x16GeU => Binary<byte>(Avx512BW.VL.CompareGreaterThanOrEqual),
        Opcode.I8x16LtU => Binary<byte>(Avx512BW.VL.CompareLessThan),
        Opcode.I8x16GtU => Binary<byte>(Avx512BW.VL.CompareGreaterThan),
        Opcode.I16x8LeS => Binary<short>(Avx512BW.VL.CompareLessThanOrEqual),
        Opcode.I16x8LeU => Binary<ushort>(Avx512BW.VL.CompareLessThanOrEqual),
        Opcode.I16x8GeS => Binary<short>(Avx512BW.VL.CompareGreaterThanOrEqual),
        Opcode.I16x8GeU => Binary<ushort>(Avx512BW.VL.CompareGreaterThanOrEqual),
        Opcode.I16x8LtU => Binary<ushort>(Avx512BW.VL.CompareLessThan),
        Opcode.I16x8GtU => Binary<ushort>(Avx512BW.VL.CompareGreaterThan),
        Opcode.I32x4LeS => Binary<int>(Avx512F.VL.CompareLessThanOrEqual),
        Opcode.I32x4LeU => Binary<uint>(Avx512F.VL.CompareLessThanOrEqual),
        Opcode.I32x4GeS => Binary<int>(Avx512F.VL.CompareGreaterThanOrEqual),
        Opcode.I32x4GeU => Binary<uint>(Avx512F.VL.CompareGreaterThanOrEqual),
        Opcode.I32x4LtU => Binary<uint>(Avx512F.VL.CompareLessThan),
        Opcode.I32x4GtU => Binary<uint>(Avx512F.VL.CompareGreaterThan),
        Opcode.I64x2LeS => Binary<long>(Avx512F.VL.CompareLessThanOrEqual),
        Opcode.I64x2GeS => Binary<long>(Avx512F.VL.CompareGreaterThanOrEqual),
        Opcode.I64x2Mul when Avx512DQ.VL.IsSupported => Binary<long>(Avx512DQ.VL.MultiplyLow),
        Opcode.F32x4ConvertI32x4U => Method<Vector128<uint>, Vector128<float>>(Avx512F.VL.ConvertToVector128Single),
        Opcode.F64x2ConvertLowI32x4U => Method<Vector128<uint>, Vector128<double>>(Avx512F.VL.ConvertToVector128Double),
        _ => null,
    };

    private static MethodInfo? ShiftOf(Opcode opcode) => opcode switch
    {
        Opcode.I16x8Shl => Shift<short>(Sse2.ShiftLeftLogical),
        Opcode.I32x4Shl => Shift<int>(Sse2.ShiftLeftLogical),
        Opcode.I64x2Shl => Shift<long>(Sse2.ShiftLeftLogical),
        Opcode.I16x8ShrS => Shift<short>(Sse2.ShiftRightArithmetic),
        Opcode.I32x4ShrS => Shift<int>(Sse2.ShiftRightArithmetic),
        Opcode.I64x2ShrS when Avx512F.VL.IsSupported => Shift<long>(Avx512F.VL.ShiftRightArithmetic),
        Opcode.I16x8ShrU => Shift<short>(Sse2.ShiftRightLogical),
        Opcode.I32x4ShrU => Shift<int>(Sse2.ShiftRightLogical),
        Opcode.I64x2ShrU => Shift<long>(Sse2.ShiftRightLogical),
        _ => null,
    };

    private static MethodInfo Method<T, TResult>(Func<T, TResult> intrinsic) => intrinsic.Method;

    private static MethodInfo Unary<T>(Func<Vector128<T>, Vector128<T>> intrinsic) => intrinsic.Method;

    private static MethodInfo Binary<T>(Func<Vector128<T>, Vector128<T>, Vector128<T>> intrinsic) => intrinsic.Method;

    private static MethodInfo Binary<T, TResult>(Func<Vector128<T>, Vector128<T>, Vector128<TResult>> intrinsic) => intrinsic.Method;

    private static MethodInfo Shift<T>(Func<Vector128<T>, byte, Vector128<T>> intrinsic) => intrinsic.Method;
}
