"""Every .cu file compiles for Ampere and Hopper, as CuPy will ask for it: by nvcc and NVRTC, where they are there."""

import ctypes
import re
import shutil
import site
import subprocess
from pathlib import Path

import pytest

import minigan.backends.cuda
from minigan.backends.cuda.source import FILES, Parameter, options, signatures, source

CUDA = Path(minigan.backends.cuda.__file__).parent
ARCHITECTURES = ("sm_80", "sm_90")
ADDED_BY_CUPY = ("-ftz=true",)


def nvrtc():
    """NVRTC from its wheel (nvidia-cuda-nvrtc), or None."""
    found = [p for folder in site.getsitepackages() for p in sorted(Path(folder, "nvidia").glob("*/lib/libnvrtc.so.*"))]
    return next((ctypes.CDLL(str(p)) for p in found if "builtins" not in p.name), None)


@pytest.fixture(scope="module", params=["float", "double"])
def real(request):
    return request.param


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvrtc_compiles_every_kernel_without_a_warning(real, architecture):
    library = nvrtc()
    if library is None:
        pytest.skip("no NVRTC: pip install nvidia-cuda-nvrtc")
    program = ctypes.c_void_p()
    assert library.nvrtcCreateProgram(ctypes.byref(program), source().encode(), b"kernels.cu", 0, None, None) == 0
    chosen = (*options(real), *ADDED_BY_CUPY, "--device-as-default-execution-space", f"-arch={architecture}")
    flags = [option.encode() for option in chosen]
    status = library.nvrtcCompileProgram(program, len(flags), (ctypes.c_char_p * len(flags))(*flags))
    size = ctypes.c_size_t()
    assert library.nvrtcGetProgramLogSize(program, ctypes.byref(size)) == 0
    log = ctypes.create_string_buffer(size.value)
    assert library.nvrtcGetProgramLog(program, log) == 0
    assert status == 0 and "warning" not in log.value.decode(), log.value.decode()
    assert library.nvrtcGetCUBINSize(program, ctypes.byref(size)) == 0
    cubin = ctypes.create_string_buffer(size.value)
    assert library.nvrtcGetCUBIN(program, cubin) == 0
    assert all(f".text.{name}".encode() in cubin.raw for name in signatures(source()))
    assert library.nvrtcDestroyProgram(ctypes.byref(program)) == 0


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="no nvcc; NVRTC compiles the same")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_nvcc_compiles_every_kernel_without_a_warning_or_a_spill(real, architecture, tmp_path):
    text = tmp_path / "kernels.cu"
    text.write_text(source())
    strict = ["-Werror", "all-warnings", "-Xptxas", "-v", "-cubin", f"-arch={architecture}", "-o", tmp_path / "cubin"]
    made = subprocess.run(
        ["nvcc", *options(real), *ADDED_BY_CUPY, *strict, text], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    spills = re.findall(r"(\d+) bytes spill stores", made.stderr)
    registers = [int(n) for n in re.findall(r"Used (\d+) registers", made.stderr)]
    assert len(spills) >= len(signatures(source())) and set(spills) == {"0"}
    assert max(registers) <= 128, "a block of 512 threads, the largest that is launched, has 128 registers a thread"


def test_every_cu_file_is_part_of_the_source():
    assert {path.stem for path in CUDA.glob("*.cu")} == set(FILES)


def test_signatures_say_what_is_read_and_what_is_written():
    code = """
extern "C" __global__ void scale(const Real* x, Real by,
                                 unsigned long long* y) {}
"""
    expected = [("x", "Real", True, False), ("by", "Real", False, False), ("y", "unsigned long long", True, True)]
    assert signatures(code) == {"scale": [Parameter(*p) for p in expected]}


def test_every_kernel_says_what_moves_and_how_it_is_launched():
    for path in CUDA.glob("*.cu"):
        text = path.read_text()
        for name in signatures(text):
            above = text[: text.index(f"void {name}(")].rsplit("\n}\n", 1)[-1] if name.count("gather") == 0 else text
            assert re.search(r"// .*([Tt]hread|[Bb]lock)", above), name
            assert re.search(r"bytes|from memory|One thread", above), name
