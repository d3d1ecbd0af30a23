using System.Globalization;

namespace Codicil.Tests.Documents;

/// <summary>
/// docs/parity.md lists every row with its state, and the traits agree. With CODICIL_UPDATE_DOCUMENTS=1 the state of a row that got its first test becomes
/// "part": whether the tests prove it is for a reader to say.
/// </summary>
public sealed class ParityDocumentTests
{
    private static readonly (string Group, int Count)[] s_groups = [("EXT", 31), ("WAZ", 19), ("WPL", 4), ("PGW", 8), ("WTG", 28)];

    [Fact]
    public void Every_row_is_listed_once_and_in_order()
    {
        IEnumerable<string> expected = s_groups.SelectMany(
            group => Enumerable.Range(1, group.Count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{group.Group}-{number:00}")));
        Assert.Equal(expected, new StateTable("parity.md").Rows.Select(row => row.Id));
    }

    [Fact]
    public void A_row_is_proven_when_tests_carry_it_and_only_then()
    {
        IReadOnlyDictionary<string, SortedSet<string>> traits = SourceTraits.Find("Parity");
        if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_DOCUMENTS") == "1")
        {
            var table = new StateTable("parity.md");
            table.Rows.ForEach(row => table.FollowTests(row, traits.ContainsKey(row.Id), "proven"));
            table.Save();
        }

        Assert.All(
            new StateTable("parity.md").Rows,
            row =>
            {
                Assert.Contains(row.State, new[] { "proven", "part", "open", "later" });
                Assert.True(traits.ContainsKey(row.Id) == row.State is "proven" or "part", $"{row.Id} is {row.State}, tests that carry it: {traits.ContainsKey(row.Id)}");
            });
    }

    [Fact]
    public void Every_trait_is_a_row() => Assert.Empty(SourceTraits.Find("Parity").Keys.Except(new StateTable("parity.md").Rows.Select(row => row.Id)));

    [Fact]
    public void A_row_that_is_proven_names_what_serves_it() =>
        Assert.All(new StateTable("parity.md").Rows.Where(row => row.State == "proven"), row => Assert.NotEmpty(row.Last));
}
