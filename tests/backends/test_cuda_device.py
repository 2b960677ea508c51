"""Where there is no GPU: one clear line, exit code 1."""

import importlib.util
import re
import sys
from functools import reduce
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from minigan import GAN, Dropout, Linear, Recipe, Sequential, backends
from minigan.backends.cuda import devices
from minigan.errors import ConfigError, DeviceError
from minigan.train import main

HAS_CUPY = importlib.util.find_spec("cupy") is not None


class CUDARuntimeError(RuntimeError):
    def __init__(self, status):
        self.status = status


def cupy_with(driver, gpus, status=0):
    """A CuPy for CUDA 13.2 on a machine with this driver and so many GPUs."""

    def count():
        if status:
            raise CUDARuntimeError(status)
        return gpus

    cupy, used = ModuleType("cupy"), []
    cupy.cuda = SimpleNamespace(
        runtime=SimpleNamespace(
            driverGetVersion=lambda: driver,
            runtimeGetVersion=lambda: 13020,
            getDeviceCount=count,
            CUDARuntimeError=CUDARuntimeError,
            getDeviceProperties=lambda number: {"name": b"NVIDIA Abacus"},
        ),
        Device=lambda number: SimpleNamespace(use=lambda: used.append(number)),
    )
    cupy.used = used
    return cupy


CASES = {
    "no driver": (cupy_with(0, 0, 35), "no NVIDIA driver; expected one of CUDA 13 or newer"),
    "an old driver": (cupy_with(12040, 0, 35), "CUDA 12.4, expected 13.2 .*or the extra cupy12x instead of cupy13x"),
    "no device": (cupy_with(13020, 0, 100), "no GPU; the driver sees none"),
    "none to see": (cupy_with(13020, 0), "no GPU; the driver sees none"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_missing_gpu_ends_in_one_line(case, monkeypatch, said):
    cupy, message = CASES[case]
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    with pytest.raises(DeviceError, match=message):
        backends.get("cupy")
    code, out, err = said(main, "--backend", "cupy")
    assert (code, out) == (1, "") and err.count("\n") == 1 and err.startswith("minigan.train: --backend cupy: ")


def test_a_hidden_gpu_is_said_to_be_hidden(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(13020, 0, 100))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    with pytest.raises(DeviceError, match="CUDA_VISIBLE_DEVICES=7"):
        backends.get("cupy")


def test_a_number_that_no_gpu_has(monkeypatch):
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(13020, 2))
    with pytest.raises(ConfigError, match="^device 2: expected 0 to 1"):
        backends.get("cupy", device=2)


def test_a_gpu_is_selected_and_named(monkeypatch):
    cupy = cupy_with(13020, 2)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert devices.select(1) == "NVIDIA Abacus" and cupy.used == [1]


def test_without_cupy_the_extra_to_install_is_named(monkeypatch, said):
    monkeypatch.setitem(sys.modules, "cupy", None)
    code, out, err = said(main, "--backend", "cupy")
    assert (code, out) == (1, "") and err.count("\n") == 1 and ".[cupy13x]" in err and ".[cupy12x]" in err
    assert "CuPy is not installed" in err


def test_a_cupy_that_cannot_be_loaded_says_why(monkeypatch, said, tmp_path):
    """CuPy's own message is a page between two rules; its cause is one line."""
    page = "raise ImportError('\\n=====\\nFailed to import.\\n=====') from ImportError('libcublas.so.13: no such file')"
    (tmp_path / "cupy.py").write_text(page)
    monkeypatch.delitem(sys.modules, "cupy", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    code, _, err = said(main, "--backend", "cupy")
    assert code == 1 and err.count("\n") == 1
    assert "CuPy cannot be loaded" in err and "(libcublas.so.13: no such file)" in err


def test_auto_does_without_a_gpu(monkeypatch):
    for cupy in (None, *(case[0] for case in CASES.values())):
        monkeypatch.setitem(sys.modules, "cupy", cupy)
        monkeypatch.setattr(backends, "find_spec", lambda name, cupy=cupy: cupy)
        assert backends.why_no_gpu() is not None
    monkeypatch.setitem(sys.modules, "cupy", cupy_with(13020, 1))
    assert backends.why_no_gpu() is None and backends.why_no_gpu(1) is not None


def test_auto_says_why_it_computes_on_the_cpu(monkeypatch, said, tmp_path):
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
    code, _, err = said(main, "--iterations", "1", "--out", tmp_path / "a")
    assert code == 0 and "on numba" in err and "(no GPU: CuPy is not installed)" in err


def test_iterations_are_recorded_unless_something_else_is_asked_for(monkeypatch):
    for value, expected in ((None, "recorded"), ("recorded", "recorded"), ("serial", "serial"), ("eager", "eager")):
        monkeypatch.delenv("MINIGAN_GPU", raising=False)
        if value is not None:
            monkeypatch.setenv("MINIGAN_GPU", value)
        assert backends.gpu_mode() == expected
    monkeypatch.setenv("MINIGAN_GPU", "fast")
    with pytest.raises(ConfigError, match="MINIGAN_GPU=fast: expected recorded, serial .* or eager"):
        backends.gpu_mode()


@pytest.mark.parametrize("name", ["numpy", "numba"])
def test_tf32_is_for_a_gpu(name, said):
    with pytest.raises(ConfigError, match=f"^precision tf32: expected backend cupy; {name} computes in float32"):
        backends.get(name, precision="tf32")
    assert said(main, "--precision", "tf32", "--backend", name)[0] == 2
    networks = Sequential(Linear(3, 2)), Sequential(Dropout(0.5), Linear(2, 1))
    with pytest.raises(ConfigError, match="^precision tf32"):
        GAN(*networks, Recipe(latent=3, precision="tf32"), name)


def test_tf32_is_float32_to_everyone_else():
    assert Recipe(precision="tf32").dtype == np.float32


def test_threads_are_not_for_a_gpu():
    with pytest.raises(ConfigError, match="^threads 2: expected none with backend cupy"):
        backends.get("cupy", threads=2)


def test_cupy_has_every_name_that_the_backend_uses():
    cupy = pytest.importorskip("cupy", reason="no CuPy here to look into")
    texts = [path.read_text() for path in Path(devices.__file__).parent.glob("*.py")]
    names = {name for text in texts for name in re.findall(r"\bcupy((?:\.\w+)+)", text)}
    assert {".RawModule", ".cuda.Stream", ".cuda.using_allocator"} <= names
    for name in names:
        assert reduce(getattr, name[1:].split("."), cupy) is not None
    for kind, methods in {
        cupy.cuda.Stream: ("begin_capture", "end_capture", "wait_event"),
        cupy.cuda.Graph: ("launch", "upload"),
        cupy.cuda.Event: ("record", "synchronize"),
        cupy.cuda.MemoryPointer: ("copy_from_device_async",),
        cupy.ndarray: ("get", "view", "reshape"),
    }.items():
        assert all(hasattr(kind, method) for method in methods)


def test_cublas_has_every_function_that_is_declared():
    pathfinder = pytest.importorskip("cuda.pathfinder", reason="no CuPy here, which brings the finder of cuBLAS")
    try:
        pathfinder.load_nvidia_dynamic_lib("cublas")
    except RuntimeError as error:
        pytest.skip(f"no cuBLAS: {str(error).splitlines()[0]}")
    from minigan.backends.cuda.cublas import library

    assert b"value or parameter" in library().cublasGetStatusString(7)


@pytest.mark.skipif(not HAS_CUPY, reason="no CuPy here to fail")
def test_the_real_cupy_fails_in_words_or_has_a_gpu():
    try:
        assert devices.select(0)
    except DeviceError as error:
        assert str(error).startswith("--backend cupy: ")
