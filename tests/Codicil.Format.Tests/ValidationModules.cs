using Codicil.Format.Binary;
using Codicil.Format.Instructions;
using Codicil.Format.Modules;
using Codicil.Format.Text;
using Codicil.Format.Validation;

namespace Codicil.Format.Tests;

/// <summary>Modules for tests of validation: from text, or with a body too large to write down.</summary>
internal static class ValidationModules
{
    public static WasmModule Decode(string wat, WasmFeatures features = WasmFeatures.All) => ModuleDecoder.Decode(Wat.Parse(wat).Bytes.Span, features);

    public static ValidatedModule Validate(string wat, WasmFeatures features = WasmFeatures.All) => ModuleValidator.Validate(Decode(wat, features));

    /// <summary>Checks that a module is refused as invalid, with words that begin as given.</summary>
    public static InvalidModuleException AssertInvalid(string wat, string message, WasmFeatures features = WasmFeatures.All)
    {
        WasmModule module = Decode(wat, features);
        InvalidModuleException exception = Assert.Throws<InvalidModuleException>(() => ModuleValidator.Validate(module));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
        return exception;
    }

    /// <summary>A module of one function of type 0, (func (result i32)), in binary: local declarations and instructions as given, a last end added.</summary>
    public static byte[] WithBody(ReadOnlySpan<byte> locals, ReadOnlySpan<byte> instructions)
    {
        ByteWriter body = new();
        body.WriteBytes(locals);
        body.WriteBytes(instructions);
        body.WriteByte((byte)Opcode.End);
        ByteWriter code = new();
        code.WriteU32(1);
        code.WriteU32((uint)body.Length);
        code.WriteBytes(body.Written);
        ByteWriter module = new();
        module.WriteBytes([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1, 5, 1, 0x60, 0, 1, 0x7F, 3, 2, 1, 0, 10]);
        module.WriteU32((uint)code.Length);
        module.WriteBytes(code.Written);
        return module.ToArray();
    }
}
