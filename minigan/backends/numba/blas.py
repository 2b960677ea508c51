"""One matrix product on one thread, callable from compiled kernels: the BLAS that is already loaded, or MKL's wheel.

MKL is the faster one on Intel's processors and the slower one on others (docs/performance.md), so the vendor decides.

NumPy's BLAS runs threads of its own, which spin while they wait and so take the cores from ours.  Here every product
runs on the calling thread, and `single_threaded` keeps BLAS to that while kernels of ours are at work.
"""

from __future__ import annotations

import ctypes
import os
import platform
import re
import sys
from pathlib import Path

import llvmlite.binding as llvm
from numba.core import types

from minigan.backends.blas_threads import NAMES, SESSIONS, loaded_blas, numpys_blas
from minigan.errors import ConfigError

SYMBOLS = ("scipy_cblas_{}gemm64_", "cblas_{}gemm64_", "scipy_cblas_{}gemm", "cblas_{}gemm")
ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE = 101, 111, 112
MKL_SEQUENTIAL = 1
INTEL = "GenuineIntel"
CPUINFO = Path("/proc/cpuinfo")


def _gemm(letter: str, real: types.Type) -> types.ExternalFunction:
    """cblas_?gemm(order, trans_a, trans_b, M, N, K, alpha, a, lda, b, ldb, beta, c, ldc), by a name of our own.

    Sizes are passed as 64 bits: a BLAS built for 32-bit ones reads the lower half of the register or stack slot.
    """
    i, p = types.int64, types.voidptr
    return types.ExternalFunction(f"minigan_{letter}gemm", types.void(i, i, i, i, i, i, real, p, i, p, i, real, p, i))


sgemm = _gemm("s", types.float32)
dgemm = _gemm("d", types.float64)


def mkl_path() -> Path | None:
    """MKL's library in this environment (the wheel `mkl`), if it is there."""
    return next(iter(sorted(Path(sys.prefix, "lib").glob("libmkl_rt.so*"))), None)


def vendor() -> str:
    """Who made the processor, by the name in its own CPUID ("GenuineIntel", "AuthenticAMD"); "" where none is found."""
    try:
        found = re.search(r"^vendor_id\s*:\s*(.*)$", CPUINFO.read_text(), re.MULTILINE)
        return found[1] if found else ""
    except OSError:
        return platform.processor().rpartition(", ")[2]  # Windows: "Intel64 Family 6 Model 85 Stepping 7, GenuineIntel"


def mkl_wanted(maker: str, wheel: Path | None) -> bool:
    """Whether to multiply through MKL: on Intel's processors where its wheel is.  MINIGAN_BLAS overrides that.

    Raises ConfigError for a MINIGAN_BLAS that is neither mkl nor numpy, and for mkl where its wheel is not.
    """
    wanted = os.environ.get("MINIGAN_BLAS")
    if wanted not in (None, "mkl", "numpy"):
        raise ConfigError(f"MINIGAN_BLAS={wanted}: expected mkl or numpy (NumPy's own)")
    if wanted == "mkl" and wheel is None:
        raise ConfigError("MINIGAN_BLAS=mkl: expected MKL's wheel in this environment (pip install mkl), or numpy")
    return wanted == "mkl" or wanted is None and maker == INTEL and wheel is not None


class Blas:
    """The BLAS in use: `name` in words, and whether compiled kernels can reach it (`linked`)."""

    def __init__(self):
        self.name, library = self._find()
        self.linked = library is not None and self._link(library)

    def _find(self) -> tuple[str, ctypes.CDLL | None]:
        numpys, wheel = loaded_blas().info(), mkl_path()  # looked up before MKL is loaded, which is not NumPy's
        if mkl_wanted(vendor(), wheel):
            library = ctypes.CDLL(str(wheel))
            library.MKL_Set_Threading_Layer(MKL_SEQUENTIAL)
            return NAMES["mkl"], library
        return numpys_blas(), ctypes.CDLL(numpys[0]["filepath"]) if numpys else None

    @staticmethod
    def _link(library: ctypes.CDLL) -> bool:
        """Give both gemms our own names, so that cached kernels find them in any library."""
        for letter in "sd":
            name = next((s.format(letter) for s in SYMBOLS if hasattr(library, s.format(letter))), None)
            if name is None:
                return False
            llvm.add_symbol(f"minigan_{letter}gemm", ctypes.cast(getattr(library, name), ctypes.c_void_p).value)
        return True

    def single_threaded(self):
        """A context in which BLAS stays on the calling thread; afterwards it is as it was."""
        return SESSIONS.limited(1)
