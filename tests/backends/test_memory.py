"""Iterations on Numba's threads leave nothing in memory."""

import os
import tracemalloc
from collections import deque

import numpy as np
import pytest
from test_parity_of_games import ITERATIONS, new_game

from minigan.backends.numba.numba_ops import NumbaOps


class Still:
    """Minibatches that are there already."""

    def minibatch(self, draw, count, out):
        out[...] = 0.5


def resident():
    """Bytes of this process in memory."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc to read the memory from")
def test_a_thousand_iterations_leave_nothing_behind():
    """At 80 bytes an iteration in Python's and NumPy's books, and 2 KiB in the system's, a leak would show."""
    ops = NumbaOps()
    game, data = new_game(ops, "alternating", np.float32), Still()
    game.drawn = deque(maxlen=0)
    with ops.session():
        for _ in range(ITERATIONS):
            game.iterate(data)
        start = resident()
        for _ in range(1000):
            game.iterate(data)
        assert resident() - start < 1000 * 2048
        tracemalloc.start()
        try:
            for t in range(200):
                if t == 50:
                    start = tracemalloc.get_traced_memory()[0]
                game.iterate(data)
            assert tracemalloc.get_traced_memory()[0] - start < 150 * 80
        finally:
            tracemalloc.stop()
