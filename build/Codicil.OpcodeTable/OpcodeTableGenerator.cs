using System.Collections.Immutable;
using System.Text;

using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Codicil.OpcodeTable;

/// <summary>
/// Turns the attributed members of the Opcode enum into the data half of the partial class OpcodeTable: spans over the assembly's data
/// section, no static constructor, no reflection. What the data means is said in the other half, in Instructions/OpcodeTable.cs.
/// </summary>
[Generator(LanguageNames.CSharp)]
public sealed class OpcodeTableGenerator : IIncrementalGenerator
{
    private const string AttributeName = "Codicil.Format.Instructions.InstructionAttribute";

    /// <inheritdoc/>
    public void Initialize(IncrementalGeneratorInitializationContext context)
    {
        IncrementalValueProvider<ImmutableArray<OpcodeRow>> rows = context.SyntaxProvider
            .ForAttributeWithMetadataName(
                AttributeName,
                static (node, _) => node is EnumMemberDeclarationSyntax,
                static (attributed, _) => OpcodeRow.Read((IFieldSymbol)attributed.TargetSymbol, attributed.Attributes[0]))
            .Collect();

        context.RegisterSourceOutput(rows, static (output, rows) =>
        {
            if (!rows.IsEmpty)
            {
                output.AddSource("OpcodeTable.g.cs", SourceText.From(OpcodeTableWriter.Write(rows), Encoding.UTF8));
            }
        });
    }
}
