"""Work beside the training: one thing at a time, in order, and nothing that fails is silent."""

import threading

import pytest

from minigan.files.background import Background


def test_things_are_done_one_after_the_other_and_wait_returns_after_the_last():
    background, gate, done = Background(), threading.Event(), []
    background.begin(lambda: (gate.wait(10), done.append("first")))
    assert done == []
    gate.set()
    background.begin(lambda: done.append("second"))
    background.wait()
    assert done == ["first", "second"]
    background.wait()


@pytest.mark.parametrize("then", ["begin", "wait"])
def test_what_fails_is_raised_by_the_next_call_once(then):
    background = Background()

    def full():
        raise OSError(28, "No space left on device")

    background.begin(full)
    with pytest.raises(OSError, match="No space left"):
        background.wait() if then == "wait" else background.begin(lambda: None)
    background.wait()
