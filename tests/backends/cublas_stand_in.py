"""A stand-in for cuBLAS: its functions, as `minigan.backends.cuda.cublas` declares them, by NumPy's products."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace

import numpy as np


class CublasLibrary:
    """The functions of libcublas that `cublas.py` declares, in column-major order, on addresses."""

    def __init__(self, gpu):
        self.gpu, self.handles = gpu, {}

    def cublasCreate_v2(self, handle):
        self.gpu.forbid("a new handle")
        handle._obj.value = 1 + len(self.handles)
        self.handles[handle._obj.value] = SimpleNamespace(stream=None, workspace=None, on_device=0, used=False)
        return 0

    def cublasDestroy_v2(self, handle):
        self.gpu.destroyed.append(self.gpu.recording is not None)
        return 0

    def cublasSetStream_v2(self, handle, stream):
        state = self.handles[handle.value]
        state.stream, state.workspace = self.gpu.streams[stream], None
        return 0

    def cublasSetWorkspace_v2(self, handle, address, size):
        self.handles[handle.value].workspace = address
        return 7 if address % 256 else 0

    def cublasSetPointerMode_v2(self, handle, on_device):
        self.handles[handle.value].on_device = on_device
        return 0

    def cublasGetStatusString(self, status):
        return b"CUBLAS_STATUS_INVALID_VALUE"

    def cublasGemmEx(
        self, handle, op_a, op_b, m, n, k, alpha, a, a_type, lda, b, b_type, ldb, beta, c, c_type, ldc, compute, algo
    ):
        state = self.handles[handle.value]
        assert state.workspace is not None, "the workspace was lost: it comes after the stream"
        state.used = state.used or self.gpu.forbid("the first product of a handle") is None
        assert a_type == b_type == c_type and algo == -1
        assert compute in {0: (68, 77), 1: (70,)}[c_type]
        kind = {0: ctypes.c_float, 1: ctypes.c_double}[c_type]
        shapes = {0: (m, k), 1: (k, m)}[op_a], {0: (k, n), 1: (n, k)}[op_b], (m, n)
        if any(stored < rows for stored, (rows, _) in zip((lda, ldb, ldc), shapes)):
            return 7
        A, B, C = (columns(kind, *which) for which in zip((a, b, c), shapes, (lda, ldb, ldc)))
        size = ctypes.sizeof(kind)
        reads = [(address, address + size * shape[0] * shape[1]) for address, shape in zip((a, b), shapes)]
        numbers = (lambda: (kind.from_address(alpha).value, kind.from_address(beta).value)) if state.on_device else None
        if numbers is None:
            fixed = alpha._obj.value, beta._obj.value
            numbers = lambda: fixed
        else:
            reads += [(alpha, alpha + size), (beta, beta + size)]

        def work():
            by, keep = numbers()
            product = (A.T if op_a else A) @ (B.T if op_b else B)
            C[...] = C.dtype.type(by) * product + (0 if keep == 0 else C.dtype.type(keep) * C)

        self.gpu.do(state.stream, reads, [(c, c + size * m * n)], work)
        return 0


def columns(kind, address: int, shape: tuple[int, int], stored: int) -> np.ndarray:
    """The matrix at an address in column-major order, its columns `stored` entries apart."""
    rows, n = shape
    if rows == 0 or n == 0:
        return np.zeros(shape, kind)
    flat = np.ctypeslib.as_array((kind * (stored * (n - 1) + rows)).from_address(address))
    return np.lib.stride_tricks.as_strided(flat, shape, (flat.itemsize, stored * flat.itemsize))
