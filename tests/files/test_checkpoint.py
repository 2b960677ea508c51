"""Checkpoints: whole or not at all, identical for identical content, and never silently wrong."""

import json

import numpy as np
import pytest

from minigan import CheckpointError
from minigan.errors import PassedOver
from minigan.files import checkpoint
from minigan.files.run_folder import RunFolder

TENSORS = {"generator.0.W": np.arange(12, dtype=np.float32).reshape(3, 4), "generator.0.b": np.ones(4)}
HEADER = {"iteration": 7, "recipe": {"seed": 3}}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "iteration-00000007.safetensors"
    checkpoint.write(path, TENSORS, HEADER)
    return path


def test_what_is_written_is_read(path):
    tensors, header = checkpoint.read(path)
    assert tensors.keys() == TENSORS.keys()
    for name, array in TENSORS.items():
        assert tensors[name].dtype == array.dtype
        np.testing.assert_array_equal(tensors[name], array)
    assert header["iteration"] == 7 and header["recipe"] == {"seed": 3}


def test_the_same_content_makes_the_same_bytes(path, tmp_path):
    other = tmp_path / "other.safetensors"
    checkpoint.write(other, dict(reversed(TENSORS.items())), dict(reversed(HEADER.items())))
    assert other.read_bytes() == path.read_bytes()


def test_nothing_is_left_beside_it(path):
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_plain_safetensors_opens_it(path):
    from safetensors.numpy import load_file

    np.testing.assert_array_equal(load_file(path)["generator.0.W"], TENSORS["generator.0.W"])


def test_any_changed_bit_is_found(path):
    whole = path.read_bytes()
    for i in range(len(whole)):
        damaged = bytearray(whole)
        damaged[i] ^= 1 << i % 8
        path.write_bytes(damaged)
        with pytest.raises(CheckpointError, match="iteration-00000007"):
            checkpoint.read(path)


def test_any_truncation_is_found(path):
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            checkpoint.read(path)


def test_a_missing_file_and_another_format_are_named(path, tmp_path):
    with pytest.raises(CheckpointError, match="nothing-here"):
        checkpoint.read(tmp_path / "nothing-here")
    future = tmp_path / "future.safetensors"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "FORMAT", 99)
        checkpoint.write(future, TENSORS, HEADER)
    with pytest.raises(CheckpointError, match="format 99, expected 1"):
        checkpoint.read(future)


def test_a_plain_safetensors_file_is_no_checkpoint(tmp_path):
    from safetensors.numpy import save_file

    path = tmp_path / "plain.safetensors"
    save_file(TENSORS, path)
    with pytest.raises(CheckpointError, match="no minigan checkpoint"):
        checkpoint.read(path)


def test_the_newest_that_verifies_is_taken(path):
    later = path.with_name("iteration-00000009.safetensors")
    checkpoint.write(later, TENSORS, HEADER | {"iteration": 9})
    assert checkpoint.newest(path.parent)[2]["iteration"] == 9
    later.write_bytes(later.read_bytes()[:-1])
    with pytest.warns(PassedOver, match="00009.safetensors: damaged"):
        assert checkpoint.newest(path.parent)[2]["iteration"] == 7


def test_a_failed_write_leaves_what_was_there(path, monkeypatch):
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("minigan.files.whole_file.os.fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '.*{path.name}'"):
        checkpoint.write(path, TENSORS, HEADER | {"iteration": 8})
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_the_header_is_sorted_json(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    metadata = json.loads(data[8 : 8 + length])["__metadata__"]
    assert list(metadata) == ["minigan"]
    assert list(json.loads(metadata["minigan"])) == sorted(json.loads(metadata["minigan"]))


NUMBERS = np.arange(12, dtype=np.float32).reshape(3, 4)
LAYOUTS = {
    "in Fortran's order": np.asfortranarray(NUMBERS),
    "transposed": NUMBERS.T,
    "backwards": NUMBERS[::-1, ::-1],
    "every other": NUMBERS[::2, 1::2],
    "of big-endian bytes": NUMBERS.astype(">f4"),
    "of big-endian bytes in Fortran's order": np.asfortranarray(NUMBERS.astype(">f8")),
    "broadcast": np.broadcast_to(np.float16(2), (3, 4)),
    "not aligned": np.frombuffer(b"\0" + NUMBERS.tobytes(), np.float32, offset=1),
    "without axes": np.array(3.0),
    "a number": np.float64(3),
    "empty": np.ones((0, 4), order="F"),
    "of three axes": np.arange(24).reshape(2, 3, 4).transpose(2, 0, 1),
    "of a list": [1.0, 2.0],
}


@pytest.mark.parametrize("array", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_an_array_is_read_as_it_was_however_it_lay_in_memory(array, tmp_path):
    path = tmp_path / "x.safetensors"
    checkpoint.write(path, {"a": array}, HEADER)
    found = checkpoint.read(path)[0]["a"]
    np.testing.assert_array_equal(found, array)
    assert found.dtype == np.asarray(array).dtype.newbyteorder("=") and found.shape == np.shape(array)


@pytest.mark.parametrize("array", [np.ones(2, np.longdouble), np.array(["a"]), np.array([None])], ids=str)
def test_an_array_that_safetensors_does_not_hold_is_refused(array, tmp_path):
    with pytest.raises(CheckpointError, match="x.safetensors: cannot be written .Unknown dtype"):
        checkpoint.write(tmp_path / "x.safetensors", {"a": array}, HEADER)
    assert not list(tmp_path.iterdir())


def in_turn(folder, *iterations):
    for iteration in iterations:
        path = RunFolder(folder.parent).checkpoint(iteration)
        checkpoint.write(path, TENSORS, HEADER | {"iteration": iteration})


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


def test_checkpoints_go_by_their_numbers_not_their_names(folder):
    iterations = [7, 99_999_000, 100_000_000, 100_001_000, 4_294_967_295]
    in_turn(folder, *reversed(iterations))
    for other in ("best.safetensors", "iteration-9.safetensors.part", "iteration-old.safetensors"):
        (folder / other).write_bytes(b"")
    assert [checkpoint.number(path) for path in checkpoint.numbered(folder)] == iterations
    assert checkpoint.newest(folder)[2]["iteration"] == 4_294_967_295
    RunFolder(folder.parent).keep_newest(2, RunFolder(folder.parent).checkpoint(100_001_000))
    assert [checkpoint.number(path) for path in checkpoint.numbered(folder)] == iterations[2:]


def test_an_older_checkpoint_is_taken_by_its_number(folder):
    in_turn(folder, 99_999_000, 100_000_000)
    damaged = RunFolder(folder.parent).checkpoint(100_000_000)
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.warns(PassedOver, match="iteration-100000000.safetensors: damaged.*iteration-99999000"):
        assert checkpoint.newest(folder)[2]["iteration"] == 99_999_000
