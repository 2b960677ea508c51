"""A run that is not made: everything checked, and what it would take."""

from __future__ import annotations

import os
import sys
import time
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

from minigan.backends import GPU, Ops
from minigan.distributed.ranks import ranks_of
from minigan.errors import ConfigError
from minigan.files.run_folder import RunFolder
from minigan.layers import Sequential
from minigan.loop.loop import Loop
from minigan.loop.progress import opening
from minigan.options.config import Config
from minigan.run.start import Start

FIRST, SECONDS = 2, 1.0
"""Iterations before any is timed, and about how long they are timed."""


def dry_run(config: Config) -> list[str]:
    """What the run would be, a line each; nothing is written.  Raises as `minigan.run.trainer.Trainer`."""
    ranks = ranks_of(config.distributed)
    ranks.first(partial(check_place, config))
    start = Start(config)
    if start.there is not None:
        start.there.claimed()
        try:
            start.go_on(start.there)
        finally:
            start.there.release()
    start.agree()
    gan, left = start.gan, start.total - start.gan.iteration
    said = [opening(start.data, gan, left)]
    for name, network in (("G", gan.generator), ("D", gan.discriminator)):
        said.append(f"{name:12}{widths(network)}, {sum(map(prod, network.shapes().values())):,} parameters")
    seconds = seconds_of_an_iteration(start)
    if seconds is not None:
        said.append(f"{'iteration':12}{1000 * seconds:.3g} ms, {duration(left * seconds)} for all")
    said.append(f"{'memory':12}{memory(gan.ops)}")
    return [*said, "nothing was written"]


def check_place(config: Config) -> None:
    """Raise ConfigError where the run's folder could not be made."""
    path = Path(config.out or "runs")
    if config.out is not None and not config.resume:
        RunFolder(path).check_free()
    above = next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise ConfigError(f"--out {path}: {above} cannot be written to, expected a place for a folder")


def widths(network: Sequential) -> str:
    """ "100-1200-1200-784" """
    sized: list[Any] = [layer for layer in network.layers if layer.shapes()]
    return "-".join(str(width) for width in (network.n_in, *(layer.n_out for layer in sized)))


def seconds_of_an_iteration(start: Start) -> float | None:
    """Measured on some that are played and forgotten; None where too few are left."""

    def played(n: int) -> float:
        """Seconds of n iterations, or of as many as are left."""
        until = min(start.gan.iteration + n, start.total)
        begin = time.perf_counter()
        Loop(start.gan, start.data, start.source, until, (), start.changes()).run()  # ends by waiting for the device
        return time.perf_counter() - begin

    played(FIRST)
    one = start.ranks.agreed(played(1))
    before = start.gan.iteration
    spent = played(max(1, min(1000, int(SECONDS / max(one, 1e-9)))))
    return spent / (start.gan.iteration - before) if start.gan.iteration > before else None


def memory(ops: Ops) -> str:
    """The most that this process has held so far, or what is taken on the GPU."""
    if ops.name == GPU:
        import cupy

        free, total = cupy.cuda.runtime.memGetInfo()
        return f"{(total - free) / 2**20:,.0f} of {total / 2**20:,.0f} MiB on the GPU"
    try:
        import resource
    except ImportError:  # Windows
        return "not known on this system"
    unit = 1 if sys.platform == "darwin" else 1024
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**20:,.0f} MiB at most"


def duration(seconds: float) -> str:
    """ "40 seconds", "3 minutes" """
    if seconds < 90:
        return f"{seconds:.2g} seconds"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
