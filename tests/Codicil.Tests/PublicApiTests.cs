using System.Reflection;
using System.Text;

namespace Codicil.Tests;

/// <summary>
/// The public surface of each package is a file beside this one: a change of it is seen in review. CODICIL_UPDATE_PUBLIC_API=1 writes the files anew.
/// </summary>
public sealed class PublicApiTests
{
    public static TheoryData<string> Assemblies => ["Codicil.Format", "Codicil", "Codicil.Wasi", "Codicil.Plugins", "Codicil.Hosting"];

    [Theory]
    [MemberData(nameof(Assemblies))]
    public void The_public_surface_is_the_recorded_one(string assembly)
    {
        string path = Path.Combine(Repository.Root, "tests", "Codicil.Tests", "PublicApi", assembly + ".txt");
        string actual = PublicApiDump.Of(Assembly.Load(assembly));
        if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_PUBLIC_API") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        string[] recorded = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] lines = actual.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> changes = lines.Except(recorded).Select(static line => "+ " + line.Trim()).Concat(recorded.Where(static line => line.Length > 0).Except(lines).Select(static line => "- " + line.Trim()));
        Assert.True(
            lines.SequenceEqual(recorded.Where(static line => line.Length > 0)),
            $"The public surface of {assembly} has changed. Where that is wanted, run the tests with CODICIL_UPDATE_PUBLIC_API=1.\n{string.Join('\n', changes)}");
    }
}

/// <summary>Writes the public surface of an assembly, one member a line, in an order that does not depend on the compiler's.</summary>
internal static class PublicApiDump
{
    private const BindingFlags Declared = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly NullabilityInfoContext s_nullability = new();

    public static string Of(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (Type type in assembly.GetExportedTypes().OrderBy(static type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Declaration(type)).Append('\n');
            foreach (string member in Members(type).Order(StringComparer.Ordinal))
            {
                text.Append("    ").Append(member).Append('\n');
            }
        }

        return text.ToString();
    }

    private static string Declaration(Type type)
    {
        string kind = type.IsEnum ? "enum"
            : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
            : type.IsInterface ? "interface"
            : type.IsValueType ? (type.IsByRefLike ? "ref struct" : "struct")
            : type is { IsAbstract: true, IsSealed: true } ? "static class"
            : type.IsAbstract ? "abstract class"
            : type.IsSealed ? "sealed class" : "class";
        IEnumerable<string> bases = type.IsEnum ? [NameOf(Enum.GetUnderlyingType(type))]
            : typeof(Delegate).IsAssignableFrom(type) || type.IsInterface ? []
            : (type.BaseType is { } parent && parent != typeof(object) && parent != typeof(ValueType) ? [NameOf(parent)] : Array.Empty<string>())
                .Concat(type.GetInterfaces().Except(type.BaseType?.GetInterfaces() ?? []).Where(static contract => contract.IsPublic).Select(NameOf).Order(StringComparer.Ordinal));
        string list = string.Join(", ", bases);
        return $"{Attributes(type)}{kind} {NameOf(type, isFull: true)}{(list.Length == 0 ? "" : " : " + list)}{Constraints(type.IsGenericTypeDefinition ? type.GetGenericArguments() : [])}";
    }

    private static IEnumerable<string> Members(Type type)
    {
        if (type.IsEnum)
        {
            foreach (FieldInfo field in type.GetFields(BindingFlags.Public | BindingFlags.Static))
            {
                yield return $"{field.Name} = {Convert.ToString(field.GetRawConstantValue(), System.Globalization.CultureInfo.InvariantCulture)}";
            }

            yield break;
        }

        if (typeof(Delegate).IsAssignableFrom(type))
        {
            yield return Signature(type.GetMethod("Invoke")!);
            yield break;
        }

        foreach (FieldInfo field in type.GetFields(Declared).Where(static field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly))
        {
            string modifier = field.IsLiteral ? "const " : (field.IsStatic ? "static " : "") + (field.IsInitOnly ? "readonly " : "");
            string value = field.IsLiteral ? $" = {Literal(field.GetRawConstantValue())}" : "";
            yield return $"{Attributes(field)}{Access(field.IsPublic)}{modifier}{NameOf(field.FieldType)}{Mark(s_nullability.Create(field).ReadState)} {field.Name}{value}";
        }

        foreach (ConstructorInfo constructor in type.GetConstructors(Declared).Where(IsVisible))
        {
            yield return $"{Attributes(constructor)}{Access(constructor.IsPublic)}{NameOf(type)}({Parameters(constructor)})";
        }

        foreach (PropertyInfo property in type.GetProperties(Declared))
        {
            MethodInfo?[] accessors = [property.GetMethod, property.SetMethod];
            MethodInfo? visible = accessors.FirstOrDefault(static accessor => accessor is not null && IsVisible(accessor));
            if (visible is null)
            {
                continue;
            }

            string get = property.GetMethod is { } getter && IsVisible(getter) ? " get;" : "";
            string set = property.SetMethod is { } setter && IsVisible(setter)
                ? (setter.ReturnParameter.GetRequiredCustomModifiers().Any(static modifier => modifier.Name == "IsExternalInit") ? " init;" : " set;") : "";
            ParameterInfo[] index = property.GetIndexParameters();
            string name = index.Length == 0 ? property.Name : $"this[{string.Join(", ", index.Select(Parameter))}]";
            yield return $"{Attributes(property)}{Access(visible.IsPublic)}{Modifiers(visible)}{NameOf(property.PropertyType)}{Mark(s_nullability.Create(property).ReadState)} {name} {{{get}{set} }}";
        }

        foreach (EventInfo item in type.GetEvents(Declared).Where(static item => item.AddMethod is { } add && IsVisible(add)))
        {
            yield return $"{Access(item.AddMethod!.IsPublic)}{Modifiers(item.AddMethod)}event {NameOf(item.EventHandlerType!)} {item.Name}";
        }

        foreach (MethodInfo method in type.GetMethods(Declared).Where(static method => IsVisible(method) && (!method.IsSpecialName || method.Name.StartsWith("op_", StringComparison.Ordinal))))
        {
            yield return Attributes(method) + Access(method.IsPublic) + Modifiers(method) + Signature(method);
        }
    }

    // What the compiler makes of records is in the file, too: callers see it.
    private static bool IsVisible(MethodBase method) => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly;

    private static string Access(bool isPublic) => isPublic ? "" : "protected ";

    private static string Modifiers(MethodInfo method) =>
        method.IsStatic ? "static "
        : method.IsAbstract ? (method.DeclaringType!.IsInterface ? "" : "abstract ")
        : method.IsVirtual && method.GetBaseDefinition().DeclaringType != method.DeclaringType ? (method.IsFinal ? "sealed override " : "override ")
        : method is { IsVirtual: true, IsFinal: false } && !method.DeclaringType!.IsSealed ? "virtual " : "";

    private static string Signature(MethodInfo method)
    {
        Type[] arguments = method.IsGenericMethodDefinition ? method.GetGenericArguments() : [];
        string generic = arguments.Length == 0 ? "" : $"<{string.Join(", ", arguments.Select(static argument => argument.Name))}>";
        return $"{NameOf(method.ReturnType)}{Mark(s_nullability.Create(method.ReturnParameter).ReadState)} {(method.Name == "Invoke" && typeof(Delegate).IsAssignableFrom(method.DeclaringType) ? "" : method.Name)}{generic}({Parameters(method)}){Constraints(arguments)}";
    }

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(Parameter));

    private static string Parameter(ParameterInfo parameter)
    {
        string modifier = parameter.IsOut ? "out " : parameter.ParameterType.IsByRef ? (parameter.IsIn ? "in " : "ref ")
            : parameter.GetCustomAttributesData().Any(static data => data.AttributeType.Name is "ParamArrayAttribute" or "ParamCollectionAttribute") ? "params " : "";
        Type type = parameter.ParameterType.IsByRef ? parameter.ParameterType.GetElementType()! : parameter.ParameterType;
        string value = parameter.HasDefaultValue ? $" = {Literal(parameter.RawDefaultValue)}" : "";
        return $"{modifier}{NameOf(type)}{Mark(s_nullability.Create(parameter).WriteState)} {parameter.Name}{value}";
    }

    private static string Constraints(Type[] arguments) => string.Concat(arguments.Select(static argument =>
    {
        var constraints = argument.GetGenericParameterConstraints().Select(static constraint => NameOf(constraint)).ToList();
        GenericParameterAttributes attributes = argument.GenericParameterAttributes;
        if (attributes.HasFlag(GenericParameterAttributes.NotNullableValueTypeConstraint))
        {
            constraints.Insert(0, "struct");
        }
        else if (attributes.HasFlag(GenericParameterAttributes.ReferenceTypeConstraint))
        {
            constraints.Insert(0, "class");
        }

        return constraints.Count == 0 ? "" : $" where {argument.Name} : {string.Join(", ", constraints)}";
    }));

    private static string Attributes(MemberInfo member) => string.Concat(member.GetCustomAttributesData()
        .Where(static data => data.AttributeType.Name is "ExperimentalAttribute" or "ObsoleteAttribute" or "RequiresDynamicCodeAttribute" or "RequiresUnreferencedCodeAttribute" or "FlagsAttribute")
        .Select(static data => $"[{data.AttributeType.Name.Replace("Attribute", "", StringComparison.Ordinal)}] ")
        .Order(StringComparer.Ordinal));

    private static string Mark(NullabilityState state) => state == NullabilityState.Nullable ? "?" : "";

    private static string Literal(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool boolean => boolean ? "true" : "false",
        _ => Convert.ToString(value, System.Globalization.CultureInfo.InvariantCulture) ?? "",
    };

    private static string NameOf(Type type) => NameOf(type, isFull: false);

    private static string NameOf(Type type, bool isFull)
    {
        if (type.IsArray)
        {
            return NameOf(type.GetElementType()!) + "[]";
        }

        if (type.IsPointer)
        {
            return NameOf(type.GetElementType()!) + "*";
        }

        if (type.IsByRef)
        {
            return "ref " + NameOf(type.GetElementType()!);
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            // The mark of nullability follows from the use.
            return NameOf(underlying);
        }

        string name = Keyword(type) ?? type.Name.Split('`')[0];
        if (type.IsGenericType)
        {
            Type[] arguments = type.GetGenericArguments();
            int own = type.DeclaringType is { IsGenericType: true } outer ? arguments.Length - outer.GetGenericArguments().Length : arguments.Length;
            name += own == 0 ? "" : $"<{string.Join(", ", arguments[^own..].Select(NameOf))}>";
        }

        if (type is { IsNested: true, IsGenericParameter: false })
        {
            return $"{NameOf(type.DeclaringType!, isFull)}.{name}";
        }

        return isFull ? $"{type.Namespace}.{name}" : name;
    }

    private static string? Keyword(Type type) =>
        type == typeof(void) ? "void" : type == typeof(object) ? "object" : type == typeof(string) ? "string" : type.IsEnum ? null : Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => "bool",
            TypeCode.Byte => "byte",
            TypeCode.SByte => "sbyte",
            TypeCode.Int16 => "short",
            TypeCode.UInt16 => "ushort",
            TypeCode.Int32 => "int",
            TypeCode.UInt32 => "uint",
            TypeCode.Int64 => "long",
            TypeCode.UInt64 => "ulong",
            TypeCode.Single => "float",
            TypeCode.Double => "double",
            TypeCode.Char => "char",
            TypeCode.Decimal => "decimal",
            _ => type == typeof(nint) ? "nint" : type == typeof(nuint) ? "nuint" : null,
        };
}
