"""Which tasks wait for which, held to the rule itself, over random tasks on random streams."""

import numpy as np
import pytest

from minigan.backends.cuda.dependencies import Task, Touched

STREAMS, TASKS = 3, 120


def regions(rng):
    """Up to three regions of a small memory: some alike, some inside of others, some across."""
    starts = rng.integers(0, 12, rng.integers(0, 4))
    return {(int(start), int(start + rng.integers(1, 5))) for start in starts}


def meet(some, others):
    return bool({byte for span in some for byte in range(*span)} & {byte for span in others for byte in range(*span)})


@pytest.mark.parametrize("seed", range(40))
def test_a_task_waits_for_all_that_it_needs_and_for_nothing_else(seed):
    rng, touched, history, counts = np.random.default_rng(seed), Touched(), [], [0] * STREAMS
    for _ in range(TASKS):
        read, written = regions(rng), regions(rng)
        needs = [p for p, r, w in history if meet(w, read | written) or meet(r, written)]
        before = touched.before(read, written)
        assert before <= set(needs)

        stream = int(rng.integers(STREAMS))
        own = [p.done for p, _, _ in history if p.stream == stream]
        done = list(np.max([(0,) * STREAMS, *own, *(p.done for p in before)], axis=0))
        assert all(done[p.stream] >= p.done[p.stream] for p in needs if p.stream != stream)
        counts[stream] += 1
        done[stream] = counts[stream]
        task = Task(stream, 0, tuple(map(int, done)), None)
        touched.note(task, read, written)
        history.append((task, read, written))
    assert sum(counts) == TASKS


def test_forgetting_one_reader_would_be_seen():
    touched = Touched()
    first, second = (Task(stream, 1, (), object()) for stream in (0, 1))
    touched.note(first, {(0, 4)}, set())
    touched.note(second, {(2, 6)}, set())
    assert touched.before(set(), {(3, 4)}) == {first, second}
    assert touched.before({(3, 4)}, set()) == set()
    assert touched.before(set(), {(4, 5)}) == {second}
    touched.note(Task(0, 2, (), None), set(), {(0, 6)})
    assert {task.depth for task in touched.before({(0, 1)}, set())} == {2}
