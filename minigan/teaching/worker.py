"""The process in which a student's files run: it loads them, is asked for functions by name, and answers with arrays.

Whoever asks (`minigan.teaching.asking`) decides what the answers are worth: nothing that these files change here, in
NumPy or in this module, is read there.  The limits keep mistakes from the machine; they are no sandbox.

    python -m minigan.teaching.worker REQUESTS ANSWERS SECONDS MEGABYTES MODULE...
"""

from __future__ import annotations

import builtins
import importlib.util
import math
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, BinaryIO

import numpy as np

from minigan.teaching.frames import LENGTHS, packed, unpacked

LARGEST_FILE = 1 << 24
"""bytes"""
WATCHED = (np, np.linalg, np.random, builtins, math)
"""what a student's file has no business to change"""


def limit(seconds: int, megabytes: int) -> None:
    """Of this process: time on the processor, memory, the length of a file.  Nothing where there is no `resource`."""
    try:
        import resource
    except ImportError:
        return
    limits = (("RLIMIT_CPU", seconds), ("RLIMIT_AS", megabytes << 20), ("RLIMIT_FSIZE", LARGEST_FILE))
    for name, most in (*limits, ("RLIMIT_CORE", 0)):
        try:
            resource.setrlimit(getattr(resource, name), (most, most))
        except (AttributeError, ValueError, OSError):
            continue  # a system that has no such limit, or a lower one


def loaded(names: list[str]) -> dict[str, ModuleType]:
    """The student's files in the folder at hand, by their names; each can import those before it."""
    modules = {}
    for name in names:
        spec = importlib.util.spec_from_file_location(name, Path(f"{name}.py").absolute())
        assert spec is not None and spec.loader is not None
        sys.modules[name] = modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(modules[name])
    return modules


def said(error: BaseException) -> str:
    """An error in one line, with the line of the student's file where it arose."""
    here = Path.cwd()
    frames = [f for f in traceback.extract_tb(error.__traceback__) if Path(f.filename).parent == here]
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}{': ' if text else ''}{text}{place}"


def told(ask: Callable[[], Any]) -> bytes:
    """The answer as bytes: ["", what it returned], or [what went wrong, None]."""
    try:
        return packed(["", ask()])
    except MemoryError:
        return packed(["out of memory", None])
    except BaseException as error:  # SystemExit and KeyboardInterrupt, too
        return packed([said(error), None])


def changed(before: list[dict[str, Any]]) -> list[str]:
    """The names in `WATCHED` that are not what they were."""
    pairs = [(module, name, was) for module, names in zip(WATCHED, before) for name, was in names.items()]
    return [f"{module.__name__}.{name}" for module, name, was in pairs if vars(module).get(name) is not was]


def main() -> None:
    requests, answers = os.fdopen(int(sys.argv[1]), "rb"), os.fdopen(int(sys.argv[2]), "wb")
    limit(int(sys.argv[3]), int(sys.argv[4]))
    before = [dict(vars(module)) for module in WATCHED]
    for name in [name for name in sys.modules if name.partition(".")[0] == "minigan"]:
        sys.modules[name] = None  # type: ignore[assignment]  # an import of it is refused from here on
    serve(requests, answers, before, sys.argv[5:])


def serve(requests: BinaryIO, answers: BinaryIO, before: list[dict[str, Any]], names: list[str]) -> None:
    """Answer once before the files are loaded and once after it, then each request.

    A request is [module, function, arguments], or [] for what was `changed`.
    """
    modules: dict[str, ModuleType] = {}

    def called(name: str, function: str, arguments: list[Any]) -> list[Any]:
        given = own(arguments)
        result = getattr(modules[name], function)(*given)
        return [result, given]

    def load() -> None:
        modules.update(loaded(names))

    def manners() -> list[str]:
        sys.stdout.flush()
        return changed(before)

    def give(answer: bytes) -> None:
        answers.write(answer)
        answers.flush()

    give(told(lambda: "here"))
    answer = told(load)
    while True:
        give(answer)
        if len(head := requests.read(LENGTHS.size)) < LENGTHS.size:
            return
        text, body = (requests.read(length) for length in LENGTHS.unpack(head))
        request = unpacked(text, body)
        answer = told(lambda: called(*request) if request else manners())


def own(tree: Any) -> Any:
    """Arrays that may be written to, as those of any program."""
    return [own(part) for part in tree] if isinstance(tree, list) else tree.copy() if hasattr(tree, "copy") else tree


if __name__ == "__main__":
    main()
