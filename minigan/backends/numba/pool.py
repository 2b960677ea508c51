"""Threads of our own, for kernels that take microseconds.

A kernel is a compiled function  kernel(part, parts, *arrays)  that does one of `parts` shares of its work.  `run`
writes it on a board; a free thread claims the next part by an atomic swap, the calling thread first of all.  So

- a kernel begins within a microsecond: waiting threads look at the board all the time (for some 100 microseconds;
  then they sleep in short naps, and between sessions for good);
- a thread that the system has put aside costs nothing but its help: the others do its parts;
- which thread does a part does not matter, so a number of parts gives one result, bit for bit;
- settings for OpenMP, BLAS or Numba threads have no effect.
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from functools import cache

import numpy as np
from llvmlite import ir
from numba import njit
from numba.core import cgutils, types
from numba.extending import intrinsic

from minigan.backends.numba.atomics import add, load, relax, slot, store, swap

CACHE_LINE = 8
TICKET, DONE, FUNCTION, ARGUMENTS, SERVING = 0, CACHE_LINE, 2 * CACHE_LINE, 2 * CACHE_LINE + 1, 3 * CACHE_LINE
"""Slots of the board.  A ticket is (task number, parts, next part) in 32, 16 and 16 bits: one swap claims a part, and
never one of another task."""

SPINS, YIELDS, NAP = 2000, 50, 50
INT64 = ir.IntType(64)
TASK = ir.FunctionType(ir.VoidType(), [INT64, INT64, INT64])

sched_yield = types.ExternalFunction("sched_yield", types.int32())
usleep = types.ExternalFunction("usleep", types.int32(types.uint32))


def compiled(function, called_from_python: bool = True):
    """njit without the GIL, kept on disk where a cache folder can be written, with no more ways in than are used."""
    ways_in = {"no_cfunc_wrapper": True, "no_cpython_wrapper": not called_from_python}
    try:
        return njit(nogil=True, cache=True, error_model="numpy", **ways_in)(function)
    except RuntimeError:
        return njit(nogil=True, error_model="numpy", **ways_in)(function)


@intrinsic
def post(typing_context, board, kernel, arguments):
    """Write on the board a C function  task(part, parts, &arguments)  that calls the kernel, and its arguments.

    The arguments lie in the caller's frame, which outlives the task.
    """
    call = kernel.get_call_type(typing_context, (types.int64, types.int64, *arguments.types), {})

    def codegen(context, builder, signature, values):
        board_value, _, tuple_value = values
        result = kernel.dispatcher.get_compile_result(call)
        context.add_linking_libs([result.library])
        task = ir.Function(builder.module, TASK, f"task_{result.fndesc.mangled_name}")
        task.linkage = "internal"
        body = ir.IRBuilder(task.append_basic_block())
        part, parts, address = task.args
        given = body.load(body.inttoptr(address, tuple_value.type.as_pointer()))
        items = [body.extract_value(given, i) for i in range(len(arguments.types))]
        context.call_internal_no_propagate(body, result.fndesc, call, [part, parts, *items])
        body.ret_void()

        frame = cgutils.alloca_once_value(builder, tuple_value)
        for index, pointer in ((FUNCTION, task), (ARGUMENTS, frame)):
            target = slot(context, builder, signature.args[0], board_value, INT64(index))
            builder.store_atomic(builder.ptrtoint(pointer, INT64), target, "seq_cst", 8)
        return context.get_dummy_value()

    return types.void(board, kernel, arguments), codegen


@intrinsic
def call_task(typing_context, function, part, parts, arguments):
    """function(part, parts, arguments), by address"""

    def codegen(context, builder, signature, values):
        builder.call(builder.inttoptr(values[0], TASK.as_pointer()), values[1:])
        return context.get_dummy_value()

    i = types.int64
    return types.void(i, i, i, i), codegen


@njit(inline="always")
def claim(board):
    """Do parts of the task on the board until none is left to claim; whether there was one."""
    found = False
    while True:
        ticket = load(board, TICKET)
        parts, part = (ticket >> 16) & 0xFFFF, ticket & 0xFFFF
        if part >= parts:
            return found
        if swap(board, TICKET, ticket, ticket + 1):
            call_task(load(board, FUNCTION), part, parts, load(board, ARGUMENTS))
            add(board, DONE, 1)
            found = True


@compiled
def serve(board):
    """A helping thread's session: wait for tasks and do parts of them, until the board says to stop."""
    idle = 0
    while load(board, SERVING):
        if claim(board):
            idle = 0
        elif idle < SPINS:
            idle += 1
            relax()
        elif idle < SPINS + YIELDS:
            idle += 1
            sched_yield()
        else:
            usleep(NAP)


@compiled
def finish(board, parts):
    """Open the task that has been posted, and return when all of its parts are done."""
    store(board, DONE, 0)
    number = (load(board, TICKET) >> 32) + 1
    store(board, TICKET, ((number & 0x7FFFFFFF) << 32) | (parts << 16))
    claim(board)
    waits = 0
    while load(board, DONE) < parts:
        waits += 1
        if waits < SPINS:
            relax()
        else:
            sched_yield()


@njit(inline="always")
def run(board, parts, kernel, arguments):
    """kernel(part, parts, *arguments) for every part, here and on the helping threads; returns when all are done."""
    post(board, kernel, arguments)
    finish(board, parts)


def shared(function):
    """A compiled kernel whose attribute `shared` is  run(board, parts, kernel, arguments)  as a function of its own.

    It has the kernel's own parameters, written out, since passing them as one tuple takes 2 microseconds a call; and
    its place in the kernel's file, by which Numba keeps it on disk.
    """
    kernel, code = compiled(function, called_from_python=False), function.__code__
    arguments = ", ".join(code.co_varnames[2 : code.co_argcount])
    head = f"def run_{function.__name__}(board, parts, {arguments}):"
    source = "\n" * code.co_firstlineno + f"{head} run(board, parts, kernel, ({arguments}))"
    names = {"__name__": function.__module__, "run": run, "kernel": kernel}
    exec(compile(source, code.co_filename, "exec"), names)
    kernel.shared = compiled(names[f"run_{function.__name__}"])
    return kernel


def staged(function):
    """A compiled function (board, parts, arguments) that runs several kernels, one after the other."""
    stages = compiled(function)
    stages.shared = stages
    return stages


class Pool:
    """`threads` - 1 helping threads and the board that they look at.

    lock  to be held while a kernel runs: a board has room for one task
    """

    def __init__(self, threads: int):
        self.threads = threads
        self._start()

    def _start(self) -> None:
        """A board, and threads that sleep until a session.  A forked child has neither and makes its own."""
        self._process = os.getpid()
        self.lock = threading.Lock()
        self.board = np.zeros(4 * CACHE_LINE, np.int64)
        self._sessions = 0
        self._wake = threading.Semaphore(0)
        for _ in range(self.threads - 1):
            threading.Thread(target=self._live, args=(self.board, self._wake), name="minigan", daemon=True).start()

    @staticmethod
    def _live(board: np.ndarray, wake: threading.Semaphore) -> None:
        while wake.acquire():
            serve(board)

    @contextmanager
    def session(self):
        """The helping threads are awake.  Sessions may lie within one another."""
        if os.getpid() != self._process:
            self._start()
        with self.lock:
            self._sessions += 1
            if self._sessions == 1:
                self.board[SERVING] = 1
                self._wake.release(max(1, self.threads - 1))
        try:
            yield
        finally:
            with self.lock:
                self._sessions -= 1
                if self._sessions == 0:
                    self.board[SERVING] = 0


@cache
def pool_of(threads: int) -> Pool:
    """The one pool of so many threads: backends share it, so that a program that makes many keeps few threads."""
    return Pool(threads)


def cores() -> int:
    """The cores that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
