"""The BLAS that NumPy uses, and on how many threads: a number of the whole process, on which sessions have to agree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController

NAMES = {"openblas": "OpenBLAS", "mkl": "MKL", "blis": "BLIS", "flexiblas": "FlexiBLAS"}
"""as threadpoolctl has them, and as they are written"""


@cache
def loaded_blas() -> ThreadpoolController:
    """Sets and reads the number of threads of NumPy's BLAS.

    Looked up once, before the numba backend may load MKL: to set MKL's number would set that of PyTorch's copy too.
    """
    return ThreadpoolController().select(user_api="blas")


def numpys_blas() -> str:
    """The BLAS that NumPy uses and whose kernels it has chosen, in words: "OpenBLAS (Haswell kernels)"."""
    for library in loaded_blas().info():
        name = NAMES.get(library["internal_api"], library["internal_api"])
        return f"{name} ({library['architecture']} kernels)" if "architecture" in library else name
    return "NumPy's own BLAS"  # one that threadpoolctl does not know


class Sessions:
    """The open sessions of all threads: the newest one's number counts, and the last one to end restores what there was
    before the first.
    """

    def __init__(self) -> None:
        self._lock, self._numbers = Lock(), dict[object, int]()
        self._first: Any = None

    @contextmanager
    def limited(self, threads: int) -> Iterator[None]:
        """A session in which BLAS uses so many threads."""
        session = object()
        with self._lock:
            limit = loaded_blas().limit(limits=threads)
            self._first = self._first or limit
            self._numbers[session] = threads
        try:
            yield
        finally:
            with self._lock:
                del self._numbers[session]
                if self._numbers:
                    loaded_blas().limit(limits=next(reversed(self._numbers.values())))
                else:
                    self._first.restore_original_limits()
                    self._first = None


SESSIONS = Sessions()
