namespace Codicil.Tests.Documents;

/// <summary>
/// docs/security.md says which case has which tests. With CODICIL_UPDATE_DOCUMENTS=1 the tests are written into it, and the state of a case that got its
/// first becomes "part": whether they cover it is for a reader to say.
/// </summary>
public sealed class SecurityDocumentTests
{
    private static readonly string[] s_states = ["tested", "part", "open", "later"];

    [Fact]
    public void Every_case_names_the_classes_that_carry_it()
    {
        var table = new StateTable("security.md");
        IReadOnlyDictionary<string, SortedSet<string>> traits = SourceTraits.Find("Security");
        string Expected(StateTable.Row row) => traits.TryGetValue(row.Id, out SortedSet<string>? names) ? string.Join(", ", names) : "";
        if (Environment.GetEnvironmentVariable("CODICIL_UPDATE_DOCUMENTS") == "1")
        {
            foreach (StateTable.Row row in table.Rows)
            {
                table.SetLast(row, Expected(row));
                table.FollowTests(row, traits.ContainsKey(row.Id), "tested");
            }

            table.Save();
            table = new StateTable("security.md");
        }

        Assert.All(table.Rows, row => Assert.Equal($"{row.Id}: {Expected(row)}", $"{row.Id}: {row.Last}"));
    }

    [Fact]
    public void A_case_is_tested_when_tests_carry_it_and_only_then()
    {
        IReadOnlyDictionary<string, SortedSet<string>> traits = SourceTraits.Find("Security");
        Assert.All(
            new StateTable("security.md").Rows,
            row =>
            {
                Assert.Contains(row.State, s_states);
                Assert.True(traits.ContainsKey(row.Id) == row.State is "tested" or "part", $"{row.Id} is {row.State}, tests that carry it: {traits.ContainsKey(row.Id)}");
            });
    }

    [Fact]
    public void Every_trait_is_a_case_and_every_case_is_listed_once()
    {
        List<StateTable.Row> rows = new StateTable("security.md").Rows;
        Assert.Equal(86, rows.Count);
        Assert.Equal(rows.Count, rows.DistinctBy(row => row.Id).Count());
        Assert.Empty(SourceTraits.Find("Security").Keys.Except(rows.Select(row => row.Id)));
    }
}
