"""A picture of a run at one moment, as the page gets it; and the newest one, for which pages wait."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property, partial
from math import isfinite
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Picture:
    """Numbers, texts and arrays by name; never changed once it is made.

    number  one more than that of the picture before
    """

    number: int
    content: dict[str, Any]

    @cached_property
    def encoded(self) -> bytes:
        """JSON.  An array is {"dtype", "data"}, its bytes in base64; what is not finite, null."""
        return json.dumps(plain({"number": self.number, **self.content}), allow_nan=False).encode()


def plain(value: Any) -> Any:
    """A value as JSON has it."""
    match value:
        case np.ndarray():
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            return {"dtype": value.dtype.name, "data": base64.b64encode(little.data).decode()}
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list() | tuple():
            return [plain(part) for part in value]
        case float():
            return value if isfinite(value) else None
    return value


class Newest:
    """The newest picture.  One thread shows; any number of pages wait, each on an event loop.

    There is no queue: a page that was away, or is slow, gets what is newest when it asks, and nothing of what was
    between.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._picture = Picture(0, {"kind": "none"})
        self._waiting: set[Callable[[], object]] = set()

    @property
    def picture(self) -> Picture:
        return self._picture

    @property
    def wanted(self) -> bool:
        """Whether somebody waits for another one."""
        return bool(self._waiting)

    def show(self, content: dict[str, Any]) -> None:
        """From now on this is the newest."""
        with self._lock:
            self._picture = Picture(self._picture.number + 1, content)
            waiting, self._waiting = self._waiting, set()
        for wake in waiting:
            with suppress(RuntimeError):  # its loop has ended
                wake()

    async def after(self, number: int, seconds: float) -> Picture:
        """The newest picture, as soon as it is another one than this; after so many seconds whatever there is."""
        come = asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, come.set)
        with self._lock:
            if self._picture.number != number:
                return self._picture
            self._waiting.add(wake)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(come.wait(), seconds)
        finally:
            with self._lock:
                self._waiting.discard(wake)
        return self._picture
