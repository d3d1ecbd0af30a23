using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Codicil.Format.Types;
using Codicil.Runtime;

namespace Codicil.Tests;

/// <summary>The facts about hardware faults on which guard memory rests, on the real filter. Each in its own process: a fact that fails is a dead process.</summary>
public sealed unsafe partial class SignalFilterTests
{
    private const uint PageLength = 65_536;
    private static readonly MemoryType s_onePage = new(new Limits(1));

    public SignalFilterTests()
    {
        if (!SignalFilter.TryInstall())
        {
            Assert.Skip(SignalFilter.UnavailableReason!);
        }
    }

    [Fact]
    [Trait("Security", "EX-01")]
    public void Turns_faults_of_every_width_into_null_reference_exceptions() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        foreach (bool collectible in new[] { true, false })
        {
            foreach (int width in MemoryAccessCode.Widths)
            {
                foreach (uint offset in new[] { 0u, 1u, 65_535u, 0x7FFF_FFFFu, 0x8000_0000u, uint.MaxValue })
                {
                    var load = MemoryAccessCode.Load(width, offset, collectible);
                    var store = MemoryAccessCode.Store(width, offset, collectible);
                    foreach (uint index in new[] { 0u, 65_536u - (uint)width, 65_537u - (uint)width, 65_535u, 65_536u, 0x7FFF_FFFFu, 0xFFFF_0000u, uint.MaxValue })
                    {
                        bool inside = (ulong)index + offset + (uint)width <= PageLength;
                        Assert.Equal(inside, Completes(() => load(memory.Base, index)));
                        Assert.Equal(inside, Completes(() => store(memory.Base, index, 0)));
                    }
                }
            }
        }
    }).AssertSucceeded();

    [Fact]
    [Trait("Security", "EX-01")]
    public void Writes_nothing_of_a_store_that_straddles_the_end() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        foreach (int width in MemoryAccessCode.Widths)
        {
            memory.Fill(0, 0xA5, PageLength);
            var store = MemoryAccessCode.Store(width);
            for (uint index = PageLength - (uint)width + 1; index <= PageLength; index++)
            {
                Assert.False(Completes(() => store(memory.Base, index, 0)));
            }

            Assert.Equal(-1, memory.GetSpan(0, (int)PageLength).IndexOfAnyExcept((byte)0xA5));
        }
    }).AssertSucceeded();

    [Fact]
    public void Keeps_a_fault_whose_result_nobody_uses() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        var load = MemoryAccessCode.Load(4, dead: true);
        Assert.True(Completes(() => load(memory.Base, 0)));
        Assert.False(Completes(() => load(memory.Base, 65_536)));
    }).AssertSucceeded();

    [Fact]
    public void Runs_finally_and_catch_of_the_faulting_method_itself() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        var run = (Func<nint, uint, int[], int>)MemoryAccessCode.Make(
            typeof(Func<nint, uint, int[], int>),
            typeof(int),
            [typeof(nint), typeof(uint), typeof(int[])],
            collectible: true,
            static il =>
            {
                LocalBuilder result = il.DeclareLocal(typeof(int));
                il.BeginExceptionBlock();
                il.BeginExceptionBlock();
                il.Emit(OpCodes.Ldc_I4_7);
                il.Emit(OpCodes.Stloc, result);
                MemoryAccessCode.EmitAddress(il, 0);
                il.Emit(OpCodes.Ldind_I4);
                il.Emit(OpCodes.Stloc, result);
                il.BeginFinallyBlock();
                il.Emit(OpCodes.Ldarg_2);
                il.Emit(OpCodes.Ldc_I4_0);
                il.Emit(OpCodes.Ldarg_2);
                il.Emit(OpCodes.Ldc_I4_0);
                il.Emit(OpCodes.Ldelem_I4);
                il.Emit(OpCodes.Ldc_I4_1);
                il.Emit(OpCodes.Add);
                il.Emit(OpCodes.Stelem_I4);
                il.EndExceptionBlock();
                il.BeginCatchBlock(typeof(NullReferenceException));
                il.Emit(OpCodes.Pop);
                il.EndExceptionBlock();
                il.Emit(OpCodes.Ldloc, result);
                il.Emit(OpCodes.Ret);
            });
        int[] finallys = [0];
        for (int round = 0; round < 2000; round++)
        {
            bool fault = (round & 1) == 0;
            Assert.Equal(fault ? 7 : 0, run(memory.Base, fault ? 70_000u : 0u, finallys));
            if (round % 100 == 0)
            {
                GC.Collect(0);
            }
        }

        Assert.Equal(2000, finallys[0]);
    }).AssertSucceeded();

    [Fact]
    public void Catches_faults_in_bulk_operations_on_spans() => ChildProcess.Run(static _ =>
    {
        // What a host does with a span that it kept too long, and what a long memory.fill meets when its memory is disposed meanwhile.
        LinearMemory memory = CreateGuard(new MemoryType(new Limits(64)));
        foreach (int length in new[] { 1, 16, 100, 1000, 5000, 1 << 20, 4 << 20 })
        {
            nint at = memory.Base + (128 << 16);
            byte[] managed = new byte[length];
            Assert.False(Completes(() => new Span<byte>((void*)at, length).Fill(1)));
            Assert.False(Completes(() => new Span<byte>((void*)at, length).Clear()));
            Assert.False(Completes(() => new Span<byte>((void*)at, length).CopyTo(managed)));
            Assert.False(Completes(() => managed.CopyTo(new Span<byte>((void*)at, length))));
            Assert.False(Completes(() => Buffer.MemoryCopy((void*)at, (void*)memory.Base, length, length)));
            Assert.False(Completes(() => new Span<byte>((void*)at, length).IndexOf((byte)1)));
            Assert.False(Completes(() => new Span<byte>((void*)at, length).SequenceEqual(managed)));
            Assert.False(Completes(() => Encoding.UTF8.GetString(new Span<byte>((void*)at, length))));
        }
    }).AssertSucceeded();

    [Fact]
    public void Leaves_faults_outside_to_the_runtime()
    {
        // Just below a range (an address that we reserve ourselves, so that nothing else is there) and far from any.
        foreach (string where in new[] { "unfiltered", "far", "before" })
        {
            ChildProcess.Run(
                static arguments =>
                {
                    nint address = 0x10_0000;
                    if (arguments[0] != "unfiltered")
                    {
                        using LinearMemory memory = CreateGuard(s_onePage);
                        Assert.False(Completes(() => *(int*)(memory.Base + 65_536) = 1));
                        address = arguments[0] == "far" ? address : NativeMemoryMap.Reserve(4096);
                    }

                    try
                    {
                        *(int*)address = 1;
                    }
                    catch (NullReferenceException)
                    {
                        Console.WriteLine("caught");
                    }
                },
                new() { Arguments = [where] }).AssertCrashed("AccessViolationException");
        }
    }

    [Fact]
    public void Leaves_null_references_and_their_stack_traces_alone() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        NullReferenceException exception = Assert.Throws<NullReferenceException>(() => GetLength(null!));
        Assert.Contains(nameof(GetLength), exception.StackTrace, StringComparison.Ordinal);
    }).AssertSucceeded();

    [Fact]
    public void Leaves_the_stack_overflow_message_alone() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        Console.WriteLine(Recurse(0));
    }).AssertCrashed("Stack overflow");

    [Fact]
    public void Leaves_a_signal_from_outside_alone()
    {
        ChildProcessResult[] results = [.. new[] { "unfiltered", "filtered" }.Select(static mode => ChildProcess.Run(
            static arguments =>
            {
                if (arguments[0] == "filtered")
                {
                    Assert.True(SignalFilter.TryInstall());
                }

                // They come while the main thread waits in native code. The runtime takes the first for a fault of native code, restores the
                // default action and goes on; the second ends the process.
                string command = string.Create(CultureInfo.InvariantCulture, $"for round in 1 2 3; do sleep 0.3; kill -SEGV {Environment.ProcessId}; done");
                using var kill = Process.Start("/bin/sh", ["-c", command]);
                Thread.Sleep(TimeSpan.FromSeconds(30));
            },
            new() { Arguments = [mode] }))];
        Assert.NotEqual(0, results[0].ExitCode);
        Assert.NotEqual(ChildProcessProgram.BodyThrew, results[0].ExitCode);
        Assert.Equal(results[0].ExitCode, results[1].ExitCode);
    }

    [Fact]
    public void Passes_the_signal_unchanged_to_a_handler_that_was_there_before() => ChildProcess.Run(static _ =>
    {
        ulong* record = InstallRecorder(swallowSentSignals: true);
        using LinearMemory memory = CreateGuard(s_onePage);

        // Ours: the handler below sees the replaced address.
        Assert.False(Completes(() => *(int*)(memory.Base + 65_536) = 1));
        Assert.Equal((1UL, 0x10UL), (record[0], record[1]));

        // A real null reference.
        Assert.Throws<NullReferenceException>(() => GetLength(null!));
        Assert.Equal(2UL, record[0]);
        Assert.NotEqual((ulong)memory.Base, record[1]);

        // A sent signal whose payload looks like an address of ours: it has no fault's code and must arrive as it was sent.
        foreach (int code in new[] { 0, -1, -6 })
        {
            SendSegmentationViolation(code, (ulong)memory.Base + 65_536);
            Assert.Equal((ulong)memory.Base + 65_536, record[1]);
            Assert.Equal((uint)code, (uint)record[2]);
        }

        Assert.Equal(5UL, record[0]);
    }).AssertSucceeded();

    [Fact]
    public void Works_below_a_handler_that_comes_later_and_passes_on() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        ulong* record = InstallRecorder(swallowSentSignals: false);
        for (int round = 1; round <= 100; round++)
        {
            Assert.False(Completes(() => *(int*)(memory.Base + 65_536) = 1));
            Assert.Equal(((ulong)round, (ulong)memory.Base + 65_536), (record[0], record[1]));
        }
    }).AssertSucceeded();

    [Fact]
    public void Is_installed_once_and_only_when_guard_memory_is_wanted() => ChildProcess.Run(
        static _ =>
        {
            ulong runtime = ReadHandler();
            Assert.Equal(MemoryMode.Checked, MemoryPolicy.Resolve(MemoryProtection.Checked));
            Assert.Equal(MemoryMode.Checked, MemoryPolicy.Resolve(MemoryProtection.Auto));
            MemoryAllocator.Create(s_onePage, MemoryMode.Checked, 10, null).Dispose();
            Assert.Equal(runtime, ReadHandler());

            Environment.SetEnvironmentVariable(MemoryPolicy.VariableName, "auto");
            Assert.Equal(MemoryMode.Guard, MemoryPolicy.Resolve(MemoryProtection.Auto));
            ulong ours = ReadHandler();
            Assert.NotEqual(runtime, ours);
            Parallel.For(0, 20, static _ => Assert.Equal(MemoryMode.Guard, MemoryPolicy.Resolve(MemoryProtection.Guard)));
            Assert.Equal(ours, ReadHandler());
        },
        new() { Environment = { ["CODICIL_MEMORY"] = "checked" } }).AssertSucceeded();

    [Fact]
    public void An_unknown_value_of_the_environment_variable_is_an_error()
    {
        Assert.Null(MemoryPolicy.Parse(null));
        Assert.Equal(MemoryProtection.Guard, MemoryPolicy.Parse("guard"));
        Assert.Contains("on", Assert.Throws<InvalidOperationException>(() => MemoryPolicy.Parse("on")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Is_unavailable_where_the_system_denies_executable_memory()
    {
        // The runtime itself cannot compile under this denial, so what runs then is compiled before.
        ChildProcessResult result = ChildProcess.Run(
            static _ =>
            {
                Assert.NotEqual(0, NativeMemoryMap.CreateCode([0xC3]));
                Assert.True(NativeMemoryMap.Release(NativeMemoryMap.Reserve(4096), 4096));
                Assert.NotEqual(0UL, ReadHandler());
                foreach (MethodInfo method in typeof(SignalFilter).GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
                {
                    RuntimeHelpers.PrepareMethod(method.MethodHandle);
                }

                RuntimeHelpers.RunClassConstructor(typeof(SignalFilter).TypeHandle);
                InstallWithoutExecutableMemory();
            },
            new() { Environment = { ["DOTNET_TieredCompilation"] = "0" } });
        if (result.ExitCode == NotSupportedHere)
        {
            Assert.Skip("The system cannot deny executable memory to one process (Linux before 6.3).");
        }

        Assert.True(result.ExitCode == NotInstalled, result.ToString());
    }

    [Fact]
    public void Lets_collectible_code_that_faulted_unload() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        WeakReference code = FaultInCollectibleCode(memory.Base);
        for (int round = 0; round < 20 && code.IsAlive; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(code.IsAlive);
    }).AssertSucceeded();

    [Theory]
    [InlineData("0")]
    [InlineData("1")]
    [Trait("Security", "EX-01")]
    public void Survives_faults_on_four_threads_under_forced_collections(string serverCollector) => ChildProcess.Run(
        static _ =>
        {
            const int Threads = 4;
            const int FaultsPerThread = 50_000;
            int running = Threads;
            long faults = 0;
            var failures = new List<Exception>();
            List<Thread> threads = [];
            for (int number = 0; number < Threads; number++)
            {
                int seed = number;
                threads.Add(new Thread(() =>
                {
                    try
                    {
                        using LinearMemory memory = CreateGuard(s_onePage);
                        var random = new Random(seed);
                        var load = MemoryAccessCode.Load(4);
                        object[] live = new object[64];
                        for (int round = 0; round < 2 * FaultsPerThread; round++)
                        {
                            // Live objects in every frame: the collector walks the stack from the faulting instruction.
                            live[round & 63] = new byte[random.Next(2000)];
                            bool fault = (round & 1) == 0;
                            if (Descend(load, memory.Base, fault ? PageLength + (uint)random.Next() : (uint)random.Next(65_532), random.Next(20), live) != !fault)
                            {
                                throw new InvalidOperationException("a fault was lost or invented");
                            }

                            faults += fault ? 1 : 0;
                        }
                    }
#pragma warning disable CA1031 // Every failure is reported on the main thread.
                    catch (Exception exception)
                    {
                        lock (failures)
                        {
                            failures.Add(exception);
                        }
                    }
#pragma warning restore CA1031
                    finally
                    {
                        Interlocked.Decrement(ref running);
                    }
                }));
            }

            threads.ForEach(static thread => thread.Start());
            int collections = 0;
            while (Volatile.Read(ref running) > 0)
            {
                bool aggressive = collections % 16 == 0;
                GC.Collect(aggressive ? 2 : collections % 3, aggressive ? GCCollectionMode.Aggressive : GCCollectionMode.Forced, blocking: true, compacting: aggressive);

                // Collections without a pause leave the faulting threads no time on two processors.
                Thread.Sleep(1);
                collections++;
            }

            threads.ForEach(static thread => thread.Join());
            Assert.Empty(failures);
            Assert.True(collections > 10, "the collector did not run");
        },
        new() { Environment = { ["DOTNET_gcServer"] = serverCollector } }).AssertSucceeded();

    [Fact]
    public void Ranges_come_and_go_while_other_threads_fault() => ChildProcess.Run(static _ =>
    {
        using LinearMemory memory = CreateGuard(s_onePage);
        bool stop = false;
        var churn = new Thread(() =>
        {
            while (!Volatile.Read(ref stop))
            {
                // More than one arena's slots: arenas are added and given back.
                LinearMemory[] many = [.. Enumerable.Range(0, 300).Select(static _ => CreateGuard(s_onePage))];
                Array.ForEach(many, static one => one.Dispose());
            }
        });
        churn.Start();
        var load = MemoryAccessCode.Load(4);
        for (int round = 0; round < 20_000; round++)
        {
            Assert.False(Completes(() => load(memory.Base, 70_000)));
        }

        Volatile.Write(ref stop, true);
        churn.Join();
    }).AssertSucceeded();

    internal static LinearMemory CreateGuard(MemoryType type)
    {
        Assert.True(SignalFilter.TryInstall(), SignalFilter.UnavailableReason);
        var memory = MemoryAllocator.Create(type, MemoryMode.Guard, 65_536, null, requireMode: true);
        Assert.Equal(MemoryMode.Guard, memory.Mode);
        return memory;
    }

    /// <summary>Whether the access completes; a null reference is the other way.</summary>
    internal static bool Completes(Action access)
    {
        try
        {
            access();
            return true;
        }
        catch (NullReferenceException)
        {
            return false;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Descend(MemoryAccessCode.LoadFunction load, nint memory, uint index, int depth, object[] live)
    {
        object mine = new byte[depth + 1];
        if (depth > 0)
        {
            bool result = Descend(load, memory, index, depth - 1, live);
            GC.KeepAlive(mine);
            return ((byte[])mine).Length == depth + 1 && result;
        }

        try
        {
            load(memory, index);
            return true;
        }
        catch (NullReferenceException)
        {
            // A stale reference would show here.
            return ((byte[])mine).Length != 1 || live.Length != 64;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference FaultInCollectibleCode(nint memory)
    {
        var load = MemoryAccessCode.Load(4);
        Assert.False(Completes(() => load(memory, 70_000)));
        return new WeakReference(load.Method.Module.Assembly);
    }

    private const int NotSupportedHere = 20;
    private const int NotInstalled = 21;
    private const int Installed = 22;

    private static void InstallWithoutExecutableMemory()
    {
        const int SetMemoryDenyWriteExecute = 65;
        const ulong RefuseExecutableGain = 1;
        if (Control(SetMemoryDenyWriteExecute, RefuseExecutableGain, 0, 0, 0) != 0)
        {
            Exit(NotSupportedHere);
        }

        Exit(SignalFilter.TryInstall() ? Installed : NotInstalled);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int GetLength(string text) => text.Length;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int Recurse(int depth) => Recurse(depth + 1) + depth;

    private static ulong ReadHandler()
    {
        byte* action = stackalloc byte[NativeMethods.NativeStructSize];
        Assert.Equal(0, NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, null, action));
        return *(ulong*)action;
    }

    /// <summary>A handler in machine code that counts signals, notes the last address and code, and passes on.</summary>
    private static ulong* InstallRecorder(bool swallowSentSignals)
    {
        byte* action = stackalloc byte[NativeMethods.NativeStructSize];
        Assert.Equal(0, NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, null, action));
        nint record = NativeMemoryMap.Reserve(4096);
        Assert.True(NativeMemoryMap.Commit(record, 4096));
        List<byte> code =
        [
            0x48, 0xB8, .. BitConverter.GetBytes((ulong)record), // mov rax, record
            0xF0, 0x48, 0xFF, 0x00,                              // lock inc qword [rax]
            0x48, 0x8B, 0x4E, 0x10,                              // mov rcx, [rsi+16]
            0x48, 0x89, 0x48, 0x08,                              // mov [rax+8], rcx
            0x8B, 0x4E, 0x08,                                    // mov ecx, [rsi+8]
            0x48, 0x89, 0x48, 0x10,                              // mov [rax+16], rcx
        ];
        if (swallowSentSignals)
        {
            code.AddRange([0x85, 0xC9, 0x7F, 0x01, 0xC3]); // test ecx, ecx; jg next; ret
        }

        code.AddRange([0x48, 0xB8, .. BitConverter.GetBytes(*(ulong*)action), 0xFF, 0xE0]); // mov rax, previous; jmp rax
        *(nint*)action = NativeMemoryMap.CreateCode(CollectionsMarshal.AsSpan(code));
        Assert.NotEqual(0, *(nint*)action);
        Assert.Equal(0, NativeMethods.SetSignalAction(NativeMethods.SignalSegmentationViolation, action, null));
        return (ulong*)record;
    }

    private static void SendSegmentationViolation(int code, ulong address)
    {
        const int QueueSignalInfo = 297; // rt_tgsigqueueinfo: to this thread, so that it has arrived when the call returns.
        byte* information = stackalloc byte[128];
        new Span<byte>(information, 128).Clear();
        *(int*)information = NativeMethods.SignalSegmentationViolation;
        *(int*)(information + 8) = code;
        *(ulong*)(information + 16) = address;
        Assert.Equal(0, SystemCall(QueueSignalInfo, Environment.ProcessId, GetThreadId(), NativeMethods.SignalSegmentationViolation, (nint)information));
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, long first, long second, long third, nint fourth);

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void Exit(int code);

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Control(int option, ulong second, ulong third, ulong fourth, ulong fifth);
}
