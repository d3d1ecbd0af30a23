using Codicil.Wasi.HostFiles;

namespace Codicil.Wasi.Tests.HostFiles;

public sealed class WindowsNamesTests
{
    [Theory]
    [InlineData("CON")]
    [InlineData("con")]
    [InlineData("PRN")]
    [InlineData("AUX")]
    [InlineData("NUL")]
    [InlineData("nul.txt")]
    [InlineData("NUL.tar.gz")]
    [InlineData("NUL .txt")]
    [InlineData("CONIN$")]
    [InlineData("conout$")]
    [InlineData("CLOCK$")]
    [InlineData("COM0")]
    [InlineData("COM1")]
    [InlineData("com9.log")]
    [InlineData("COM1 ")]
    [InlineData("COM1 .x")]
    [InlineData("COM\u00B9")]
    [InlineData("COM\u00B2.txt")]
    [InlineData("LPT\u00B3")]
    [InlineData("LPT1")]
    [InlineData("trailing.")]
    [InlineData("trailing ")]
    [InlineData("trailing. .")]
    [InlineData("...")]
    [InlineData(" ")]
    [InlineData("")]
    [InlineData("a:b")]
    [InlineData("a::$DATA")]
    [InlineData("C:")]
    [InlineData("C:x")]
    [InlineData(@"\\?\C:\x")]
    [InlineData(@"\\.\NUL")]
    [InlineData(@"a\b")]
    [InlineData(@"..\x")]
    [InlineData(@"\")]
    [InlineData("a/b")]
    [InlineData("a*")]
    [InlineData("a?")]
    [InlineData("a|b")]
    [InlineData("a<b")]
    [InlineData("a>b")]
    [InlineData("a\"b")]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [Trait("Security", "WF-11")]
    public void Names_that_are_something_else_on_Windows_are_refused(string name) => Assert.False(WindowsNames.IsFileName(name));

    [Fact]
    [Trait("Security", "WF-11")]
    public void Names_that_are_no_text_or_too_long_are_refused()
    {
        Assert.False(WindowsNames.IsFileName("a\uD800"));
        Assert.False(WindowsNames.IsFileName("\uDC00\uD800"));
        Assert.False(WindowsNames.IsFileName(new string('n', 256)));
        Assert.True(WindowsNames.IsFileName(new string('n', 255)));
    }

    [Theory]
    [InlineData("file")]
    [InlineData("file.txt")]
    [InlineData(".hidden")]
    [InlineData("..x")]
    [InlineData(" leading")]
    [InlineData("CONSOLE")]
    [InlineData("COM")]
    [InlineData("COM10")]
    [InlineData("COMA")]
    [InlineData("xNUL")]
    [InlineData("a.NUL")]
    [InlineData("LPT\u2074")]
    [InlineData("na\u00EFve \U0001F600.txt")]
    [InlineData("a;b,c=d+e[f]")]
    [Trait("Security", "WF-11")]
    public void Other_names_are_files(string name) => Assert.True(WindowsNames.IsFileName(name));
}
