using System.Text;

using Codicil.Format;
using Codicil.Format.Text.Scripts;
using Codicil.Fuzz.Cases;

namespace Codicil.Fuzz.Generators;

/// <summary>The modules of the conformance suite's scripts, as bytes and as text: what mutants are made of.</summary>
internal sealed class Corpus
{
    private Corpus(List<byte[]> modules, List<byte[]> texts)
    {
        Modules = modules;
        Texts = texts;
    }

    /// <summary>Valid modules in the binary format.</summary>
    public List<byte[]> Modules { get; }

    /// <summary>Modules in the text format.</summary>
    public List<byte[]> Texts { get; }

    public static Corpus Load(string shared, WasmFeatures features)
    {
        List<byte[]> modules = [];
        List<byte[]> texts = [];
        string folder = Path.Combine(shared, "conformance", "spec3");
        string[] files = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.wast", SearchOption.AllDirectories) : [];
        Array.Sort(files, StringComparer.Ordinal);
        foreach (string file in files)
        {
            byte[] script = File.ReadAllBytes(file);
            if (script.Length < 200_000)
            {
                FindTexts(script, texts);
                FindModules(script, features, modules);
            }
        }

        return new Corpus(modules, texts);
    }

    private static void FindModules(byte[] script, WasmFeatures features, List<byte[]> modules)
    {
        try
        {
            foreach (ScriptCommand command in WastScript.Parse(script).Commands)
            {
                if (command is ModuleCommand module)
                {
                    byte[] bytes = module.Module.Parse().ToArray();
                    if (bytes.Length is > 40 and < 20_000 && ModuleBytes.IsValid(bytes, features))
                    {
                        modules.Add(bytes);
                    }
                }
            }
        }
        catch (WasmException)
        {
            // A script of a proposal: its modules are no material.
        }
    }

    // Every group of parentheses that begins with the word module, wherever it stands.
    private static void FindTexts(byte[] script, List<byte[]> texts)
    {
        string text = Encoding.UTF8.GetString(script);
        for (int start = text.IndexOf("(module", StringComparison.Ordinal); start >= 0; start = text.IndexOf("(module", start + 1, StringComparison.Ordinal))
        {
            if (text.AsSpan(start + 7).TrimStart() is ['b' or 'q' or 'd' or 'i', ..])
            {
                // binary, quote, definition, instance: forms of scripts, not of modules.
                continue;
            }

            int depth = 0;
            bool inString = false;
            for (int i = start; i < text.Length && i - start < 4000; i++)
            {
                char c = text[i];
                if (inString)
                {
                    i += c == '\\' ? 1 : 0;
                    inString = c != '"';
                    continue;
                }

                inString = c == '"';
                depth += c == '(' ? 1 : c == ')' ? -1 : 0;
                if (depth == 0)
                {
                    texts.Add(Encoding.UTF8.GetBytes(text[start..(i + 1)]));
                    break;
                }
            }
        }
    }
}
