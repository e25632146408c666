"""Downloads of data sets: whole or not at all, gone on with where they broke off, one process at a time."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import environment

from zoo_core import IntegrityError, NetworkError, ZooError
from zoo_core.data import checks, fetching, images
from zoo_core.data.builtin import MNIST
from zoo_core.data.declare import DataSet, File

RAW = "MNIST/raw"
NAMES = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


@dataclass
class Server:
    """A web server on this machine, and what it does wrong.

    Args:
        files: content by path.
        break_after: bytes after which an answer breaks off, as often as `times` says.
        ranges: it gives parts of files.
        asked: the paths that were asked for, and their ranges.
    """

    files: dict[str, bytes]
    address: str = ""
    break_after: int = 0
    times: int = 0
    ranges: bool = True
    extra: bytes = b""
    announced: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture
def server(slices: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """It has the slices, packed."""
    files = {f"/{name}.gz": gzip.compress((slices / RAW / name).read_bytes(), mtime=0) for name in NAMES}
    state = Server(files)

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            asked = self.headers.get("Range") or ""
            state.asked.append((self.path, asked))
            if self.path not in state.files:
                self.send_error(404)
                return
            data = state.files[self.path] + state.extra
            begin = int(asked.removeprefix("bytes=").rstrip("-")) if asked and state.ranges else 0
            if begin > len(data):
                self.send_error(416)
                return
            self.send_response(206 if begin else 200)
            if begin:
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            if state.announced:
                self.send_header("Content-Length", str(len(data) - begin))
            else:
                self.close_connection = True
            self.end_headers()
            if state.times and len(data) - begin > state.break_after:
                state.times -= 1
                self.wfile.write(data[begin : begin + state.break_after])
                self.wfile.flush()
                self.connection.close()
                return
            self.wfile.write(data[begin:])

        def log_message(self, *_: object) -> None:
            pass

    http_server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http_server.serve_forever, daemon=True).start()
    state.address = f"http://127.0.0.1:{http_server.server_port}"
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    yield state
    http_server.shutdown()


def declared(server: Server, **more: Any) -> DataSet:
    """MNIST's test images, from this server."""
    files = tuple(
        File(name, (f"{server.address}/{name}.gz",), len(server.files[f"/{name}.gz"]),
             hashlib.sha256(server.files[f"/{name}.gz"]).hexdigest(), **more)
        for name in NAMES
    )  # fmt: skip
    return replace(MNIST, splits={"test": 100}, files={"test": files})


@pytest.fixture
def mine(server: Server, monkeypatch: pytest.MonkeyPatch) -> DataSet:
    data = declared(server)
    monkeypatch.setattr("zoo_core.data.sets.find", lambda name, kind="": data)
    return data


def left(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_what_is_missing_is_fetched_and_known(server: Server, mine: DataSet, tmp_path: Path, slices: Path) -> None:
    told: list[str] = []
    seen: list[tuple[int, int]] = []
    data = images.load("mnist", "test", tmp_path, warn=told.append, tell=lambda *far: seen.append(far))
    assert (tmp_path / RAW / NAMES[0]).read_bytes() == (slices / RAW / NAMES[0]).read_bytes()
    assert told == [], "downloaded and verified: a known copy"
    assert seen[-1][0] == seen[-1][1] == len(server.files[f"/{NAMES[1]}.gz"])
    assert checks.check(mine, tmp_path) == checks.Found(("test",), (), (), ())
    asked = len(server.asked)
    assert torch.equal(images.load("mnist", "test", tmp_path).images, data.images) and len(server.asked) == asked
    (tmp_path / RAW / NAMES[0]).write_bytes((tmp_path / RAW / NAMES[0]).read_bytes()[:-1] + b"\x01")
    assert [text.split()[0] for text in checks.check(mine, tmp_path).other] == [NAMES[0]]
    images.load("mnist", "test", tmp_path, warn=told.append)
    assert len(told) == 1 and "not a known copy" in told[0]


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_broke_off(
    server: Server, mine: DataSet, tmp_path: Path, slices: Path, ranges: bool
) -> None:
    server.break_after, server.times, server.ranges = 5000, 2, ranges
    fetching.fetch(mine, "test", tmp_path)
    assert (tmp_path / RAW / NAMES[0]).read_bytes() == (slices / RAW / NAMES[0]).read_bytes()
    assert [asked for _, asked in server.asked[:3]] == ["", "bytes=5000-", "bytes=10000-" if ranges else "bytes=5000-"]
    assert [name for name in left(tmp_path) if "incomplete" in name] == []


def test_the_next_process_goes_on_too(server: Server, mine: DataSet, tmp_path: Path) -> None:
    server.break_after, server.times = 5000, 99
    with pytest.raises(NetworkError, match="cannot be downloaded") as caught:
        fetching.fetch(mine, "test", tmp_path)
    assert "--data-root" in caught.value.hint and "\n" not in caught.value.message
    assert (tmp_path / RAW / f".{NAMES[0]}.incomplete").stat().st_size == 5000 * fetching.TRIES
    server.times, server.asked = 0, []
    fetching.fetch(mine, "test", tmp_path)
    assert server.asked[0][1] == f"bytes={5000 * fetching.TRIES}-" and checks.check(mine, tmp_path).here == ("test",)


WRONG: dict[str, dict[str, Any]] = {
    "another file": {"files": "flip"}, "more than there is": {"extra": b"x"},
    "more, and it does not say so": {"extra": b"x" * 10**6, "announced": False}, "less": {"files": "cut"},
}  # fmt: skip


@pytest.mark.parametrize("how", WRONG)
def test_what_is_not_what_is_published_is_not_kept(server: Server, mine: DataSet, tmp_path: Path, how: str) -> None:
    wrong = dict(WRONG[how])
    change = wrong.pop("files", "")
    for name, value in wrong.items():
        setattr(server, name, value)
    path = f"/{NAMES[0]}.gz"
    data = server.files[path]
    server.files[path] = {"flip": data[:-100] + bytes(100), "cut": data[:-100], "": data}[change]
    with pytest.raises((IntegrityError, NetworkError)) as caught:
        fetching.fetch(mine, "test", tmp_path / "new" / "root")
    assert server.address in caught.value.message and caught.value.hint
    assert not any(path.name == NAMES[0] for path in tmp_path.rglob("*"))


def test_another_address_is_tried(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server.files["/wrong.gz"] = b"wrong"
    data = declared(server)
    first, second = data.files["test"]
    urls = (f"{server.address}/nothing.gz", f"{server.address}/wrong.gz", *first.urls)
    data = replace(data, files={"test": (replace(first, urls=urls), second)})
    fetching.fetch(data, "test", tmp_path)
    assert checks.check(data, tmp_path).here == ("test",)


def test_where_nothing_comes_nothing_is_made(server: Server, mine: DataSet, tmp_path: Path) -> None:
    """A mistyped data root does not become a folder."""
    server.files.clear()
    with pytest.raises(NetworkError, match="404"):
        fetching.fetch(mine, "test", tmp_path / "mistyped" / "root")
    assert list(tmp_path.iterdir()) == []
    os.environ["ZOO_OFFLINE"] = "1"
    try:
        with pytest.raises(NetworkError, match="ZOO_OFFLINE is set"):
            fetching.fetch(mine, "test", tmp_path / "mistyped")
    finally:
        del os.environ["ZOO_OFFLINE"]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(server: Server, mine: DataSet, tmp_path: Path) -> None:
    (tmp_path / "MNIST").write_text("a file")
    with pytest.raises(ZooError, match="MNIST"):
        fetching.fetch(mine, "test", tmp_path)
    assert (tmp_path / "MNIST").read_text() == "a file"


def test_two_processes_fetch_once(server: Server, tmp_path: Path) -> None:
    code = f"""
import sys, dataclasses, hashlib
from pathlib import Path
from zoo_core.data import fetching
from zoo_core.data.builtin import MNIST
from zoo_core.data.declare import File
sizes = { ({name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in server.files.items()})!r}
files = tuple(File(n, ("{server.address}/" + n + ".gz",), *sizes["/" + n + ".gz"]) for n in {NAMES!r})
data = dataclasses.replace(MNIST, splits={{"test": 1}}, files={{"test": files}})
fetching.fetch(data, "test", Path(sys.argv[1]))
"""
    env = {key: value for key, value in environment().items() if key != "ZOO_OFFLINE"}
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=env) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert len(server.asked) == len(NAMES)
