"""A rank that ends ends all, with one line.

MPI says nothing when a process has gone: the others wait in their next sum for ever.  So rank 0 holds a connection to
each of them, and a thread of each rank reads it.  A process that ends, even if killed, closes its connection; one whose
machine has gone no longer answers, which the system notices.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import selectors
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from minigan.errors import ConfigError
from minigan.options.cli import FAILED, Stopped, line_of

SECONDS_TO_MEET, SECONDS_TO_BE_ENDED, SECONDS_OF_GRACE = 30.0, 5.0, 0.5
KEEPALIVE = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 7000}
"""a machine that does not answer has gone after 7 seconds"""


class Watch:
    """The connections between the ranks of a communicator, from here to the end of the process.

    Each message is a line of JSON, {name: value}:
        failed      [line, code]  to rank 0, which says the line and ends all with this code
        all_failed  true          from rank 0: each goes on with its error
        end         code          from rank 0: end
        left        n             my program has ended, after n stretches that all ranks go through together (`inside`)
    """

    def __init__(self, comm: Any):
        self.comm, self.rank, self.size = comm, comm.Get_rank(), comm.Get_size()
        self.prog = "minigan"
        self._depth = self._begun = 0
        self._left: dict[int, int] = {}
        self._failed: dict[int, tuple[str | None, int]] = {}
        self._ending, self._all_failed = threading.Lock(), threading.Event()
        self._connections = self._accepted() if self.rank == 0 else {0: self._connected()}
        self._open = len(self._connections)
        threading.Thread(target=self._listen, name="minigan-watch", daemon=True).start()
        atexit.register(self._leave)
        self._hook, sys.excepthook = sys.excepthook, self._uncaught

    @contextmanager
    def inside(self, prog: str) -> Iterator[None]:
        """A stretch that all ranks go through.  An error ends all of them, unless it comes out of it on all."""
        if self._depth == 0:
            self.prog, self._begun = prog, self._begun + 1
        self._depth += 1
        try:
            self._check_left()
            yield
            if self._depth == 1:
                self.comm.Barrier()
        except BaseException as error:
            self._fail(error)
            raise
        finally:
            self._depth -= 1

    def _fail(self, error: BaseException) -> None:
        """This rank has failed, and so all end; it returns where all have failed, as with a wrong option."""
        if type(error).__module__.startswith("mpi4py"):
            time.sleep(SECONDS_OF_GRACE)  # most likely another rank has gone, and the thread that listens knows which
        line, code = (
            (None, error.code) if isinstance(error, Stopped) else line_of(error) or (in_one_line(error), FAILED)
        )
        if self.rank == 0:
            self._failed[0] = line, code
            self._all_failed.wait(0 if self.size == len(self._failed) else SECONDS_OF_GRACE)
            with self._ending:
                if len(self._failed) == self.size:
                    self._failed.clear()
                    self._all_failed.clear()
                    for rank in self._connections:
                        self._send(rank, all_failed=True)
                    return
            self._end_all(line, code)
        self._send(0, failed=[line, code])
        if not self._all_failed.wait(SECONDS_TO_BE_ENDED):
            self._gone(0, "does not answer")
        self._all_failed.clear()

    def _end_all(self, line: str | None, code: int) -> NoReturn:
        """By rank 0, with one line on its standard error; None has been said already."""
        self._ending.acquire()  # and never released: the first line is the only one
        if line is not None:
            say(self.prog, line)
        for rank in self._connections:
            self._send(rank, end=code)
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)

    def _end_for(self, rank: int) -> None:
        """Where rank 0 has not failed by the same error, of which the line would be its own."""
        time.sleep(2 * SECONDS_OF_GRACE)
        if rank in self._failed:
            line, code = self._failed[rank]
            self._end_all(f"rank {rank}: {line}" if line else None, code)

    # ---- The connections ---------------------------------------------------------------------------------------

    def _accepted(self) -> dict[int, Any]:
        """Rank 0's, by the others' ranks."""
        near = len(set(self.comm.gather(socket.gethostname()))) == 1
        token, connections = secrets.token_hex(16), dict[int, socket.socket]()
        with socket.create_server(("127.0.0.1" if near else "", 0), backlog=self.size) as server:
            host = "127.0.0.1" if near else socket.gethostname()
            self.comm.bcast((host, server.getsockname()[1], token))
            server.settimeout(SECONDS_TO_MEET)
            while len(connections) < self.size - 1:
                try:
                    connection = kept_alive(server.accept()[0])
                except TimeoutError:
                    lost = min(set(range(1, self.size)) - connections.keys())
                    raise ConfigError(f"rank {lost} has not reached rank 0 at {host}: expected a network") from None
                said = connection.makefile("rb").readline(100).split()
                if len(said) == 2 and secrets.compare_digest(said[0], token.encode()):
                    connections[int(said[1])] = connection
        return connections

    def _connected(self) -> socket.socket:
        """To rank 0."""
        self.comm.gather(socket.gethostname())
        host, port, token = self.comm.bcast(None)
        try:
            connection = kept_alive(socket.create_connection((host, port), SECONDS_TO_MEET))
        except OSError as error:
            raise ConfigError(f"rank {self.rank} cannot reach rank 0 at {host} ({error}): expected a network") from None
        connection.sendall(f"{token} {self.rank}\n".encode())
        return connection

    def _send(self, to: int, **message: object) -> None:
        """Where it cannot be sent, the other one has gone, and the thread knows."""
        with suppress(OSError):
            self._connections[to].sendall(f"{json.dumps(message)}\n".encode())

    def _listen(self) -> None:
        """In a thread of its own."""
        with selectors.DefaultSelector() as selector:
            for rank, connection in self._connections.items():
                selector.register(connection, selectors.EVENT_READ, (rank, bytearray()))
            while self._open:
                for key, _ in selector.select():
                    rank, unread = key.data
                    *lines, rest = (unread + (read := received(self._connections[rank]))).split(b"\n")
                    unread[:] = rest
                    for line in lines:
                        self._hear(rank, json.loads(line))
                    if not read:
                        selector.unregister(key.fileobj)
                        self._open -= 1
                        if rank not in self._left and rank not in self._failed:
                            self._gone(rank, "has ended without a word (killed, or its machine lost)")

    def _hear(self, rank: int, message: dict[str, Any]) -> None:
        match message:
            case {"failed": (line, code)}:
                if not self._failed:
                    threading.Thread(target=self._end_for, args=(rank,), daemon=True).start()
                self._failed[rank] = line, code
                if len(self._failed) == self.size:
                    self._all_failed.set()
            case {"all_failed": _}:
                self._all_failed.set()
            case {"end": code}:
                os._exit(code)
            case {"left": begun}:
                self._left[rank] = begun
                self._check_left()

    def _check_left(self) -> None:
        """End all where a rank has left that should be in this stretch."""
        for rank, begun in self._left.items():
            if self._depth and begun < self._begun:
                self._gone(rank, "has ended before the others")

    def _gone(self, rank: int, how: str) -> NoReturn:
        """Rank 0 ends all; where it is rank 0 that has gone, rank 1 says so."""
        line = f"rank {rank} {how}, and so all end"
        if self.rank == 0:
            self._end_all(line, FAILED)
        if self.rank == 1:
            say(self.prog, line)
        os._exit(FAILED)

    def _leave(self) -> None:
        """This program ends as it should, for all that is known."""
        for rank in self._connections:
            self._send(rank, left=self._begun)

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """An error that ends a program of a user's: Python's own lines, and all end."""
        self._hook(kind, error, trace)
        self._fail(error)


def received(connection: socket.socket) -> bytes:
    """What has come; nothing where the other one has gone."""
    try:
        return connection.recv(4096)
    except OSError:
        return b""


def kept_alive(connection: socket.socket) -> socket.socket:
    """A connection that notices that the other machine has gone."""
    connection.settimeout(None)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in KEEPALIVE.items():
        if hasattr(socket, name):  # not all systems have them
            connection.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return connection


def say(prog: str, line: str) -> None:
    """Straight to standard error: this process is about to end."""
    with suppress(OSError):
        os.write(2, f"{prog}: {' '.join(line.split())}\n".encode(errors="backslashreplace"))


def in_one_line(error: BaseException) -> str:
    """An error that is nobody's fault but the program's: what, and where."""
    if isinstance(error, SystemExit):
        return f"ended by sys.exit({error.code!r})"
    at = traceback.extract_tb(error.__traceback__)[-1:]
    return f"{type(error).__name__}: {error}" + "".join(f" ({place.filename}:{place.lineno})" for place in at)
