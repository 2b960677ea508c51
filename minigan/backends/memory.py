"""The contract's part on memory: how arrays and clocks are made, filled, copied and read back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from minigan.backends.array import Array
from minigan.backends.clock import Clock, Schedule

TO_LOWER = "expected more memory, or a smaller --batch-size, --latent, narrower layers or fewer examples"
"""what a MemoryError says"""


class Memory(ABC):
    """Where the arrays of a backend live."""

    @abstractmethod
    def empty(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """A new array whose entries are not set.  Raises MemoryError, which says what would help."""

    @abstractmethod
    def zeros(self, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
        """A new array of zeros.  Raises MemoryError, which says what would help."""

    @abstractmethod
    def asarray(self, array: ArrayLike | Array, dtype: DTypeLike | None = None) -> Array:
        """A host array as one of this backend; the same object where nothing has to change."""

    def view(self, vector: Array, shape: tuple[int, ...]) -> Array:
        """A vector (n,) seen as an array of this shape, laid out as the backend's kernels like it."""
        return vector.reshape(shape)

    @abstractmethod
    def to_host(self, array: Array) -> np.ndarray:
        """A NumPy copy.  Waits for the device."""

    @abstractmethod
    def snapshot(self, arrays: dict[str, Array]) -> Callable[[], dict[str, np.ndarray]]:
        """The arrays as they are now.  The call that comes back gives them as NumPy copies, once, in any thread: on a
        GPU they are copied there first, and cross to the host beside the work that follows.
        """

    @abstractmethod
    def on_host(self, vector: Array, change: Callable[[np.ndarray], object]) -> None:
        """`change` alters a vector (n,) in place, as NumPy's.  Waits for the device."""

    @abstractmethod
    def norm(self, a: Array, less: Array | None = None, times: float = 0.0) -> float:
        """|a - times less|, of vectors (n,), the squares summed in float64.  Waits for the device."""

    @abstractmethod
    def copy(self, source: Array, out: Array) -> Array:
        """out <- source, of the same shape and dtype."""

    @abstractmethod
    def permutation(self, seed: int, epoch: int, out: Array) -> Array:
        """out (n,) int32 <- the order of the n examples in an epoch, `minigan.rng.permutation`."""

    @abstractmethod
    def clock(self, lr: Schedule, momentum: Schedule) -> Clock:
        """A new clock at iteration 0."""

    @abstractmethod
    def set_clock(self, clock: Clock, iteration: int) -> None:
        """Turn the clock to `iteration`, in place."""

    @abstractmethod
    def tick(self, clock: Clock) -> None:
        """Turn the clock on by one iteration: on a GPU a kernel, so that a captured iteration ends with it."""
