"""cuBLAS with a handle of our own, through ctypes.

CuPy refuses its own handle while a stream captures.  Ours is tied once to one stream and one workspace, so nothing is
allocated later and equal calls give equal bits; a second stream takes a second one of these.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

import cupy
import numpy as np

from minigan.errors import DeviceError

NO_TRANSPOSE, TRANSPOSE = 0, 1
ON_HOST, ON_DEVICE = 0, 1
DEFAULT_ALGORITHM = -1
WORKSPACE = 32 << 20
"""Bytes: what NVIDIA advises for Hopper; 4 MiB would do on older GPUs."""
TYPES = {"float32": 0, "float64": 1}
"""CUDA_R_32F, CUDA_R_64F"""
COMPUTE = {"float32": 68, "float64": 70, "tf32": 77}
"""CUBLAS_COMPUTE_32F, _64F and _32F_FAST_TF32: what multiplies, for each --precision"""


@cache
def library() -> ctypes.CDLL:
    """The cuBLAS that CuPy finds, every argument declared: ctypes would cut undeclared pointers to 32 bits."""
    from cuda.pathfinder import load_nvidia_dynamic_lib

    try:
        found = ctypes.CDLL(load_nvidia_dynamic_lib("cublas").abs_path)
    except (RuntimeError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise DeviceError(f"--backend cupy: no cuBLAS; expected CuPy's extra [ctk] or a toolkit ({reason})") from None
    p, i, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t
    for name, arguments in {
        "cublasCreate_v2": [ctypes.POINTER(p)],
        "cublasDestroy_v2": [p],
        "cublasSetStream_v2": [p, p],
        "cublasSetWorkspace_v2": [p, p, size],
        "cublasSetPointerMode_v2": [p, i],
        # handle, op a, op b, m, n, k, alpha, a, type, lda, b, type, ldb, beta, c, type, ldc, compute type, algorithm
        "cublasGemmEx": [p, i, i, i, i, i, p, p, i, i, p, i, i, p, p, i, i, i, i],
    }.items():
        getattr(found, name).argtypes, getattr(found, name).restype = arguments, i
    found.cublasGetStatusString.argtypes, found.cublasGetStatusString.restype = [i], ctypes.c_char_p
    return found


class Cublas:
    """Products on one stream.  `tf32` multiplies float32 matrices with 10 bits of mantissa, on the tensor cores."""

    def __init__(self, stream, tf32: bool):
        self._library, self._tf32, self._stream = library(), tf32, stream  # the stream has to outlive the handle
        self._handle = ctypes.c_void_p()
        self._call("cublasCreate_v2", ctypes.byref(self._handle))
        # The stream before the workspace: to set a stream takes the workspace away.
        self._call("cublasSetStream_v2", self._handle, stream.ptr)
        self._workspace = cupy.empty(WORKSPACE, np.uint8)
        self._call("cublasSetWorkspace_v2", self._handle, self._workspace.data.ptr, WORKSPACE)
        # What a first product sets up could not be set up in a recording, so there is one of each kind.  What they
        # work on is kept: nothing waits for them.
        self._squares, self._zero = cupy.zeros((3, 32, 32), np.float32), cupy.zeros((2,), np.float64)
        for number in (1.0, self._zero):
            self.gemm(*self._squares, False, False, number, number)  # type: ignore[call-arg]  # three of them

    def __del__(self):
        if getattr(self, "_handle", None) and not sys.is_finalizing():  # at the end the GPU may be gone already
            self._library.cublasDestroy_v2(self._handle)

    def gemm(self, a, b, out, trans_a: bool, trans_b: bool, alpha, beta) -> None:
        """out (M, N) <- alpha op(a) op(b) + beta out, in C order: to cuBLAS, which thinks in columns, all is
        transposed,  out^T = op(b)^T op(a)^T.

        alpha and beta are both floats, fixed for ever, or both numbers on the device, read when the product runs: in
        float64, and 8 bytes after that the same in float32.
        """
        m, n = out.shape
        k = a.shape[0 if trans_a else 1]
        kind = TYPES[out.dtype.name]
        alpha, beta, mode = self._numbers(alpha, beta, out.dtype)
        self._call("cublasSetPointerMode_v2", self._handle, mode)
        self._call(
            "cublasGemmEx",
            self._handle,
            *(TRANSPOSE if trans_b else NO_TRANSPOSE, TRANSPOSE if trans_a else NO_TRANSPOSE),
            *(n, m, k),
            alpha,
            *(b.data.ptr, kind, max(1, b.shape[1])),
            *(a.data.ptr, kind, max(1, a.shape[1])),
            beta,
            *(out.data.ptr, kind, max(1, n)),
            COMPUTE["tf32" if self._tf32 and kind == TYPES["float32"] else out.dtype.name],
            DEFAULT_ALGORITHM,
        )

    def _numbers(self, alpha, beta, dtype) -> tuple:
        """Addresses of alpha and beta in the products' dtype, and on which side both are."""
        if isinstance(alpha, float):
            kind = ctypes.c_float if dtype == np.float32 else ctypes.c_double
            return ctypes.byref(kind(alpha)), ctypes.byref(kind(beta)), ON_HOST
        beside = 8 if dtype == np.float32 else 0
        return alpha.data.ptr + beside, beta.data.ptr + beside, ON_DEVICE

    def _call(self, name: str, *arguments) -> None:
        status = getattr(self._library, name)(*arguments)
        if status:
            said = self._library.cublasGetStatusString(status).decode()
            raise DeviceError(f"cuBLAS: {name} failed with {said}")
