"""Several streams: no race, no task waits for another that it does not need, and each is joined again."""

import cuda_on_cpu
import numpy as np
import pytest
from gpu_stand_in import stand_in
from still_minibatches import Still
from streams_stand_in import CUDARuntimeError
from test_cuda_games import play
from test_parity_of_games import new_game

from minigan.errors import DeviceError
from minigan.game.algorithm1 import Algorithm1

pytestmark = pytest.mark.skipif(cuda_on_cpu.COMPILER is None, reason=cuda_on_cpu.NO_COMPILER)


@pytest.fixture
def ops():
    return stand_in()


@pytest.mark.parametrize("updates", ["alternating", "simultaneous"])
@pytest.mark.parametrize("recording", [True, False])
def test_without_the_order_of_the_streams_there_is_a_race(updates, recording, monkeypatch):
    """The stand-in sees a race where streams do not wait for each other: so elsewhere there is none."""
    ops = stand_in(recording=recording)
    play(ops, updates, np.float32, 3)
    monkeypatch.setattr(type(ops._streams.touched), "before", lambda touched, read, written: set())
    with pytest.raises(DeviceError, match="a race"):
        play(ops, updates, np.float32, 3)


@pytest.mark.parametrize(("updates", "tasks", "longest"), [("alternating", 58, 39), ("simultaneous", 45, 29)])
def test_an_iteration_is_no_longer_than_its_longest_chain_of_tasks_that_need_each_other(
    ops, updates, tasks, longest, monkeypatch
):
    game, data, streams = new_game(ops, updates, np.float32, Algorithm1), Still(), ops._streams
    game.iterate(data)
    ops._wait()
    task, given, touched, depths = streams.task, [], [], []

    def listed(reads, writes):
        given.append(([span(a) for a in reads], [span(a) for a in writes]))
        return task(reads, writes)

    monkeypatch.setattr(streams, "task", listed)
    for _ in range(5):
        game.iterate(data)
    for reads, writes in given:
        needed = [
            depth
            for (read, written), depth in zip(touched, depths)
            if overlap(written, reads + writes) or overlap(read, writes)
        ]
        touched.append((reads, writes))
        depths.append(1 + max(needed, default=0))
    assert len(given) == 5 * tasks
    assert max(stream.last.depth for stream in streams.streams) == max(depths)
    assert max(depths) - max(depths[:-tasks]) == longest


def test_one_stream_is_one_task_after_the_other(monkeypatch):
    ops = stand_in(side_by_side=False)
    game, data = new_game(ops, "alternating", np.float32, Algorithm1), Still()
    game.iterate(data)
    ops._wait()
    game.iterate(data)
    [stream] = ops._streams.streams
    assert stream.last.depth == 58


def span(array):
    """A number of the clock is followed by the same in float32."""
    return array.data.ptr, array.data.ptr + (array.nbytes if array.ndim else 16)


def overlap(some, others):
    return any(a < d and c < b for a, b in some for c, d in others)


def test_a_task_waits_for_no_other_than_those_whose_memory_it_needs(ops):
    a, b, c, d = (ops.asarray(np.ones(4, np.float32)) for _ in range(4))
    depths = []

    def depth_of(reads, writes):
        with ops._streams.task(reads, writes) as stream:
            pass
        depths.append(stream.last.depth)
        return stream.number

    first, second = depth_of([a], [b]), depth_of([a], [c])  # both read a
    third = depth_of([b], [b])  # after the first
    depth_of([b[:2], c[2:]], [d])  # after the second and the third
    depth_of([], [a])  # after the two that read a, not after what they wrote is used
    depth_of([d], [d[:1]])
    depth_of([d[1:2]], [b[3:]])  # d has been written in part since, but elsewhere
    assert depths == [1, 1, 2, 3, 2, 4, 4]
    assert first == third != second


def test_a_stream_that_is_not_joined_raises(ops, monkeypatch):
    a, b = ops.asarray(np.ones(4, np.float32)), ops.asarray(np.ones(4, np.float32))
    recorded = ops.recorded(lambda: (ops.add(a, a), ops.add(b, b)))
    recorded()
    monkeypatch.setattr(type(ops._streams), "join", lambda streams: None)
    with pytest.raises(CUDARuntimeError, match="not joined again"):
        recorded()


def test_a_recording_that_cannot_end_leaves_the_streams_usable(ops, monkeypatch):
    a, b = ops.asarray(np.ones(4, np.float32)), ops.asarray(np.ones(4, np.float32))
    recorded = ops.recorded(lambda: (ops.add(a, a), ops.add(b, b)))
    recorded()
    join = type(ops._streams).join
    with monkeypatch.context() as patch, pytest.raises(CUDARuntimeError, match="not joined again"):
        patch.setattr(type(ops._streams), "join", lambda streams: None if ops.gpu.recording else join(streams))
        recorded()
    ops.add(a, b)
    assert ops.to_host(a).tolist() == [4.0] * 4
