using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Codicil.Plugins;

/// <summary>
/// The kernel of one plug-in instance: the memory through which guest and host exchange bytes, addressed by 64-bit offsets, with input, output and error registers.
/// Its bookkeeping (<see cref="KernelBlocks"/>) is not in the memory that guests address.
/// </summary>
/// <remarks>
/// Extism, EIP-007 "Extism runtime kernel"; results at the edges as the Go SDK gives them. The static methods are bound imports: the JIT inlines the small ones into
/// the guest's machine code. Not thread-safe; a race gives wrong results, never an access outside the memory, because every access checks the very array that it reads.
/// <para>
/// Offsets are indices of <see cref="_memory"/>. The first <see cref="FirstOffset"/> bytes are never handed out nor written, so that offset 0 is "nothing".
/// The inline methods are written so that the common path falls through without a jump: measured, a conditional expression costs the JIT's layout a jump per access.
/// All bytes at or above <see cref="_touchedEnd"/> are zero: stores below it are inline, others take a slow path that raises it, and a reset clears only what lies below.
/// The array may be shorter than the memory is (<see cref="_length"/>): what is missing was never touched. An instance that exchanges a few bytes costs a few.
/// </para>
/// </remarks>
internal sealed class Kernel
{
    /// <summary>The first offset that a block can have.</summary>
    public const int FirstOffset = 64;

    /// <summary>The unit in which the memory grows.</summary>
    public const int PageSize = 65536;

    /// <summary>The most bytes of the guest's error text that become part of an exception.</summary>
    public const int MaxErrorTextBytes = 64 * 1024;

    // Growth beyond this step is linear: doubling hundreds of megabytes would waste more than it saves.
    private const int MaxGrowthStep = 64 * 1024 * 1024;
    private const int FirstArrayLength = 2048;
    private const int MaxMemoryLength = int.MaxValue / PageSize * PageSize;

    private readonly KernelBlocks _blocks = new(FirstOffset);
    private readonly int _limit;
    private readonly Store? _store;
    private byte[] _memory = new byte[FirstArrayLength];
    private int _length = PageSize;
    private int _touchedEnd = FirstOffset;
    private ulong _storable8;
    private ulong _storable64;
    private ulong _inputOffset;
    private ulong _inputLength;
    private ulong _inputLoadable64;
    private ulong _outputOffset;
    private ulong _outputLength;
    private ulong _error;

    /// <summary>An empty kernel.</summary>
    /// <param name="maxPages">The most pages of 64 KiB it may hold, at least 1; null for what an array can hold.</param>
    /// <param name="store">The store whose memories and this one have a limit together; null for none.</param>
    /// <exception cref="ResourceLimitException">Not even the first page is within that limit.</exception>
    public Kernel(long? maxPages = null, Store? store = null)
    {
        _limit = maxPages is long pages && pages < MaxMemoryLength / PageSize ? (int)Math.Max(pages, 1) * PageSize : MaxMemoryLength;
        _store = store;
        if (store?.TryReserveMemory(PageSize) == false)
        {
            throw new ResourceLimitException(
                string.Create(CultureInfo.InvariantCulture, $"the plug-in's kernel needs {PageSize} bytes, its memories may have {store.Limits.TotalMemoryBytes} together"));
        }
    }

    /// <summary>The most bytes that can be handed out at once.</summary>
    public long MaxBytes => _limit - FirstOffset;

    /// <summary>The output of the call; valid until the next one.</summary>
    public ReadOnlySpan<byte> Output => _memory.AsSpan((int)_outputOffset, (int)_outputLength);

    /// <summary>The output as memory that stays readable; its contents change with the next call.</summary>
    public ReadOnlyMemory<byte> OutputMemory => _memory.AsMemory((int)_outputOffset, (int)_outputLength);

    /// <summary>The input of the call.</summary>
    public ReadOnlySpan<byte> Input => _memory.AsSpan((int)_inputOffset, (int)_inputLength);

    /// <summary><c>load_u8</c>: the byte at an offset; 0 outside the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int LoadU8(Kernel kernel, long offset)
    {
        byte[] memory = kernel._memory;
        int value = 0;
        if ((ulong)offset < (ulong)memory.Length)
        {
            // SAFETY: the offset is below the length of the array that is read. No store ever touches the bytes below FirstOffset, so they read as 0.
            value = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset);
        }

        return value;
    }

    /// <summary><c>load_u64</c>: the 8 bytes at an offset, little-endian; traps when they are not inside the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long LoadU64(Kernel kernel, long offset)
    {
        byte[] memory = kernel._memory;
        // The array is never shorter than FirstOffset, so the subtraction cannot wrap.
        if ((ulong)offset > (ulong)memory.Length - sizeof(ulong))
        {
            return kernel.LoadU64Untouched(offset);
        }

        // SAFETY: the 8 bytes end inside the array that is read.
        return Unsafe.ReadUnaligned<long>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset));
    }

    /// <summary><c>store_u8</c>: writes the low byte; ignored outside the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreU8(Kernel kernel, long offset, int value)
    {
        byte[] memory = kernel._memory;
        if ((ulong)(offset - FirstOffset) >= kernel._storable8 || (ulong)offset >= (ulong)memory.Length)
        {
            kernel.StoreU8Untouched(offset, value);
            return;
        }

        // SAFETY: the second comparison keeps the store inside the array that is written, whatever the first one read.
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset) = (byte)value;
    }

    /// <summary><c>store_u64</c>: writes 8 bytes, little-endian; traps when they are not inside the memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreU64(Kernel kernel, long offset, long value)
    {
        byte[] memory = kernel._memory;
        if ((ulong)(offset - FirstOffset) >= kernel._storable64 || (ulong)offset > (ulong)memory.Length - sizeof(ulong))
        {
            kernel.StoreU64Untouched(offset, value);
            return;
        }

        // SAFETY: the second comparison keeps the 8 bytes inside the array that is written, whatever the first one read.
        Unsafe.WriteUnaligned(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset), value);
    }

    /// <summary><c>input_load_u8</c>: a byte of the input; 0 past its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int InputLoadU8(Kernel kernel, long index)
    {
        byte[] memory = kernel._memory;
        ulong offset = kernel._inputOffset + (ulong)index;
        int value = 0;
        if ((ulong)index < kernel._inputLength && offset < (ulong)memory.Length)
        {
            // SAFETY: the second comparison keeps the load inside the array that is read, whatever the registers held.
            value = Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset);
        }

        return value;
    }

    /// <summary><c>input_load_u64</c>: 8 bytes of the input, little-endian, as if zeros followed it; traps when the first one is past its end.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long InputLoadU64(Kernel kernel, long index)
    {
        byte[] memory = kernel._memory;
        ulong offset = kernel._inputOffset + (ulong)index;
        if ((ulong)index >= kernel._inputLoadable64 || offset > (ulong)memory.Length - sizeof(ulong))
        {
            return kernel.InputLoadTail(index);
        }

        // SAFETY: the second comparison keeps the 8 bytes inside the array that is read, whatever the registers held.
        return Unsafe.ReadUnaligned<long>(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(memory), (nint)offset));
    }

    /// <summary><c>input_length</c>.</summary>
    public static long InputLength(Kernel kernel) => (long)kernel._inputLength;

    /// <summary><c>input_offset</c>: where the input begins.</summary>
    public static long InputOffset(Kernel kernel) => (long)kernel._inputOffset;

    /// <summary><c>output_length</c>.</summary>
    public static long OutputLength(Kernel kernel) => (long)kernel._outputLength;

    /// <summary><c>output_offset</c>.</summary>
    public static long OutputOffset(Kernel kernel) => (long)kernel._outputOffset;

    /// <summary><c>length</c>: the length of the block that begins at an offset; 0 when none does.</summary>
    public static long Length(Kernel kernel, long offset) => Math.Max(kernel._blocks.LengthOf(offset), 0);

    /// <summary><c>alloc</c>: a zeroed block; 0 for length 0 and beyond the limit.</summary>
    public static long Alloc(Kernel kernel, long length) => kernel.Allocate((ulong)length, clear: true);

    /// <summary><c>free</c>: takes a block back; ignored when none begins at the offset.</summary>
    public static void Free(Kernel kernel, long offset) => kernel._blocks.Release(offset);

    /// <summary><c>input_set</c>: ignored unless the range is inside the memory.</summary>
    public static void InputSet(Kernel kernel, long offset, long length)
    {
        if (kernel.IsInside(offset, length) && kernel.TryReach((int)(offset + length)))
        {
            kernel.SetInput((ulong)offset, (ulong)length);
        }
    }

    /// <summary><c>output_set</c>: ignored unless the range is inside the memory.</summary>
    public static void OutputSet(Kernel kernel, long offset, long length)
    {
        if (kernel.IsInside(offset, length) && kernel.TryReach((int)(offset + length)))
        {
            kernel._outputOffset = (ulong)offset;
            kernel._outputLength = (ulong)length;
        }
    }

    /// <summary><c>error_set</c>: 0 or an offset outside the memory clears the error.</summary>
    public static void ErrorSet(Kernel kernel, long offset) => kernel._error = kernel.IsInside(offset, 0) ? (ulong)offset : 0;

    /// <summary><c>error_get</c>: the offset of the error; 0 when there is none.</summary>
    public static long ErrorGet(Kernel kernel) => (long)kernel._error;

    /// <summary><c>memory_bytes</c>: the size of the memory without what is never handed out.</summary>
    public static long MemoryBytes(Kernel kernel) => kernel._length - FirstOffset;

    /// <summary><c>reset</c>: clears registers, blocks and contents; the memory keeps its size.</summary>
    public static void Reset(Kernel kernel)
    {
        kernel._blocks.Reset();
        kernel._memory.AsSpan(FirstOffset, kernel._touchedEnd - FirstOffset).Clear();
        kernel.SetTouchedEnd(FirstOffset);
        kernel.SetInput(0, 0);
        kernel._outputOffset = 0;
        kernel._outputLength = 0;
        kernel._error = 0;
    }

    /// <summary>Hands out a block.</summary>
    /// <param name="length">Its length; any value, guests choose it.</param>
    /// <param name="clear">Whether the bytes must be zero; not needed when the host fills all of them.</param>
    /// <returns>Its offset; 0 for length 0 and beyond the limit.</returns>
    public long Allocate(ulong length, bool clear)
    {
        if (length == 0 || length > (ulong)MaxBytes)
        {
            return 0;
        }

        int offset = _blocks.TryReuse((int)length);
        if (offset == 0)
        {
            long end = _blocks.Top + KernelBlocks.CapacityOf((long)length);
            if ((end > _length && !TryGrow(end)) || !TryReach((int)end))
            {
                return 0;
            }

            offset = _blocks.Append((int)length);
        }

        // What the block takes beyond its length is cleared too: loads reach it.
        int blockEnd = offset + (int)KernelBlocks.CapacityOf((long)length);
        int dirtyStart = clear ? offset : offset + (int)length;
        int dirtyEnd = Math.Min(blockEnd, _touchedEnd);
        if (dirtyStart < dirtyEnd)
        {
            _memory.AsSpan(dirtyStart, dirtyEnd - dirtyStart).Clear();
        }

        if (blockEnd > _touchedEnd)
        {
            SetTouchedEnd(blockEnd);
        }

        return offset;
    }

    /// <summary>Hands out a block with contents.</summary>
    /// <returns>Its offset; 0 for no bytes and beyond the limit.</returns>
    public long Write(ReadOnlySpan<byte> data)
    {
        long offset = Allocate((ulong)data.Length, clear: false);
        if (offset != 0)
        {
            data.CopyTo(_memory.AsSpan((int)offset));
        }

        return offset;
    }

    /// <summary>Hands out a block that may have length 0, unlike <see cref="Write"/>: an empty value is not a missing one.</summary>
    /// <returns>Its offset; 0 only beyond the limit.</returns>
    public long WriteValue(ReadOnlySpan<byte> data)
    {
        if (!data.IsEmpty)
        {
            return Write(data);
        }

        // A block of length 0 still takes a granule, so that its offset is its own.
        long offset = Allocate(1, clear: true);
        if (offset != 0)
        {
            _blocks.SetLength(offset, 0);
        }

        return offset;
    }

    /// <summary>Begins a call: everything is cleared, then the input is set.</summary>
    /// <exception cref="ResourceLimitException">The input is larger than the kernel may hold.</exception>
    public void Begin(ReadOnlySpan<byte> input)
    {
        Reset(this);
        if (input.IsEmpty)
        {
            return;
        }

        long offset = Write(input);
        if (offset == 0)
        {
            ThrowInput(input.Length);
        }

        SetInput((ulong)offset, (ulong)input.Length);
    }

    /// <summary>The block that begins at an offset; empty for an unknown offset inside the memory.</summary>
    /// <returns>False when the offset is beyond the memory.</returns>
    public bool TryRead(long offset, out ReadOnlySpan<byte> data)
    {
        int length = _blocks.LengthOf(offset);
        data = length > 0 ? _memory.AsSpan((int)offset, length) : default;
        return length >= 0 || (ulong)offset <= (ulong)_length;
    }

    /// <summary>The bytes of the block that begins at an offset, to write to; empty when none does.</summary>
    public Span<byte> GetBlock(long offset)
    {
        int length = _blocks.LengthOf(offset);
        return length > 0 ? _memory.AsSpan((int)offset, length) : default;
    }

    /// <summary>The guest's error text, or null when there is none or it is empty. Text beyond <see cref="MaxErrorTextBytes"/> is cut; bad UTF-8 becomes U+FFFD.</summary>
    public string? GetErrorText()
    {
        if (_error == 0)
        {
            return null;
        }

        ReadOnlySpan<byte> text = GetBlock((long)_error);
        if (text.IsEmpty)
        {
            return null;
        }

        return text.Length <= MaxErrorTextBytes
            ? Encoding.UTF8.GetString(text)
            : string.Create(CultureInfo.InvariantCulture, $"{Encoding.UTF8.GetString(text[..MaxErrorTextBytes])}... ({text.Length} bytes)");
    }

    [DoesNotReturn]
    private static void ThrowLoad(long offset) =>
        throw new TrapException(string.Create(CultureInfo.InvariantCulture, $"could not read value at offset: {(ulong)offset}"));

    [DoesNotReturn]
    private static void ThrowStore(long offset, long value) =>
        throw new TrapException(string.Create(CultureInfo.InvariantCulture, $"could not write value '{(ulong)value}' at offset: {(ulong)offset}"));

    [DoesNotReturn]
    private void ThrowInput(int length) => throw new ResourceLimitException(
        string.Create(CultureInfo.InvariantCulture, $"the input of {length} bytes is larger than the kernel may hold ({MaxBytes} bytes)"));

    private bool IsInside(long offset, long length) =>
        (ulong)offset >= FirstOffset && (ulong)offset < (ulong)_length && (ulong)length <= (ulong)(_length - offset);

    private void SetInput(ulong offset, ulong length)
    {
        _inputOffset = offset;
        _inputLength = length;
        _inputLoadable64 = length < sizeof(ulong) ? 0 : length - (sizeof(ulong) - 1);
    }

    private void SetTouchedEnd(int end)
    {
        _touchedEnd = end;
        int span = end - FirstOffset;
        _storable8 = (ulong)span;
        _storable64 = span < sizeof(ulong) ? 0 : (ulong)(span - (sizeof(ulong) - 1));
    }

    // Beyond the array, perhaps only in part.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private long LoadU64Untouched(long offset)
    {
        if ((ulong)offset > (ulong)_length - sizeof(ulong))
        {
            ThrowLoad(offset);
        }

        ulong value = 0;
        for (int i = 0; i < sizeof(ulong) && offset + i < _memory.Length; i++)
        {
            value |= (ulong)_memory[(int)offset + i] << (8 * i);
        }

        return (long)value;
    }

    // Inside the memory but in no block yet: accepted as the Extism kernel does, and remembered for the next reset.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreU8Untouched(long offset, int value)
    {
        if ((ulong)(offset - FirstOffset) < (ulong)(_length - FirstOffset) && TryReach((int)offset + 1))
        {
            if (offset >= _touchedEnd)
            {
                SetTouchedEnd((int)offset + 1);
            }

            _memory[(int)offset] = (byte)value;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreU64Untouched(long offset, long value)
    {
        if ((ulong)(offset - FirstOffset) > (ulong)(_length - FirstOffset - sizeof(ulong)) || !TryReach((int)offset + sizeof(ulong)))
        {
            ThrowStore(offset, value);
        }

        int end = (int)offset + sizeof(ulong);
        if (end > _touchedEnd)
        {
            SetTouchedEnd(end);
        }

        System.Buffers.Binary.BinaryPrimitives.WriteInt64LittleEndian(_memory.AsSpan((int)offset), value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private long InputLoadTail(long index)
    {
        if ((ulong)index >= _inputLength)
        {
            ThrowLoad(index);
        }

        ulong value = 0;
        ReadOnlySpan<byte> tail = Input[(int)index..];
        for (int i = 0; i < tail.Length && i < sizeof(ulong); i++)
        {
            value |= (ulong)tail[i] << (8 * i);
        }

        return (long)value;
    }

    // Makes the memory longer. The store's limit is for what the guest has, not for what of it is touched.
    private bool TryGrow(long end)
    {
        if (end > _limit)
        {
            return false;
        }

        int exact = (int)((end + (PageSize - 1)) / PageSize * PageSize);
        long generous = _length + (long)Math.Min(_length, MaxGrowthStep);
        int length = (int)Math.Min(Math.Max(exact, generous), _limit);
        if (_store is not null && !_store.TryReserveMemory(length - _length))
        {
            // Without what is only for later growth.
            length = exact;
            if (!_store.TryReserveMemory(length - _length))
            {
                return false;
            }
        }

        if (!TryResize(length))
        {
            _store?.ReleaseMemory(length - _length);
            return false;
        }

        _length = length;
        return true;
    }

    // Makes the array long enough for what is inside the memory.
    private bool TryReach(int end) => end <= _memory.Length || TryResize((int)Math.Min(Math.Max((long)end, _memory.Length * 2L), _length));

    private bool TryResize(int length)
    {
        try
        {
            byte[] memory = new byte[length];
            _memory.AsSpan(0, _touchedEnd).CopyTo(memory);
            _memory = memory;
            return true;
        }
        catch (OutOfMemoryException)
        {
            // The guest learns it as it would from a limit; the host lives on.
            return false;
        }
    }
}
