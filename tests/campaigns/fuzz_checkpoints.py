"""Checkpoints as `fuzz.py` needs them: signed anew after damage, and read from the format's definition alone.

A safetensors file: the length of its header (uint64), the header (JSON: tensors by name with dtype, shape and offsets,
and "__metadata__"), the tensors' bytes.  minigan's metadata key holds JSON with a SHA-256 over the whole file.
"""

from __future__ import annotations

import hashlib
import json
import re
from random import Random

import numpy as np

DIGEST = re.compile(rb'(\\"digest\\": \\")([0-9a-f]{64})(\\")')
DTYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"}


def unsigned(content: bytes) -> bytes:
    """The file with zeros instead of its digest."""
    return DIGEST.sub(lambda found: found[1] + b"0" * 64 + found[3], content)


def signed(content: bytes, random: Random) -> bytes:
    """The file with a digest that is right, and in half of the cases a header of the right length."""
    if random.random() < 0.5 and b"}}" in content:
        content = (content.rindex(b"}}") + 2 - 8).to_bytes(8, "little") + content[8:]
    digest = hashlib.sha256(unsigned(content)).hexdigest().encode()
    return DIGEST.sub(lambda found: found[1] + digest + found[3], unsigned(content))


def read(content: bytes) -> tuple[dict[str, np.ndarray], dict]:
    """The tensors and minigan's own header of a file whose digest is right.  Raises any error for others."""
    digest = DIGEST.search(content)[2].decode()
    start, end = DIGEST.search(content).span(2)
    assert hashlib.sha256(content[:start] + b"0" * 64 + content[end:]).hexdigest() == digest
    length = int.from_bytes(content[:8], "little")
    header, body = json.loads(content[8 : 8 + length]), content[8 + length :]
    own = json.loads(header.pop("__metadata__")["minigan"])
    tensors = {}
    for name, tensor in header.items():
        first, last = tensor["data_offsets"]
        tensors[name] = np.frombuffer(body[first:last], DTYPES[tensor["dtype"]]).reshape(tensor["shape"])
    return tensors, own
