"""Every Python whose PYTHONPATH has this folder runs as if on a bare machine with a GPU: CuPy is the stand-in of
tests/backends/gpu_stand_in.py, and tyro, pooch, typeguard and docstring_parser are not installed, nor is what
NOT_INSTALLED names besides.
"""

import os
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace

ROOT = Path(__file__).parents[3]
NOT_INSTALLED = ["tyro", "pooch", "typeguard", "docstring_parser", *os.environ.get("NOT_INSTALLED", "").split()]


class Machine(MetaPathFinder, Loader):
    """Finds `cupy`, and makes it of the stand-in; does not find what is not installed."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in NOT_INSTALLED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return ModuleSpec(name, self) if name == "cupy" else None

    def create_module(self, spec):
        return ModuleType("cupy")

    def exec_module(self, module):
        sys.path += [str(ROOT), str(ROOT / "tests" / "backends")]
        from cublas_stand_in import CublasLibrary
        from gpu_stand_in import cupy_of
        from streams_stand_in import GPU

        gpu = GPU()
        vars(module).update({name: value for name, value in vars(cupy_of(gpu)).items() if name[:2] != "__"})
        vars(module.cuda.runtime).update(
            driverGetVersion=lambda: 13000,
            runtimeGetVersion=lambda: 13000,
            getDeviceCount=lambda: 1,
            getDeviceProperties=lambda number: {"name": b"a stand-in"},
        )
        module.cuda.Device = Device
        module.cuda.profiler = SimpleNamespace(start=lambda: None, stop=lambda: None)
        sys.modules["cupy.cuda"] = module.cuda
        from minigan.backends.cuda import cublas

        library = CublasLibrary(gpu)
        cublas.library = lambda: library


class Device:
    """The one there is."""

    def __init__(self, number=0):
        pass

    def use(self):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass


sys.meta_path.insert(0, Machine())
