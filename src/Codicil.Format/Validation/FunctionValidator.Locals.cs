using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Types;

namespace Codicil.Format.Validation;

// Locals: their types, and whether those without a default value have been set (3.4.3).
public sealed partial class FunctionValidator
{
    // Declarations say "50,000 locals of a type" in four bytes: beyond this many the types stay in ranges until somebody asks for all of them.
    private const int MaximumEagerLocals = 1024;

    private ValType[] _locals = new ValType[64];
    private int _eagerLocals;
    private int _localCount;

    private int[] _rangeEnds = new int[8];
    private ValType[] _rangeTypes = new ValType[8];
    private int _rangeCount;

    // For functions with locals of non-nullable reference types only. A set bit is a local that may be read; the list has the locals
    // whose bit was set since the function began, so that the end of a block can take it back.
    private bool _tracksInitialization;
    private ulong[] _initialized = [];
    private int[] _initializedList = [];
    private int _initializedCount;

    /// <summary>The types of the parameters, then those of the declared locals. Valid until the next function begins.</summary>
    public ReadOnlySpan<ValType> Locals
    {
        get
        {
            if (_eagerLocals < _localCount)
            {
                ExpandLocals(_localCount);
            }

            return _locals.AsSpan(0, _localCount);
        }
    }

    private void BeginLocals(FunctionType functionType, FunctionBody body)
    {
        int parameters = functionType.Parameters.Length;
        _localCount = parameters + body.LocalCount;
        _eagerLocals = parameters;
        _rangeCount = 0;
        _initializedCount = 0;
        _tracksInitialization = false;
        if (parameters > _locals.Length)
        {
            Array.Resize(ref _locals, int.Max(parameters, _locals.Length * 2));
        }

        functionType.Parameters.AsSpan().CopyTo(_locals);
        if (body.LocalCount == 0)
        {
            return;
        }

        ReadDeclarations(body, parameters);
        ExpandLocals(int.Min(_localCount, int.Max(MaximumEagerLocals, parameters)));
        if (_tracksInitialization)
        {
            BeginInitialization(parameters);
        }
    }

    private void ReadDeclarations(FunctionBody body, int parameters)
    {
        _offset = body.Range.Start;
        LocalsReader reader = new(_module.Bytes.Span, body);
        int end = parameters;
        while (reader.Read(out int count, out ValType type))
        {
            CheckType(type);
            if (count == 0)
            {
                continue;
            }

            end = checked(end + count);
            if (_rangeCount > 0 && _rangeTypes[_rangeCount - 1] == type)
            {
                _rangeEnds[_rangeCount - 1] = end;
                continue;
            }

            if (_rangeCount == _rangeEnds.Length)
            {
                Array.Resize(ref _rangeEnds, _rangeCount * 2);
                Array.Resize(ref _rangeTypes, _rangeCount * 2);
            }

            _rangeEnds[_rangeCount] = end;
            _rangeTypes[_rangeCount++] = type;
            _tracksInitialization |= !type.IsDefaultable;
        }
    }

    private void ExpandLocals(int count)
    {
        if (count > _locals.Length)
        {
            Array.Resize(ref _locals, int.Max(count, _locals.Length * 2));
        }

        int parameters = _functionType.Parameters.Length;
        int start = parameters;
        for (int i = 0; i < _rangeCount && start < count; i++)
        {
            int end = int.Min(_rangeEnds[i], count);
            _locals.AsSpan(start, end - start).Fill(_rangeTypes[i]);
            start = end;
        }

        _eagerLocals = count;
    }

    private ValType LocalType(uint index)
    {
        if (index < (uint)_eagerLocals)
        {
            return _locals[index];
        }

        if (index >= (uint)_localCount)
        {
            Fail($"unknown local {index}: function has {_localCount}");
        }

        int range = Array.BinarySearch(_rangeEnds, 0, _rangeCount, (int)index + 1);
        return _rangeTypes[range < 0 ? ~range : range];
    }

    private ValType ReadLocal(uint index)
    {
        ValType type = LocalType(index);
        if (_tracksInitialization && !type.IsDefaultable && (_initialized[index >> 6] & (1UL << (int)(index & 63))) == 0)
        {
            Fail($"uninitialized local {index}");
        }

        return type;
    }

    private ValType WriteLocal(uint index)
    {
        ValType type = LocalType(index);
        if (_tracksInitialization && !type.IsDefaultable)
        {
            ref ulong bits = ref _initialized[index >> 6];
            ulong bit = 1UL << (int)(index & 63);
            if ((bits & bit) == 0)
            {
                bits |= bit;
                if (_initializedCount == _initializedList.Length)
                {
                    Array.Resize(ref _initializedList, int.Max(16, _initializedCount * 2));
                }

                _initializedList[_initializedCount++] = (int)index;
            }
        }

        return type;
    }

    private void BeginInitialization(int parameters)
    {
        int words = (_localCount + 63) >> 6;
        if (_initialized.Length < words)
        {
            _initialized = new ulong[words];
        }
        else
        {
            _initialized.AsSpan(0, words).Clear();
        }

        for (int i = 0; i < parameters; i++)
        {
            _initialized[i >> 6] |= 1UL << (i & 63);
        }
    }

    private void ForgetInitialized(int height)
    {
        while (_initializedCount > height)
        {
            int index = _initializedList[--_initializedCount];
            _initialized[index >> 6] &= ~(1UL << (index & 63));
        }
    }
}
