using System.Security.Cryptography;

using Codicil.Wasi.Abi;

namespace Codicil.Wasi;

/// <summary>Where a guest's random bytes come from. Immutable; thread-safe but for a stream, which is as thread-safe as it is.</summary>
/// <remarks>WASI preview 1, <c>random_get</c>.</remarks>
public sealed class WasiRandom
{
    private readonly Stream? _stream;
    private readonly ulong? _seed;

    private WasiRandom(Stream? stream, ulong? seed)
    {
        _stream = stream;
        _seed = seed;
    }

    /// <summary>The system's cryptographic generator.</summary>
    public static WasiRandom System { get; } = new(null, null);

    /// <summary>The same sequence in each instance, on every machine and version. It is predictable: never where a guest makes keys.</summary>
    public static WasiRandom Deterministic { get; } = FromSeed(42);

    /// <summary>The sequence of a seed (xoshiro256**, seeded by SplitMix64), the same in each instance. It is predictable.</summary>
    public static WasiRandom FromSeed(ulong seed) => new(null, seed);

    /// <summary>The bytes of a stream, which stays the caller's. Where it ends, guests see an I/O error.</summary>
    public static WasiRandom FromStream(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new WasiRandom(stream, null);
    }

    internal RandomSource CreateSource() => this switch
    {
        { _stream: Stream stream } => new StreamSource(stream),
        { _seed: ulong seed } => new SeededSource(seed),
        _ => SystemSource.Instance,
    };

    private sealed class SystemSource : RandomSource
    {
        public static readonly SystemSource Instance = new();

        public override Errno Fill(Span<byte> destination)
        {
            RandomNumberGenerator.Fill(destination);
            return Errno.Success;
        }
    }

    private sealed class StreamSource(Stream stream) : RandomSource
    {
        public override Errno Fill(Span<byte> destination)
        {
            try
            {
                return stream.ReadAtLeast(destination, destination.Length, throwOnEndOfStream: false) == destination.Length ? Errno.Success : Errno.Io;
            }
            catch (Exception exception) when (StreamErrors.TryGetErrno(exception, out Errno errno))
            {
                return errno;
            }
        }
    }

    // Not System.Random: its sequence for a seed is no promise.
    private sealed class SeededSource : RandomSource
    {
        private readonly ulong[] _state = new ulong[4];
        private ulong _word;
        private int _bytesLeft;

        public SeededSource(ulong seed)
        {
            for (int i = 0; i < _state.Length; i++)
            {
                seed = unchecked(seed + 0x9E37_79B9_7F4A_7C15);
                ulong z = seed;
                z = unchecked((z ^ (z >> 30)) * 0xBF58_476D_1CE4_E5B9);
                z = unchecked((z ^ (z >> 27)) * 0x94D0_49BB_1331_11EB);
                _state[i] = z ^ (z >> 31);
            }
        }

        // Byte by byte of the same sequence, however it is cut into calls.
        public override Errno Fill(Span<byte> destination)
        {
            for (int i = 0; i < destination.Length; i++)
            {
                if (_bytesLeft == 0)
                {
                    _word = NextWord();
                    _bytesLeft = sizeof(ulong);
                }

                destination[i] = (byte)_word;
                _word >>= 8;
                _bytesLeft--;
            }

            return Errno.Success;
        }

        private ulong NextWord()
        {
            ulong[] s = _state;
            ulong result = unchecked(ulong.RotateLeft(s[1] * 5, 7) * 9);
            ulong t = s[1] << 17;
            s[2] ^= s[0];
            s[3] ^= s[1];
            s[1] ^= s[2];
            s[0] ^= s[3];
            s[2] ^= t;
            s[3] = ulong.RotateLeft(s[3], 45);
            return result;
        }
    }
}

/// <summary>A source of random bytes in use by one instance.</summary>
internal abstract class RandomSource
{
    /// <summary>Fills all of a range.</summary>
    public abstract Errno Fill(Span<byte> destination);
}
