"""What the page's server gives, to whom, and what it refuses."""

from __future__ import annotations

import shutil

import pytest
from rings import RING, newest

from minigan.living.finished import Finished
from minigan.living.training import Training

testclient = pytest.importorskip("starlette.testclient", reason="starlette or httpx is not installed")

TOKEN, PORT = "a-token", 8642
HERE = f"http://127.0.0.1:{PORT}"


def client_of(worker):
    from minigan.living.server import application

    return testclient.TestClient(application(worker, PORT, TOKEN), base_url=HERE, raise_server_exceptions=False)


@pytest.fixture
def worker():
    one = Training(RING)
    one.start()
    yield one
    one.stop()


@pytest.fixture
def client(worker):
    return client_of(worker)


def test_the_page_its_assets_and_a_picture(client):
    page = client.get(f"/{TOKEN}/")
    assert page.status_code == 200 and "<h1>minigan, live</h1>" in page.text
    for asset in ("live/live.js", "live/live.css", "uplot/uPlot.iife.min.js", "katex/katex.min.js", "katex/LICENSE"):
        assert client.get(f"/{TOKEN}/assets/{asset}").status_code == 200, asset
    assert client.post(f"/{TOKEN}/do", json={"command": "step"}).json() == {"answer": None}
    picture = client.get(f"/{TOKEN}/picture?after=1").json()
    assert picture["iteration"] == 1 and picture["kind"] == "plane" and picture["d"]["dtype"] == "uint8"
    offered = client.get(f"/{TOKEN}/choices").json()
    assert "ring" in offered["presets"] and "sign-relu" in offered["bugs"]["Backward passes"]


def test_everything_says_what_a_page_may_do(client):
    for answer in (client.get(f"/{TOKEN}/"), client.get("/"), client.get("/", headers={"host": "elsewhere"})):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "connect-src 'self'" in policy and "http" not in policy
        assert (
            answer.headers["x-content-type-options"] == "nosniff" and answer.headers["referrer-policy"] == "no-referrer"
        )


@pytest.mark.parametrize("path", ["", "assets/live/live.js", "picture", "choices", "do", "drawn-1.npy"])
def test_nothing_without_the_token(path, client):
    for token in ("", "another/", f"{TOKEN}x/", "%2e/"):
        assert client.get(f"/{token}{path}").status_code == 404
        assert client.post(f"/{token}{path}", json={"command": "play"}).status_code in (404, 405)


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", "", f"127.0.0.1.evil.example:{PORT}"]
)
def test_another_host_is_refused(host, worker, client):
    assert client.get(f"/{TOKEN}/picture", headers={"host": host}).status_code == 421
    assert client.post(f"/{TOKEN}/do", json={"command": "step"}, headers={"host": host}).status_code == 421
    assert newest(worker)["iteration"] == 0


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:8642", "http://127.0.0.1:1", "file://"]
)
def test_another_origin_is_refused(origin, worker, client):
    assert client.get(f"/{TOKEN}/picture", headers={"origin": origin}).status_code == 403
    assert client.post(f"/{TOKEN}/do", json={"command": "step"}, headers={"origin": origin}).status_code == 403
    assert newest(worker)["iteration"] == 0
    assert client.post(f"/{TOKEN}/do", json={"command": "step"}, headers={"origin": HERE}).status_code == 200
    assert newest(worker)["iteration"] == 1


@pytest.mark.parametrize(
    "path",
    [
        "../setup.cfg", "assets/live/../../gan.py", "assets/live/..%2f..%2fgan.py", "assets/live/%2e%2e/%2e%2e/gan.py",
        "assets/live//etc/passwd", "%2fetc%2fpasswd", "..%2fsetup.cfg", "drawn-1.npy", "drawn-1.npy%00",
    ],
)  # fmt: skip
def test_no_path_leads_elsewhere(path, client):
    answer = client.get(f"/{TOKEN}/{path}")
    assert answer.status_code in (400, 404), answer.text
    assert "class GAN" not in answer.text and "root:" not in answer.text and "metadata" not in answer.text


def test_what_cannot_be_done_is_one_line(worker, client):
    def refused(status=400, **what):
        answer = client.post(f"/{TOKEN}/do", **what)
        assert answer.status_code == status and "\n" not in answer.json()["error"]
        return answer.json()["error"]

    assert "k 0: expected 1 to" in refused(200, json={"command": "change", "k": 0})
    assert "unexpected keyword" in refused(200, json={"command": "step", "how": 1})
    assert "multiple values" in refused(200, json={"command": "play", "self": 1})
    assert "expected one of play" in refused(json={"command": "_end"})
    for body in (b'["play"]', b"{" * 100, b'{"command": "draw", "points": [' + b"[0, 0]," * 100_000):
        assert "expected a command" in refused(content=body)
    assert newest(worker)["iteration"] == 0 and not newest(worker)["playing"]


def test_a_drawing_is_loaded_down_by_its_name(client):
    points = [[i / 10, 0.0] for i in range(10)]
    assert client.post(f"/{TOKEN}/do", json={"command": "draw", "points": points}).json() == {"answer": None}
    assert client.get(f"/{TOKEN}/drawn-1.npy").content[:6] == b"\x93NUMPY"


def test_many_pages_come_and_go(worker, client):
    first = client.get(f"/{TOKEN}/picture").json()["number"]
    client.post(f"/{TOKEN}/do", json={"command": "play"})
    for _ in range(20):
        assert client.get(f"/{TOKEN}/picture?after={first}").status_code == 200
    client.close()
    worker.ask("pause").result(5)
    assert newest(worker)["iteration"] > 0 and not worker.newest.wanted


def test_a_finished_run_is_looked_through_and_not_written_to(finished_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished_run, run)
    outside = tmp_path / "iteration-00000030.safetensors"
    shutil.copy(run / "checkpoints" / "iteration-00000020.safetensors", outside)
    (run / "checkpoints" / outside.name).symlink_to(outside)
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    one = Finished(run)
    one.start()
    try:
        client = client_of(one)
        at = newest(one)
        assert at["checkpoints"] == [20, 40] and at["index"] == 1 and at["kind"] == "images" and "failed" not in at
        assert client.post(f"/{TOKEN}/do", json={"command": "show", "index": 0}).json() == {"answer": None}
        earlier = newest(one)
        assert earlier["iteration"] == 20 and (earlier["images"] != at["images"]).any() and earlier["numbers"]["d_loss"]
        for index in (2, -1, "../../x", None, True):
            answer = client.post(f"/{TOKEN}/do", json={"command": "show", "index": index})
            assert "expected 0 to 1" in answer.json()["error"]
        for index, iteration in ((0, 21), (1, 40)):
            for command in ({"command": "show", "index": index}, {"command": "open"}):
                assert client.post(f"/{TOKEN}/do", json=command).json() == {"answer": None}
            graph = client.post(f"/{TOKEN}/do", json={"command": "graph"}).json()["answer"]
            assert graph["iteration"] == iteration and graph["moves"] == ["D-step", "G-step"]
        assert client.post(f"/{TOKEN}/do", json={"command": "play"}).status_code == 400
        assert client.get(f"/{TOKEN}/config.toml").status_code == 404
    finally:
        one.stop()
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
