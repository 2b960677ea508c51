"""What `fuzz.py` does to a file: small damage, false promises, other content, and bombs."""

from __future__ import annotations

import gzip
import io
import pickle
import re
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from random import Random

import numpy as np
from fuzz_formats import FORMATS, Format

MIB = 1 << 20
BOMB = 48 * MIB
EXTREMES = [0, 1, 2**7, 2**8 - 1, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**63 - 1, 2**63, 2**64 - 1]
WORDS = [
    "0",
    "-1",
    "1099511627776",
    "9" * 30,
    "9" * 5000,
    "0x" + "f" * 6000,
    "1e999",
    "nan",
    "true",
    '"x"',
    "[1]",
    "{}",
]
HTML = [
    b"<!DOCTYPE html><html><body>Sign in to the network</body></html>",
    b"\n<html>\n<head><title>404</title></head></html>\n",
    b'<?xml version="1.0"?><!DOCTYPE html>' + b"<p>gone</p>" * 500,
]


def flip(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    for _ in range(random.choice([1, 1, 1, 2, 8])):
        if changed:
            changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flip_early(content: bytes, random: Random) -> bytes:
    """Where headers are."""
    return flip(content[:200], random) + content[200:]


def substitute(content: bytes, random: Random) -> bytes:
    changed = bytearray(content)
    start = random.randrange(len(changed) + 1)
    patch = random.choice([random.randbytes, bytes, lambda n: b"\xff" * n])(random.choice([1, 2, 4, 8, 16]))
    changed[start : start + len(patch)] = patch
    return bytes(changed)


def truncate(content: bytes, random: Random) -> bytes:
    return content[: random.randrange(len(content) + 1)]


def extend(content: bytes, random: Random) -> bytes:
    return content + random.choice([random.randbytes(random.randint(1, 20)), bytes(random.randint(1, 70_000)), content])


def cut_out(content: bytes, random: Random) -> bytes:
    start = random.randrange(len(content) + 1)
    return content[:start] + content[start + random.choice([1, 2, 8, 100]) :]


def repeat(content: bytes, random: Random) -> bytes:
    start, n = random.randrange(len(content) + 1), random.choice([1, 4, 100])
    return content[: start + n] + content[start:]


def extreme(content: bytes, random: Random) -> bytes:
    """A number of a binary header, where it may be."""
    size = random.choice([1, 2, 4, 8])
    number = random.choice(EXTREMES) % 256**size
    start = random.randrange(min(len(content), 400) + 1)
    start -= random.choice([0, start % 4])
    return content[:start] + number.to_bytes(size, random.choice(["little", "big"])) + content[start + size :]


def extreme_word(content: bytes, random: Random) -> bytes:
    """A number of a header in text: an .npy's, a tar's, JSON's or TOML's."""
    numbers = list(re.finditer(rb"\d+(\.\d+)?", content[:4000]))
    if not numbers:
        return extreme(content, random)
    found = random.choice(numbers)
    return content[: found.start()] + random.choice(WORDS).encode() + content[found.end() :]


def splice(content: bytes, random: Random) -> bytes:
    """The beginning of this file and the end of one of any format."""
    files, _, name = random.choice(FORMATS).make(random)
    other = files[name]
    return content[: random.randrange(len(content) + 1)] + other[random.randrange(len(other) + 1) :]


def swap(content: bytes, random: Random) -> bytes:
    """A whole file of another format under this one's name."""
    files, _, name = random.choice(FORMATS).make(random)
    return files[name]


def web_page(content: bytes, random: Random) -> bytes:
    page = random.choice(HTML)
    return gzip.compress(page) if random.random() < 0.2 else page


class Trap:
    """Loading its pickle ends the program."""

    def __reduce__(self):
        return exit, ("a pickle was executed",)


def pickled(content: bytes, random: Random) -> bytes:
    """A pickle that does harm, bare or as an array of objects in .npy or .npz."""
    objects, buffer = np.array([[Trap()]], object), io.BytesIO()
    match random.randrange(4):
        case 0:
            return pickle.dumps({b"data": Trap()}, random.randrange(6))
        case 1:
            np.save(buffer, objects, allow_pickle=True)
        case 2:
            np.savez(buffer, train=objects)
        case 3:
            with zipfile.ZipFile(buffer, "w") as archive:
                archive.writestr("archive/data.pkl", pickle.dumps(Trap()))
    return buffer.getvalue()


@cache
def zeros_gz() -> bytes:
    return gzip.compress(bytes(BOMB), 6)


@cache
def zip_bomb(method: int, *names: str) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ones((2, 3), np.uint8))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name in names:
            archive.writestr(f"{name}.npy", buffer.getvalue() + bytes(BOMB))
    return packed.getvalue()


@cache
def picture_bomb() -> bytes:
    """A PNG of 8 x 8 whose content goes on for long."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(BOMB))) + chunk(b"IEND", b"")


def tar_bomb(random: Random) -> bytes:
    """An archive whose first name, or first batch, is very long."""
    entry = tarfile.TarInfo(random.choice(["data_batch_1.bin", "x"]))
    entry.type, entry.size = random.choice([b"L", b"x", b"g", b"K", b"0", b"S"]), random.choice([BOMB, 1 << 40])
    return gzip.compress(entry.tobuf(tarfile.GNU_FORMAT)) + zeros_gz()


PICKLE_BOMBS = [
    b"\x80\x02})" + b"\x85" * 400_000 + b"K\x01s.",
    b"\x80\x04(" + b"\x8f" * 500_000 + b"l.",
    b"\x80\x02(" + b"}" * 500_000 + b"l.",
    b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"x.",
    b"\x80\x02K\x01r\xff\xff\xff\x7f.",
]
TOML_BOMBS = [
    b"lr = " + b"[" * 60_000,
    b"lr = " + b"{a=" * 20_000,
    b"a" + b".a" * 30_000 + b" = 1\n",
    b"[a" + b".a" * 30_000 + b"]\n",
    b"seed = " + b"9" * 60_000,
    b"seed = 0x" + b"f" * 60_000,
    b'data = "' + b"x" * 60_000 + b'"\n',
    b"#" * (8 * MIB),
    b"lr = 0.5\rk = 2\r",
    b'data = "\xff\xfe"\n',
]


def bomb(form: Format, content: bytes, random: Random) -> bytes:
    """What takes far more room in memory than on the disk, if one lets it."""
    if form.name == "IDX.gz":
        return content + zeros_gz()
    if form.name.endswith("tar.gz"):
        return tar_bomb(random)
    if form.name == "CIFAR-10 pickle":
        return random.choice(PICKLE_BOMBS)
    if form.name in ("npy", "npz", "TFD .npz"):
        names = ("images", "folds") if form.name == "TFD .npz" else ("train",)
        return zip_bomb(random.choice([zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]), *names)
    if form.name == "folder of png":
        return picture_bomb()
    if form.option == "preset":
        return random.choice(TOML_BOMBS)
    if form.option == "run":
        return random.choice([zip_bomb(zipfile.ZIP_DEFLATED, "train"), struct.pack("<Q", 1 << 40) + content[8:]])
    return extreme(content, random)


SMALL: list[Callable[[bytes, Random], bytes]] = [
    flip, flip_early, flip_early, substitute, truncate, extend, cut_out, repeat, extreme, extreme, extreme_word, splice
]  # fmt: skip


def damaged(form: Format, content: bytes, random: Random) -> tuple[str, bytes]:
    """What is done, and the content after it; once in a while nothing."""
    choice = random.random()
    if choice < 0.02:
        return "nothing", content
    if choice < 0.10:
        how = random.choice([web_page, pickled, swap])
        return how.__name__, how(content, random)
    if choice < 0.12:
        return "bomb", bomb(form, content, random)
    how, inner = random.choice(SMALL), form.unpack is not None and random.random() < 0.6
    changed = form.unpack(content) if inner else content
    for _ in range(random.choice([1, 1, 1, 2, 3])):
        changed = how(changed, random)
    return f"{how.__name__}{' inside' if inner else ''}", form.pack(changed, random) if inner else changed
