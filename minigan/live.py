"""`python -m minigan.live`: a page on which a GAN trains in sight."""

from __future__ import annotations

import socket
import sys
import webbrowser
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from minigan.errors import ConfigError
from minigan.options import cli
from minigan.options.config import preset
from minigan.options.console import say

PROG = "minigan.live"
ONLY_HERE = "127.0.0.1"


@dataclass(frozen=True)
class Options:
    """A page of this machine on which a GAN trains in sight: play, pause, one iteration, half a step, another k or
    learning rate, a bug.  With --run, a finished run's checkpoints instead.  No request leaves the machine."""

    preset: str = "ring"
    """what to begin with: ring, grid, gaussian, digits, mnist, another preset, or a .toml file"""
    run: str | None = None
    """a run's folder, to look through its checkpoints"""
    seed: int | None = None
    """seed of every random number; without it the preset's own"""
    backend: Literal["auto", "numpy", "numba", "cupy"] = "auto"
    """what computes"""
    threads: int | None = None
    """CPU threads; without it all cores that are free to use"""
    port: int = 8642
    """of the page's address; 0: any that is free"""
    browser: bool = True
    """open the page"""

    def check(self) -> None:
        """Raise ConfigError for the first option that cannot be used."""
        if self.run == "":
            raise ConfigError("--run '': expected a run's folder")
        if not 0 <= self.port < 2**16:
            raise ConfigError(f"--port {self.port}: expected 0 to 65535")


@cli.command(PROG)
def main(args: list[str]) -> None:
    options = cli.parse(Options, args, PROG)
    options.check()
    try:
        import uvicorn

        from minigan.living.server import application, new_token
    except ImportError as error:
        raise ConfigError(f"no {error.name} here, expected pip install 'minigan[live]'") from None
    from minigan.living.finished import Finished
    from minigan.living.training import Training

    listening = bound(options.port)
    if options.run is not None:
        worker: Finished | Training = Finished(Path(options.run))
    else:
        begun = replace(preset(options.preset), backend=options.backend, threads=options.threads)
        worker = Training(begun if options.seed is None else replace(begun, seed=options.seed))
    worker.start()
    port, token = listening.getsockname()[1], new_token()
    address = f"http://{ONLY_HERE}:{port}/{token}/"
    say(address)
    if options.browser:
        webbrowser.open(address)
    config = uvicorn.Config(
        application(worker, port, token), log_level="critical", access_log=False, ws="none", lifespan="off",
        timeout_graceful_shutdown=1,
    )  # fmt: skip
    try:
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        worker.stop()


def bound(port: int) -> socket.socket:
    """A socket of this machine alone.  Raises ConfigError where the port cannot be had."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((ONLY_HERE, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise ConfigError(f"--port {port}: {error.strerror}, expected one that is free; 0 finds one") from None
    return listening


if __name__ == "__main__":
    sys.exit(main())
