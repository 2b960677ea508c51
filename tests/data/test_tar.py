"""Tar archives, and every way in which one can be cut, damaged or inflated."""

from __future__ import annotations

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from minigan.data.cifar10 import load_cifar10
from minigan.data.tar import members

MIB = 1 << 20
FILES = {"a.txt": b"hello", "empty": b"", "block": bytes(range(256)) * 2, "long": b"x" * 5000}


def tar(files: dict[str, bytes], form=tarfile.USTAR_FORMAT, folder="cifar-10-batches-bin/") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(folder + name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def read(content: bytes) -> dict[str, bytes]:
    return {member.name: bytes(member.read()) for member in members(io.BytesIO(content), "own.tar")}


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_tarfile_writes(form):
    assert read(tar(FILES, form)) == FILES
    assert read(tar({})) == {}
    assert list(read(tar(FILES, form, folder="Ω/"))) == list(FILES)


def test_what_is_not_read_is_passed_over():
    archive = members(io.BytesIO(tar(FILES)), "own.tar")
    assert [member.name for member in archive] == list(FILES)


def test_what_is_no_file_does_not_count():
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for kind in (tarfile.SYMTYPE, tarfile.DIRTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE):
            entry = tarfile.TarInfo("name")
            entry.type, entry.linkname = kind, "/etc/passwd"
            archive.addfile(entry)
    assert read(buffer.getvalue()) == {}


def test_every_truncation_is_found(refused):
    whole = tar(FILES)
    end = whole.rindex(b"x") + 1
    end += -end % 512
    for length in [*range(0, end + 512, 37), *range(0, end + 512, 512)]:
        refused(lambda: read(whole[:length]), "own.tar")
    assert read(whole[: end + 512]) == FILES


def test_no_flip_in_a_header_is_taken_for_the_end(refused):
    whole = tar(FILES)
    for start in (0, 1024, 1536):
        for position in range(start, start + 512):
            content = bytearray(whole)
            content[position] ^= 1
            refused(lambda: read(bytes(content)), "own.tar", "header")


def test_something_behind_the_end(refused):
    refused(lambda: read(tar(FILES) + b"x"), "own.tar", "trailing data")
    assert read(tar(FILES) + bytes(10_000)) == FILES


@pytest.mark.parametrize("kind", [b"L", b"K", b"x", b"g", b"S", b"0"])
@pytest.mark.parametrize("name", ["name", "data_batch_1.bin"])
@pytest.mark.parametrize("size", [64 * MIB, 1 << 32])
def test_a_member_that_inflates_is_not_kept(tmp_path, refused, peak, kind, name, size):
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    path = Path(tmp_path, "own.tar.gz")
    path.write_bytes(gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)) + gzip.compress(bytes(64 * MIB), 1))
    assert peak(lambda: refused(lambda: load_cifar10(path), path)) < 5 * MIB
