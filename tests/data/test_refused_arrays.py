"""The user's own arrays that are refused, and every way in which such a file can be broken."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from npy_files import header, npy, save, write

from minigan.data.arrays import load_array

MIB = 1 << 20
RANDOM = np.random.default_rng(0)


def zip_of(path: Path, members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_npz_without_train_lists_its_keys(tmp_path, refused):
    path = tmp_path / "own.npz"
    np.savez(path, x_train=np.ones((2, 3)), y_train=np.ones(2))
    refused(lambda: load_array(path), path, "'x_train', 'y_train'", "'train'")
    np.savez(path)
    refused(lambda: load_array(path), path, "keys none")
    zip_of(path, {"readme.txt": b"hello", "a\nb.npy": b"", "c.npy": b""})
    refused(lambda: load_array(path), path, r"'a\nb', 'c'")


def test_npz_with_parts_that_do_not_fit(tmp_path, refused):
    path = tmp_path / "own.npz"
    np.savez(path, train=np.ones((2, 3, 4)), test=np.ones((2, 12)))
    refused(lambda: load_array(path), path, "(12,)", "(3, 4)")
    np.savez(path, train=np.ones((2, 3)), test=np.ones((2, 3), np.uint8))
    refused(lambda: load_array(path), "own.npz", "test data", "dtype uint8")
    np.savez(path, train=np.ones((2, 3)), validation=np.ones((0, 3)))
    refused(lambda: load_array(path), path, "validation", "at least one")


@pytest.mark.parametrize("shape", [(), (4,), (2, 5, 4, 2), (2, 5, 4, 4), (2, 3, 4, 3, 1), (0, 3), (3, 0), (0, 0, 0)])
def test_another_shape_is_refused(tmp_path, refused, shape):
    path = save(tmp_path / "own.npy", np.ones(shape))
    refused(lambda: load_array(path), path, f"shape {shape}")


@pytest.mark.parametrize("dtype", ["complex64", "longdouble", "U4", "M8[s]", "m8[s]", "f4,f4"])
def test_another_dtype_is_refused(tmp_path, refused, dtype):
    path = save(tmp_path / "own.npy", np.ones((2, 3), dtype=dtype))
    refused(lambda: load_array(path), path, "dtype", "uint8")


def test_objects_are_refused_and_never_unpickled(tmp_path, refused):
    (tmp_path / "touch").mkdir()

    class Trap:
        def __reduce__(self):
            return Path.rmdir, (tmp_path / "touch",)

    array = np.empty((1, 1), dtype=object)
    array[0, 0] = Trap()
    path = save(tmp_path / "own.npy", array)
    refused(lambda: load_array(path), path, "dtype object")
    np.savez(tmp_path / "own.npz", train=array)
    refused(lambda: load_array(tmp_path / "own.npz"), "own.npz", "dtype object")
    assert (tmp_path / "touch").is_dir()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_a_number_that_is_not_finite_is_refused(tmp_path, refused, bad, dtype):
    array = np.ones((5, 3), dtype)
    array[3, 1] = bad
    path = save(tmp_path / "own.npy", array)
    refused(lambda: load_array(path), "own.npy", "row 3")


def test_truncated_and_trailing(tmp_path, refused):
    buffer = io.BytesIO()
    np.save(buffer, np.ones((5, 3)))
    whole = buffer.getvalue()
    for length in range(0, len(whole), 7):
        path = write(tmp_path / "own.npy", whole[:length])
        refused(lambda: load_array(path), path)
    refused(lambda: load_array(write(tmp_path / "own.npy", whole + b"x")), "own.npy", "trailing data")


@pytest.mark.parametrize("content", [b"", b"P", b"PK", b"\x93NUMP", b"text", bytes(1000), b"PK\x03\x04" * 20])
def test_something_else(tmp_path, refused, content):
    path = write(tmp_path / "own.npy", content)
    refused(lambda: load_array(path), path, "cannot be read")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1, 2]",
        "(" * 5000,
        "{[]: 1}",
        "-" * 9000 + "1",
        header("(2.5, 3)"),
        header("5"),
        header((2, 3), "'no such type'"),
        header((2, 3), "7"),
        header((2, 3), "'<f4'", "'perhaps'"),
        "{'descr': '<f4', 'shape': (2, 3)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}",
        header((2, 3)) + " " * 20_000,
        "'''\n",
        "a\n  b\n c",
        "\x00\xff",
    ],
)
def test_headers_that_are_none(tmp_path, refused, text):
    path = write(tmp_path / "own.npy", npy(text, bytes(24)))
    refused(lambda: load_array(path), path)


def test_another_version_is_refused_before_its_header_is_read(tmp_path, refused, peak):
    path = write(tmp_path / "own.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1))
    assert peak(lambda: refused(lambda: load_array(path), path, "format 2.0")) < MIB


@pytest.mark.parametrize("shape", [(2**40, 784), (2**62, 2**62), (2**31, 1), (10**6, 28, 28)])
def test_a_header_that_claims_too_much_allocates_nothing(tmp_path, refused, peak, shape):
    content = npy(header(shape), bytes(100))
    path = write(tmp_path / "own.npy", content)
    assert peak(lambda: refused(lambda: load_array(path), path, "truncated, 100 bytes")) < 3 * MIB
    path = zip_of(tmp_path / "own.npz", {"train.npy": content}, zipfile.ZIP_DEFLATED)
    assert peak(lambda: refused(lambda: load_array(path), path, "train.npy", "truncated")) < 3 * MIB


@pytest.mark.parametrize("shape", [(-1, 3), (2, -3), (-2, -3)])
def test_negative_sizes(tmp_path, refused, shape):
    path = write(tmp_path / "own.npy", npy(header(shape), bytes(24)))
    refused(lambda: load_array(path), path, "at least one")


@pytest.mark.parametrize("save_npz", [np.savez, np.savez_compressed])
def test_no_flip_in_an_npz_ends_in_another_error(tmp_path, refused, save_npz):
    buffer = io.BytesIO()
    array = RANDOM.integers(0, 256, (20, 10), dtype=np.uint8)
    save_npz(buffer, train=array)
    whole = buffer.getvalue()
    for position in range(0, len(whole), 2):
        content = bytearray(whole)
        content[position] ^= 1 << RANDOM.integers(8)
        path = write(tmp_path / "own.npz", bytes(content))
        # Many bytes of a zip archive are times and attributes; a flip there is harmless.
        try:
            np.testing.assert_array_equal(load_array(path).train, array)
        except ValueError:
            refused(lambda: load_array(path), "own.npz")


def test_a_missing_file_and_a_folder(tmp_path, refused):
    refused(lambda: load_array(tmp_path / "none.npy"), "none.npy", "No such file")
    refused(lambda: load_array(tmp_path), tmp_path, "cannot be read")
