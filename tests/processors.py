"""Other processors, as far as this one can compute as they do:      python tests/processors.py COMMAND

Which kernels NumPy's OpenBLAS, NumPy and Numba choose decides in which order sums are rounded, and with it the last
bits of all that is trained.  Each setting asks for other kernels than this processor's own.  They are chosen once, as
a process begins, so the command is run anew under each of them; CI has it run the tests marked `rounding`.  A setting
that this machine cannot have is passed over with the reason, and `not_as_asked`, which every run of the tests looks at,
tells one that had no effect.
"""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import llvmlite.binding as llvm
import numpy as np
from numba.core.registry import cpu_target

from minigan.backends.blas_threads import loaded_blas

OPENBLAS, NUMPY, NUMBA = "OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES", "NUMBA_CPU_NAME"


@dataclass(frozen=True)
class Setting:
    """An environment variable's value, and what the processor needs for it, as LLVM names its features."""

    variable: str
    value: str
    needs: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.variable}={self.value}"

    @property
    def kernels(self) -> str:
        """The kernels that it leads to, in words."""
        names = {OPENBLAS: "OpenBLAS {}", NUMPY: "NumPy without {}", NUMBA: "Numba for {}"}
        return names[self.variable].format(self.value)

    def why_not(self) -> str | None:
        """Why this machine cannot have it, or has it without being asked; None where neither is so."""
        features = llvm.get_host_cpu_features()
        if missing := [name for name in self.needs if not features.get(name)]:
            return f"the processor has no {', '.join(missing)}"
        if self.variable == OPENBLAS and openblas_kernel() is None:
            return "NumPy's BLAS is not OpenBLAS"
        if self.variable == NUMPY and not set(self.value.split()) & set().union(*numpy_features()):
            return f"NumPy {np.__version__} has no kernels by these names"
        if self.variable == OPENBLAS and OPENBLAS not in os.environ and openblas_kernel() == self.value:
            return "the kernels of this processor anyway"
        return None


AVX512 = ("avx512f", "avx512cd", "avx512bw", "avx512dq", "avx512vl")
SETTINGS = [
    Setting(OPENBLAS, "SkylakeX", AVX512),
    Setting(OPENBLAS, "Haswell", ("avx2", "fma")),
    Setting(OPENBLAS, "Nehalem", ("sse4.2",)),
    Setting(NUMPY, "X86_V3 X86_V4", ("avx2",)),
    Setting(NUMBA, "generic"),
]
"""Without X86_V3 alone, NumPy computes with X86_V4's kernels where there is AVX-512."""
SAME = {"Zen": "Haswell"}
"""OpenBLAS's two names for one set of kernels"""


def openblas_kernel() -> str | None:
    """The kernels of the OpenBLAS that NumPy uses; None where it uses another BLAS."""
    names = [pool["architecture"] for pool in loaded_blas().info() if pool["internal_api"] == "openblas"]
    return SAME.get(names[0], names[0]) if names else None


def numpy_features() -> tuple[set[str], set[str]]:
    """For which features of processors NumPy has kernels: those that it uses now, and the others."""
    found = np.show_config(mode="dicts")["SIMD Extensions"]
    return set(found.get("found", ())), set(found.get("not found", ()))


def numba_processor() -> str:
    """What Numba compiles for, by LLVM's name."""
    return cpu_target.target_context.codegen().magic_tuple()[1]


def in_words() -> str:
    """The kernels of this process."""
    features = " ".join(sorted(numpy_features()[0])) or "no more than its baseline"
    return f"OpenBLAS {openblas_kernel()}, NumPy with {features}, Numba for {numba_processor()}"


def not_as_asked() -> str | None:
    """Which of the three variables this process has been given in vain, and what it computes with; None if none."""
    asked = {variable: os.environ.get(variable) for variable in (OPENBLAS, NUMPY, NUMBA)}
    in_vain = {
        OPENBLAS: openblas_kernel() != SAME.get(asked[OPENBLAS], asked[OPENBLAS]),
        NUMPY: not set((asked[NUMPY] or "").replace(",", " ").split()) <= numpy_features()[1],
        NUMBA: numba_processor() != asked[NUMBA],
    }
    wrong = [f"{variable}={value}" for variable, value in asked.items() if value and in_vain[variable]]
    return f"{', '.join(wrong)}: not what this process has got, which is {in_words()}" if wrong else None


def run_under(setting: Setting, command: list[str]) -> tuple[int, str]:
    """The exit code and what was printed."""
    environment = os.environ | {setting.variable: setting.value}
    both = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    made = subprocess.run(command, env=environment, text=True, check=False, **both)
    return made.returncode, made.stdout


def main(command: list[str]) -> int:
    """Run a command under each setting, one run a core at a time; how many of the runs failed."""
    chosen, failed = [], []
    for setting in SETTINGS:
        if reason := setting.why_not():
            print(f"= {setting}: passed over, {reason}", flush=True)
        else:
            chosen.append(setting)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for setting, (code, said) in zip(chosen, pool.map(lambda setting: run_under(setting, command), chosen)):
            print(f"= {setting}\n{said}", end="", flush=True)
            if code:
                failed.append(str(setting))
    print(f"= failed: {', '.join(failed)}" if failed else "= none failed")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
