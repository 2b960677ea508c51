"""Small files that would fill the memory, or crash Python, if one let them."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zipfile

import numpy as np
import pytest

from minigan.data import load

MIB = 1 << 20


def npy(content: bytes) -> bytes:
    """Two examples of three bytes, and then this."""
    buffer = io.BytesIO()
    np.save(buffer, np.ones((2, 3), np.uint8))
    return buffer.getvalue() + content


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("part", ["train", "test"])
def test_zip_methods_that_unpack_all_at_once_are_not_used(tmp_path, refused, peak, method, part):
    path = tmp_path / "own.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train.npy", npy(b""))
    with zipfile.ZipFile(path, "w" if part == "train" else "a") as archive:
        archive.writestr(f"{part}.npy", npy(bytes(16 * MIB)), method)
    assert peak(lambda: refused(lambda: load(str(path)), path, part, f"method {method}", "0 or 8")) < MIB


def test_a_deflated_array_is_unpacked_no_further_than_promised(tmp_path, refused, peak):
    path = tmp_path / "own.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train.npy", npy(bytes(64 * MIB)))
    assert peak(lambda: refused(lambda: load(str(path)), path, "trailing data")) < MIB


def test_a_batch_that_is_no_number_of_images_is_not_unpacked(tmp_path, refused, peak):
    path, entry = tmp_path / "cifar-10-binary.tar.gz", tarfile.TarInfo("data_batch_1.bin")
    entry.size = 48 * MIB
    path.write_bytes(gzip.compress(entry.tobuf()) + gzip.compress(bytes(entry.size), 1))
    expected = "50331648 bytes, expected some times 3073"
    assert peak(lambda: refused(lambda: load(str(path)), path, "data_batch_1.bin", expected)) < 2 * MIB


PICKLES = {
    "tuples too deep to be hashed": b"\x80\x02})" + b"\x85" * 400_000 + b"K\x01s.",
    "sets, 200 bytes for one": b"\x80\x04(" + b"\x8f" * 200_000 + b"l.",
    "dictionaries": b"\x80\x02(" + b"}" * 200_000 + b"l.",
    "lists too deep": b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".",
    "2^40 bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
}


@pytest.mark.parametrize("content", PICKLES.values(), ids=PICKLES.keys())
def test_pickles(tmp_path, refused, peak, content):
    path = tmp_path / "data_batch_1"
    path.write_bytes(content)
    assert peak(lambda: refused(lambda: load(str(tmp_path)), path)) < 40 * MIB
