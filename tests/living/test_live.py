"""The command: what it prints, and what it refuses in one line."""

from __future__ import annotations

import builtins
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from minigan import live


def test_it_prints_an_address_that_has_the_page_and_ends_by_ctrl_c():
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    command = [sys.executable, "-m", "minigan.live", "--port", "0", "--no-browser", "--preset", "gaussian"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(live.__file__).parents[1]
    ) as running:
        address = running.stdout.readline().strip()
        try:
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{22}/", address)
            assert b"minigan, live" in urlopen(address).read()
            with pytest.raises(HTTPError, match="404"):
                urlopen(address[:-4])
        finally:
            running.send_signal(signal.SIGINT)
        assert running.wait(10) == 0 and running.stderr.read() == ""


def test_what_cannot_be_begun_is_one_line(tmp_path, said, monkeypatch):
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for arguments, message in (
            (["--port", port], f"--port {port}: Address already in use, expected one that is free"),
            (["--port", "70000"], "--port 70000: expected 0 to 65535"),
            (["--run", ""], "--run '': expected a run's folder"),
            (["--run", tmp_path, "--port", "0"], "no run there (expected config.toml)"),
            (["--preset", "rign", "--port", "0"], "did you mean ring?"),
            (["--prot", "1"], "--prot: unknown; did you mean --port?"),
        ):
            code, out, error = said(live.main, *arguments)
            assert code == 2 and message in error and error.count("\n") == 1 and out == ""
    imported = builtins.__import__

    def without(name, *rest):
        if name.partition(".")[0] in ("uvicorn", "starlette"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return imported(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    code, _, error = said(live.main, "--port", "0")
    assert code == 2 and "no uvicorn here, expected pip install 'minigan[live]'" in error and error.count("\n") == 1
