"""The .cu files compiled for the CPU by a C++ compiler, through `cuda_on_cpu.h`, and called by their signatures."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir

import numpy as np

from minigan.backends.cuda.source import SIGNATURE, Parameter, signatures

COMPILER = shutil.which("g++") or shutil.which("clang++")
NO_COMPILER = "no C++ compiler to run the CUDA kernels on the CPU"
MEETS = re.compile(r"__syncthreads|__shfl|over_block")
HEADER = Path(__file__).with_name("cuda_on_cpu.h")
FLAGS = (
    "-std=c++17",
    "-O2",
    "-ffp-contract=off",
    "-fno-strict-aliasing",
    "-U_FORTIFY_SOURCE",
    "-w",
    "-shared",
    "-fPIC",
)


@cache
def compiled(code: str, real: str) -> ctypes.CDLL:
    """The kernels of `code` as a library of launch_NAME(grid, block, arguments): compiled once, and kept for others."""
    text = "\n".join([HEADER.read_text(), code, *launchers(code)])
    command = [COMPILER, *FLAGS, f"-DReal={real}"]
    name = sha256("\n".join([*command, text]).encode()).hexdigest()[:32]
    library = Path(gettempdir(), f"minigan-cuda-on-cpu-{os.getuid()}", f"{name}.so")
    if not library.exists():
        library.parent.mkdir(mode=0o700, exist_ok=True)
        with TemporaryDirectory(dir=library.parent) as folder:
            path, made = Path(folder, "kernels.cpp"), Path(folder, "kernels.so")
            path.write_text(text)
            said = subprocess.run([*command, "-o", made, path], capture_output=True, text=True, check=False)
            assert said.returncode == 0, said.stderr
            os.replace(made, library)  # whole, or not there
    return ctypes.CDLL(str(library))


def launchers(code: str):
    """A C function for every kernel, that unpacks the addresses of its arguments and walks the grid."""
    bodies = re.split(SIGNATURE.pattern, code)[3::3]
    for (name, parameters), text in zip(signatures(code).items(), bodies):
        end = text.find("\n}")
        arguments = ", ".join(f"*({c_type(p)}*)arguments[{i}]" for i, p in enumerate(parameters))
        yield (
            f'extern "C" void launch_{name}(const unsigned* grid, const unsigned* block, void** arguments) '
            f"{{ run_grid(grid, block, {int(bool(MEETS.search(text[:end])))}, [=] {{ {name}({arguments}); }}); }}"
        )


def c_type(parameter: Parameter) -> str:
    return f"{'' if parameter.written or not parameter.pointer else 'const '}{parameter.kind}{'*' * parameter.pointer}"


def launch(library: ctypes.CDLL, name: str, grid: tuple, block: tuple, values: tuple) -> None:
    """Run a kernel over a grid.  values: NumPy scalars (a null pointer is a 0) and arrays."""
    held = [_held(value) for value in values]
    addresses = (ctypes.c_void_p * len(held))(*map(ctypes.addressof, held))
    shapes = [(ctypes.c_uint * 2)(*shape) for shape in (grid, block)]
    getattr(library, f"launch_{name}")(*shapes, addresses)


def _held(value):
    """A C variable that holds a number, or an array's address."""
    if isinstance(value, np.generic):
        return ctypes.create_string_buffer(value.tobytes(), value.itemsize)
    return ctypes.c_void_p(value.ctypes.data)
