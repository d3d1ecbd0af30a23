using Codicil.Wasi.Abi;

namespace Codicil.Wasi.HostFiles;

/// <summary>The system's error numbers in WASI's. Linux and macOS agree on the first 34 but one; beyond, each has its own.</summary>
internal static class UnixErrors
{
    private static readonly Errno[] s_errors = Create(UnixNumbers.IsApple);

    /// <summary>WASI's name of an error number of this system; <c>io</c> for one that WASI has no name for.</summary>
    public static Errno Translate(int error) => (uint)error < (uint)s_errors.Length ? s_errors[error] : Errno.Io;

    /// <summary>The table of a system.</summary>
    internal static Errno[] Create(bool isApple)
    {
        var table = new Errno[140];
        Array.Fill(table, Errno.Io);
        table[0] = Errno.Success;
        ReadOnlySpan<Errno> common =
        [
            Errno.Perm, Errno.NoEnt, Errno.Srch, Errno.Intr, Errno.Io, Errno.NxIo, Errno.TooBig, Errno.NoExec, Errno.BadF, Errno.Child,
            isApple ? Errno.DeadLk : Errno.Again, Errno.NoMem, Errno.Acces, Errno.Fault, Errno.Io, Errno.Busy, Errno.Exist, Errno.XDev, Errno.NoDev, Errno.NotDir,
            Errno.IsDir, Errno.Inval, Errno.NFile, Errno.MFile, Errno.NoTty, Errno.TxtBsy, Errno.FBig, Errno.NoSpc, Errno.SPipe, Errno.RoFs,
            Errno.MLink, Errno.Pipe, Errno.Dom, Errno.Range,
        ];
        common.CopyTo(table.AsSpan(1));
        ReadOnlySpan<(int Number, Errno Error)> others = isApple
            ?
            [
                (35, Errno.Again), (36, Errno.InProgress), (37, Errno.Already), (38, Errno.NotSock), (39, Errno.DestAddrReq), (40, Errno.MsgSize),
                (41, Errno.Prototype), (42, Errno.NoProtoOpt), (43, Errno.ProtoNoSupport), (45, Errno.NotSup), (47, Errno.AfNoSupport), (48, Errno.AddrInUse),
                (49, Errno.AddrNotAvail), (50, Errno.NetDown), (51, Errno.NetUnreach), (52, Errno.NetReset), (53, Errno.ConnAborted), (54, Errno.ConnReset),
                (55, Errno.NoBufs), (56, Errno.IsConn), (57, Errno.NotConn), (60, Errno.TimedOut), (61, Errno.ConnRefused), (62, Errno.Loop),
                (63, Errno.NameTooLong), (65, Errno.HostUnreach), (66, Errno.NotEmpty), (69, Errno.DQuot), (70, Errno.Stale), (77, Errno.NoLck),
                (78, Errno.NoSys), (84, Errno.Overflow), (89, Errno.Canceled), (90, Errno.IdRm), (91, Errno.NoMsg), (92, Errno.IlSeq), (94, Errno.BadMsg),
                (95, Errno.Multihop), (97, Errno.NoLink), (100, Errno.Proto), (102, Errno.NotSup), (104, Errno.NotRecoverable), (105, Errno.OwnerDead),
            ]
            :
            [
                (35, Errno.DeadLk), (36, Errno.NameTooLong), (37, Errno.NoLck), (38, Errno.NoSys), (39, Errno.NotEmpty), (40, Errno.Loop),
                (42, Errno.NoMsg), (43, Errno.IdRm), (67, Errno.NoLink), (71, Errno.Proto), (72, Errno.Multihop), (74, Errno.BadMsg), (75, Errno.Overflow),
                (84, Errno.IlSeq), (88, Errno.NotSock), (89, Errno.DestAddrReq), (90, Errno.MsgSize), (91, Errno.Prototype), (92, Errno.NoProtoOpt),
                (93, Errno.ProtoNoSupport), (95, Errno.NotSup), (97, Errno.AfNoSupport), (98, Errno.AddrInUse), (99, Errno.AddrNotAvail), (100, Errno.NetDown),
                (101, Errno.NetUnreach), (102, Errno.NetReset), (103, Errno.ConnAborted), (104, Errno.ConnReset), (105, Errno.NoBufs), (106, Errno.IsConn),
                (107, Errno.NotConn), (110, Errno.TimedOut), (111, Errno.ConnRefused), (113, Errno.HostUnreach), (114, Errno.Already), (115, Errno.InProgress),
                (116, Errno.Stale), (122, Errno.DQuot), (125, Errno.Canceled), (130, Errno.OwnerDead), (131, Errno.NotRecoverable),
            ];
        foreach ((int number, Errno error) in others)
        {
            table[number] = error;
        }

        return table;
    }
}
