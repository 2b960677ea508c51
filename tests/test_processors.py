"""The kernels of other processors: a setting has what it asks for, or says why not; one without effect is refused."""

import os
import subprocess
import sys
from pathlib import Path

import processors
import pytest
from processors import NUMBA, NUMPY, OPENBLAS, SETTINGS, Setting

HERE = Path(__file__).parent


def python(*arguments: str, setting: Setting | None = None) -> subprocess.CompletedProcess:
    """A fresh interpreter, in which of the three variables none is set but the setting's."""
    environment = {name: value for name, value in os.environ.items() if name not in (OPENBLAS, NUMPY, NUMBA)}
    environment |= {setting.variable: setting.value} if setting else {}
    return subprocess.run(
        [sys.executable, *arguments], cwd=HERE, env=environment, capture_output=True, text=True, check=False
    )


def kernels(setting: Setting | None = None) -> list[str]:
    """Those of a fresh process: OpenBLAS's, NumPy's and Numba's."""
    script = "import processors; print(processors.in_words()); sys.exit(processors.not_as_asked())"
    done = python("-c", f"import sys; sys.path[:0] = {sys.path!r}; {script}", setting=setting)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().split(", ")


@pytest.fixture(scope="module")
def own():
    return kernels()


@pytest.mark.parametrize("setting", SETTINGS, ids=str)
def test_a_setting_changes_the_kernels_that_it_names_and_no_others(setting, own):
    if reason := setting.why_not():
        pytest.skip(reason)
    changed = [old != new for old, new in zip(own, kernels(setting), strict=True)]
    assert changed == [setting.variable == variable for variable in (OPENBLAS, NUMPY, NUMBA)]


@pytest.mark.parametrize("variable", [OPENBLAS, NUMPY])
def test_no_test_runs_where_a_setting_has_no_effect(variable):
    setting = Setting(variable, "Nonesuch")
    done = python("-m", "pytest", "-p", "no:cacheprovider", "test_documents.py", setting=setting)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"{setting}: not what this process has got" in done.stderr and "passed" not in done.stdout


def test_a_setting_that_cannot_be_had_says_why(monkeypatch):
    monkeypatch.setattr(processors, "openblas_kernel", lambda: "Nehalem")
    monkeypatch.delenv(OPENBLAS, raising=False)
    assert Setting(OPENBLAS, "Haswell", ("warp9",)).why_not() == "the processor has no warp9"
    assert Setting(OPENBLAS, "Nehalem").why_not() == "the kernels of this processor anyway"
    assert "no kernels by these names" in Setting(NUMPY, "WARP9").why_not()
    assert Setting(OPENBLAS, "Haswell").why_not() is None
    monkeypatch.setattr(processors, "openblas_kernel", lambda: None)
    assert Setting(OPENBLAS, "Haswell").why_not() == "NumPy's BLAS is not OpenBLAS"


def test_a_command_runs_under_each_setting_and_its_failures_are_counted(monkeypatch, capfd):
    settings = [Setting("HUE", "red"), Setting("HUE", "blue", ("warp9",)), Setting("HUE", "green")]
    monkeypatch.setattr(processors, "SETTINGS", settings)
    command = [sys.executable, "-c", "import os; hue = os.environ['HUE']; print('in', hue); exit(hue == 'green')"]
    assert processors.main(command) == 1
    said = capfd.readouterr().out.splitlines()
    passed_over = "= HUE=blue: passed over, the processor has no warp9"
    assert said == [passed_over, "= HUE=red", "in red", "= HUE=green", "in green", "= failed: HUE=green"]
