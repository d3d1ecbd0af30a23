using System.Collections.Immutable;
using System.Security.Cryptography;

using Codicil.Format.Types;
using Codicil.Plugins.Http;

namespace Codicil.Plugins;

/// <summary>A compiled module of a plug-in with where each of its imports comes from.</summary>
internal sealed record PluginModule(string Name, Module Module)
{
    public ImmutableArray<ImportSource> Imports { get; set; } = [];

}

/// <summary>What an import is resolved to in every instance.</summary>
internal enum ImportKind
{
    Missing,
    Kernel,
    Environment,
    HostFunction,
    Linked,
    Wasi,
    LinkedExit,
    Observe,
}

/// <summary>Where an import comes from.</summary>
/// <param name="Kind">The kind of source.</param>
/// <param name="Index">Which kernel function, host function or module.</param>
internal readonly record struct ImportSource(ImportKind Kind, int Index = 0);

/// <summary>The modules of a manifest: loaded, named, checked, compiled and linked by name.</summary>
internal sealed class PluginModules
{
    public const string WasiModuleName = "wasi_snapshot_preview1";
    private const string MainName = "main";

    private PluginModules(ImmutableArray<PluginModule> all, ImmutableArray<int> startOrder)
    {
        All = all;
        StartOrder = startOrder;
    }

    /// <summary>Every module in the order in which they are instantiated; the main one is the last.</summary>
    public ImmutableArray<PluginModule> All { get; }

    /// <summary>The order in which the modules' runtimes are started: the manifest's, the main module last.</summary>
    public ImmutableArray<int> StartOrder { get; }

    /// <summary>The index of the main module.</summary>
    public int Main => All.Length - 1;

    /// <summary>Loads and compiles a manifest's modules, in its order; of each the bytes, the name, a collision, the hash, the code.</summary>
    public static PluginModules Compile(Engine engine, PluginManifest manifest, PluginOptions options, PluginHttpGroup http, CancellationToken cancellationToken)
    {
        if (manifest.Wasm.Count == 0)
        {
            throw new PluginException(PluginFailure.Manifest, "manifest can't be empty: it names no module");
        }

        // What a failure leaves behind goes with the engine, which the caller disposes.
        var modules = new List<PluginModule>();
        PluginModule? main = null;
        var moduleOptions = new ModuleOptions
        {
            BoundImports = KernelImports.All,
            Listener = options.Tracer is { Options.AllFunctions: true } tracer ? new TracingListener(tracer, engine.Options.Listener) : null,
        };
        for (int i = 0; i < manifest.Wasm.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            PluginWasm wasm = manifest.Wasm[i] ?? throw new PluginException(PluginFailure.Manifest, "invalid Wasm entry: it is null");
            ReadOnlyMemory<byte> bytes = wasm is PluginWasmUrl url ? url.Load(http, cancellationToken) : wasm.Load(cancellationToken);
            string declared = wasm.Name ?? "";
            bool isMain = declared == MainName || (main is null && (declared.Length == 0 || i == manifest.Wasm.Count - 1));
            CheckName(declared, isMain, main, modules, options);
            CheckHash(wasm, bytes.Span, i);
            Module module = options.CompilationCache is CompilationCache cache
                ? cache.GetModule(engine, bytes.Span, moduleOptions)
                : Module.FromBytesOrText(engine, bytes.Span, moduleOptions);
            var compiled = new PluginModule(isMain ? MainName : declared, module);
            if (isMain)
            {
                main = compiled;
            }
            else
            {
                modules.Add(compiled);
            }
        }

        return Link(modules, main!, options);
    }

    /// <summary>Whether functions of a module name are accepted from the plug-in's user.</summary>
    public static bool IsReserved(string moduleName, bool wasi) => moduleName == KernelImports.ModuleName || (wasi && moduleName == WasiModuleName);

    private static void CheckName(string declared, bool isMain, PluginModule? main, List<PluginModule> modules, PluginOptions options)
    {
        if (isMain && main is not null)
        {
            throw new PluginException(PluginFailure.Manifest, "can't have more than one main module");
        }

        if (declared.Length == 0)
        {
            if (!isMain)
            {
                throw new PluginException(PluginFailure.Manifest, "a module name must not be empty: the manifest has a main module already");
            }

            return;
        }

        if (IsReserved(declared, options.Wasi)
            || modules.Exists(module => module.Name == declared)
            || options.HostFunctions.Any(function => function.Namespace == declared))
        {
            throw new PluginException(PluginFailure.Manifest, $"module name collision: '{declared}'");
        }
    }

    private static void CheckHash(PluginWasm wasm, ReadOnlySpan<byte> bytes, int index)
    {
        if (string.IsNullOrEmpty(wasm.Hash))
        {
            return;
        }

        Span<byte> actual = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, actual);
        string actualHex = Convert.ToHexStringLower(actual);
        if (!string.Equals(actualHex, wasm.Hash, StringComparison.OrdinalIgnoreCase))
        {
            string name = !string.IsNullOrEmpty(wasm.Name)
                ? wasm.Name
                : wasm.Location ?? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"wasm[{index}]");
            throw new PluginException(PluginFailure.HashMismatch, $"hash mismatch for module '{name}': expected {wasm.Hash}, found {actualHex}");
        }
    }

    // Modules that others need come first. In a circle the manifest's order decides, and functions of a module that is not there yet are reached through forwarders.
    private static PluginModules Link(List<PluginModule> linked, PluginModule main, PluginOptions options)
    {
        var ordered = new List<PluginModule>(linked.Count + 1);
        var seen = new HashSet<PluginModule>();
        foreach (PluginModule module in linked)
        {
            Visit(module);
        }

        ordered.Add(main);
        for (int i = 0; i < ordered.Count; i++)
        {
            PluginModule module = ordered[i];
            bool isMain = i == ordered.Count - 1;
            module.Imports = [.. module.Module.Imports.Select(import => Resolve(import, ordered, isMain, options))];
        }

        return new PluginModules([.. ordered], [.. linked.Select(module => ordered.IndexOf(module)), ordered.Count - 1]);

        // The depth is bounded by an explicit stack: a manifest may link thousands of modules in a chain.
        void Visit(PluginModule root)
        {
            var stack = new Stack<(PluginModule Module, bool Done)>();
            stack.Push((root, false));
            while (stack.TryPop(out (PluginModule Module, bool Done) item))
            {
                if (item.Done)
                {
                    ordered.Add(item.Module);
                    continue;
                }

                if (!seen.Add(item.Module))
                {
                    continue;
                }

                stack.Push((item.Module, true));
                foreach (string name in item.Module.Module.Imports.Select(static import => import.ModuleName).Distinct().Reverse())
                {
                    if (linked.Find(candidate => candidate.Name == name) is PluginModule needed && !seen.Contains(needed))
                    {
                        stack.Push((needed, false));
                    }
                }
            }
        }
    }

    private static ImportSource Resolve(ImportType import, List<PluginModule> ordered, bool isMain, PluginOptions options)
    {
        if (import.ModuleName == KernelImports.ModuleName)
        {
            return KernelImports.IndexByName.TryGetValue(import.Name, out int kernel) ? new ImportSource(ImportKind.Kernel, kernel)
                : HostEnvironment.Has(import.Name) ? new ImportSource(ImportKind.Environment)
                : default;
        }

        if (options.Wasi && import.ModuleName == WasiModuleName)
        {
            return new ImportSource(import.Name == "proc_exit" && !isMain ? ImportKind.LinkedExit : ImportKind.Wasi);
        }

        for (int i = options.HostFunctions.Count - 1; i >= 0; i--)
        {
            HostFunction function = options.HostFunctions[i];
            if (function.Namespace == import.ModuleName && function.Name == import.Name)
            {
                return new ImportSource(ImportKind.HostFunction, i);
            }
        }

        int module = ordered.FindIndex(candidate => candidate.Name == import.ModuleName);
        if (module >= 0 && module != ordered.Count - 1)
        {
            return new ImportSource(ImportKind.Linked, module);
        }

        return import.Type is FunctionType && ObserveImports.IsObserve(import.ModuleName) ? new ImportSource(ImportKind.Observe) : default;
    }
}
