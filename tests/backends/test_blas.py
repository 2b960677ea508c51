"""Which BLAS multiplies: MKL on Intel's processors where its wheel is, else NumPy's own; MINIGAN_BLAS goes over it."""

import platform
from pathlib import Path

import pytest
from threadpoolctl import threadpool_info

from minigan import backends
from minigan.backends import blas_threads
from minigan.backends.numba import blas
from minigan.backends.numba.blas import mkl_wanted, vendor
from minigan.errors import ConfigError

WHEEL = Path("libmkl_rt.so.2")


@pytest.mark.parametrize(
    "maker, wheel, asked, wanted",
    [
        ("GenuineIntel", WHEEL, None, True),
        ("GenuineIntel", None, None, False),
        ("AuthenticAMD", WHEEL, None, False),
        ("MadeUpVendor", WHEEL, None, False),
        ("", WHEEL, None, False),
        ("MadeUpVendor", WHEEL, "mkl", True),
        ("GenuineIntel", WHEEL, "numpy", False),
        ("GenuineIntel", None, "numpy", False),
    ],
)
def test_the_rule(maker, wheel, asked, wanted, monkeypatch):
    monkeypatch.delenv("MINIGAN_BLAS", raising=False)
    if asked:
        monkeypatch.setenv("MINIGAN_BLAS", asked)
    assert mkl_wanted(maker, wheel) is wanted


@pytest.mark.parametrize(
    "asked, message",
    [
        ("atlas", "MINIGAN_BLAS=atlas: expected mkl or numpy"),
        ("", "MINIGAN_BLAS=: expected mkl or numpy"),
        ("mkl", "MINIGAN_BLAS=mkl: expected MKL's wheel in this environment"),
    ],
)
def test_a_blas_that_cannot_be_had_is_refused(asked, message, monkeypatch):
    monkeypatch.setenv("MINIGAN_BLAS", asked)
    monkeypatch.setattr(blas, "mkl_path", lambda: None)
    with pytest.raises(ConfigError, match=message):
        backends.get("numba", threads=1)


def test_the_vendor_is_the_processors_own_word(monkeypatch, tmp_path):
    monkeypatch.setattr(blas, "CPUINFO", tmp_path / "cpuinfo")
    monkeypatch.setattr(platform, "processor", lambda: "Intel64 Family 6 Model 85 Stepping 7, GenuineIntel")
    assert vendor() == "GenuineIntel"
    monkeypatch.setattr(platform, "processor", lambda: "i386")
    assert vendor() != "GenuineIntel"
    blas.CPUINFO.write_text("processor\t: 0\nvendor_id\t: MadeUpVendor\nmodel\t: 1\nvendor_id\t: GenuineIntel\n")
    assert vendor() == "MadeUpVendor"
    blas.CPUINFO.write_text("processor\t: 0\nCPU implementer\t: 0x41\n")
    assert vendor() == ""


@pytest.mark.skipif(blas.mkl_path() is None, reason="MKL's wheel is not installed")
@pytest.mark.parametrize("maker, name", [("GenuineIntel", "MKL"), ("MadeUpVendor", blas_threads.numpys_blas())])
def test_the_vendor_decides_and_the_place_says_so(maker, name, monkeypatch):
    monkeypatch.delenv("MINIGAN_BLAS", raising=False)
    monkeypatch.setattr(blas, "vendor", lambda: maker)
    assert backends.get("numba", threads=1).description == f"numba, 1 thread, {name}"


def test_a_place_names_the_blas_and_its_kernels(monkeypatch):
    monkeypatch.setenv("MINIGAN_BLAS", "numpy")
    kernels = {library.get("architecture") for library in threadpool_info() if library["user_api"] == "blas"}
    for name in backends.NAMES:
        description = backends.get(name, threads=1).description
        assert description == f"{name}, 1 thread, {blas_threads.numpys_blas()}"
        assert any(kernel is None or f"({kernel} kernels)" in description for kernel in kernels)


@pytest.mark.parametrize(
    "library, message",
    [
        ({"internal_api": "openblas", "architecture": "Nehalem"}, "OpenBLAS (Nehalem kernels)"),
        ({"internal_api": "mkl"}, "MKL"),
        ({"internal_api": "made up"}, "made up"),
        (None, "NumPy's own BLAS"),
    ],
)
def test_numpys_blas_in_words(library, message, monkeypatch):
    class Loaded:
        @staticmethod
        def info():
            return [library] if library else []

    monkeypatch.setattr(blas_threads, "loaded_blas", Loaded)
    assert blas_threads.numpys_blas() == message
