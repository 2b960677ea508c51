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

SECONDS_TO_MEET, SECONDS_TO_BE_ENDED, SECONDS_OF_GRACE = 30.0, 8.0, 0.5
KEEPALIVE = {"TCP_KEEPIDLE": 3, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 4, "TCP_USER_TIMEOUT": 7000}
"""a machine that does not answer has gone after 7 seconds"""


class Watch:
    """The connections between the ranks of a communicator, from here to the end of the process.

    Each message is a line of JSON, {name: value}:
        end    [line, code]  to rank 0: I have failed, say so and end all.   From rank 0: end with this code
        left   n             my program has ended, after n stretches that all ranks go through together (`inside`)
    """

    def __init__(self, comm: Any):
        self.comm, self.rank, self.size = comm, comm.Get_rank(), comm.Get_size()
        self.prog = "minigan"
        self._depth = self._begun = 0
        self._left: dict[int, int] = {}
        self._ending = threading.Lock()
        self._connections = self._accepted() if self.rank == 0 else {0: self._connected()}
        threading.Thread(target=self._listen, name="minigan-watch", daemon=True).start()
        atexit.register(self._leave)
        self._hook, sys.excepthook = sys.excepthook, self._uncaught

    @contextmanager
    def inside(self, prog: str) -> Iterator[None]:
        """A stretch that all ranks go through.  An error that comes out of it ends all of them."""
        if self._depth == 0:
            self.prog = prog
        self._depth += 1
        self._begun += self._depth == 1
        try:
            self._check_left()
            yield
            if self._depth == 1:
                self.comm.Barrier()
        except BaseException as error:
            self._end_by(error)
        self._depth -= 1

    def end(self, line: str | None, code: int) -> NoReturn:
        """End all ranks with one line on rank 0's standard error; None has been said already."""
        if self.rank:
            self._send(0, end=[line, code])
            time.sleep(SECONDS_TO_BE_ENDED)  # rank 0 says so, and ends this process too
        self._ending.acquire()  # and never released: the first line is the only one
        if line is not None:
            say(self.prog, line if self.rank == 0 else f"rank {self.rank}: {line}")
        for rank in self._connections if self.rank == 0 else ():
            self._send(rank, end=[None, code])
        with suppress(OSError, ValueError):
            sys.stdout.flush()
        os._exit(code)

    def _end_by(self, error: BaseException) -> NoReturn:
        """End all ranks, since this one has failed."""
        if type(error).__module__.startswith("mpi4py"):
            time.sleep(2 * SECONDS_OF_GRACE)  # most likely another rank has gone, of which the thread says more
        if isinstance(error, Stopped):
            self.end(None, error.code)
        self.end(*(line_of(error) or (in_one_line(error), FAILED)))

    # ---- The connections ---------------------------------------------------------------------------------------

    def _accepted(self) -> dict[int, Any]:
        """Rank 0's, by the others' ranks."""
        near = len(set(self.comm.gather(socket.gethostname()))) == 1
        token, connections = secrets.token_hex(16), {}
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
                selector.register(connection, selectors.EVENT_READ, (rank, connection.makefile("rb")))
            while selector.get_map():
                for key, _ in selector.select():
                    rank, lines = key.data
                    try:
                        line = lines.readline()
                    except OSError:
                        line = b""
                    if not line:
                        selector.unregister(key.fileobj)
                    self._hear(rank, json.loads(line) if line else {})

    def _hear(self, rank: int, message: dict[str, Any]) -> None:
        match message:
            case {"end": [line, code]}:
                if self.rank:
                    os._exit(code)
                time.sleep(SECONDS_OF_GRACE)  # where rank 0 fails by the same error, the line is its own
                self.end(None if line is None else f"rank {rank}: {line}", code)
            case {"left": begun}:
                self._left[rank] = begun
                self._check_left()
            case _ if rank not in self._left:
                self._gone(rank, "has ended without a word (killed, or its machine lost)")

    def _check_left(self) -> None:
        """End all where a rank has left that should be in this stretch."""
        for rank, begun in self._left.items():
            if self._depth and begun < self._begun:
                self._gone(rank, "has ended before the others")

    def _gone(self, rank: int, how: str) -> NoReturn:
        """Rank 0 ends all; where it is rank 0 that has gone, rank 1 says so."""
        self._ending.acquire()
        if self.rank in (0, 1):
            say(self.prog, f"rank {rank} {how}, and so all end")
        for other in self._connections if self.rank == 0 else ():
            self._send(other, end=[None, FAILED])
        os._exit(FAILED)

    def _leave(self) -> None:
        """This program ends as it should, for all that is known."""
        for rank in self._connections:
            self._send(rank, left=self._begun)

    def _uncaught(self, kind: type[BaseException], error: BaseException, trace: Any) -> None:
        """An error that ends a program of a user's: Python's own lines, and all end."""
        self._hook(kind, error, trace)
        self._end_by(error)


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
