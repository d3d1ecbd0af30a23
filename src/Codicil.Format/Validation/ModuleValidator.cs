using System.Diagnostics.CodeAnalysis;

using Codicil.Format.Instructions;
using Codicil.Format.Modules;

namespace Codicil.Format.Validation;

/// <summary>Validates modules: every part, every instruction of every body, reachable or not. Stateless and thread-safe.</summary>
/// <remarks>WebAssembly 3.0, 3.5 Modules. Linear in the size of the module, without recursion.</remarks>
public static class ModuleValidator
{
    /// <summary>Validates a module.</summary>
    /// <param name="module">The module.</param>
    /// <param name="degreeOfParallelism">The number of threads that may validate bodies at the same time. The error reported is the same for any number.</param>
    /// <exception cref="InvalidModuleException">The module is invalid.</exception>
    /// <exception cref="MalformedModuleException">The instructions of a body are malformed.</exception>
    /// <exception cref="UnsupportedModuleException">The module uses what is switched off, or exceeds a limit.</exception>
    public static ValidatedModule Validate(WasmModule module, int degreeOfParallelism = 1)
    {
        ArgumentNullException.ThrowIfNull(module);
        ArgumentOutOfRangeException.ThrowIfLessThan(degreeOfParallelism, 1);
        ModuleContext context = new(module);
        TypeValidator.Validate(context);
        new PartsValidator(context).Validate();
        if (degreeOfParallelism == 1 || module.Bodies.Length < 2)
        {
            FunctionValidator validator = new(context);
            for (int i = 0; i < module.Bodies.Length; i++)
            {
                ValidateBody(validator, module, i);
            }
        }
        else
        {
            ValidateInParallel(context, degreeOfParallelism);
        }

        return new ValidatedModule(context);
    }

    private static void ValidateInParallel(ModuleContext context, int degreeOfParallelism)
    {
        WasmModule module = context.Module;
        WasmException?[] errors = new WasmException?[1];
        int firstError = int.MaxValue;
        Lock errorLock = new();
        ParallelOptions options = new() { MaxDegreeOfParallelism = degreeOfParallelism };
        Parallel.For(0, module.Bodies.Length, options, () => new FunctionValidator(context), Validate, static _ => { });
        if (errors[0] is WasmException error)
        {
            throw error;
        }

        FunctionValidator Validate(int index, ParallelLoopState state, FunctionValidator validator)
        {
            // Bodies before a faulty one are still walked, so that the first error wins as it does on one thread.
            if (index > Volatile.Read(ref firstError))
            {
                return validator;
            }

            try
            {
                ValidateBody(validator, module, index);
            }
            catch (WasmException exception)
            {
                lock (errorLock)
                {
                    if (index < firstError)
                    {
                        firstError = index;
                        errors[0] = exception;
                    }
                }
            }

            return validator;
        }
    }

    private static void ValidateBody(FunctionValidator validator, WasmModule module, int bodyIndex)
    {
        FunctionBody body = module.Bodies[bodyIndex];
        validator.Begin(module.ImportedFunctionCount + bodyIndex);
        InstructionReader reader = new(module.Bytes.Span, body.InstructionsStart, body.Range.End, module.Features);
        do
        {
            reader.Read(out Instruction instruction);
            validator.Step(in instruction);
        }
        while (!validator.IsFinished);

        if (!reader.AtEnd)
        {
            ThrowTrailing(reader.Offset);
        }
    }

    [DoesNotReturn]
    private static void ThrowTrailing(int offset) =>
        throw new MalformedModuleException("END opcode expected: the function has ended, but its code goes on", offset);
}
