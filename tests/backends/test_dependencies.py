"""Which pieces of work wait for which, held to the rule itself, over random pieces on random lines."""

import numpy as np
import pytest

from minigan.backends.dependencies import Piece, Touched

LINES, PIECES = 3, 120


def stretches(rng):
    """Up to three stretches of a small memory: some alike, some inside of others, some across."""
    starts = rng.integers(0, 12, rng.integers(0, 4))
    return {(int(start), int(start + rng.integers(1, 5))) for start in starts}


def meet(some, others):
    return bool({byte for span in some for byte in range(*span)} & {byte for span in others for byte in range(*span)})


@pytest.mark.parametrize("seed", range(40))
def test_a_piece_waits_for_all_that_it_needs_and_for_nothing_else(seed):
    rng, touched, history, counts = np.random.default_rng(seed), Touched(), [], [0] * LINES
    for _ in range(PIECES):
        read, written = stretches(rng), stretches(rng)
        needs = [p for p, r, w in history if meet(w, read | written) or meet(r, written)]
        before = touched.before(read, written)
        assert before <= set(needs)

        line = int(rng.integers(LINES))
        own = [p.done for p, _, _ in history if p.line == line]
        done = list(np.max([(0,) * LINES, *own, *(p.done for p in before)], axis=0))
        assert all(done[p.line] >= p.done[p.line] for p in needs if p.line != line)
        counts[line] += 1
        done[line] = counts[line]
        piece = Piece(line, 0, tuple(map(int, done)), None)
        touched.note(piece, read, written)
        history.append((piece, read, written))
    assert sum(counts) == PIECES


def test_forgetting_one_reader_would_be_seen():
    touched = Touched()
    first, second = (Piece(line, 1, (), object()) for line in (0, 1))
    touched.note(first, {(0, 4)}, set())
    touched.note(second, {(2, 6)}, set())
    assert touched.before(set(), {(3, 4)}) == {first, second}
    assert touched.before({(3, 4)}, set()) == set()
    assert touched.before(set(), {(4, 5)}) == {second}
    touched.note(Piece(0, 2, (), None), set(), {(0, 6)})
    assert {piece.depth for piece in touched.before({(0, 1)}, set())} == {2}
