"""How many multiplications an iteration has, and which backend `auto` chooses for them."""

from __future__ import annotations

from math import prod

from minigan import backends
from minigan.backends import Ops
from minigan.distributed.ranks import ALONE, Ranks
from minigan.layers import Sequential
from minigan.options.recipe import Recipe

AUTO = "auto"
WORTH_COMPILING = 20_000_000
"""multiplications an iteration: with fewer, kernels take longer to begin than they save"""


def multiplications(generator: Sequential, discriminator: Sequential, recipe: Recipe, ranks: Ranks = ALONE) -> int:
    """About how many pairs of numbers an iteration multiplies on one rank:  5 m/P (weights of G + k weights of D).

    A step multiplies every weight by each of m or 2m rows on the way forward, and again on the way back.
    """
    g, d = (sum(prod(shape) for shape in network.shapes().values()) for network in (generator, discriminator))
    return 5 * ranks.share(recipe.batch_size) * (g + recipe.k * d)


def backend_for(work: int, recipe: Recipe, threads: int | None, device: int) -> str:
    """The backend for so many multiplications an iteration: numpy for few, else a GPU if there is one, else numba, or
    numpy where Numba does not work.

    tf32 and a device's number ask for a GPU, `threads` asks for the CPU.
    """
    if recipe.precision == "tf32" or device != 0:
        return backends.GPU
    if work < WORTH_COMPILING:
        return "numpy"
    if threads is None and backends.why_no_gpu(device) is None:
        return backends.GPU
    return "numba" if backends.why_no_numba() is None else "numpy"


def ops_for(work: int, recipe: Recipe, backend: str, threads: int | None, device: int, ranks: Ranks = ALONE) -> Ops:
    """The backend of this name, or the one that `backend_for` chooses; ranks that share cores share them out.

    Raises as `backends.get`.
    """
    if backend == AUTO:
        backend = backend_for(work, recipe, threads, device)
    if threads is None and backend != backends.GPU:
        threads = ranks.threads
    return backends.get(backend, threads, device, recipe.precision)
