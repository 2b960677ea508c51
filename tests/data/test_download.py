"""Downloads, from mirrors on this machine."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from minigan.data.download import (
    CIFAR10_FILES,
    CIFAR10_MIRRORS,
    MNIST_FILES,
    MNIST_MIRRORS,
    download_cifar10,
    download_mnist,
)

ONE, TWO = bytes(range(256)) * 1000, b"two" * 50_000
SMALL = {"one.gz": hashlib.sha256(ONE).hexdigest(), "two.gz": hashlib.sha256(TWO).hexdigest()}
GOOD = {"one.gz": (200, ONE), "two.gz": (200, TWO)}
HTML = b"<!DOCTYPE html><html><body>Sign in to the network</body></html>"


class Mirrors:
    """A server on which each mirror is a folder: name to (status, body) or (status, body, claimed length).

    halfway  set when half of a body is out; the rest follows when `go_on` is
    """

    def __init__(self):
        self.folders: dict[str, dict[str, tuple]] = {}
        self.asked: list[str] = []
        self.halfway, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()
        mirrors = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                mirrors.asked.append(self.path)
                folder, _, name = self.path.lstrip("/").partition("/")
                status, body, *length = mirrors.folders[folder].get(name, (404, b"not here"))
                self.send_response(status)
                self.send_header("Content-Length", str(length[0] if length else len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body[: len(body) // 2])
                    mirrors.halfway.set()
                    mirrors.go_on.wait()
                    self.wfile.write(body[len(body) // 2 :])
                except OSError:
                    """The client is gone."""

            def log_message(self, *arguments):
                """Tests print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def add(self, folder: str, files: dict[str, tuple]) -> str:
        self.folders[folder] = files
        return f"http://127.0.0.1:{self.server.server_port}/{folder}/"

    def close(self) -> None:
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


@pytest.fixture
def mirrors() -> Iterator[Mirrors]:
    server = Mirrors()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache; no proxy stands between the test and its server."""
    monkeypatch.setenv("MINIGAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


WHOLE = {"mnist/one.gz": ONE, "mnist/two.gz": TWO}

BAD = {
    "not there": (404, b"not here"),
    "server error": (500, b"oh no"),
    "wrong bytes": (200, ONE[:-1] + b"x"),
    "a page instead": (200, HTML),
    "nothing": (200, b""),
    "too short": (200, ONE[:-10]),
    "cut off": (200, ONE[:1000], len(ONE)),
    "too long": (200, ONE + b"x"),
}


def test_the_first_mirror_is_enough_and_a_second_time_nothing_is_fetched(mirrors, cache):
    addresses = [mirrors.add("a", GOOD), mirrors.add("b", GOOD)]
    assert download_mnist(addresses, SMALL) == cache / "mnist"
    assert mirrors.asked == ["/a/one.gz", "/a/two.gz"]
    assert files_in(cache) == WHOLE
    assert download_mnist(addresses, SMALL) == cache / "mnist"
    assert len(mirrors.asked) == 2


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_where_the_first_mirror_fails_the_second_serves(mirrors, cache, bad):
    addresses = [mirrors.add("a", {**GOOD, "one.gz": bad}), mirrors.add("b", GOOD)]
    download_mnist(addresses, SMALL)
    assert mirrors.asked == ["/a/one.gz", "/b/one.gz", "/a/two.gz"]
    assert files_in(cache) == WHOLE


def test_a_mirror_that_is_gone(mirrors, cache):
    download_mnist(["http://127.0.0.1:1/gone/", mirrors.add("b", GOOD)], SMALL)
    assert files_in(cache) == WHOLE


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_where_all_fail_it_is_said_in_one_line_and_nothing_is_left(mirrors, cache, refused, bad):
    addresses = [mirrors.add("a", {"one.gz": bad}), mirrors.add("b", {"one.gz": bad})]
    message = refused(lambda: download_mnist(addresses, SMALL), "one.gz", "data DIR", "MINIGAN_DATA", "IDX")
    assert message.count("127.0.0.1") == 2
    assert len(message) < 400
    assert files_in(cache) == {}


def test_the_reasons_are_told(mirrors, refused):
    addresses = [
        mirrors.add("a", {}),
        mirrors.add("b", {"one.gz": (200, HTML)}),
        mirrors.add("c", {"one.gz": BAD["cut off"]}),
        "http://127.0.0.1:1/",
    ]
    addresses.insert(2, mirrors.add("d", {"one.gz": BAD["wrong bytes"]}))
    parts = ["HTTP status 404", "a web page (HTML)", "SHA-256", "IncompleteRead", "Connection refused"]
    refused(lambda: download_mnist(addresses, SMALL), *parts)


def test_what_came_whole_stays_when_a_later_file_fails(mirrors, cache, refused):
    refused(lambda: download_mnist([mirrors.add("a", {"one.gz": (200, ONE)})], SMALL), "two.gz")
    assert files_in(cache) == {"mnist/one.gz": ONE}


def test_a_damaged_file_in_the_cache_is_fetched_again(mirrors, cache):
    (cache / "mnist").mkdir(parents=True)
    (cache / "mnist" / "one.gz").write_bytes(ONE[:100])
    download_mnist([mirrors.add("a", GOOD)], SMALL)
    assert files_in(cache) == WHOLE


def test_a_progress_bar_is_shown(mirrors, capfd):
    download_mnist([mirrors.add("a", GOOD)], SMALL)
    assert "100%" in capfd.readouterr().err


def test_a_cache_that_cannot_be_made(cache, refused):
    cache.write_text("a file in the way")
    refused(lambda: download_mnist([], SMALL), cache, "MINIGAN_CACHE")


def test_the_cache_of_the_operating_system(monkeypatch, tmp_path):
    from minigan.data.download import cache_folder

    monkeypatch.delenv("MINIGAN_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "system"))
    assert cache_folder().name == "minigan"
    monkeypatch.setenv("MINIGAN_CACHE", "~/somewhere")
    assert cache_folder() == Path.home() / "somewhere"


def test_cifar10_has_its_own_folder_and_words(mirrors, cache, refused):
    assert download_cifar10([mirrors.add("a", GOOD)], SMALL) == cache / "cifar10"
    assert files_in(cache) == {"cifar10/one.gz": ONE, "cifar10/two.gz": TWO}
    refused(lambda: download_cifar10([mirrors.add("b", {})], {"more.gz": "0" * 64}), "more.gz", "the archive")


def test_the_real_addresses_are_https_and_only_what_is_read_is_fetched():
    assert all(mirror.startswith("https://") and mirror.endswith("/") for mirror in (*MNIST_MIRRORS, *CIFAR10_MIRRORS))
    assert list(MNIST_FILES) == ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"]
    assert list(CIFAR10_FILES) == ["cifar-10-binary.tar.gz"]
    assert all(len(digest) == 64 for digest in (*MNIST_FILES.values(), *CIFAR10_FILES.values()))


PAGES = {
    "plain": HTML,
    "blanks and a comment": b"\n  <!-- captive portal -->\n<html lang=en>",
    "a byte order mark": b"\xef\xbb\xbf<!doctype HTML>",
    "as XML": b'<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC>',
}


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES.keys())
def test_a_web_page_is_named_as_such(mirrors, cache, refused, page):
    refused(lambda: download_mnist([mirrors.add("a", {"one.gz": (200, page)})], SMALL), "one.gz", "a web page (HTML)")
    assert files_in(cache) == {}


def begin(address: str) -> subprocess.Popen:
    """Another process that downloads both files from this mirror."""
    code = f"from minigan.data.download import *; print(flush=True); print(download_mnist([{address!r}], {SMALL!r}))"
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_half_a_download_of_a_stopped_process_does_not_stay(mirrors, cache, number):
    mirrors.go_on.clear()
    stopped = begin(mirrors.add("a", GOOD))
    assert mirrors.halfway.wait(60)
    stopped.send_signal(number)
    stopped.communicate()
    assert "mnist/one.gz" not in files_in(cache)
    mirrors.go_on.set()
    download_mnist([mirrors.add("a", GOOD)], SMALL)
    assert files_in(cache) == WHOLE and {path.name for path in (cache / "mnist").iterdir()} == set(SMALL)


def test_processes_that_download_at_once_take_turns(mirrors, cache):
    mirrors.go_on.clear()
    address = mirrors.add("a", GOOD)
    processes = [begin(address) for _ in range(2)]
    assert [process.stdout.readline() for process in processes] == ["\n", "\n"]
    assert mirrors.halfway.wait(60)
    mirrors.go_on.set()
    for process in processes:
        output, error = process.communicate(timeout=60)
        assert process.returncode == 0, error
        assert output.strip() == str(cache / "mnist")
    assert files_in(cache) == WHOLE
    assert sorted(mirrors.asked) == ["/a/one.gz", "/a/two.gz"]


def test_a_cache_without_locks(mirrors, cache, monkeypatch):
    def refuse(*arguments):
        raise OSError(37, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    (cache / "mnist" / ".part-of-another").mkdir(parents=True)
    download_mnist([mirrors.add("a", GOOD)], SMALL)
    assert files_in(cache) == WHOLE
    assert (cache / "mnist" / ".part-of-another").is_dir()


def test_whole_files_need_no_right_to_write(mirrors, cache, monkeypatch):
    download_mnist([mirrors.add("a", GOOD)], SMALL)
    monkeypatch.setattr("tempfile.mkdtemp", lambda *arguments, **options: pytest.fail("a folder was made"))
    download_mnist([], SMALL)


def test_a_cache_that_cannot_be_written_to(mirrors, refused, monkeypatch):
    def refuse(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkdtemp", refuse)
    refused(lambda: download_mnist([mirrors.add("a", GOOD)], SMALL), "Permission denied", "MINIGAN_CACHE")
