namespace Codicil.Wasi.Tests;

public sealed class WasiOptionsTests
{
    [Fact]
    [Trait("Parity", "WAZ-10")]
    public void Nothing_is_passed_on_by_default()
    {
        Assert.Empty(WasiOptions.Default.Arguments);
        Assert.Empty(WasiOptions.Default.Environment);
        Assert.Null(WasiOptions.Default.StandardInput);
        Assert.Null(WasiOptions.Default.StandardOutput);
        Assert.Null(WasiOptions.Default.StandardError);
    }

    [Theory]
    [Trait("Parity", "WAZ-10")]
    [InlineData("a\0b")]
    [InlineData("\0")]
    public void Refuses_nul_in_an_argument(string argument)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => StringVector.FromArguments(["program", argument]));
        Assert.StartsWith("args invalid: contains NUL character", exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [Trait("Parity", "WAZ-10")]
    [InlineData("", "v", "environ invalid: empty key")]
    [InlineData("a=b", "v", "environ invalid: key contains '=' character")]
    [InlineData("=", "v", "environ invalid: key contains '=' character")]
    [InlineData("a\0", "v", "environ invalid: contains NUL character")]
    [InlineData("a", "v\0", "environ invalid: contains NUL character")]
    public void Refuses_variables_that_have_no_form(string name, string value, string message)
    {
        ArgumentException exception = Assert.Throws<ArgumentException>(() => StringVector.FromEnvironment([new(name, value)]));
        Assert.StartsWith(message, exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Parity", "WAZ-10")]
    public void Allows_an_empty_argument_and_an_empty_value()
    {
        StringVector arguments = StringVector.FromArguments(["", "x"]);
        Assert.Equal(2u, arguments.Count);
        Assert.Equal(3u, arguments.LengthInBytes);
        StringVector environment = StringVector.FromEnvironment([new("A", "")]);
        Assert.Equal(3u, environment.LengthInBytes);
    }

    [Fact]
    [Trait("Parity", "WAZ-10")]
    public void A_later_value_replaces_in_place_and_order_is_kept()
    {
        WasiOptions options = WasiOptions.Default with { Environment = [new("B", "1"), new("A", "2"), new("B", "3")] };
        options = options.WithEnvironmentVariable("C", "4").WithEnvironmentVariable("A", "5");
        Assert.Equal([new("B", "3"), new("A", "5"), new("C", "4")], options.Environment);
    }

    [Fact]
    [Trait("Parity", "WAZ-19")]
    public void Names_of_variables_are_case_sensitive()
    {
        WasiOptions options = WasiOptions.Default with { Environment = new Dictionary<string, string> { ["a"] = "1", ["A"] = "2" } };
        Assert.Equal(2, options.Environment.Count);
    }

    [Fact]
    public void Options_keep_copies_of_lists()
    {
        string[] arguments = ["one"];
        var environment = new Dictionary<string, string> { ["A"] = "1" };
        WasiOptions options = WasiOptions.Default with { Arguments = arguments, Environment = environment };
        arguments[0] = "changed";
        environment["A"] = "changed";
        Assert.Equal(["one"], options.Arguments);
        Assert.Equal([new("A", "1")], options.Environment);
    }

    [Fact]
    [Trait("Parity", "PGW-06")]
    [Trait("Parity", "WTG-21")]
    public void Environment_and_arguments_of_the_process_are_inherited_when_asked_for()
    {
        WasiOptions options = WasiOptions.Default.InheritEnvironment().InheritArguments();
        Assert.Contains(options.Environment, variable => variable.Key == "PATH" && variable.Value == Environment.GetEnvironmentVariable("PATH"));
        Assert.Equal(Environment.GetCommandLineArgs(), options.Arguments);
        StringVector.FromEnvironment(options.Environment);
    }

    [Fact]
    [Trait("Parity", "WTG-21")]
    public void Each_stream_is_inherited_apart()
    {
        WasiOptions options = WasiOptions.Default.InheritStandardError();
        Assert.NotNull(options.StandardError);
        Assert.Null(options.StandardOutput);
        Assert.Null(options.StandardInput);
        options = options.InheritConsole();
        Assert.NotNull(options.StandardOutput);
        Assert.NotNull(options.StandardInput);
    }

    [Fact]
    public void Nothing_that_must_be_there_can_be_null()
    {
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Arguments = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Arguments = [null!] });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Environment = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Environment = [new("A", null!)] });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { WallClock = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { MonotonicClock = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Sleep = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Random = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Listeners = null! });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default with { Listeners = [null!] });
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default.WithListener((System.Net.EndPoint)null!));
        Assert.Throws<ArgumentNullException>(() => WasiOptions.Default.WithStandardOutput(null!));
    }

    [Fact]
    [Trait("Parity", "WAZ-10")]
    public void Options_are_checked_when_a_module_is_instantiated()
    {
        foreach ((WasiOptions options, string message) in ((WasiOptions, string)[])
        [
            (WasiOptions.Default with { Arguments = ["a\0"] }, "args invalid: contains NUL character: `a\\0`"),
            (WasiOptions.Default with { Environment = [new("", "x")] }, "environ invalid: empty key: its value is `x`"),
            (WasiOptions.Default with { MaximumDescriptors = 2 }, "invalid MaximumDescriptors: 2"),
            (WasiOptions.Default with { WallClock = WasiClock.Create(static () => 0, 0) }, "invalid Walltime resolution: 0"),
        ])
        {
            Assert.Equal(message, Assert.Throws<ArgumentException>(() => new Guest(options)).Message);
        }
    }
}
