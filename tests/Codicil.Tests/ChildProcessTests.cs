namespace Codicil.Tests;

public class ChildProcessTests
{
    [Fact]
    public void Passes_arguments_and_environment_and_returns_output()
    {
        ChildProcessResult result = ChildProcess.Run(
            static arguments => Console.WriteLine(string.Join('+', arguments) + Environment.GetEnvironmentVariable("CODICIL_TEST_VALUE")),
            new() { Arguments = ["a b", "c\"d"], Environment = { ["CODICIL_TEST_VALUE"] = "!" } });
        result.AssertSucceeded();
        Assert.Equal("a b+c\"d!\n", result.StandardOutput.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void Tells_an_exception_from_a_crash()
    {
        ChildProcessResult threw = ChildProcess.Run(static _ => throw new InvalidOperationException("on purpose"));
        Assert.Equal(ChildProcessProgram.BodyThrew, threw.ExitCode);
        Assert.Contains("on purpose", threw.StandardError, StringComparison.Ordinal);

        ChildProcess.Run(static _ => Environment.FailFast("on purpose")).AssertCrashed("on purpose");
    }

    [Fact]
    public void Refuses_a_body_that_captures()
    {
        int captured = 1;
        Assert.Throws<ArgumentException>(() => ChildProcess.Run(_ => captured++));
    }
}
