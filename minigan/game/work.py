"""How much an iteration multiplies, and what `auto` computes it on."""

from __future__ import annotations

from math import prod

from minigan import backends
from minigan.layers import Sequential
from minigan.options.recipe import Recipe

AUTO = "auto"
WORTH_COMPILING = 20_000_000
"""multiplications an iteration: with fewer, kernels take longer to begin than they save"""


def multiplications(generator: Sequential, discriminator: Sequential, recipe: Recipe) -> int:
    """About how many pairs of numbers an iteration multiplies:  5 m (weights of G + k weights of D).

    A step multiplies every weight by each of m or 2m rows on the way forward, and again on the way back.
    """
    g, d = (sum(prod(shape) for shape in network.shapes().values()) for network in (generator, discriminator))
    return 5 * recipe.batch_size * (g + recipe.k * d)


def backend_for(work: int, recipe: Recipe, threads: int | None, device: int) -> str:
    """The backend that so many multiplications an iteration are worth: numpy, or a GPU if there is one, else numba;
    and numpy where Numba does not work.

    What only a GPU has (tf32, a device's number) asks for a GPU, and `threads` for the CPU.
    """
    if recipe.precision == "tf32" or device != 0:
        return backends.GPU
    if work < WORTH_COMPILING:
        return "numpy"
    if threads is None and backends.why_no_gpu(device) is None:
        return backends.GPU
    return "numba" if backends.why_no_numba() is None else "numpy"
