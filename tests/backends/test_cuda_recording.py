"""The host's part in recording and replaying, on a stand-in that raises wherever a GPU would break, or worse, not."""

import gc
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import cuda_on_cpu
import numpy as np
import pytest
from gpu_stand_in import stand_in
from still_minibatches import Still
from streams_stand_in import CUDARuntimeError
from test_parity_of_games import new_game

from minigan import rng
from minigan.errors import DeviceError
from minigan.game.algorithm1 import Algorithm1
from minigan.game.schedules import ExponentialDecay, LinearRamp

pytestmark = pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason=cuda_on_cpu.NO_COMPILER)
LR, MU = ExponentialDecay(0.1), LinearRamp(0.5, 0.5, 1, 1)


@pytest.fixture
def ops():
    return stand_in()


@pytest.fixture
def counter(ops):
    """A clock, and a recorded iteration that does nothing but tick and scale."""
    clock, x = ops.clock(LR, MU), ops.asarray(np.ones(8, np.float32))

    def iterate():
        ops.add(x, x)
        ops.tick(clock)

    return clock, x, ops.recorded(iterate)


def shown(ops, clock) -> int:
    return int(ops.to_host(clock.iteration))


def test_iterations_wait_until_a_graph_is_full(ops, counter):
    clock, _, iterate = counter
    for _ in range(20):
        iterate()
    assert ops.gpu.launches == 0, "one that ran, and nineteen that are due"
    iterate()
    assert ops.gpu.launches == 1
    for _ in range(45):
        iterate()
    assert ops.gpu.launches == 3 and shown(ops, clock) == 66 and ops.gpu.launches == 8


def test_games_in_two_threads_record_one_after_the_other(ops):
    together = []

    def game(own):
        x = own.asarray(np.ones(8, np.float32))

        def iterate():
            together.append(own)
            time.sleep(0.01)
            own.add(x, x)

        return own.recorded(iterate)

    games = [game(own) for own in (ops, type(ops)("the same GPU"))]
    for iterate in games:
        iterate()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda iterate: iterate(), games))
    recorded = [own is ops for own in together[2:]]
    assert len(recorded) == 2 * (1 + 20) and sum(a != b for a, b in zip(recorded, recorded[1:])) <= 3


@pytest.mark.parametrize("n", [1, 2, 3, 21, 50])
def test_whoever_asks_sees_all_iterations_done(ops, counter, n):
    clock, x, iterate = counter
    for _ in range(n):
        iterate()
    assert ops.to_host(x).tolist() == [np.float32(2) ** n] * 8
    assert shown(ops, clock) == n


def test_whatever_is_asked_for_comes_after_what_is_due(ops, counter):
    clock, x, iterate = counter
    other = ops.empty((8,), np.float32)
    uses = {
        "copy": lambda: ops.copy(x, out=other),
        "a kernel": lambda: ops.activation("relu", x.reshape(2, 4), out=other.reshape(2, 4)),
        "norm": lambda: ops.norm(x),
        "set_clock": lambda: ops.set_clock(clock, shown(ops, clock)),
        "asarray": lambda: ops.asarray(np.ones(2)),
    }
    iterate()
    for i, use in enumerate(uses.values()):
        iterate()
        use()
        assert ops.gpu.launches == i + 1
    with ops.session():
        iterate()
    assert ops.gpu.launches == len(uses) + 1


def test_two_recordings_take_turns(ops):
    x, log = ops.asarray(np.ones((1, 4), np.float32)), []
    double = ops.recorded(lambda: ops.gemm(x, two, out=x, alpha=1.0, beta=1.0))
    two = ops.asarray(np.eye(4, dtype=np.float32))
    plus = ops.asarray(np.ones(4, np.float32))
    increase = ops.recorded(lambda: ops.add(x.reshape(4), plus))
    expected = 1.0
    for step in [double, increase, double, double, increase, increase, double, increase] * 3:
        step()
        expected = 2 * expected if step is double else expected + 1
        log.append(step)
    assert ops.to_host(x).tolist() == [[expected] * 4]


def test_nothing_is_drawn_on_the_host_while_an_iteration_is_recorded(ops, monkeypatch):
    game, data = new_game(ops, "alternating", np.float32, Algorithm1), Still()
    iterate = ops.recorded(lambda: game.iterate(data))
    iterate()

    def drawn(*arguments):
        raise AssertionError("drawn on the host")

    monkeypatch.setattr(rng, "philox", drawn)
    iterate()
    assert shown(ops, game.clock) == 2


def test_sums_of_many_rows_are_recorded_like_all_else(ops):
    """What the blocks' sums need is made once, before an iteration is recorded."""
    a, out = ops.asarray(np.ones((1000, 40), np.float32)), ops.asarray(np.zeros(40, np.float32))
    recorded = ops.recorded(lambda: ops.colsum(a, out, alpha=1.0, beta=1.0))
    for _ in range(23):
        recorded()
    assert ops.to_host(out).tolist() == [23_000.0] * 40


def test_no_garbage_is_collected_while_an_iteration_is_recorded(ops):
    """A handle among it, destroyed, would wait for the GPU in the middle of the capture."""
    stream, x = ops._streams.streams[0], ops.asarray(np.ones(4, np.float32))
    handles = [type(stream.blas)(stream.cuda, tf32=False) for _ in range(50)]

    def iterate():
        handle = handles.pop()
        handle.itself = handle  # only the collector frees it
        del handle
        [[] for _ in range(10_000)]  # what sets it off
        ops.add(x, x)

    recorded = ops.recorded(iterate)
    recorded()
    assert ops.gpu.destroyed == [False]
    recorded()
    assert ops.gpu.destroyed == [False], "one that ran, and 21 recorded"
    assert gc.isenabled()
    gc.collect()
    assert ops.gpu.destroyed == [False] * 22


def forbidden():
    """What must not happen between begin and end: name -> (what an iteration does, what is said of it)."""
    return {
        "an allocation": (lambda ops, a: ops.empty((3,), np.float32), "an allocation"),
        "an upload": (lambda ops, a: ops.asarray(np.ones(3)), "an allocation"),
        "waiting": (lambda ops, a: ops._wait(), "waiting for the GPU"),
        "a read-back": (lambda ops, a: a.get(), "a copy to the host"),
        "a measurement": (lambda ops, a: ops.to_host(a), "waiting for the GPU"),
        "a norm": (lambda ops, a: ops.norm(a), "an allocation"),
        "a clock that is set": (lambda ops, a: ops.set_clock(ops.the_clock, 3), "a copy"),
        "a kernel that is not loaded": (lambda ops, a: ops.norm if ops.fresh() else None, "loading a kernel"),
    }


@pytest.mark.parametrize("name", forbidden())
def test_what_a_recording_cannot_hold_ends_it_and_leaves_the_stream_usable(ops, name):
    what, message = forbidden()[name]
    a = ops.asarray(np.ones(4, np.float32))
    ops.the_clock, calls = ops.clock(LR, MU), []

    def fresh():
        return ops.activation("sigmoid", a.reshape(1, 4), out=a.reshape(1, 4)) is not None

    ops.fresh = fresh

    def iterate():
        ops.add(a, a)
        calls.append(1)
        if len(calls) == 2:
            what(ops, a)

    recorded = ops.recorded(iterate)
    recorded()
    with pytest.raises(CUDARuntimeError, match=message):
        recorded()
    assert ops.gpu.recording is None and all(stream.nodes is None for stream in ops.gpu.streams.values())
    assert ops.to_host(a).tolist() == [2.0] * 4


def test_an_error_of_the_gpu_in_a_session_ends_in_words(ops):
    message = "the GPU failed .launch failure.; what was saved before is whole"
    with pytest.raises(DeviceError, match=message), ops.session():
        raise CUDARuntimeError("launch failure")


def test_the_host_waits_asleep_and_only_where_it_reads(ops, counter):
    clock, _, iterate = counter
    before = ops.gpu.waits
    for _ in range(100):
        iterate()
    assert ops.gpu.waits == before
    shown(ops, clock)
    assert ops.gpu.waits == before + 1


def test_a_snapshot_is_of_its_time_and_another_thread_fetches_it_when_nothing_is_being_recorded(ops, counter):
    clock, x, iterate = counter
    iterate()
    waits, fetch = ops.gpu.waits, ops.snapshot({"x": x, "iteration": clock.iteration})
    assert ops.gpu.waits == waits
    fetched, threads = [], []

    def recorded_meanwhile():
        ops.add(x, x)
        if ops.gpu.recording is not None:
            if not threads:
                threads.append(threading.Thread(target=lambda: fetched.append(fetch())))
                threads[0].start()
                threads[0].join(0.2)
                assert not fetched  # between this recording and the next one it may

    other = ops.recorded(recorded_meanwhile)
    other()
    other()
    threads[0].join(10)
    [found] = fetched
    assert found["x"].tolist() == [2.0] * 8 and int(found["iteration"]) == 1
    assert ops.to_host(x).tolist() == [8.0] * 8


def test_a_snapshot_for_which_the_gpu_has_no_room_is_fetched_at_once(ops, counter):
    _, x, iterate = counter
    iterate()
    ops.gpu.room = 16
    fetch = ops.snapshot({"x": x})
    ops.gpu.room = 2**30
    iterate()
    assert fetch()["x"].tolist() == [2.0] * 8 and ops.to_host(x).tolist() == [4.0] * 8


def test_memory_that_is_not_there_says_what_to_lower(ops):
    ops.gpu.room = 2**30
    with pytest.raises(MemoryError, match=r"1.0 of 1024.0 GiB free .*4,000,000,000 bytes.*a smaller batch_size"):
        ops.empty((1000, 1000, 1000), np.float32)
