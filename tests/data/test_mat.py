"""MATLAB's files of version 5: SciPy writes them, this reads them, and no damage ends in anything but one line."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat, savemat

from minigan.data.mat import read_mat
from minigan.data.reading import naming

MIB = 1 << 20
RANDOM = np.random.default_rng(0)
ARRAYS = {
    "bytes": RANDOM.integers(0, 256, (7, 4, 5), dtype=np.uint8),
    "matrix": RANDOM.standard_normal((3, 5)),
    "scalar": np.float64(2.5),
    "empty": np.zeros((0, 5)),
    "flags": RANDOM.random((3, 4)) > 0.5,
    "four_axes": RANDOM.integers(-9, 9, (2, 3, 2, 3)),
} | {kind: RANDOM.integers(0, 100, (3, 3)).astype(kind) for kind in "i1 u1 i2 u2 i4 u4 i8 u8 f4 f8".split()}


def read(path: Path, *wanted: str) -> dict:
    with naming(path):
        return read_mat(path, wanted)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def saved(path: Path, compress=False, **arrays) -> bytes:
    savemat(path, arrays or {"a": ARRAYS["bytes"]}, do_compression=compress)
    return path.read_bytes()


def element(kind: int, content: bytes, order="<") -> bytes:
    """An element with the zeros after it; after packed content (type 15) there are none."""
    return struct.pack(order + "II", kind, len(content)) + content + bytes(0 if kind == 15 else -len(content) % 8)


def matrix(name: bytes, kind: int, shape, values: bytes, order="<") -> bytes:
    """A variable from the format's definition; `values` is the whole last element."""
    flags = element(6, struct.pack(order + "II", kind, 0), order)
    sizes = element(5, struct.pack(f"{order}{len(shape)}i", *shape), order)
    return element(14, flags + sizes + element(1, name, order) + values, order)


def mat(*elements: bytes, order="<") -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack(order + "HH", 0x0100, 0x4D49) + b"".join(elements)


@pytest.mark.parametrize("compress", [False, True])
def test_what_scipy_saves_and_loads(tmp_path, compress):
    saved(tmp_path / "own.mat", compress, **ARRAYS)
    found, expected = read(tmp_path / "own.mat", *ARRAYS), loadmat(tmp_path / "own.mat")
    for name in ARRAYS:
        np.testing.assert_array_equal(found[name], expected[name])
        assert found[name].shape == expected[name].shape
        assert found[name].dtype == (bool if name == "flags" else expected[name].dtype)


@pytest.mark.parametrize("compress", [False, True])
def test_what_is_not_wanted_is_named_and_not_read(tmp_path, peak, compress):
    others = {"text": "hello", "cell": np.array([[1], ["a"]], object), "struct": {"a": 1}, "zeros": np.zeros((MIB, 4))}
    saved(tmp_path / "own.mat", compress, **others, last=np.ones((2, 2)))
    found = read(tmp_path / "own.mat", "last", "none")
    assert list(found) == [*others, "last"]
    np.testing.assert_array_equal(found.pop("last"), np.ones((2, 2)))
    assert set(found.values()) == {None}
    assert peak(lambda: read(tmp_path / "own.mat", "last")) < 3 * MIB


@pytest.mark.parametrize("order", ["<", ">"])
def test_either_byte_order_and_values_in_a_smaller_type(tmp_path, order):
    two_by_two = struct.pack(order + "4h", 1, -2, 300, 4)
    small = struct.pack(order + "IBBxx", 2 << 16 | 2, 7, 8)
    content = mat(
        matrix(b"wide", 6, (2, 2), element(3, two_by_two, order), order),
        matrix(b"small", 6, (1, 2), small, order),
        order=order,
    )
    found = read(write(tmp_path / "own.mat", content), "wide", "small")
    assert found["wide"].dtype.isnative and found["wide"].dtype == np.float64
    assert found["wide"].tolist() == [[1, 300], [-2, 4]]
    assert found["small"].tolist() == [[7, 8]]


def test_other_elements_between_variables_are_passed_over(tmp_path):
    a = matrix(b"a", 9, (1, 8), element(2, bytes(range(8))))
    found = read(write(tmp_path / "own.mat", mat(element(1, b"anything else"), a, element(77, b""))), "a")
    assert found["a"].tolist() == [list(range(8))]


def test_version_7_3_is_told_how_to_be_saved(tmp_path, refused):
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + struct.pack("<H", 0x0200) + b"IM"
    path = write(tmp_path / "own.mat", header.ljust(512, b"\0") + b"\x89HDF\r\n\x1a\n" + bytes(1000))
    refused(lambda: read(path), path, "version 7.3 (HDF5)", "saved with -v6 or -v7")


@pytest.mark.parametrize(
    "content", [b"", b"text", bytes(500), b"x" * 500, b"\0" + mat()[1:], mat()[:127], b"\x89HDF" * 99]
)
def test_something_else(tmp_path, refused, content):
    path = write(tmp_path / "own.mat", content)
    refused(lambda: read(path), path, "no MATLAB file of version 5")


def test_a_file_without_variables(tmp_path):
    assert read(write(tmp_path / "own.mat", mat())) == {}


@pytest.mark.parametrize("compress", [False, True])
def test_a_truncated_file(tmp_path, refused, compress):
    whole = saved(tmp_path / "own.mat", compress)
    for length in [*range(129, 200), *range(200, len(whole), 7), len(whole) - 1]:
        path = write(tmp_path / "cut.mat", whole[:length])
        refused(lambda: read(path, "a"), path)


@pytest.mark.parametrize("compress", [False, True])
def test_no_flip_ends_in_another_error(tmp_path, refused, compress):
    path = tmp_path / "flipped.mat"
    whole = saved(path, compress, a=np.arange(20.0).reshape(4, 5), b=np.ones((3, 2)))
    for bit in range(8 * 124, 8 * len(whole), 3):
        content = bytearray(whole)
        content[bit // 8] ^= 1 << bit % 8
        write(path, bytes(content))
        # Only packed variables carry a checksum, and what is not wanted is not checked.
        try:
            read(path, "a")
        except ValueError:
            refused(lambda: read(path, "a"), path)


def test_no_flip_in_a_packed_variable_goes_unseen(tmp_path, refused):
    whole = saved(tmp_path / "own.mat", True)
    for position in range(136, len(whole)):
        content = bytearray(whole)
        content[position] ^= 1
        path = write(tmp_path / "own.mat", bytes(content))
        # Deflate has a few bits that nothing depends on.
        try:
            np.testing.assert_array_equal(read(path, "a")["a"], ARRAYS["bytes"])
        except ValueError:
            refused(lambda: read(path, "a"), path)


VALUES = element(2, bytes(8))
SIZES, NO_SIZES = struct.pack("<II", 5, 8), struct.pack("<II", 6, 8)
CONTRADICTIONS = {
    "more sizes than values": matrix(b"a", 9, (2, 5), VALUES),
    "fewer sizes than values": matrix(b"a", 9, (1, 7), VALUES),
    "two negative sizes": matrix(b"a", 9, (-2, -4), VALUES),
    "no sizes": matrix(b"a", 9, (), VALUES),
    "values of no type": matrix(b"a", 9, (2, 4), element(99, bytes(8))),
    "sizes that overflow": matrix(b"a", 9, (2**31 - 1,) * 4, VALUES),
    "no values": matrix(b"a", 9, (2, 4), b""),
    "a text": matrix(b"a", 4, (1, 8), VALUES),
    "a sparse matrix": matrix(b"a", 5, (1, 8), VALUES),
    "complex": matrix(b"a", 0x0809, (1, 8), VALUES),
    "nothing in it": element(14, b""),
    "values longer than the variable": matrix(b"a", 9, (2, 4), struct.pack("<II", 2, 999) + bytes(8)),
    "longer than the file": struct.pack("<II", 14, 999),
    "packed, but no zlib": element(15, b"hello"),
    "packed, but nothing in it": element(15, zlib.compress(b"")),
    "packed, but no matrix": element(15, zlib.compress(element(1, b"x" * 99))),
    "packed twice": element(15, zlib.compress(element(15, zlib.compress(matrix(b"a", 9, (2, 4), VALUES))))),
    "packed, and of another length than it says": element(
        15, zlib.compress(struct.pack("<II", 14, 99) + matrix(b"a", 9, (2, 4), VALUES)[8:])
    ),
    "something after the values": matrix(b"a", 9, (2, 4), VALUES + element(2, b"more")),
    "sizes of another type": matrix(b"a", 9, (2, 4), VALUES).replace(SIZES, NO_SIZES),
    "values that its class cannot hold": matrix(b"a", 9, (2, 2), element(3, bytes(8))),
    "packed, and cut": element(15, zlib.compress(matrix(b"a", 9, (2, 4), VALUES))[:-6]),
}


@pytest.mark.parametrize("content", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_file_that_contradicts_itself(tmp_path, refused, content):
    path = write(tmp_path / "own.mat", mat(content))
    refused(lambda: read(path, "a"), path)


@pytest.mark.parametrize("pack", [False, True])
def test_claims_allocate_nothing(tmp_path, refused, peak, pack):
    claim = struct.pack("<II", 2, 2**32 - 1) + bytes(1000)
    inside = matrix(b"a", 9, (2**16, 2**16 - 1), claim)
    path = write(tmp_path / "own.mat", mat(element(15, zlib.compress(inside)) if pack else inside))
    assert peak(lambda: refused(lambda: read(path, "a"), path)) < 3 * MIB


def test_a_bomb_is_read_no_further_than_promised(tmp_path, refused, peak):
    inside = matrix(b"a", 9, (2, 4), VALUES + bytes(64 * MIB))
    path = write(tmp_path / "own.mat", mat(element(15, zlib.compress(inside, 1))))
    assert peak(lambda: refused(lambda: read(path, "a"), path, "trailing data in 'a'")) < 5 * MIB


@pytest.mark.parametrize("compress", [False, True])
def test_reading_takes_little_more_than_the_array(tmp_path, peak, compress):
    array = np.zeros((10, 1000, 1000), np.uint8)
    saved(tmp_path / "own.mat", compress, a=array)
    assert peak(lambda: read(tmp_path / "own.mat", "a")) < 1.5 * array.nbytes
