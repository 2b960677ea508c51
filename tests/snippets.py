"""The blocks of code on a page, and what they print."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SNIPPET = re.compile(r"^```(python|sh|cuda)\n(.*?)^```\n(?:\n```text\n(.*?)^```$)?", re.DOTALL | re.MULTILINE)
SAVED = re.compile(r"# (\w+\.py)\n")
"""the first line of a block that the reader saves as a file"""


def snippets(page: str) -> list[tuple[str, str, str]]:
    """(language, code, what it prints) of a page's blocks, in their order; "" where nothing is said."""
    return SNIPPET.findall((ROOT / page).read_text())


def printed(language: str, code: str, names: dict) -> str:
    """What the code prints.  `names` keeps what it defines, and the working folder the file that it is saved as."""
    if language == "sh":
        program, *arguments = shlex.split(code)
        assert program == "python"
        paths = os.environ | {"PYTHONPATH": str(ROOT)}
        command = [sys.executable, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, env=paths).stdout
    if saved := SAVED.match(code):
        Path(saved[1]).write_text(code)
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(code, names)
    return out.getvalue()
