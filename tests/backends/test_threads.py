"""Numba's threads and BLAS's: whose settings count, what a session leaves behind, and what runs where."""

import hashlib
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from kernel_calls import KERNELS, bits, called, right_call
from numba import njit
from numba.core import dispatcher, types
from test_parity_of_games import play
from threadpoolctl import threadpool_info

from minigan import backends
from minigan.backends.blas_threads import loaded_blas
from minigan.backends.numba import numba_ops, pool
from minigan.backends.numba.blas import mkl_path
from minigan.backends.numba.numba_ops import NumbaOps, cores
from minigan.backends.numpy_ops import NumpyOps
from minigan.errors import ConfigError

CROWD = 7
VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


@pytest.fixture
def crowded(monkeypatch):
    """Numba's backend on more threads than most machines that test have cores."""
    monkeypatch.setattr(numba_ops, "cores", lambda: CROWD)
    return NumbaOps(CROWD)


def blas_threads():
    return [(lib["filepath"], lib["num_threads"]) for lib in threadpool_info() if lib["user_api"] == "blas"]


def openblas_threads():
    """Those of the BLAS that NumPy uses; SciPy may have brought another, which minigan never calls."""
    return {lib["num_threads"] for lib in loaded_blas().info()}


# ---- Sessions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", backends.NAMES)
def test_a_session_gives_blas_its_threads_back(name):
    ops = backends.get(name, threads=1)
    before = blas_threads()
    with ops.session():
        assert openblas_threads() <= {1}
        with ops.session():
            assert openblas_threads() <= {1}
        assert openblas_threads() <= {1}
    assert blas_threads() == before


@pytest.mark.parametrize("name", backends.NAMES)
def test_a_session_gives_blas_its_threads_back_after_an_error(name):
    ops = backends.get(name, threads=1)
    before = blas_threads()
    with pytest.raises(KeyboardInterrupt), ops.session(), ops.session():
        raise KeyboardInterrupt
    assert blas_threads() == before
    with ops.session():
        assert openblas_threads() <= {1}
    assert blas_threads() == before


@pytest.mark.parametrize("name", backends.NAMES)
def test_sessions_that_overlap_give_blas_its_threads_back_when_the_last_one_ends(name):
    before, most = blas_threads(), max(openblas_threads())
    first, second = (backends.get(name, threads=1).session() for _ in range(2))
    third = NumpyOps(most).session()
    for session in (first, second):
        session.__enter__()
    first.__exit__(None, None, None)
    assert openblas_threads() <= {1}
    third.__enter__()
    assert openblas_threads() == {most}
    second.__exit__(None, None, None)
    assert openblas_threads() == {most}, "the newest session's number counts"
    third.__exit__(None, None, None)
    assert blas_threads() == before


def test_kernels_compute_the_same_outside_a_session_and_after_one(crowded):
    def results():
        calls = {kernel: right_call(kernel, np.float32, 129, 131) for kernel in KERNELS}
        for kernel, arguments in calls.items():
            called(crowded, kernel, **arguments)
        return {kernel: bits(arguments) for kernel, arguments in calls.items()}

    outside = results()
    with crowded.session():
        time.sleep(0.001)
        assert results() == outside
    assert results() == outside


def test_waiting_threads_leave_the_cores_alone(crowded):
    """Six threads that wait would keep two cores for all of the time if they were to spin."""
    with crowded.session():
        time.sleep(0.05)
        start = time.process_time(), time.perf_counter()
        time.sleep(0.3)
        share = (time.process_time() - start[0]) / (time.perf_counter() - start[1])
    assert share < 0.9
    time.sleep(0.01)
    start = time.process_time()
    time.sleep(0.1)
    assert time.process_time() - start < 0.02


# ---- The board -------------------------------------------------------------------------------------------------

pthread_self = types.ExternalFunction("pthread_self", types.uint64())


@njit(nogil=True)
def sign(part, parts, count, who):
    """Count the part, and who did it."""
    count[part] += 1
    who[part] = pthread_self()


@njit(nogil=True)
def run_sign(board, parts, count, who):
    pool.run(board, parts, sign, (count, who))


def test_every_part_of_every_task_is_done_once_before_run_returns(crowded):
    board, helpers, me = crowded._pool.board, set(), threading.get_ident()
    deadline = time.monotonic() + 5
    with crowded.session():
        done = 0
        while done < 2000 or not helpers and time.monotonic() < deadline:
            parts = 1 + done % 19
            count, who = np.zeros(19, np.int64), np.zeros(19, np.uint64)
            run_sign(board, parts, count, who)
            assert count.tolist() == [1] * parts + [0] * (19 - parts)
            helpers |= set(who[:parts].tolist()) - {me}
            done += 1
    assert 1 <= len(helpers) < CROWD


@pytest.mark.parametrize("name", backends.NAMES)
def test_three_threads_may_use_one_backend(name, crowded):
    ops = crowded if name == "numba" else NumpyOps()
    wrong, switching = [], sys.getswitchinterval()

    def use(value):
        theta, velocity = np.zeros(30_011), np.zeros((60, 70))
        x, dy = np.full((50, 60), value), np.ones((50, 70))
        for n in range(300):
            ops.add(theta, np.full(30_011, value))
            ops.gemm(x, dy, out=velocity, trans_a=True, alpha=1.0, beta=1.0)
            if not (theta == (n + 1) * value).all() or not (velocity == 50 * (n + 1) * value).all():
                wrong.append(value)

    users = [threading.Thread(target=use, args=(value,), daemon=True) for value in (1.0, 2.0, 3.0)]
    try:
        sys.setswitchinterval(1e-6)
        for user in users:
            user.start()
        for user in users:
            user.join(timeout=30)
    finally:
        sys.setswitchinterval(switching)
    assert not wrong and not any(user.is_alive() for user in users)


def test_a_backend_that_is_forgotten_takes_its_threads_along(crowded):
    before = threading.active_count()
    for _ in range(5):
        with NumbaOps(2).session():
            pass
    time.sleep(0.1)
    assert threading.active_count() <= before + 1


# ---- Settings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [10**6, 0, -1])
def test_threads_that_nobody_has_are_refused(threads):
    with pytest.raises(ConfigError, match=f"^threads {threads}: expected"):
        backends.get("numba", threads=threads)
    assert backends.get("numba").threads == cores()


def digest():
    """Of the parameters after a hundred iterations on all cores."""
    _, _, after = play(NumbaOps(), "alternating", np.float32)
    return hashlib.sha256(b"".join(a.tobytes() for a in after)).hexdigest()


SCRIPT = f"""
import os, sys
sys.path[:0] = {sys.path!r}
import numpy as np
from minigan import backends
"""


def run(script, **environment):
    """The lines that a fresh interpreter prints; its exit code has to be 0."""
    outer = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT + script], env=outer | environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


@pytest.fixture(scope="module")
def here():
    return [str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()), digest()]


@pytest.mark.parametrize("setting", [None, "1", "4"])
def test_no_setting_of_other_threads_has_a_say(setting, here):
    script = "from test_threads import digest\nprint(backends.get('numba').threads, digest())"
    assert run(script, **({} if setting is None else dict.fromkeys(VARIABLES, setting))) == here


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system binds no process to cores")
def test_a_process_held_to_one_core_has_one_thread():
    script = """
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
print(backends.get("numba").threads)
try:
    backends.get("numba", threads=2)
except ValueError as error:
    print(error)
"""
    assert run(script)[:4] == ["1", "threads", "2:", "expected"]


@pytest.mark.skipif(mkl_path() is None, reason="NumPy's BLAS is what the other tests run on: there is no MKL")
def test_numpys_own_blas_does_as_well_as_mkl():
    script = """
import test_parity_of_games as games
ops = backends.get("numba")
results = [games.play(o, "alternating", np.float64)[2] for o in (ops, backends.get("numpy"))]
print(ops.blas.name != "MKL", ops.blas.linked, games.distance(*results) < games.SLACK[np.float64])
"""
    assert run(script, MINIGAN_BLAS="numpy") == ["True", "True", "True"]


def test_a_forked_child_can_compute_and_a_session_can_end_the_process():
    script = """
import threading
ops = backends.get("numba")
a, out = np.ones((130, 70)), np.empty((130, 130))
with ops.session():
    ops.gemm(a, a, out, trans_b=True)
    child = os.fork()
    ops.gemm(a, a, out, trans_b=True)
    if child:
        print(os.waitpid(child, 0)[1], flush=True)
    with ops.session():
        if not child:
            assert threading.active_count() == ops.threads
        for _ in range(50):
            ops.gemm(a, a, out, trans_b=True)
    sys.exit(int((out != 70).any()))
"""
    assert run(script) == ["0"]


def test_kernels_work_where_no_cache_folder_can_be_written(monkeypatch):
    def no_folder(function):
        raise RuntimeError("cannot cache function: no locator available")

    monkeypatch.setattr(dispatcher, "FunctionCache", no_folder)
    kernel = pool.compiled(lambda part, parts: 10 * part + parts)
    assert kernel(2, 3) == 23 and type(kernel._cache).__name__ == "NullCache"
