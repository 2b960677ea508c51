"""The user's own arrays, and every way in which such a file can be broken."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from minigan import GAN, Linear, Recipe, Sequential
from minigan.data import arrays
from minigan.data.arrays import load_array
from minigan.data.chunks import CHUNK
from minigan.errors import DataWarning

MIB = 1 << 20
RANDOM = np.random.default_rng(0)


def save(path: Path, array) -> Path:
    np.save(path, array, allow_pickle=True)
    return path


def npy(header: str, body: bytes = b"", version=b"\x01\x00") -> bytes:
    text = header.encode("latin1")
    return b"\x93NUMPY" + version + struct.pack("<H" if version[0] == 1 else "<I", len(text)) + text + body


def header(shape, descr="'<f4'", order=False) -> str:
    return f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}\n"


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def zip_of(path: Path, members: dict[str, bytes], compression=zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    "shape, image_shape",
    [
        ((5, 12), None),
        ((5, 3, 4), (3, 4)),
        ((5, 3, 4, 1), (3, 4)),
        ((5, 1, 3, 4), (3, 4)),
        ((5, 2, 2, 3), (2, 2, 3)),
        ((5, 1, 12), (1, 12)),
        ((1, 1), None),
    ],
)
@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_shapes(tmp_path, shape, image_shape, dtype):
    array = RANDOM.integers(0, 256, shape).astype(dtype)
    data = load_array(save(tmp_path / "own.npy", array))
    assert data.name == "own.npy" and data.image_shape == image_shape
    assert data.validation is None and data.test is None
    assert data.train.dtype == dtype
    np.testing.assert_array_equal(data.train, array.reshape(shape[0], -1))


def test_channels_first_become_channels_last(tmp_path):
    pictures = RANDOM.integers(0, 256, (5, 3, 4, 2), dtype=np.uint8)
    data = load_array(save(tmp_path / "own.npy", pictures))
    assert data.image_shape == (4, 2, 3)
    np.testing.assert_array_equal(data.train.reshape(5, 4, 2, 3)[..., 1], pictures[:, 1])


@pytest.mark.parametrize("dtype", ["i1", "<i2", ">u2", "i4", "u4", ">i8", "u8"])
def test_whole_numbers_are_bytes_if_they_can_be(tmp_path, refused, dtype):
    array = RANDOM.integers(0, 128, (5, 3)).astype(dtype)
    array[0, 0] = 127
    data = load_array(save(tmp_path / "own.npy", array))
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, array)
    array[1, 1] = 256 if array.dtype.itemsize > 1 else -1
    path = save(tmp_path / "own.npy", array)
    refused(lambda: load_array(path), path, array[1, 1], "0 to 255", "floats")


@pytest.mark.parametrize("most", [1, 16])
def test_bytes_that_are_nearly_black_are_said_to_be(tmp_path, most):
    array = np.full((5, 3), most)
    with pytest.warns(DataWarning, match=f"own.npy: whole numbers up to {most}, .* divided by {most}"):
        load_array(save(tmp_path / "own.npy", array))


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
def test_a_large_array_is_mapped_and_not_read(tmp_path, monkeypatch, peak, refused, dtype):
    array = RANDOM.integers(0, 256, (1 << 13, 1024), dtype=np.uint8).astype(dtype)
    path = save(tmp_path / "own.npy", array)
    assert peak(lambda: load_array(path)) >= array.nbytes
    monkeypatch.setattr(arrays, "LARGE", array.nbytes)
    found = []
    assert peak(lambda: found.append(load_array(path))) < 4 * CHUNK < array.nbytes
    np.testing.assert_array_equal(found[0].train, array)
    for backend in ("numpy", "numba"):
        gan = GAN(Sequential(Linear(4, 1024)), Sequential(Linear(1024, 1)), Recipe(latent=4, lr=1e-9), backend, 1)
        assert gan.fit(found[0], iterations=2).iteration == 2
    path.write_bytes(path.read_bytes()[:-1])
    refused(lambda: load_array(path), path, "truncated")


def test_bool_becomes_black_and_white(tmp_path):
    data = load_array(save(tmp_path / "own.npy", np.array([[True, False]])))
    assert data.train.dtype == np.uint8
    np.testing.assert_array_equal(data.train, [[255, 0]])
    data = load_array(write(tmp_path / "odd.npy", npy(header((1, 3), "'|b1'"), bytes([0, 1, 2]))))
    np.testing.assert_array_equal(data.train, [[0, 255, 255]])


def test_half_precision_and_the_other_byte_order(tmp_path):
    data = load_array(save(tmp_path / "half.npy", np.array([[0.5, -2]], np.float16)))
    assert data.train.dtype == np.float32
    np.testing.assert_array_equal(data.train, [[0.5, -2]])
    for code in (">f2", ">f4", ">f8"):
        data = load_array(save(tmp_path / "big.npy", np.array([[0.5, -2]], code)))
        assert data.train.dtype.isnative
        np.testing.assert_array_equal(data.train, [[0.5, -2]])


def test_fortran_order(tmp_path):
    array = np.asfortranarray(RANDOM.standard_normal((5, 3, 4)))
    np.testing.assert_array_equal(load_array(save(tmp_path / "f.npy", array)).train, array.reshape(5, 12))


@pytest.mark.parametrize("save_npz", [np.savez, np.savez_compressed])
def test_npz_with_parts(tmp_path, save_npz):
    train, validation, test = (RANDOM.integers(0, 256, (n, 3, 4), dtype=np.uint8) for n in (5, 3, 2))
    path = tmp_path / "own.npz"
    save_npz(path, train=train, validation=validation, test=test, labels=np.arange(5))
    data = load_array(path)
    for part, expected in (("train", train), ("validation", validation), ("test", test)):
        np.testing.assert_array_equal(getattr(data, part), expected.reshape(len(expected), 12))
    assert data.image_shape == (3, 4)
    save_npz(path, train=train, test=test)
    assert load_array(path).validation is None and load_array(path).test is not None


def test_npz_with_a_single_array(tmp_path):
    np.savez(tmp_path / "own.npz", anything=np.ones((2, 3)))
    assert load_array(tmp_path / "own.npz").train.shape == (2, 3)


def test_the_first_bytes_decide_and_not_the_name(tmp_path):
    np.savez(tmp_path / "own.npz", train=np.ones((2, 3)))
    (tmp_path / "own.npz").rename(tmp_path / "own.npy")
    assert load_array(tmp_path / "own.npy").train.shape == (2, 3)


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


@pytest.mark.parametrize(
    "dtype", ["complex64", "longdouble", "U4", "M8[s]", "m8[s]", "f4,f4"]
)
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


def test_reading_takes_little_more_than_the_array(tmp_path, peak):
    path = save(tmp_path / "own.npy", np.full((10 * MIB // 100, 100), 200, np.uint8))
    assert peak(lambda: load_array(path)) < 16 * MIB


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
