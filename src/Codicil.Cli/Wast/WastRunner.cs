using Codicil.Format;
using Codicil.Format.Text;
using Codicil.Format.Text.Scripts;

namespace Codicil.Cli.Wast;

/// <summary>Runs one script of the specification's test suite on the public embedding API: one store, a registry, every assertion. Not thread-safe.</summary>
internal sealed class WastRunner : IDisposable
{
    private const int ThreadStackBytes = 16 * 1024 * 1024;

    private readonly Engine _engine;
    private readonly Store _store;
    private readonly SpectestModule _spectest;
    private readonly WastResult _result;
    private readonly Dictionary<string, Slot> _registry = [];
    private readonly Dictionary<string, Slot> _instances = [];
    private readonly Dictionary<string, Definition> _definitions = [];
    private readonly Dictionary<string, ScriptThread> _threads = [];
    private readonly List<Module> _modules = [];
    private Slot? _latestInstance;
    private Definition? _latestDefinition;
    private WasmFeatures? _refused;

    private WastRunner(Engine engine, string file)
    {
        _engine = engine;
        _store = engine.CreateStore(new ResourceLimits { Instances = int.MaxValue, Memories = int.MaxValue, Tables = int.MaxValue });
        _spectest = new SpectestModule(_store);
        _result = new WastResult(file);
    }

    /// <summary>An instance by its name, or the error that kept it from being: what uses it fails for the same reason.</summary>
    private sealed record Slot(Instance? Instance, WasmFeatures? MissingFeature, string? Reason);

    /// <summary>A module by its name, or the error that kept it from being.</summary>
    private sealed record Definition(Module? Module, WasmFeatures? MissingFeature, string? Reason);

    /// <summary>Runs a script from a file.</summary>
    /// <param name="engine">The engine; it stays the caller's.</param>
    /// <param name="path">The script.</param>
    /// <param name="name">What failures call the script.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static WastResult RunFile(Engine engine, string path, string name)
    {
        byte[] bytes = File.ReadAllBytes(path);
        using var runner = new WastRunner(engine, name);
        WastScript script;
        try
        {
            script = WastScript.Parse(bytes);
        }
        catch (MalformedModuleException exception)
        {
            runner.Fail(exception.Line ?? 1, "script", "a script", exception.Message, null);
            return runner._result;
        }

        foreach (ScriptCommand command in script.Commands)
        {
            runner.Run(command);
        }

        return runner._result;
    }

    public void Dispose()
    {
        foreach (ScriptThread thread in _threads.Values)
        {
            thread.Thread.Join();
            thread.Runner.Dispose();
        }

        _store.Dispose();
        _modules.ForEach(module => module.Dispose());
    }

    private void Run(ScriptCommand command)
    {
        switch (command)
        {
            case ModuleCommand { IsDefinition: true } module:
                Define(module);
                break;
            case ModuleCommand module:
                Define(module);
                Instantiate(module.Line, "module", module.Module.Name, _latestDefinition!);
                break;
            case InstanceCommand instance:
                Instantiate(instance.Line, "module instance", instance.InstanceName, FindDefinition(instance.ModuleName));
                break;
            case RegisterCommand register:
                // A failure of the instance has been counted where it happened.
                _registry[register.Name] = FindInstance(register.InstanceName);
                break;
            case ActionCommand action:
                if (Perform(action.Action) is { Failure: not null } outcome)
                {
                    Fail(action.Line, action.Action is GetAction ? "get" : "invoke", "no failure", outcome);
                }

                break;
            case AssertReturnCommand assertion:
                AssertReturn(assertion);
                break;
            case AssertFailureCommand assertion:
                AssertFailure(assertion);
                break;
            case AssertModuleCommand assertion:
                AssertModule(assertion);
                break;
            case ThreadCommand thread:
                Start(thread);
                break;
            case WaitCommand wait:
                Wait(wait);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>A thread of a script: a runner of its own, which has instances of its parent.</summary>
    private sealed record ScriptThread(Thread Thread, WastRunner Runner);

    private void Start(ThreadCommand command)
    {
        var runner = new WastRunner(_engine, _result.File);
        foreach (string name in command.SharedModules)
        {
            runner._instances[name] = FindInstance(name);
        }

        var thread = new Thread(
            () =>
            {
                foreach (ScriptCommand inner in command.Commands)
                {
                    runner.Run(inner);
                }
            },
            ThreadStackBytes)
        {
            IsBackground = true,
            Name = "codicil wast thread",
        };
        _threads[command.Name] = new ScriptThread(thread, runner);
        thread.Start();
    }

    private void Wait(WaitCommand command)
    {
        if (!_threads.Remove(command.ThreadName, out ScriptThread? thread))
        {
            Fail(command.Line, "wait", "a thread", $"there is no thread {command.ThreadName}", null);
            return;
        }

        thread.Thread.Join();
        WastResult result = thread.Runner._result;
        _result.Passed += result.Passed;
        _result.Failures.AddRange(result.Failures);
        thread.Runner.Dispose();
    }

    /// <summary>What an attempt came to: results, or an exception and, if that is the cause, the feature some module asked for.</summary>
    private readonly record struct Outcome(Value[]? Results, Exception? Failure, WasmFeatures? MissingFeature)
    {
        public string Description => Failure switch
        {
            null => Results is null ? "no failure" : string.Join(", ", Results.Select(ResultMatching.Describe)),
            TrapException trap => trap.Message,
            WasmException => $"{Failure.GetType().Name}: {Failure.Message}",
            UsageException => Failure.Message,
            _ => $"internal error {Failure}",
        };
    }

    // The runner's task is to tell what came, whatever it was; an unexpected kind of exception is shown in full.
    private static Outcome Attempt(Func<Value[]?> action)
    {
        try
        {
            return new Outcome(action(), null, null);
        }
        catch (UnsupportedModuleException exception)
        {
            return new Outcome(null, exception, exception.Feature);
        }
        catch (Exception exception)
        {
            return new Outcome(null, exception, null);
        }
    }

    private void Define(ModuleCommand command)
    {
        Module? module = null;
        Outcome outcome = Attempt(() =>
        {
            module = Load(command.Module);
            return null;
        });
        if (outcome.Failure is not null)
        {
            Fail(command.Line, command.IsDefinition ? "module definition" : "module", "a valid module", outcome);
        }

        _refused ??= outcome.MissingFeature;
        _latestDefinition = new Definition(module, outcome.MissingFeature, outcome.Failure is null ? null : $"the module of line {command.Line} failed");
        if (command.Module.Name is string name)
        {
            _definitions[name] = _latestDefinition;
        }
    }

    private Module Load(ScriptModule source)
    {
        ParsedModule parsed = source.Parse();
        Module module = Module.FromBytes(_engine, parsed.Bytes.Span);
        _modules.Add(module);
        return module;
    }

    private void Instantiate(int line, string kind, string? name, Definition definition)
    {
        Slot slot;
        if (definition.Module is null)
        {
            // Counted as the module's failure; an instance of a definition is a command of its own.
            slot = new Slot(null, definition.MissingFeature, definition.Reason);
            if (kind != "module")
            {
                Fail(line, kind, "an instance", definition.Reason!, definition.MissingFeature);
            }
        }
        else
        {
            Instance? instance = null;
            Outcome outcome = Attempt(() =>
            {
                instance = Link(definition.Module);
                return null;
            });
            WasmFeatures? feature = outcome.MissingFeature ?? MissingFeatureBehind(outcome.Failure);
            if (outcome.Failure is not null)
            {
                Fail(line, kind, "an instance", outcome.Description, feature);
            }

            slot = new Slot(instance, feature, outcome.Failure is null ? null : $"the instance of line {line} failed");
        }

        _latestInstance = slot;
        if (name is not null)
        {
            _instances[name] = slot;
        }
    }

    // A registered name, or else that of an instance: Wasmtime's scripts take it for registered.
    private Instance Link(Module module)
    {
        var linker = new Linker(_engine) { AllowShadowing = true };
        foreach (ImportType import in module.Imports)
        {
            Extern? item = _registry.TryGetValue(import.ModuleName, out Slot? slot) ? slot.Instance?.GetExport(import.Name)
                : import.ModuleName == SpectestModule.Name ? _spectest.Get(import.Name)
                : _instances.TryGetValue(import.ModuleName, out Slot? named) || _instances.TryGetValue("$" + import.ModuleName, out named) ? named.Instance?.GetExport(import.Name)
                : import is { ModuleName: SpectestModule.WasmtimeName, Name: SpectestModule.CollectName } ? _spectest.Get(SpectestModule.CollectName)
                : null;
            if (item is Memory { Shared: SharedMemory shared } && !ReferenceEquals(item.Store, _store))
            {
                item = Memory.FromShared(_store, shared);
            }

            if (item is not null)
            {
                linker.Define(import.ModuleName, import.Name, item);
            }
        }

        return linker.Instantiate(_store, module);
    }

    // An import of an instance that could not be made fails for that instance's reason.
    private WasmFeatures? MissingFeatureBehind(Exception? failure) =>
        failure is LinkException { ModuleName: string module } && _registry.TryGetValue(module, out Slot? slot) ? slot.MissingFeature : null;

    // A module that was refused may have been going to change what a registered instance exports.
    private WasmFeatures? MissingFeatureBehind(ScriptAction action) => _registry.ContainsValue(FindInstance(action.InstanceName)) ? _refused : null;

    private Definition FindDefinition(string? name) =>
        (name is null ? _latestDefinition : _definitions.GetValueOrDefault(name)) ?? new Definition(null, null, $"there is no module {name}");

    private Slot FindInstance(string? name) =>
        (name is null ? _latestInstance : _instances.GetValueOrDefault(name)) ?? new Slot(null, null, $"there is no instance {name}");

    private Outcome Perform(ScriptAction action)
    {
        Slot slot = FindInstance(action.InstanceName);
        if (slot.Instance is null)
        {
            return new Outcome(null, new UsageException(slot.Reason!), slot.MissingFeature);
        }

        switch (action)
        {
            case InvokeAction invoke:
                if (slot.Instance.GetFunction(invoke.Name) is not Function function)
                {
                    return new Outcome(null, new UsageException($"there is no function {invoke.Name}"), null);
                }

                return Attempt(() =>
                {
                    var arguments = new Value[invoke.Arguments.Length];
                    for (int i = 0; i < arguments.Length; i++)
                    {
                        arguments[i] = ResultMatching.ToValue(invoke.Arguments[i]);
                    }

                    var results = new Value[function.Type.Results.Length];
                    function.Invoke(arguments, results);
                    return results;
                });
            default:
                return slot.Instance.GetGlobal(action.Name) is Global global
                    ? Attempt(() => [global.Value])
                    : new Outcome(null, new UsageException($"there is no global {action.Name}"), null);
        }
    }

    private void AssertReturn(AssertReturnCommand assertion)
    {
        Outcome outcome = Perform(assertion.Action);
        outcome = outcome with { MissingFeature = outcome.MissingFeature ?? MissingFeatureBehind(assertion.Action) };
        bool matches = outcome.Results is Value[] results && results.Length == assertion.Results.Length;
        for (int i = 0; matches && i < assertion.Results.Length; i++)
        {
            matches = ResultMatching.Matches(assertion.Results[i], outcome.Results![i]);
        }

        Check(matches, assertion.Line, "assert_return", assertion.Results.IsEmpty ? "no result" : string.Join(", ", assertion.Results.Select(ResultMatching.Describe)), outcome);
    }

    private void AssertFailure(AssertFailureCommand assertion)
    {
        Outcome outcome = Perform(assertion.Action);
        outcome = outcome with { MissingFeature = outcome.MissingFeature ?? MissingFeatureBehind(assertion.Action) };
        (string kind, bool matches) = assertion.Failure switch
        {
            ExpectedFailure.Trap => ("assert_trap", outcome.Failure is TrapException trap ? TrapClasses.Match(assertion.Message, trap.Code)
                : outcome.Failure is ResourceLimitException limit && assertion.Message.Length > 0 && limit.Message.StartsWith(assertion.Message, StringComparison.Ordinal)),
            ExpectedFailure.Exhaustion => ("assert_exhaustion", outcome.Failure is TrapException { Code: TrapCode.StackOverflow }),

            ExpectedFailure.Exception => ("assert_exception", outcome.Failure is GuestException),

            // No engine suspends: such modules are refused when they are loaded.
            _ => ("assert_suspension", false),
        };
        Check(matches, assertion.Line, kind, assertion.Message.Length == 0 ? assertion.Failure.ToString() : assertion.Message, outcome);
    }

    private void AssertModule(AssertModuleCommand assertion)
    {
        Outcome outcome = Attempt(() =>
        {
            switch (assertion.Error)
            {
                case ExpectedModuleError.Unlinkable or ExpectedModuleError.Trap:
                    Definition? definition = assertion.Module is null ? FindDefinition(assertion.ModuleName) : null;
                    if (definition is { Module: null })
                    {
                        throw new UsageException(definition.Reason!);
                    }

                    Link(definition?.Module ?? Load(assertion.Module!));
                    break;
                default:
                    Module.Validate(_engine, assertion.Module!.Parse().Bytes.Span);
                    break;
            }

            return null;
        });
        (string kind, bool matches) = assertion.Error switch
        {
            ExpectedModuleError.Malformed => ("assert_malformed", outcome.Failure is MalformedModuleException),
            ExpectedModuleError.Invalid => ("assert_invalid", outcome.Failure is InvalidModuleException),
            ExpectedModuleError.Unlinkable => ("assert_unlinkable", outcome.Failure is LinkException),
            ExpectedModuleError.Trap => ("assert_trap", outcome.Failure is TrapException trap && TrapClasses.Match(assertion.Message, trap.Code)),
            ExpectedModuleError.MalformedCustom => ("assert_malformed_custom", outcome.Failure is MalformedModuleException),
            _ => ("assert_invalid_custom", outcome.Failure is MalformedModuleException or InvalidModuleException),
        };
        WasmFeatures? feature = outcome.MissingFeature ?? MissingFeatureBehind(outcome.Failure);
        if (assertion.Module is null)
        {
            feature ??= FindDefinition(assertion.ModuleName).MissingFeature;
        }

        if (assertion.Error is ExpectedModuleError.Unlinkable or ExpectedModuleError.Trap)
        {
            _refused ??= outcome.MissingFeature;
        }

        Check(matches, assertion.Line, kind, assertion.Message, outcome with { MissingFeature = feature });
    }

    private void Check(bool passed, int line, string kind, string expected, Outcome outcome)
    {
        if (passed)
        {
            _result.Passed++;
        }
        else
        {
            Fail(line, kind, expected, outcome);
        }
    }

    private void Fail(int line, string kind, string expected, Outcome outcome) => Fail(line, kind, expected, outcome.Description, outcome.MissingFeature);

    private void Fail(int line, string kind, string expected, string came, WasmFeatures? feature) =>
        _result.Failures.Add(new WastFailure(_result.File, line, kind, expected, came, feature));
}
