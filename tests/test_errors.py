"""The words of errors: options by the names that their reader wrote, and the nearest of the known ones."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path

import pytest

import minigan
from minigan import ConfigError, DataError, errors
from minigan.backends.numpy_ops import NumpyOps
from minigan.errors import did_you_mean, in_a_command, spelled

TOLD = [error for error in vars(errors).values() if isinstance(error, type) and issubclass(error, errors.Told)]
TEXTS = {
    "--batch-size 0: expected at least 1": "batch_size 0: expected at least 1",
    "--n 0: expected a whole number": "n_samples 0: expected a whole number",
    "--device 7: expected --backend cupy": "device 7: expected backend cupy",
    "a smaller --lr, or another (--seed)": "a smaller lr, or another (seed)",
    "/data/--lr/x--k.npy: a -- b - c -d": "/data/--lr/x--k.npy: a -- b - c -d",
}


@pytest.mark.parametrize("error", TOLD)
@pytest.mark.parametrize("flags, arguments", TEXTS.items())
def test_python_reads_arguments_and_a_command_flags(error, flags, arguments):
    assert str(error(flags)) == str(pickle.loads(pickle.dumps(error(flags)))) == arguments
    with in_a_command():
        assert str(error(flags)) == flags
        with in_a_command():
            pass
        assert spelled(flags) == flags
    assert spelled(flags) == arguments


def test_what_is_raised_after_a_command_is_pythons_again():
    with pytest.raises(DataError), in_a_command():
        raise DataError("--data x: none")
    assert str(ConfigError("--data x: none")) == "data x: none"


def test_memory_that_is_not_there_names_arguments():
    with pytest.raises(MemoryError, match="a smaller batch_size, latent, narrower layers or fewer examples"):
        NumpyOps().empty((2**60,), "float32")


def test_every_error_with_flags_is_one_that_spells_them():
    """What the package raises with a flag in its words is one of these errors, or spells the words itself."""
    seen = 0
    for path in Path(minigan.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and node.exc is not None and "--" in ast.unparse(node.exc):
                seen += 1
                called = {ast.unparse(call.func) for call in ast.walk(node.exc) if isinstance(call, ast.Call)}
                assert called & {error.__name__ for error in TOLD}, path
    assert seen > 30


def test_the_nearest_word():
    assert did_you_mean("mnits", ["digits", "mnist"]) == "; did you mean mnist?"
    assert did_you_mean("SGD", ["sgd", "adam"]) == "; did you mean sgd?"
    assert did_you_mean("lr-dcay", ["lr", "lr-decay"], "--") == "; did you mean --lr-decay?"
    assert did_you_mean("zzz", ["mnist"]) == did_you_mean(None, ["mnist"]) == did_you_mean("", []) == ""
