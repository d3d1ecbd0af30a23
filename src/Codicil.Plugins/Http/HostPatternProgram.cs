using System.Buffers;

namespace Codicil.Plugins.Http;

/// <summary>A pattern as a program of small steps, all of whose ways are followed at once: a match takes time in proportion to host and pattern, whatever they are.</summary>
/// <remarks>Thompson, "Regular Expression Search Algorithm", 1968.</remarks>
internal sealed class HostPatternProgram
{
    /// <summary>The characters that make a text a pattern.</summary>
    public static readonly SearchValues<char> Metacharacters = SearchValues.Create("*?[]{},!");

    private const int MaxDepth = 16;
    private const int Nowhere = -1;

    private static readonly UInt128 s_any = Set("abcdefghijklmnopqrstuvwxyz0123456789-_");
    private static readonly UInt128 s_anyWithDots = s_any | Bit('.');

    private readonly Step[] _steps;

    private HostPatternProgram(Step[] steps) => _steps = steps;

    /// <summary>Compiles a pattern in lower case.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="bad">Makes the exception for what is wrong with it.</param>
    public static HostPatternProgram Compile(string pattern, Func<string, FormatException> bad)
    {
        var compiler = new Compiler(pattern, bad);
        return new HostPatternProgram(compiler.Compile());
    }

    /// <summary>Whether all of a host in lower case matches.</summary>
    public bool IsMatch(ReadOnlySpan<char> host)
    {
        var current = new Places(_steps.Length + 1);
        var next = new Places(_steps.Length + 1);
        Follow(0, current);
        foreach (char character in host)
        {
            UInt128 bit = Bit(character);
            next.Clear();
            for (int i = 0; i < current.Count; i++)
            {
                int place = current[i];
                if (place < _steps.Length && (_steps[place].Accepts & bit) != 0)
                {
                    Follow(_steps[place].Next, next);
                }
            }

            if (next.Count == 0)
            {
                return false;
            }

            (current, next) = (next, current);
        }

        return current.Contains(_steps.Length);
    }

    private static UInt128 Bit(char character) => character < 128 ? UInt128.One << character : 0;

    private static UInt128 Set(string characters)
    {
        UInt128 set = 0;
        foreach (char character in characters)
        {
            set |= Bit(character);
        }

        return set;
    }

    // Adds a place and all that are reached from it without a character.
    private void Follow(int place, Places places)
    {
        places.Push(place);
        while (places.TryPop(out place))
        {
            if (!places.Add(place) || place == _steps.Length || _steps[place].Accepts != 0)
            {
                continue;
            }

            places.Push(_steps[place].Next);
            if (_steps[place].Other != Nowhere)
            {
                places.Push(_steps[place].Other);
            }
        }
    }

    /// <summary>A step: a character of a set leads to <paramref name="Next"/>; without a set, both ways are open without a character.</summary>
    private readonly record struct Step(UInt128 Accepts, int Next, int Other = Nowhere);

    /// <summary>A set of places with constant-time operations, and a stack of those still to be followed.</summary>
    private sealed class Places(int capacity)
    {
        private readonly int[] _items = new int[capacity];
        private readonly bool[] _present = new bool[capacity];

        // Each place is added once and pushes two at most.
        private readonly int[] _pending = new int[(2 * capacity) + 1];
        private int _pendingCount;

        public int Count { get; private set; }

        public int this[int index] => _items[index];

        public bool Contains(int place) => _present[place];

        public bool Add(int place)
        {
            if (_present[place])
            {
                return false;
            }

            _present[place] = true;
            _items[Count++] = place;
            return true;
        }

        public void Clear()
        {
            foreach (int place in _items.AsSpan(0, Count))
            {
                _present[place] = false;
            }

            Count = 0;
        }

        public void Push(int place) => _pending[_pendingCount++] = place;

        public bool TryPop(out int place)
        {
            place = _pendingCount == 0 ? Nowhere : _pending[--_pendingCount];
            return place != Nowhere;
        }
    }

    private sealed class Compiler(string pattern, Func<string, FormatException> bad)
    {
        private readonly List<Step> _steps = [];
        private int _position;

        public Step[] Compile()
        {
            Sequence(0);
            return _position == pattern.Length ? [.. _steps] : throw bad($"'{pattern[_position]}' has no beginning");
        }

        private void Sequence(int depth)
        {
            while (_position < pattern.Length)
            {
                char character = pattern[_position];
                switch (character)
                {
                    case '*':
                        Star();
                        break;
                    case '?':
                        _position++;
                        Accept(s_any);
                        break;
                    case '[':
                        Accept(Class());
                        break;
                    case '{':
                        Alternatives(depth + 1);
                        break;
                    case ',' or '}' when depth > 0:
                        return;
                    case ',' or '}' or ']' or '!':
                        throw bad($"'{character}' has no beginning");
                    default:
                        _position++;
                        Accept((Bit(character) & s_anyWithDots) is var set && set != 0 ? set : throw bad("it holds a character that no host has"));
                        break;
                }
            }
        }

        private void Accept(UInt128 set) => _steps.Add(new Step(set, _steps.Count + 1));

        private void Star()
        {
            int length = 0;
            while (_position < pattern.Length && pattern[_position] == '*')
            {
                _position++;
                length++;
            }

            int start = _steps.Count;
            _steps.Add(new Step(0, start + 1, start + 2));
            _steps.Add(new Step(length == 1 ? s_any : s_anyWithDots, start));
        }

        private UInt128 Class()
        {
            int end = pattern.IndexOf(']', _position);
            if (end < 0)
            {
                throw bad("'[' has no end");
            }

            ReadOnlySpan<char> body = pattern.AsSpan(_position + 1, end - _position - 1);
            bool isNegative = body.StartsWith("!") || body.StartsWith("^");
            body = isNegative ? body[1..] : body;
            if (body.IsEmpty)
            {
                throw bad("a set of characters is empty");
            }

            UInt128 set = 0;
            for (int i = 0; i < body.Length; i++)
            {
                char first = body[i];
                char last = first;
                if (i + 2 < body.Length && body[i + 1] == '-')
                {
                    last = body[i + 2];
                    i += 2;
                }

                if (last < first || (Bit(first) & s_any) == 0 || (Bit(last) & s_any) == 0)
                {
                    throw bad("a set holds a range that is none, or a character that no label has");
                }

                for (char character = first; character <= last; character++)
                {
                    set |= Bit(character);
                }
            }

            _position = end + 1;
            set = isNegative ? s_any & ~set : s_any & set;
            return set != 0 ? set : throw bad("a set of characters leaves none");
        }

        // Each alternative but the last: a fork to it and past it, the alternative, a jump to the end.
        private void Alternatives(int depth)
        {
            if (depth > MaxDepth)
            {
                throw bad("'{' is nested too deeply");
            }

            List<int> jumps = [];
            while (true)
            {
                _position++;
                int fork = _steps.Count;
                _steps.Add(default);
                Sequence(depth);
                if (_position == pattern.Length)
                {
                    throw bad("'{' has no end");
                }

                bool isLast = pattern[_position] == '}';
                if (isLast)
                {
                    _steps[fork] = new Step(0, fork + 1);
                    _position++;
                    break;
                }

                jumps.Add(_steps.Count);
                _steps.Add(default);
                _steps[fork] = new Step(0, fork + 1, _steps.Count);
            }

            foreach (int jump in jumps)
            {
                _steps[jump] = new Step(0, _steps.Count);
            }
        }
    }
}
