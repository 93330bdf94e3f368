"""Threads for parallel kernels that nobody waits for in vain.

A launch by OpenMP ends when all of its threads have come, the last one maybe long after the work is done: on a machine
that has other work too, each launch then takes as long as the scheduler's turn. Here whoever is there takes the next
part, the caller first of all; only parts that somebody has taken are waited for. With all processors idle it costs the
same, with none it costs nothing: the caller does everything itself.

``autograd_core_parallel_for`` has the arguments of Numba's ``numba_parallel_for``, and is that function where this pool
is not (it is for Linux). Written in LLVM's language, as it has to be a function that compiled code calls by name.

How it works: ``ticket`` holds the number of the launch, how many parts it has and which is next, in one word. Whoever
exchanges it for one with the next part has taken that part, and the launch cannot end before ``done`` counts it, so
that ``task`` and ``data`` are its own. Threads without work spin for some 50 microseconds and then sleep (futex).

Where the pool has a thread for each processor that the process may use, each keeps to one of them and leaves the
caller's free. Left to itself, Linux wakes two of them on one processor, may leave them there for a tenth of a second
and another processor idle: two matrix products in slices took 850 to 1,000 us then, and 550 otherwise. A caller that
finds itself on the processor of a thread sends that one to the processor that is free.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import sys
import threading

from llvmlite import binding

NAME = "autograd_core_parallel_for"
SPINS = 1000
MOST = 1024
"""Processors in the table of who keeps to which."""

FUNCTIONS = ("parallel_for", "worker", "forget", "keep_to", "leave_free")

_lock = threading.Lock()
_CALLS = {"x86_64": (202, 186, 203), "aarch64": (98, 178, 122)}  # numbers of futex, gettid, sched_setaffinity
_PAUSE = {"x86_64": "pause", "aarch64": "yield"}

SOURCE = """
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
declare i32 @sched_getcpu()

@ticket = internal global i64 0, align 64
@done = internal global i64 0, align 64
@busy = internal global i32 0, align 64
@wake = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@task = internal global i8* null, align 64
@data = internal global i8* null
@threads = internal global [1024 x i64] zeroinitializer
@owner = internal global [1024 x i32] zeroinitializer
@free = internal global i32 0

define internal void @send(i64 %thread, i32 %cpu) {
  %mask = alloca [1024 x i8]
  %bytes = bitcast [1024 x i8]* %mask to i8*
  call void @llvm.memset.p0i8.i64(i8* %bytes, i8 0, i64 128, i1 false)
  %at = lshr i32 %cpu, 3
  %bit = and i32 %cpu, 7
  %wide = shl i32 1, %bit
  %byte = trunc i32 %wide to i8
  %place = getelementptr i8, i8* %bytes, i32 %at
  store i8 %byte, i8* %place
  %code = call i64 (i64, ...) @syscall(i64 AFFINITY, i64 %thread, i64 128, i8* %bytes)
  ret void
}

declare void @llvm.memset.p0i8.i64(i8*, i8, i64, i1)

define void @keep_to(i32 %number, i32 %cpu) {
  %place = getelementptr [1024 x i32], [1024 x i32]* @owner, i32 0, i32 %cpu
  store i32 %number, i32* %place
  ret void
}

define void @leave_free(i32 %cpu) {
  store i32 %cpu, i32* @free
  ret void
}

define internal void @make_room() {
  %cpu = call i32 @sched_getcpu()
  %known = icmp ult i32 %cpu, 1024
  br i1 %known, label %look, label %end
look:
  %place = getelementptr [1024 x i32], [1024 x i32]* @owner, i32 0, i32 %cpu
  %number = load i32, i32* %place
  %taken = icmp ne i32 %number, 0
  br i1 %taken, label %move, label %end
move:
  %free = load i32, i32* @free
  %other = getelementptr [1024 x i32], [1024 x i32]* @owner, i32 0, i32 %free
  store i32 0, i32* %place
  store i32 %number, i32* %other
  store i32 %cpu, i32* @free
  %at = getelementptr [1024 x i64], [1024 x i64]* @threads, i32 0, i32 %number
  %thread = load i64, i64* %at
  call void @send(i64 %thread, i32 %free)
  br label %end
end:
  ret void
}

define internal void @work() {
entry:
  %part = alloca i8*
  %one = alloca i64
  store i64 1, i64* %one
  br label %look
look:
  %ticket = load atomic i64, i64* @ticket seq_cst, align 8
  %next = and i64 %ticket, 65535
  %shifted = lshr i64 %ticket, 16
  %parts = and i64 %shifted, 65535
  %left = icmp ult i64 %next, %parts
  br i1 %left, label %take, label %end
take:
  %after = add i64 %ticket, 1
  %pair = cmpxchg i64* @ticket, i64 %ticket, i64 %after seq_cst seq_cst
  %taken = extractvalue { i64, i1 } %pair, 1
  br i1 %taken, label %run, label %look
run:
  %address = load i8*, i8** @task
  %given = load i8*, i8** @data
  %function = bitcast i8* %address to void (i8**, i64*, i64*, i8*)*
  %number = inttoptr i64 %next to i8*
  store i8* %number, i8** %part
  call void %function(i8** %part, i64* %one, i64* %one, i8* %given)
  %before = atomicrmw add i64* @done, i64 1 seq_cst
  br label %look
end:
  ret void
}

define internal i1 @is_work() {
  %ticket = load atomic i64, i64* @ticket seq_cst, align 8
  %next = and i64 %ticket, 65535
  %shifted = lshr i64 %ticket, 16
  %parts = and i64 %shifted, 65535
  %left = icmp ult i64 %next, %parts
  ret i1 %left
}

define i8* @worker(i8* %given) {
entry:
  %both = ptrtoint i8* %given to i64
  %number = and i64 %both, 65535
  %home = lshr i64 %both, 16
  %thread = call i64 (i64, ...) @syscall(i64 GETTID)
  %place = getelementptr [1024 x i64], [1024 x i64]* @threads, i64 0, i64 %number
  store i64 %thread, i64* %place
  %roams = icmp eq i64 %home, 0
  br i1 %roams, label %work, label %settle
settle:
  %minus = sub i64 %home, 1
  %cpu = trunc i64 %minus to i32
  call void @send(i64 0, i32 %cpu)
  br label %work
work:
  call void @work()
  br label %spin
spin:
  %spins = phi i32 [ 0, %work ], [ %more, %again ]
  %found = call i1 @is_work()
  br i1 %found, label %work, label %again
again:
  call void asm sideeffect "PAUSE", ""()
  %more = add i32 %spins, 1
  %enough = icmp ugt i32 %more, SPINS
  br i1 %enough, label %sleep, label %spin
sleep:
  %word = load atomic i32, i32* @wake seq_cst, align 4
  %before = atomicrmw add i32* @sleepers, i32 1 seq_cst
  %late = call i1 @is_work()
  br i1 %late, label %awake, label %wait
wait:
  %code = call i64 (i64, ...) @syscall(i64 FUTEX, i32* @wake, i32 128, i32 %word, i8* null)
  br label %awake
awake:
  %asleep = atomicrmw sub i32* @sleepers, i32 1 seq_cst
  br label %work
}

define void @parallel_for(i8* %fn, i8** %args, i64* %dims, i64* %steps, i8* %given, i64 %inner, i64 %count, i64 %n) {
entry:
  %pair = cmpxchg i32* @busy, i32 0, i32 1 seq_cst seq_cst
  %mine = extractvalue { i32, i1 } %pair, 1
  %parts = load i64, i64* %dims
  %few = icmp ult i64 %parts, 65536
  %go = and i1 %mine, %few
  br i1 %go, label %launch, label %alone
alone:
  br i1 %mine, label %release, label %serial
release:
  store atomic i32 0, i32* @busy seq_cst, align 4
  br label %serial
serial:
  %function = bitcast i8* %fn to void (i8**, i64*, i64*, i8*)*
  call void %function(i8** %args, i64* %dims, i64* %steps, i8* %given)
  ret void
launch:
  call void @make_room()
  store i8* %fn, i8** @task
  store i8* %given, i8** @data
  store atomic i64 0, i64* @done seq_cst, align 8
  %old = load atomic i64, i64* @ticket seq_cst, align 8
  %last = lshr i64 %old, 32
  %generation = add i64 %last, 1
  %high = shl i64 %generation, 32
  %middle = shl i64 %parts, 16
  %ticket = or i64 %high, %middle
  store atomic i64 %ticket, i64* @ticket seq_cst, align 8
  %asleep = load atomic i32, i32* @sleepers seq_cst, align 4
  %any = icmp sgt i32 %asleep, 0
  br i1 %any, label %call, label %share
call:
  %was = atomicrmw add i32* @wake, i32 1 seq_cst
  %wide = sub i64 %parts, 1
  %others = trunc i64 %wide to i32
  %code = call i64 (i64, ...) @syscall(i64 FUTEX, i32* @wake, i32 129, i32 %others)
  br label %share
share:
  call void @work()
  br label %wait
wait:
  %spins = phi i32 [ 0, %share ], [ %more, %pause ], [ %more, %yield ]
  %done = load atomic i64, i64* @done seq_cst, align 8
  %ready = icmp eq i64 %done, %parts
  br i1 %ready, label %end, label %again
again:
  %more = add i32 %spins, 1
  %long = icmp ugt i32 %more, SPINS
  br i1 %long, label %yield, label %pause
pause:
  call void asm sideeffect "PAUSE", ""()
  br label %wait
yield:
  %yielded = call i32 @sched_yield()
  br label %wait
end:
  store atomic i32 0, i32* @busy seq_cst, align 4
  ret void
}

define void @forget() {
  store atomic i32 0, i32* @busy seq_cst, align 4
  store atomic i32 0, i32* @sleepers seq_cst, align 4
  %table = bitcast [1024 x i32]* @owner to i8*
  call void @llvm.memset.p0i8.i64(i8* %table, i8 0, i64 4096, i1 false)
  ret void
}
"""


_addresses: dict[str, int] = {}


def install(threads: int, otherwise: str = "numba_parallel_for") -> bool:
    """Make the function known to compiled code, and start the threads; once in a process.

    Parameters
    ----------
    threads : int
        Of a kernel: one of them is the caller.
    otherwise : str
        The function that it is where there is no such pool; known to LLVM by then.

    Returns
    -------
    bool
        Whether the pool is this one.
    """
    with _lock:
        if not is_possible():
            binding.add_symbol(NAME, binding.address_of_symbol(otherwise))
            return False
        if not _addresses:
            _addresses.update(_compiled())
            binding.add_symbol(NAME, _addresses["parallel_for"])
            _start(threads - 1)
    return True


def _start(count: int) -> None:
    library = ctypes.CDLL(None)
    homes = _homes(count)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # as they inherit it: for others
    try:
        for number, home in enumerate(homes, 1):
            given = ctypes.c_void_p(number | (home + 1) << 16)
            handle = ctypes.c_ulong()
            if library.pthread_create(ctypes.byref(handle), None, ctypes.c_void_p(_addresses["worker"]), given) == 0:
                library.pthread_detach(handle)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _homes(count: int) -> list[int]:
    """The processor that each of ``count`` threads keeps to; -1 for all of them if they are to go where they like."""
    free, *homes = sorted(os.sched_getaffinity(0))
    if len(homes) != count or homes[-1:] >= [MOST]:
        return [-1] * count
    keep_to = ctypes.CFUNCTYPE(None, ctypes.c_int32, ctypes.c_int32)(_addresses["keep_to"])
    for number, home in enumerate(homes, 1):
        keep_to(number, home)
    ctypes.CFUNCTYPE(None, ctypes.c_int32)(_addresses["leave_free"])(free)
    return homes


def is_possible() -> bool:
    """Whether there is such a pool on this system."""
    return sys.platform == "linux" and platform.machine() in _CALLS and sys.maxsize > 2**32


def _compiled() -> dict[str, int]:
    """Addresses of the functions."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    binding.initialize_native_asmparser()
    machine = platform.machine()
    numbers = dict(zip(("FUTEX", "GETTID", "AFFINITY"), _CALLS[machine], strict=True))
    text = SOURCE
    for word, told in {"PAUSE": _PAUSE[machine], "SPINS": SPINS, **numbers}.items():
        text = text.replace(word, str(told))
    module = binding.parse_assembly(text)
    module.verify()
    engine = binding.create_mcjit_compiler(module, binding.Target.from_default_triple().create_target_machine(opt=2))
    engine.finalize_object()
    addresses = {name: engine.get_function_address(name) for name in FUNCTIONS}
    engine.detach()  # threads run in it until the process ends
    return addresses


def _after_fork() -> None:
    """In a child: its only thread does all parts."""
    if _addresses:
        ctypes.CFUNCTYPE(None)(_addresses["forget"])()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
