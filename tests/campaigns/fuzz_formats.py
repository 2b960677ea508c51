"""Valid small files of every format that minigan's loaders read, made from random numbers: what `fuzz.py` damages.

Nothing here comes from minigan besides a GAN's own `save`; CIFAR-10's pickles are written from their definition.
"""

from __future__ import annotations

import gzip
import io
import json
import struct
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random

import fuzz_checkpoints
import numpy as np
from PIL import Image

Files = dict[str, bytes]
IN_RUN = "checkpoints/iteration-00000002.safetensors"


@dataclass(frozen=True)
class Format:
    """A kind of input.

    option   data, preset or run: what a user gives its path to
    make     random numbers to (files by name, the name to give to the option, the name to damage)
    unpack   the content below the packing, and `pack` its inverse; None where there is none
    """

    name: str
    option: str
    make: Callable[[Random], tuple[Files, str, str]]
    unpack: Callable[[bytes], bytes] | None = None
    pack: Callable[[bytes, Random], bytes] | None = None


def some(random: Random, *shape: int) -> np.ndarray:
    return np.frombuffer(random.randbytes(int(np.prod(shape))), np.uint8).reshape(shape)


# ---- MNIST ---------------------------------------------------------------------------------------------------------


def idx(pixels: np.ndarray) -> bytes:
    return struct.pack(">IIII", 0x803, *pixels.shape) + pixels.tobytes()


def mnist(random: Random, pack=bytes, suffix="") -> tuple[Files, str, str]:
    h, w = random.randint(1, 6), random.randint(1, 6)
    train = f"train-images-idx3-ubyte{suffix}"
    files = {train: pack(idx(some(random, random.randint(1, 20), h, w)))}
    if random.random() < 0.5:
        files[f"t10k-images-idx3-ubyte{suffix}"] = pack(idx(some(random, 3, h, w)))
    return files, ".", train


# ---- CIFAR-10 ------------------------------------------------------------------------------------------------------


def binary_batch(random: Random) -> bytes:
    return b"".join(bytes([i % 10]) + random.randbytes(3072) for i in range(random.randint(1, 6)))


def short(text: str) -> bytes:
    return b"U" + bytes([len(text)]) + text.encode()


def integer(number: int) -> bytes:
    return b"J" + struct.pack("<i", number)


def pickled_batch(random: Random) -> bytes:
    """A batch as Python 2 pickled it."""
    n, by_columns = random.randint(1, 6), random.random() < 0.2
    made = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n" + integer(0) + b"\x85" + short("b") + b"\x87R"
    dtype = b"cnumpy\ndtype\n" + short("u1") + integer(0) + integer(1) + b"\x87R"
    dtype += b"(" + integer(3) + short("|") + b"NNN" + integer(-1) + integer(-1) + integer(0) + b"tb"
    state = integer(1) + b"(" + integer(n) + integer(3072) + b"t" + dtype + (b"\x88" if by_columns else b"\x89")
    array = made + b"(" + state + b"T" + struct.pack("<I", n * 3072) + random.randbytes(n * 3072) + b"tb"
    labels = b"](" + b"".join(b"K" + bytes([i % 10]) for i in range(n)) + b"e"
    items = short("batch_label") + short("training batch 1 of 5") + short("labels") + labels
    return b"\x80\x02}(" + items + short("data") + array + short("filenames") + b"]u."


def cifar10_folder(random: Random, batch: Callable[[Random], bytes], suffix: str) -> tuple[Files, str, str]:
    names = [f"data_batch_{i}{suffix}" for i in random.sample(range(1, 6), random.randint(1, 3))]
    files = {name: batch(random) for name in names}
    if random.random() < 0.5:
        files[f"test_batch{suffix}"] = batch(random)
    return files, ".", names[0]


def cifar10_archive(random: Random, batch: Callable[[Random], bytes], suffix: str, name: str) -> tuple[Files, str, str]:
    files, _, _ = cifar10_folder(random, batch, suffix)
    buffer = io.BytesIO()
    with tarfile.open(
        fileobj=buffer, mode="w", format=random.choice([tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT])
    ) as tar:
        for member, content in (files | {"readme.html": b"<html>"}).items():
            entry = tarfile.TarInfo(f"cifar-10-batches/{member}")
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return {name: gzip.compress(buffer.getvalue(), 1)}, name, name


# ---- TFD -----------------------------------------------------------------------------------------------------------


def tfd(random: Random) -> tuple[Files, str, str]:
    n, h, w = random.randint(2, 8), random.randint(1, 8), random.randint(1, 8)
    folds = np.array([[random.randint(0, 3) for _ in range(5)] for _ in range(n)])
    folds[0] = 0
    folds = folds.astype(random.choice(["u1", "i4", "f8"]))
    buffer = io.BytesIO()
    save = random.choice([np.savez, np.savez_compressed])
    save(buffer, images=np.asfortranarray(some(random, n, h, w)), folds=folds, labs=np.ones(3))
    return {"TFD_48x48.npz": buffer.getvalue()}, "TFD_48x48.npz", "TFD_48x48.npz"


# ---- The user's own arrays and pictures ------------------------------------------------------------------------------


def array(random: Random) -> np.ndarray:
    shape = (random.randint(1, 9), random.randint(1, 6), random.randint(1, 6), 3)[: random.choice([2, 3, 3, 4])]
    values = some(random, *shape)
    kind = random.choice(["u1", "u1", "?", "<f2", "<f4", ">f4", "<f8", ">f8"])
    values = values if kind == "u1" else (values / 255 > 0.5 if kind == "?" else (values / 255).astype(kind))
    return np.asfortranarray(values) if random.random() < 0.2 else values


def npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def npz(random: Random) -> tuple[Files, str, str]:
    values = array(random)
    parts = {"train": values} | {part: values[:1] for part in ("validation", "test") if random.random() < 0.5}
    parts |= {"labels": np.arange(3)} if random.random() < 0.3 else {}
    buffer = io.BytesIO()
    random.choice([np.savez, np.savez_compressed])(buffer, **parts)
    return {"own.npz": buffer.getvalue()}, "own.npz", "own.npz"


def unpack_zip(content: bytes) -> bytes:
    """The training examples alone."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("train.npy")


def pack_zip(content: bytes, random: Random) -> bytes:
    buffer = io.BytesIO()
    methods = [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
    with zipfile.ZipFile(buffer, "w", random.choice(methods)) as archive:
        archive.writestr("train.npy", content)
    return buffer.getvalue()


def pictures(random: Random, suffix: str) -> tuple[Files, str, str]:
    h, w, files = random.randint(1, 12), random.randint(1, 12), {}
    mode = random.choice(["L", "RGB", "P", "1"] if suffix != "jpg" else ["L", "RGB"])
    for name in "abc"[: random.randint(1, 3)]:
        buffer = io.BytesIO()
        picture = Image.fromarray(some(random, h, w, 3)).convert(mode)
        picture.save(buffer, {"jpg": "jpeg"}.get(suffix, suffix), **({"progressive": True} if w % 2 else {}))
        files[f"{name}.{suffix}"] = buffer.getvalue()
    return files, ".", f"a.{suffix}"


# ---- Presets and checkpoints -----------------------------------------------------------------------------------------


def preset(random: Random) -> tuple[Files, str, str]:
    numbers = {"lr": 0.1, "lr_decay": 1.000004, "momentum": 0.5, "k": 1, "batch_size": 100, "epochs": 50, "seed": 7}
    texts = {"data": "~/Ω and “quotes”", "prior": "normal", "updates": "simultaneous", "optimizer": "adam"}
    lists = {"generator": ["relu 12 uniform=.05", "sigmoid bias=marginals"], "discriminator": ["maxout 8x2", "linear"]}
    chosen = random.sample(list((numbers | texts | lists).items()), random.randint(1, 9))
    lines = [f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in chosen]
    return {"own.toml": ("# A preset.\n" + "".join(lines)).encode()}, "own.toml", "own.toml"


@cache
def trained() -> tuple[bytes, bytes]:
    """A GAN's checkpoint, and its generator alone in half precision."""
    from minigan import GAN, Linear, Maxout, Recipe, ReLU, Sequential, Sigmoid
    from minigan.files import checkpoint

    G = Sequential(Linear(3, 8), ReLU(), Linear(8, 4), Sigmoid())
    D = Sequential(Maxout(4, 5, 2), Linear(5, 1))
    gan = GAN(G, D, Recipe(latent=3, batch_size=4)).fit(np.arange(64, dtype=np.uint8).reshape(16, 4), iterations=2)
    with tempfile.TemporaryDirectory() as folder:
        whole, alone = Path(folder, "whole.safetensors"), Path(folder, "alone.safetensors")
        gan.save(whole)
        tensors, header = checkpoint.read(whole)
        names = [f"generator.{i}.{letter}" for i in (0, 2) for letter in "Wb"]
        kept = {key: header[key] for key in ("recipe", "generator", "data", "iteration", "backend", "threads")}
        checkpoint.write(alone, {name: tensors[name].astype(np.float16) for name in names}, kept)
        return whole.read_bytes(), alone.read_bytes()


def checkpoint_file(which: int) -> tuple[Files, str, str]:
    name = Path(IN_RUN).name
    return {name: trained()[which]}, name, name


def run_folder(random: Random) -> tuple[Files, str, str]:
    config = b'preset = "digits"\nlatent = 3\nbatch_size = 4\ngenerator = ["relu 8", "sigmoid"]\n'
    return {"config.toml": config, IN_RUN: trained()[0]}, ".", random.choice(["config.toml", IN_RUN])


def gzipped(content: bytes, random: Random) -> bytes:
    return gzip.compress(content, random.choice([1, 9]))


PY, BIN = "cifar-10-python.tar.gz", "cifar-10-binary.tar.gz"
FORMATS = [
    Format("IDX", "data", mnist),
    Format("IDX.gz", "data", lambda r: mnist(r, gzip.compress, ".gz"), gzip.decompress, gzipped),
    Format("CIFAR-10 binary", "data", lambda r: cifar10_folder(r, binary_batch, ".bin")),
    Format("CIFAR-10 pickle", "data", lambda r: cifar10_folder(r, pickled_batch, "")),
    Format(
        "CIFAR-10 binary.tar.gz",
        "data",
        lambda r: cifar10_archive(r, binary_batch, ".bin", BIN),
        gzip.decompress,
        gzipped,
    ),
    Format(
        "CIFAR-10 python.tar.gz", "data", lambda r: cifar10_archive(r, pickled_batch, "", PY), gzip.decompress, gzipped
    ),
    Format("TFD .npz", "data", tfd),
    Format("npy", "data", lambda r: ({"own.npy": npy(array(r))}, "own.npy", "own.npy")),
    Format("npz", "data", npz, unpack_zip, pack_zip),
    *(
        Format(f"folder of {suffix}", "data", lambda r, suffix=suffix: pictures(r, suffix))
        for suffix in ("png", "jpg", "bmp", "gif")
    ),
    Format("TOML preset", "preset", preset),
    Format("checkpoint", "run", lambda r: checkpoint_file(0), fuzz_checkpoints.unsigned, fuzz_checkpoints.signed),
    Format("run's folder", "run", run_folder),
    Format("generator", "run", lambda r: checkpoint_file(1), fuzz_checkpoints.unsigned, fuzz_checkpoints.signed),
]
