using System.Collections.Immutable;

using Codicil.Format.Binary;
using Codicil.Format.Modules;
using Codicil.Format.Types;
using Codicil.Format.Validation;

namespace Codicil.Format.Tests;

public sealed class ValidationTypeTests
{
    [Fact]
    public void Equal_types_of_two_modules_have_one_id()
    {
        TypeCanonicalizer canonicalizer = new();
        CanonicalType[] first = canonicalizer.Canonicalize(
            ValidationModules.Decode("(module (type (func)) (type (func (param i32))) (type (func)) (rec (type (struct (field (ref null 4)))) (type (array (ref 3)))))").Types);
        CanonicalType[] second = canonicalizer.Canonicalize(
            ValidationModules.Decode("(module (rec (type (struct (field (ref null 1)))) (type (array (ref 0)))) (type (func (param i32))))").Types);
        Assert.Equal(first[0], first[2]);
        Assert.NotEqual(first[0], first[1]);
        Assert.Equal(first[3], second[0]);
        Assert.Equal(first[4], second[1]);
        Assert.Equal(first[1], second[2]);
        Assert.Equal(4, canonicalizer.Count);
    }

    [Theory]
    [InlineData("(type (func)) (rec (type (func)) (type (func)))", "a group of one is not one of two")]
    [InlineData("(rec (type (func)) (type (struct))) (rec (type (struct)) (type (func)))", "the order in a group counts")]
    [InlineData("(type (sub (func))) (type (func))", "final counts")]
    [InlineData("(type (struct (field i32))) (type (struct (field (mut i32))))", "mutability counts")]
    [InlineData("(type (array i8)) (type (array i16))", "packing counts")]
    [InlineData("(type (func (param i32))) (type (func (result i32)))", "parameters are no results")]
    [InlineData("(type (struct (field i32 i32))) (type (struct (field i32)))", "the number of fields counts")]
    [InlineData("(type (array (ref 0))) (type (array (ref 0)))", "a reference inside is none to an earlier type")]
    [InlineData("(type (array (ref any))) (type (array anyref))", "nullability counts")]
    public void Tells_types_apart(string types, string reason)
    {
        Assert.NotEmpty(reason);
        CanonicalType[] ids = new TypeCanonicalizer().Canonicalize(ValidationModules.Decode($"(module {types})").Types);
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void Function_types_of_the_host_have_the_ids_of_modules()
    {
        TypeCanonicalizer canonicalizer = new();
        FunctionType type = new([ValType.I32, ValType.F64], [ValType.I64]);
        CanonicalType host = canonicalizer.GetFunctionType(type);
        ImmutableArray<SubType> types = ValidationModules.Decode("(module (type (func)) (type (func (param i32 f64) (result i64))) (type (sub (func (param i32 f64) (result i64)))))").Types;
        CanonicalType[] ids = canonicalizer.Canonicalize(types);
        Assert.Equal(host, ids[1]);
        Assert.NotEqual(host, ids[2]);
        Assert.Equal(ids[0], canonicalizer.GetFunctionType(FunctionType.Empty));
        FunctionType relative = new([ValType.Reference(true, HeapType.Concrete(1))], []);
        Assert.Throws<ArgumentException>(() => canonicalizer.GetFunctionType(relative));
        Assert.NotEqual(host, canonicalizer.GetFunctionType(relative, canonicalizer.CreateContext(types)));
    }

    [Fact]
    public void Subtypes_are_those_declared_at_any_distance()
    {
        WasmModule module = ValidationModules.Validate(
            """
            (module
              (type $a (sub (struct (field i32))))
              (type $b (sub $a (struct (field i32 i64))))
              (type $c (sub $b (struct (field i32 i64 f32))))
              (type $like_b (sub $a (struct (field i32 i64))))
              (type $other (sub (struct (field i32 i64)))))
            """).Module;
        TypeCanonicalizer canonicalizer = new();
        CanonicalType[] ids = canonicalizer.Canonicalize(module.Types);
        Assert.True(ids[2].IsSubtypeOf(ids[0]));
        Assert.True(ids[2].IsSubtypeOf(ids[3]));
        Assert.True(ids[0].IsSubtypeOf(ids[0]));
        Assert.False(ids[0].IsSubtypeOf(ids[2]));
        Assert.False(ids[4].IsSubtypeOf(ids[0]));
        Assert.Equal(ids[0], ids[1].Supertype);
        Assert.Equal(CompositeKind.Struct, ids[1].Kind);
    }

    [Theory]
    [InlineData("i31ref", "eqref", true)]
    [InlineData("eqref", "anyref", true)]
    [InlineData("structref", "anyref", true)]
    [InlineData("arrayref", "eqref", true)]
    [InlineData("nullref", "i31ref", true)]
    [InlineData("nullref", "(ref null $s)", true)]
    [InlineData("nullfuncref", "(ref null $f)", true)]
    [InlineData("nullexternref", "externref", true)]
    [InlineData("nullexnref", "exnref", true)]
    [InlineData("(ref $s)", "structref", true)]
    [InlineData("(ref $s)", "(ref any)", true)]
    [InlineData("(ref $f)", "funcref", true)]
    [InlineData("(ref null $s)", "(ref $s)", false)]
    [InlineData("(ref $s)", "(ref null $s)", true)]
    [InlineData("(ref $f)", "anyref", false)]
    [InlineData("(ref $s)", "arrayref", false)]
    [InlineData("nullref", "funcref", false)]
    [InlineData("nullfuncref", "(ref null $s)", false)]
    [InlineData("externref", "anyref", false)]
    [InlineData("anyref", "eqref", false)]
    [InlineData("i31ref", "structref", false)]
    [InlineData("i32", "i32", true)]
    [InlineData("i32", "i64", false)]
    [InlineData("i32", "anyref", false)]
    public void Matches_as_the_hierarchies_say(string sub, string super, bool expected)
    {
        WasmModule module = ValidationModules.Decode($"(module (type $s (struct)) (type $f (func)) (type (func (param {sub} {super}))))");
        TypeContext context = TypeContext.Create(module.Types);
        FunctionType pair = module.GetFunctionType(2);
        Assert.Equal(expected, TypeMatching.Matches(pair.Parameters[0], pair.Parameters[1], context));
        Assert.True(TypeMatching.Matches(ValType.Bottom, pair.Parameters[1], context));
    }

    [Fact]
    public void Imports_match_by_limits_mutability_and_kind()
    {
        TypeContext context = TypeContext.Create([]);
        Assert.True(Matches(new MemoryType(new Limits(2, 3)), new MemoryType(new Limits(1, 4))));
        Assert.True(Matches(new MemoryType(new Limits(2, 3)), new MemoryType(new Limits(1))));
        Assert.False(Matches(new MemoryType(new Limits(2)), new MemoryType(new Limits(1, 4))));
        Assert.False(Matches(new MemoryType(new Limits(0)), new MemoryType(new Limits(1))));
        Assert.False(Matches(new MemoryType(new Limits(1), is64: true), new MemoryType(new Limits(1))));
        Assert.True(Matches(new GlobalType(ValType.Reference(false, HeapType.Func), false), new GlobalType(ValType.FuncRef, false)));
        Assert.False(Matches(new GlobalType(ValType.Reference(false, HeapType.Func), true), new GlobalType(ValType.FuncRef, true)));
        Assert.False(Matches(new GlobalType(ValType.I32, true), new GlobalType(ValType.I32, false)));
        Assert.True(Matches(new TableType(ValType.FuncRef, new Limits(5)), new TableType(ValType.FuncRef, new Limits(4))));
        Assert.False(Matches(new TableType(ValType.FuncRef, new Limits(5)), new TableType(ValType.ExternRef, new Limits(4))));
        Assert.True(Matches(new FunctionType([ValType.I32], []), new FunctionType([ValType.I32], [])));
        Assert.False(Matches(new FunctionType([ValType.I32], []), new FunctionType([ValType.I64], [])));
        Assert.False(Matches(new FunctionType([], []), new GlobalType(ValType.I32, true)));

        bool Matches(ExternType sub, ExternType super) => TypeMatching.Matches(sub, context, super, context);
    }

    [Theory]
    [InlineData(63, true)]
    [InlineData(64, false)]
    [Trait("Security", "DV-08")]
    public void Takes_chains_of_supertypes_of_63_and_no_more(int depth, bool valid)
    {
        string types = "(type (sub (struct)))" + string.Concat(Enumerable.Range(0, depth).Select(i => $"(type (sub {i} (struct)))"));
        if (valid)
        {
            ValidationModules.Validate($"(module {types})");
        }
        else
        {
            Assert.Throws<UnsupportedModuleException>(() => ValidationModules.Validate($"(module {types})"));
        }
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Does_not_walk_long_chains_of_supertypes()
    {
        // One group: a structure with a field of the chain's top, 100,000 subtypes of it with a field of the chain's bottom, then the chain of 100,000:
        // 10^10 steps for a validator that matches fields before it looks at depths.
        const uint count = 100_000;
        ByteWriter types = new();
        types.WriteByte(0x4E);
        types.WriteU32((2 * count) + 1);
        types.WriteBytes([0x50, 0, 0x5F, 1, 0x63]);
        types.WriteSigned(count + 1);
        types.WriteByte(0);
        for (uint i = 0; i < count; i++)
        {
            types.WriteBytes([0x50, 1, 0, 0x5F, 1, 0x63]);
            types.WriteSigned(2 * count);
            types.WriteByte(0);
        }

        types.WriteBytes([0x50, 0, 0x5F, 0]);
        for (uint i = 1; i < count; i++)
        {
            types.WriteBytes([0x50, 1]);
            types.WriteU32(count + i);
            types.WriteBytes([0x5F, 0]);
        }

        byte[] module = WithTypes(1, types.Written);
        UnsupportedModuleException exception = Assert.Throws<UnsupportedModuleException>(() => ModuleValidator.Validate(ModuleDecoder.Decode(module)));
        Assert.StartsWith("sub type 100065 is more than 63 types deep", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Canonicalizes_a_million_types()
    {
        // A million function types, of which 100 are different: (param i32 x a) (result i64 x b).
        ByteWriter types = new();
        for (int i = 0; i < 1_000_000; i++)
        {
            byte parameters = (byte)(i % 10);
            byte results = (byte)(i / 10 % 10);
            types.WriteByte(0x60);
            types.WriteByte(parameters);
            for (int p = 0; p < parameters; p++)
            {
                types.WriteByte(0x7F);
            }

            types.WriteByte(results);
            for (int r = 0; r < results; r++)
            {
                types.WriteByte(0x7E);
            }
        }

        WasmModule module = ModuleValidator.Validate(ModuleDecoder.Decode(WithTypes(1_000_000, types.Written))).Module;
        TypeCanonicalizer canonicalizer = new();
        CanonicalType[] ids = canonicalizer.Canonicalize(module.Types);
        Assert.Equal(100, canonicalizer.Count);
        Assert.Equal(ids[17], ids[999_017]);
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Canonicalizes_a_huge_recursion_group_and_its_twin()
    {
        // Two groups of 250,000 structures, each type with a reference to the next and one to the first of its group.
        const uint size = 250_000;
        ByteWriter types = new();
        for (uint group = 0; group < 2; group++)
        {
            types.WriteByte(0x4E);
            types.WriteU32(size);
            for (uint i = 0; i < size; i++)
            {
                types.WriteBytes([0x5F, 2, 0x63]);
                types.WriteSigned((group * size) + ((i + 1) % size));
                types.WriteBytes([0, 0x64]);
                types.WriteSigned(group * size);
                types.WriteByte(1);
            }
        }

        WasmModule module = ModuleValidator.Validate(ModuleDecoder.Decode(WithTypes(2, types.Written))).Module;
        TypeCanonicalizer canonicalizer = new();
        CanonicalType[] ids = canonicalizer.Canonicalize(module.Types);
        Assert.Equal((int)size, canonicalizer.Count);
        for (int i = 0; i < size; i++)
        {
            Assert.Equal(ids[i], ids[i + (int)size]);
        }
    }

    [Fact]
    [Trait("Security", "DV-08")]
    public void Canonicalizes_towers_of_isomorphic_groups()
    {
        // Two towers of 20,000 groups, each level refers to the level below twice: expanded as trees they would have 2^20,000 nodes.
        ByteWriter types = new();
        for (uint tower = 0; tower < 2; tower++)
        {
            types.WriteBytes([0x5F, 0]);
            for (uint i = 0; i < 20_000; i++)
            {
                types.WriteBytes([0x5F, 2, 0x63]);
                types.WriteSigned((tower * 20_001) + i);
                types.WriteBytes([0, 0x63]);
                types.WriteSigned((tower * 20_001) + i);
                types.WriteByte(0);
            }
        }

        WasmModule module = ModuleValidator.Validate(ModuleDecoder.Decode(WithTypes(40_002, types.Written))).Module;
        TypeCanonicalizer canonicalizer = new();
        CanonicalType[] ids = canonicalizer.Canonicalize(module.Types);
        Assert.Equal(20_001, canonicalizer.Count);
        Assert.Equal(ids[20_000], ids[40_001]);
    }

    [Fact]
    public void Canonicalizes_on_many_threads()
    {
        TypeCanonicalizer canonicalizer = new();
        ImmutableArray<SubType>[] modules =
        [
            .. Enumerable.Range(0, 16).Select(m => ValidationModules.Decode(
                "(module " + string.Concat(Enumerable.Range(m, 200).Select(i => $"(type (sub (struct {string.Concat(Enumerable.Repeat("(field i32)", i))})))")) + ")").Types),
        ];
        CanonicalType[][] ids = new CanonicalType[16][];
        Parallel.For(0, 16, i => ids[i] = canonicalizer.Canonicalize(modules[i]));
        Assert.Equal(215, canonicalizer.Count);
        for (int i = 1; i < 16; i++)
        {
            Assert.Equal(ids[i - 1][1..], ids[i][..^1]);
        }
    }

    private static byte[] WithTypes(uint count, ReadOnlySpan<byte> types)
    {
        ByteWriter content = new();
        content.WriteU32(count);
        content.WriteBytes(types);
        ByteWriter module = new();
        module.WriteBytes([0, 0x61, 0x73, 0x6D, 1, 0, 0, 0, 1]);
        module.WriteU32((uint)content.Length);
        module.WriteBytes(content.Written);
        return module.ToArray();
    }
}
