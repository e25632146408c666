"""Weights that travel, with the real client, over real HTTP, to a hub on the loopback that makes every mistake."""

from __future__ import annotations

import gzip
import importlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import loopback
import pytest
import safetensors.torch
from conftest import SLICES, Zoo, answered, environment
from loopback import Hub, git_hash, sha256
from test_plugins import FACE, changed, distribution

import zoo_core
from zoo_core import IntegrityError, NetworkError, UsageError, hub
from zoo_core.plugin import registry
from zoo_core.weights import manifest, pins

DATA = os.urandom(60_000)
OTHER = "0123456789abcdef0123456789abcdef01234567"
FILE = "model.safetensors"
NEW_RELEASE = """
from zoo_core import Options, option


class Train(Options):
    passes: int = option(1, "what was called epochs once")

CARD"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and clocks that go fast."""
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    constants = huggingface_hub.constants
    for name, value in {
        "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_DOWNLOAD_TIMEOUT": 0.2, "HF_HUB_ETAG_TIMEOUT": 2,
        "HF_TOKEN_PATH": str(tmp_path / "token"),
    }.items():  # fmt: skip
        monkeypatch.setattr(constants, name, value)
    sleep = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: sleep(seconds / 100))  # the client's waits too
    return tmp_path / "hub"


def kept(cache: Path) -> list[bytes]:
    """Every file of the cache that can be loaded."""
    return [path.read_bytes() for path in cache.rglob("*.safetensors") if path.exists()]


# -- what can go wrong with a pull -----------------------------------------------------------------------

BODY, HEAD = rf"GET .*/{FILE}", rf"HEAD .*/{FILE}"
WRONG_CLOCK = "Fri, 31 Dec 2199 23:59:59 GMT"
PULLS: dict[str, tuple[str, str, Any, int | None, str]] = {
    # fault: where, kind, value, refused with (None: survived) where it stays, what is said then
    "one byte flipped": (BODY, "flip", None, 3, "must be"),
    "body cut short": (BODY, "truncate", None, 5, "cannot be reached"),
    "body stalls": (BODY, "stall", 0.6, 5, "cannot be reached"),
    "503 on the body": (BODY, "status", (503, {}), 5, "503"),
    "429 with seconds to wait": (BODY, "status", (429, {"Retry-After": "0"}), 5, "429"),
    "429 until a date of a wrong clock": (BODY, "status", (429, {"Retry-After": WRONG_CLOCK}), 5, "429"),
    "500 on the headers": (HEAD, "status", (500, {}), 5, "500"),
    "connection dropped": (BODY, "drop", None, 5, "cannot be reached"),
    "headers of another commit": (HEAD, "commit", OTHER, 3, OTHER),
    "a false hash in the headers": (HEAD, "etag", "0" * 64, 3, "0" * 64),
    "a hash that is a path": (HEAD, "etag", "../../../../evil", 3, "evil"),
}  # fmt: skip


@pytest.mark.parametrize("fault", PULLS)
def test_a_fault_that_passes_is_survived(server: Hub, cache: Path, fault: str, record_property: Any) -> None:
    where, kind, value, *_ = PULLS[fault]
    commit = server.put("me/x", {FILE: DATA})
    server.fault(where, kind, 1, value)
    path = hub.fetch("me/x", commit, FILE, pinned=sha256(DATA), size=len(DATA), endpoint=server.url)
    assert path.read_bytes() == DATA and server.faults[0].times == 0
    record_property("hub", (fault, "once", "survived"))


@pytest.mark.parametrize("fault", [name for name in PULLS if not name.startswith("429")])
def test_a_fault_that_stays_is_refused(server: Hub, cache: Path, fault: str, record_property: Any) -> None:
    where, kind, value, code, words = PULLS[fault]
    commit = server.put("me/x", {FILE: DATA})
    server.fault(where, kind, value=value)
    with pytest.raises((IntegrityError, NetworkError), match=words) as refused:
        hub.fetch("me/x", commit, FILE, pinned=sha256(DATA), size=len(DATA), endpoint=server.url)
    assert refused.value.exit_code == code and kept(cache) == []
    assert not list(cache.parent.rglob("*evil*"))
    if code == 3:
        assert f"{server.url}/me/x/resolve/{commit}/{FILE}" in refused.value.message
    if kind == "flip":
        assert sha256(DATA) in refused.value.message and sha256(loopback.flipped(DATA)) in refused.value.message
    record_property("hub", (fault, "always", f"refused, exit {code}"))
    server.faults.clear()  # and later it is there again
    assert hub.fetch("me/x", commit, FILE, pinned=sha256(DATA), endpoint=server.url).read_bytes() == DATA


def test_a_file_of_the_cache_that_lost_a_bit_is_fetched_again(server: Hub, cache: Path, tmp_path: Path) -> None:
    commit = server.put("me/x", {FILE: DATA})
    pin = pins.Pin("a", "b", FILE, len(DATA), sha256(DATA), "MIT", "me/x", commit, home=tmp_path)

    def content(path: Path) -> bytes:
        pin.check_files(path)
        return path.read_bytes()

    path, data = manifest.held(pin, content, server.url)
    assert data == DATA
    path.write_bytes(loopback.flipped(DATA))
    assert manifest.held(pin, content, server.url)[1] == DATA and path.read_bytes() == DATA
    path.write_bytes(loopback.flipped(DATA))
    server.fault(BODY, "flip")
    with pytest.raises(IntegrityError, match=sha256(DATA)):
        manifest.held(pin, content, server.url)
    assert kept(cache) == []


def test_only_the_pinned_commit_is_asked_for_and_only_once(
    server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = server.put("me/x", {FILE: DATA})
    server.put("me/x", {FILE: b"a later one"})
    path = hub.fetch("me/x", commit, FILE, pinned=sha256(DATA), endpoint=server.url)
    assert path.read_bytes() == DATA and all(commit in request for request in server.requests)
    monkeypatch.setattr(socket.socket, "connect", None)  # from here on nothing can be asked
    assert hub.fetch("me/x", commit, FILE, pinned=sha256(DATA), endpoint=server.url) == path
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert hub.fetch("me/x", commit, FILE) == path
    with pytest.raises(NetworkError, match="ZOO_OFFLINE"):
        hub.fetch("me/x", OTHER, FILE)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.pkl"])
def test_a_repository_of_pickles_is_refused(server: Hub, cache: Path, name: str, record_property: Any) -> None:
    commit = server.put("me/x", {name: b"\x80\x04", "README.md": b""})
    with pytest.raises(IntegrityError, match=rf"{name}, a pickle, which the zoo never loads") as refused:
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    assert refused.value.exit_code == 3 and not any(
        request.startswith("GET /me/x/resolve") for request in server.requests
    )
    record_property("hub", (f"nothing but {name}", "always", "refused, exit 3"))


def test_file_names_that_lead_out_are_refused(server: Hub, cache: Path, tmp_path: Path, record_property: Any) -> None:
    for name in ("../evil.safetensors", "/tmp/evil.safetensors", "a/../../evil", "..\\evil"):
        (tmp_path / "m.toml").write_text(
            f'[weights."a.b"]\nplugin="a"\npreset="b"\nfile=\'{name}\'\nsize=1\nsha256="0"\nlicence="MIT"\n'
        )
        with pytest.raises(IntegrityError, match="leads out"):
            pins.read(tmp_path / "m.toml")
    commit = server.put("me/x", {"../../evil.safetensors": DATA})
    with pytest.raises(IntegrityError, match=f"has no {FILE}"):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    assert not list(tmp_path.rglob("*evil*"))
    record_property("hub", ("a file name with ..", "always", "refused, exit 3"))


# -- what can go wrong with a push -----------------------------------------------------------------------

FILES = {FILE: DATA, "config.json": b"{}", "README.md": b"---\nlicense: mit\n---\nhello"}
PUSHES: dict[str, tuple[str, str, Any]] = {
    "500 on the repository's facts": ("GET /api/models/me/x$", "status", (500, {})),
    "503 on the upload": ("PUT /lfs", "status", (503, {})),
    "429 on the commit": ("/commit/main", "status", (429, {"Retry-After": "0"})),
    "connection dropped before the commit": ("/commit/main", "drop", None),
    "the commit's answer is lost, though it landed": ("/commit/main", "lost", None),
    "the new repository's answer is lost": ("/api/repos/create", "lost", None),
}  # fmt: skip


@pytest.mark.parametrize("fault", PUSHES)
def test_a_push_survives_and_makes_one_commit(server: Hub, cache: Path, fault: str, record_property: Any) -> None:
    where, kind, value = PUSHES[fault]
    server.fault(where, kind, 1, value)
    commit = hub.push("me/x", FILES, message="m", tag="v1", endpoint=server.url)
    repo = server.repos["me/x"]
    assert server.faults[0].times == 0 and len(repo.commits) == 2 and repo.tags == {"v1": commit}
    assert repo.commits[-1][0] == commit and {n: repo.commits[-1][1][n] for n in FILES} == FILES
    record_property("hub", (fault, "once", "survived"))


def test_a_server_that_stores_something_else_is_found_out(server: Hub, cache: Path, record_property: Any) -> None:
    server.fault("PUT /lfs", "flip")
    with pytest.raises(IntegrityError, match=sha256(DATA)) as refused:
        hub.push("me/x", FILES, message="m", endpoint=server.url)
    assert sha256(loopback.flipped(DATA)) in refused.value.message
    record_property("hub", ("the upload is stored with a flipped byte", "always", "refused, exit 3"))


def test_a_push_again_changes_nothing_and_a_tag_is_never_moved(server: Hub, cache: Path) -> None:
    first = hub.push("me/x", FILES, message="m", tag="v1", endpoint=server.url)
    assert hub.push("me/x", FILES, message="m", tag="v1", endpoint=server.url) == first
    server.put("me/x", {"NOTES.md": b"by hand"})
    second = hub.push("me/x", {**FILES, "config.json": b"{ }"}, message="m", endpoint=server.url)
    assert second != first and server.repos["me/x"].commits[-1][1]["NOTES.md"] == b"by hand"
    with pytest.raises(UsageError, match="'v1' already"):
        hub.push("me/x", {**FILES, "config.json": b"{ }"}, message="m", tag="v1", endpoint=server.url)
    assert server.repos["me/x"].tags == {"v1": first}


def test_private_stays_private(server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.push("me/x", FILES, message="m", private=True, endpoint=server.url)
    assert server.repos["me/x"].private
    server.repos["me/y"] = loopback.Repo(commits=[(OTHER, {})])
    with pytest.raises(UsageError, match="me/y is public"):
        hub.push("me/y", FILES, message="m", private=True, endpoint=server.url)
    assert len(server.repos["me/y"].commits) == 1
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(NetworkError, match="ZOO_OFFLINE"):
        hub.push("me/z", FILES, message="m", endpoint=server.url)
    monkeypatch.delenv("ZOO_OFFLINE")
    with pytest.raises(UsageError, match="no name of a repository"):
        hub.push("not a/name/at all", FILES, message="m", endpoint=server.url)


def test_git_hashes_are_gits() -> None:
    assert git_hash(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"  # git hash-object /dev/null


# -- what a server may say ---------------------------------------------------------------------------------

ANY = f"/{FILE}"
BOMB = gzip.compress(DATA + bytes(30_000_000), 1)  # kilobytes, and made beforehand: the client is not patient
OVERSIZE: dict[str, tuple[str, str, Any, int, str]] = {
    # what the server does: where, kind, value, exit code, what is said then
    "63 MB are announced": (ANY, "announce", 63_000_000, 3, "63,000,000 bytes, must be 60,000"),
    "no size is announced": (HEAD, "announce", 0, 5, "it has no size"),
    "a negative size is announced": (HEAD, "announce", -1, 5, "its size is '-1'"),
    "the body has no end": (BODY, "endless", DATA, 3, "more than the 60,000 bytes"),
    "the body is larger than announced": (BODY, "announce", 63_000_000, 3, "63,000,000 bytes, must be 60,000"),
    "kilobytes unpack to 30 MB": (BODY, "pack", ("gzip", BOMB), 3, "more than the 60,000 bytes"),
    "it is packed twice": (BODY, "pack", ("gzip, gzip", gzip.compress(BOMB)), 5, "packed as 'gzip, gzip'"),
}  # fmt: skip


@pytest.mark.parametrize("pinned", [True, False])
@pytest.mark.parametrize("fault", OVERSIZE)
def test_a_file_is_no_longer_than_it_must_be(
    server: Hub, cache: Path, fault: str, pinned: bool, record_property: Any
) -> None:
    where, kind, value, code, words = OVERSIZE[fault]
    if not pinned and where == ANY:
        where = BODY  # without a pin, what is announced is all there is to go by
    commit = server.put("me/x", {FILE: DATA})
    server.fault(where, kind, value=value)
    what: dict[str, Any] = {"pinned": sha256(DATA), "size": len(DATA)} if pinned else {}
    with pytest.raises((IntegrityError, NetworkError), match=words) as refused:
        hub.fetch("me/x", commit, FILE, endpoint=server.url, **what)
    assert refused.value.exit_code == code
    assert not [path for path in cache.rglob("*") if path.is_file() and path.stat().st_size and path.suffix != ".TAG"]
    assert server.sent < 10_000_000, "it is stopped, and nothing is fetched twice"
    if where in (ANY, HEAD):
        assert server.sent == 0
    record_property("hub", (fault, "always", f"refused, exit {code}"))


def test_a_large_file_without_end_is_stopped_within_a_chunk(server: Hub, cache: Path) -> None:
    data = os.urandom(1_000_000) * 15
    commit = server.put("me/x", {FILE: data})
    server.fault(BODY, "endless", value=data)
    with pytest.raises(IntegrityError, match="more than the 15,000,000 bytes"):
        hub.fetch("me/x", commit, FILE, pinned=sha256(data), size=len(data), endpoint=server.url)
    assert server.sent < 15_000_000 + 2 * 10_000_000 and not list(cache.rglob("*.incomplete"))


def test_a_file_that_begins_anew_for_ever_is_given_up(server: Hub, cache: Path) -> None:
    """One that breaks off late each time, on a server that does not know how to go on."""
    data = os.urandom(1_000_000) * 25
    commit = server.put("me/x", {FILE: data})
    server.fault(BODY, "raw", value=(data[:24_000_000], {"Content-Length": str(len(data)), "Connection": "close"}))
    with pytest.raises(NetworkError, match="again and again"):
        hub.fetch("me/x", commit, FILE, pinned=sha256(data), size=len(data), endpoint=server.url)
    assert server.sent < 8 * len(data)


def test_headers_that_change_are_not_followed(server: Hub, cache: Path) -> None:
    """The client asks for them once more, and makes paths of what it hears."""
    commit = server.put("me/x", {FILE: DATA})
    server.fault(HEAD, "nothing", 1)
    server.fault(HEAD, "etag", value="../../../../evil")
    with pytest.raises(NetworkError, match="something else of the same file"):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    server.faults[:] = [loopback.Fault(HEAD, "nothing", 1), loopback.Fault(HEAD, "commit", value=OTHER)]
    with pytest.raises(NetworkError, match="something else of the same file"):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    assert not list(cache.parent.rglob("*evil*")) and not list(cache.rglob("refs"))


FACTS, LIST, INFO, COMMIT, REFS = (
    "GET /api/models/me/x", "GET /api/models/me/x/tree", "/paths-info/", "/commit/main", "/refs"
)  # fmt: skip
HTML = b"<!doctype html><title>Log in to the hotel</title>"
GARBAGE: dict[str, tuple[str, bytes]] = {
    "a page": ("/api/", HTML),
    "nothing": ("/api/", b""),
    "a number": ("/api/", b"7"),
    "a text": ("/api/", b'"hello"'),
    "a list": ("/api/", b"[1, 2]"),
    "an empty object": ("/api/", b"{}"),
    "brackets": ("/api/", b"[" * 200_000),
    "no UTF-8": ("/api/", b"\xff\xfe\x80"),
    "facts without a commit": (FACTS + "$", b'{"id": "me/x"}'),
    "facts with a number as commit": (FACTS + "$", b'{"id": "me/x", "sha": 7, "private": false}'),
    "facts with a path as commit": (FACTS + "$", b'{"id": "me/x", "sha": "../../x", "private": false}'),
    "facts that are private to a degree": (FACTS + "$", b'{"id":"me/x","sha":"%b","private":"no"}' % OTHER.encode()),
    "facts of controls": (FACTS + "$", b'{"id": "me/x", "sha": "\\u001b[2J", "private": false}'),
    "files without hashes": (INFO, b'[{"type": "file", "path": "README.md", "size": 1}]'),
    "files with wrong hashes": (INFO, b'[{"type": "file", "path": "README.md", "size": 1, "oid": "0"}]'),
    "files outside": (INFO, b'[{"type":"file","path":"../x","size":1,"oid":"%b"}]' % OTHER.encode()),
    "files of size 'big'": (INFO, b'[{"type":"file","path":"x","size":"big","oid":"%b"}]' % OTHER.encode()),
    "large files without sha256": (INFO, b'[{"type":"file","path":"x","size":1,"oid":"%b","lfs":{"oid":"1",'
                                         b'"size":1,"pointerSize":1}}]' % OTHER.encode()),
    "a commit without a name": (COMMIT, b'{"success": true, "commitUrl": "http://x/me/x/commit/1"}'),
    "a commit with another kind of name": (COMMIT, b'{"commitOid": "latest", "commitUrl": "http://x/me/x/commit/1"}'),
    "tags without commits": (REFS, b'{"branches": [], "converts": [], "tags": [{"name": "v1", "ref": "x"}]}'),
    "tags of a number": (REFS, b'{"branches":[],"converts":[],"tags":[{"name":1,"ref":"x","targetCommit":"x"}]}'),
}  # fmt: skip


@pytest.mark.parametrize("what", GARBAGE)
def test_answers_that_no_hub_gives(server: Hub, cache: Path, what: str, record_property: Any) -> None:
    where, answer = GARBAGE[what]
    server.put("me/x", {"README.md": b"1"})
    server.fault(where, "raw", value=(answer, {"Content-Type": "application/json"}))
    with pytest.raises(NetworkError, match=r"^me/x: the answer of 127.0.0.1:[0-9]+ is not one of a Hub: .") as refused:
        hub.push("me/x", FILES, message="m", tag="v1", private=where.startswith(FACTS), endpoint=server.url)
    assert refused.value.exit_code == 5 and refused.value.message.isprintable()
    struck = [request for request in server.requests if re.search(where, request)]
    assert len(struck) <= 2, "asking again is of no use"
    record_property("hub", (f"an answer that is {what}", "always", "refused, exit 5"))


@pytest.mark.parametrize("answer", [HTML, b"", b"7", b"{}", b'[{"path": 7}]', b"[" * 200_000])
def test_lists_and_headers_that_no_hub_gives(server: Hub, cache: Path, answer: bytes) -> None:
    commit = server.put("me/x", {"README.md": b"1"})
    server.fault("HEAD ", "raw", 1, (answer, {}))
    with pytest.raises(NetworkError, match="is not one of a Hub: it has no commit_hash"):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    server.fault("/tree/", "raw", value=(answer, {"Content-Type": "application/json"}))
    if answer != b"{}":  # as good as an empty list
        with pytest.raises(NetworkError, match=r"is not one of a Hub: ."):
            hub.fetch("me/x", commit, FILE, endpoint=server.url)


def test_an_answer_without_end_is_cut(server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zoo_core.hub.limits.MOST", 20)
    commit = server.put("me/x", {"README.md": b"1"})
    server.fault("/api/models/me/x$", "endless", value=b"[")
    with pytest.raises(NetworkError, match="longer than 50,000,000 bytes"):
        hub.read_head("me/x", "README.md", server.url)
    assert server.sent < 60_000_000
    page = (b"[]", {"Link": f'<{server.url}/api/models/me/x/tree/{commit}?more=1>; rel="next"'})
    server.faults[:] = [loopback.Fault("/tree/", "raw", value=page)]
    with pytest.raises(NetworkError, match="more than 20 parts"):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)


@pytest.mark.parametrize("body", [[1, 2], 7, "text", {"errors": 7}, {"errors": [7]}, None])
def test_an_error_in_another_form_is_still_an_error(server: Hub, cache: Path, body: Any) -> None:
    server.put("me/x", {"README.md": b"1"})
    server.fault("/api/models/me/x$", "status", 2, (503, {}, body))
    assert hub.read_head("me/x", "README.md", server.url) == b"1", "it passes"
    server.fault("/api/models/me/x$", "status", value=(503, {}, body))
    with pytest.raises(NetworkError, match=r"me/x cannot be reached: .*503"):
        hub.read_head("me/x", "README.md", server.url)


def test_a_token_that_a_server_repeats_is_not_shown(server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    commit = server.put("me/x", {FILE: DATA, "hf_verysecret.bin": b""})
    url = server.url.replace("http://", "http://me:password@")
    for where, kind, value in ((HEAD, "etag", "hf_verysecret"), (HEAD, "commit", "hf_verysecret"),
                               (HEAD, "raw", (b"", {"ETag": '"1"', "X-Repo-Commit": "\thf_verysecret" * 999})),
                               (HEAD, "status", (404, {"X-Error-Code": "EntryNotFound"})),
                               (HEAD, "status", (400, {"X-Error-Message": "hf_verysecret"}))):  # fmt: skip
        server.faults[:] = [loopback.Fault(where, kind, value=value)]
        with pytest.raises((IntegrityError, NetworkError)) as refused:
            hub.fetch("me/x", commit, FILE, endpoint=url)
        assert "verysecret" not in str(refused.value) and "password" not in str(refused.value)


@pytest.mark.parametrize("where", [HEAD, BODY])
@pytest.mark.parametrize(("status", "headers"), [(503, {"Retry-After": "9999"}), (429, {"Retry-After": "9999"}),
                                                 (429, {"ratelimit": '"api";r=0;t=9999'})])  # fmt: skip
def test_long_waits_are_short_and_said(
    server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
    where: str, status: int, headers: dict[str, str],
) -> None:  # fmt: skip
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    commit = server.put("me/x", {FILE: DATA})
    server.fault(where, "status", value=(status, headers))
    with pytest.raises(NetworkError, match=str(status)):
        hub.fetch("me/x", commit, FILE, endpoint=server.url)
    assert waits == [30.0] * 3
    said = [record.getMessage() for record in caplog.records if record.name == "zoo_core.hub"]
    assert said == ["the server asks to wait 9999 s; trying again in 30 s"] * 3


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/a",
        "a b/c",
        "..",
        "a/..",
        "",
        "https://example.org/a/b",
        "a/b/c",
        "a\\b/c",
        "a/\x1b[2J",
        "a" * 97 + "/b",
    ],
)
def test_names_that_are_none(cache: Path, name: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: hub.split_address(f"{name}@{OTHER}"), lambda: hub.cached(name, OTHER, FILE),
        lambda: hub.fetch(name, OTHER, FILE), lambda: hub.folder(f"{name}@{OTHER}", [FILE]),
        lambda: hub.check_name(name), lambda: hub.read_head(name, FILE), lambda: hub.push(name, {}, message=""),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(UsageError) as refused:
            call()
        assert refused.value.exit_code == 2


@pytest.mark.parametrize("file", ["../x", "/etc/passwd", "a/../../x", "..\\x", "", "a\nb", "\x1b[2J"])
def test_files_that_are_outside(cache: Path, file: str) -> None:
    for call in (hub.cached, hub.fetch):
        with pytest.raises(IntegrityError, match="cannot be a file of me/x"):
            call("me/x", OTHER, file)


def test_what_a_server_says_in_passing_is_not_shown(
    server: Hub, cache: Path, capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    said = {"errors": [], "warnings": [{"message": "\x1b[2J owned"}]}
    server.fault("/validate-yaml", "raw", value=(json.dumps(said).encode(), {"X-HF-Warning": "a; owned"}))
    hub.push("me/x", FILES, message="m", endpoint=server.url)
    assert "owned" not in "".join(capfd.readouterr()) + "".join(str(warning.message) for warning in recwarn)


def test_a_progress_bar_has_a_title_of_ours(
    server: Hub, cache: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bars = importlib.import_module("huggingface_hub.utils")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    bars.enable_progress_bars()
    commit = server.put("me/x", {FILE: DATA})
    server.fault(BODY, "raw", value=(DATA, {"Content-Disposition": 'attachment; filename="owned\x1b[2J";'}))
    hub.fetch("me/x", commit, FILE, endpoint=server.url)
    shown = "".join(capfd.readouterr())
    assert FILE in shown
    assert "owned" not in shown and "\x1b[2J" not in shown
    bars.disable_progress_bars()


# -- what a cache may hold -----------------------------------------------------------------------------------


def dead(monkeypatch: pytest.MonkeyPatch, how: str, server: Hub) -> str:
    """No network, in one of three ways; the server to ask."""
    if how == "ZOO_OFFLINE":
        monkeypatch.setenv("ZOO_OFFLINE", "1")
    if how == "HF_HUB_OFFLINE":
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    return "http://127.0.0.1:9" if how == "no network" else server.url


def asked_by_default(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """As ``HF_ENDPOINT`` says it at the start of a process."""
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", url)
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


OFFLINE = ["ZOO_OFFLINE", "HF_HUB_OFFLINE", "no network"]


@pytest.mark.parametrize("how", OFFLINE)
@pytest.mark.parametrize("file", [FILE, "config.json"])
def test_an_unpinned_copy_is_compared_with_its_own_hash(
    server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch, how: str, file: str
) -> None:
    commit = server.put("me/x", {file: DATA})
    path = hub.fetch("me/x", commit, file, endpoint=server.url)
    wrong = loopback.flipped(DATA)
    path.write_bytes(wrong)
    assert hub.fetch("me/x", commit, file, endpoint=server.url).read_bytes() == DATA
    path.write_bytes(wrong)
    asked_by_default(monkeypatch, url := dead(monkeypatch, how, server))
    right, found = (sha256(DATA), sha256(wrong)) if file == FILE else (git_hash(DATA), git_hash(wrong))
    calls: list[Callable[[], Path]] = [
        lambda: hub.fetch("me/x", commit, file, endpoint=url),
        lambda: hub.folder(f"me/x@{commit}", [file]),
    ]
    for call in calls:
        with pytest.raises(IntegrityError, match=f"{file} is damaged: its hash is {found}, must be {right}") as refused:
            call()
        assert refused.value.exit_code == 3 and path.read_bytes() == wrong, "it stays until there is a better one"


def test_a_copy_in_a_cache_without_links_is_compared_where_that_is_possible(
    server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = server.put("me/x", {FILE: DATA})
    path = hub.fetch("me/x", commit, FILE, endpoint=server.url)
    path.resolve().rename(path)
    assert not path.is_symlink()
    server.requests.clear()
    assert hub.fetch("me/x", commit, FILE, endpoint=server.url) == path
    assert [request.split(" ")[0] for request in server.requests] == ["HEAD"]
    path.write_bytes(loopback.flipped(DATA))
    assert hub.fetch("me/x", commit, FILE, endpoint=server.url).read_bytes() == DATA
    path.unlink()
    path.write_bytes(b"who knows")
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert hub.fetch("me/x", commit, FILE) == path


@pytest.mark.parametrize("how", OFFLINE)
def test_a_damaged_pinned_copy_stays_until_it_can_be_replaced(
    server: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    commit = server.put("me/x", {FILE: DATA})
    pin = pins.Pin("a", "b", FILE, len(DATA), sha256(DATA), "MIT", "me/x", commit, home=tmp_path)
    path = manifest.locate(pin, endpoint=server.url)
    wrong = loopback.flipped(DATA)
    path.write_bytes(wrong)
    with monkeypatch.context() as patch:
        url = dead(patch, how, server)
        with pytest.raises(
            IntegrityError, match=f"{FILE} is damaged: .*{sha256(wrong)}, must be {sha256(DATA)}"
        ) as refused:
            manifest.held(pin, lambda path: pin.check_files(path), url)
        assert refused.value.exit_code == 3 and "zoo pull a.b" in refused.value.hint
        assert path.read_bytes() == wrong
    server.fault(BODY, "status", value=(500, {}))
    with pytest.raises(IntegrityError, match="is damaged"):
        manifest.locate(pin, again=True, endpoint=server.url)
    assert path.read_bytes() == wrong
    server.faults.clear()
    assert manifest.locate(pin, again=True, endpoint=server.url) == path and path.read_bytes() == DATA


def test_an_address_without_a_network(
    server: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights in several files are known by their index; a damaged file is not taken for a missing one."""
    import torch

    from zoo_core.weights import find, shards

    shards.save(tmp_path, {"a": torch.zeros(9), "b": torch.ones(9)}, {}, largest=40)
    several = server.put("me/x", {file.name: file.read_bytes() for file in tmp_path.glob("model*")})
    single = server.put("me/y", {FILE: DATA})
    asked_by_default(monkeypatch, server.url)
    places = [find.fetched("me/x", several), find.fetched("me/y", single)]
    assert [place.name for place in places] == [pins.INDEX, pins.WEIGHTS]
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert [find.fetched("me/x", several), find.fetched("me/y", single)] == places
    for place in places:
        place.write_bytes(loopback.flipped(place.read_bytes()))
    for repo, commit in (("me/x", several), ("me/y", single)):
        with pytest.raises(IntegrityError, match="is damaged"):
            find.fetched(repo, commit)


def test_a_name_that_the_cache_has_for_another_commit_is_not_believed(server: Hub, cache: Path) -> None:
    commit = server.put("me/x", {FILE: DATA})
    hub.fetch("me/x", commit, FILE, endpoint=server.url)
    refs = cache / "models--me--x" / "refs"
    refs.mkdir()
    (refs / OTHER).write_text(commit)
    assert hub.cached("me/x", OTHER, FILE) is None


def test_a_copy_that_cannot_be_read_is_said(server: Hub, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = server.put("me/x", {"config.json": b"{}"})
    path = hub.fetch("me/x", commit, "config.json", endpoint=server.url)

    def refuse(self: Path, *_: Any) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError, match=f"cannot read {path}"):
        hub.fetch("me/x", commit, "config.json", endpoint=server.url)


def test_what_killed_pulls_leave_goes_and_what_runs_stays(
    zoo: Zoo, server: Hub, online: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the next pull of the repository, or by pruning; a process that is stalled in a download is left in peace."""
    root = Path(online["HF_HOME"]) / "hub"
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(root))
    data = published(server, online)
    patient = {**online, "HF_HUB_DOWNLOAD_TIMEOUT": "120"}
    server.fault(BODY, "stall", 1, 60.0)
    process = start("pull", "judge.mnist", env=patient)
    wait_for(lambda: any(file.stat().st_size or True for file in root.glob("*/blobs/*.incomplete")))
    (living,) = root.glob("*/blobs/*.incomplete")
    dead_one = living.parent / f"{OTHER}.01234567.incomplete"
    dead_one.write_bytes(b"12345")
    elsewhere = root / "models--a--b" / "blobs" / f"{OTHER}.incomplete"  # as earlier releases of the client call it
    elsewhere.parent.mkdir(parents=True)
    elsewhere.write_bytes(b"123")
    assert hub.unfinished() == sorted([dead_one, elsewhere]) and hub.sweep(dry_run=True) == (2, 8)
    keep = {"me/x": {OTHER}}
    assert hub.prune(keep, dry_run=True) == (0, 8) and dead_one.exists()
    assert hub.prune(keep) == (0, 8) and not dead_one.exists() and not elsewhere.exists()
    assert living.exists() and process.poll() is None and hub.unfinished() == []
    process.kill()
    process.wait(30)
    assert living.exists() and hub.unfinished() == [living]
    assert zoo("pull", "judge.mnist", env=online).returncode == 0
    assert kept(root) == [data] and not list(root.rglob("*.incomplete"))


# -- the command line --------------------------------------------------------------------------------------


def pinned(env: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(Path(env["ZOO_MANIFEST"]).read_text())["weights"]
    return found


@pytest.mark.nightly
def test_all_bundled_weights_go_to_the_hub_and_come_back(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    """And then everything works without a network, and without being told that there is none."""
    before = Path(online["ZOO_MANIFEST"]).read_text()
    bundled = {p.name: p.read_bytes() for p in (tmp_path / "zoo" / "weights").iterdir()}
    done = zoo("push", "--all", "--repo", "me", "--tag", "v1", "--device", "cpu", env=online)
    assert done.returncode == 0, done.stderr
    after = Path(online["ZOO_MANIFEST"]).read_text()
    assert {line for line in before.splitlines() if line not in after.splitlines()} <= {'repo = ""', 'commit = ""'}
    for name, pin in pinned(online).items():
        repo = server.repos[pin["repo"]]
        assert pin["repo"] == f"me/zoo-{name.replace('.', '-')}" and f'+commit = "{pin["commit"]}"' in done.stdout
        assert repo.commits[-1][0] == pin["commit"] == repo.tags["v1"] and len(repo.commits) == 2
        assert repo.commits[-1][1][FILE] == bundled[f"{name}.safetensors"]
    shutil.rmtree(tmp_path / "zoo" / "weights")
    assert zoo("weights", "path", "cgan", env=online).returncode == 2
    done = zoo("sample", "cgan", "--class", "sandal", "-o", "first.png", env=online)
    assert done.returncode == 0, done.stderr
    assert zoo("pull", "--all", env=online).returncode == 0
    counted = [request for request in server.requests if re.search(r"GET /.*/resolve/.*/config\.json", request)]
    assert len(counted) == len(pinned(online)), "which is how the Hub counts"
    for name in pinned(online):
        path = Path(zoo("weights", "path", name, env=online).stdout.strip())
        assert path.read_bytes() == bundled[f"{name}.safetensors"], name
    blocked = {**online, "NO_SOCKETS": "1"}
    assert zoo("weights", "verify", env=blocked).returncode == 0
    assert zoo("sample", "cgan", "--class", "sandal", "-o", "second.png", env=blocked).returncode == 0
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "second.png").read_bytes()
    host = server.url.removeprefix("http://").replace(":", " ")
    assert set(Path(online["PEERS"]).read_text().splitlines()) == {host}


def test_a_dry_run_shows_everything_and_sends_nothing(zoo: Zoo, server: Hub, online: dict[str, str]) -> None:
    before = Path(online["ZOO_MANIFEST"]).read_text()
    done = zoo("push", "cgan", "--repo", "me/zoo-cgan", "--private", "--dry-run", env={**online, "NO_SOCKETS": "1"})
    assert done.returncode == 0, done.stderr
    for words in ("me/zoo-cgan, private", "1,302,736  model.safetensors", "config.json", "samples.png", "# cgan.dcgan"):
        assert words in done.stdout
    done = zoo("push", "cgan", "--repo", "me/zoo-cgan", "--dry-run", "--json", env={**online, "NO_SOCKETS": "1"})
    assert answered(done.stdout)["weights"][0]["files"][FILE] == 1_302_736
    assert server.requests == [] and Path(online["ZOO_MANIFEST"]).read_text() == before


def test_a_run_is_published_with_a_card_that_the_hub_reads(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    done = zoo(
        "train",
        "gan",
        "--preset",
        "conv-small",
        "--iterations",
        "3",
        "--latent",
        "16",
        "-o",
        "run",
        "--device",
        "cpu",
        env=online,
    )
    assert done.returncode == 0, done.stderr
    server.put("me/zoo-gan", {"README.md": b"---\nlanguage: en\ntags:\n- mine\n---\nWritten by hand.\n"})
    done = zoo("push", "gan", "run", "--repo", "me/zoo-gan", "--dirty", env=online)
    assert done.returncode == 0, done.stderr
    files = server.repos["me/zoo-gan"].commits[-1][1]
    assert files[FILE] == (tmp_path / "run" / FILE).read_bytes()
    assert {"config.json", "samples.png", "figures/curves.png"} <= set(files)
    card = huggingface_hub.ModelCard(files["README.md"].decode())
    facts = card.data
    assert isinstance(facts, huggingface_hub.ModelCardData) and facts.eval_results
    data = facts.to_dict()
    assert data["license"] == "mit" and data["language"] == "en" and {"mine", "zoo", "gan"} <= set(data["tags"])
    results = {result.metric_type: result.metric_value for result in facts.eval_results}
    pin = pinned(online)["gan.conv-small"]
    assert results.keys() == pin["metrics"].keys() and pin["sha256"] == sha256(files[FILE])
    for metric in registry.load("gan").card.metrics:
        assert results[metric.name] == pytest.approx(pin["metrics"][metric.name], rel=0.02, abs=10.0**-metric.decimals)
    assert (pin["trained"]["distribution"], pin["trained"]["version"]) == ("zoo-core", zoo_core.__version__)
    for words in ("Written by hand.", "--preset conv-small --seed 0 --iterations 3 --latent 16",
                  'WEIGHTS = "me/zoo-gan@COMMIT"',
                  "<Gallery />", f"by zoo-core {zoo_core.__version__}", "## Numbers"):  # fmt: skip
        assert words in card.text
    repo = server.repos["me/zoo-gan"]
    changed = files["README.md"].replace(b"Written by hand.", b"Written later.")
    server.put("me/zoo-gan", {"README.md": changed})
    assert zoo("push", "gan", "run", "--repo", "me/zoo-gan", "--dirty", env=online).returncode == 0
    assert repo.commits[-1][1]["README.md"] == changed and b"Written later." in changed
    # and anyone may use it, pinned or not
    where = f"me/zoo-gan@{repo.commits[-1][0]}"
    done = zoo("sample", "gan", "--weights", where, "-o", "x.png", env=online)
    assert done.returncode == 0 and f"{where} is not pinned" in done.stderr, done.stderr
    done = zoo("sample", "gan", "--weights", "me/zoo-gan@main", env=online)
    assert done.returncode == 2 and "40 digits" in done.stderr
    assert zoo("sample", "gan.conv-small", "-o", "y.png", env=online).returncode == 0


def test_no_path_becomes_public(zoo: Zoo, online: dict[str, str], tmp_path: Path) -> None:
    rows = "".join(f'{{"source": "the cat {i} sat on the mat", "target": "cat {i}"}}\n' for i in range(9))
    (tmp_path / "mine.jsonl").write_text(rows)
    words = ["--continue", "t5-summarizer.mini", "--data", str(tmp_path / "mine.jsonl"), "--iterations", "1"]
    done = zoo("train", "t5-summarizer", *words, "-o", "run", env=online)
    assert done.returncode == 0, done.stderr
    command = ["push", "t5-summarizer", "run", "--repo", "me/x", "--dry-run", "--dirty"]
    done = zoo(*command, env=online)
    assert done.returncode == 2 and "trained on data of your own (mine.jsonl), so its licence is yours" in done.stderr
    done = zoo(*command, "--licence", "MIT", env=online)
    assert done.returncode == 0 and "not the data itself" in done.stderr, done.stderr
    assert f"--data mine.jsonl@{sha256(rows.encode())[:16]}" in done.stdout
    assert str(tmp_path) not in done.stdout and "the paths in" not in done.stderr
    old = tmp_path / "run" / FILE  # as release 0.2 and earlier wrote it
    with safetensors.safe_open(old, "pt") as file:
        facts = json.loads(file.metadata()["zoo"])
        tensors = {name: file.get_tensor(name) for name in list(file.keys())}
    facts["options"]["data"] = str(tmp_path / "mine.jsonl")
    safetensors.torch.save_file(tensors, old, {"zoo": json.dumps(facts)})
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["options"] = facts["options"]
    record["weights"] = {"sha256": sha256(old.read_bytes()), "size": old.stat().st_size}
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    done = zoo(*command, "--licence", "MIT", env=online)
    assert done.returncode == 0 and "everybody will read the paths in --data" in done.stderr, done.stderr


def test_tokens_are_sent_and_never_shown(zoo: Zoo, server: Hub, online: dict[str, str]) -> None:
    server.token = "hf_verysecret"
    command = ("push", "judge.mnist", "--repo", "me/judge", "--device", "cpu")
    assert zoo(*command, env=online).returncode == 0
    done = zoo(*command, env={**online, "HF_TOKEN": "hf_wrongone"})
    assert done.returncode == 5 and "hf auth login" in done.stderr and "hf_wrongone" not in done.stderr + done.stdout
    server.fault(".", "echo")
    done = zoo("--debug", "pull", "judge.mnist", env={**online, "ZOO_MANIFEST": unbundled(online)})
    said = done.stdout + done.stderr
    assert done.returncode == 5 and "Traceback" in said and "you sent Bearer …" in said and "verysecret" not in said


def unbundled(online: dict[str, str]) -> str:
    """The manifest without the files."""
    shutil.rmtree(Path(online["ZOO_MANIFEST"]).parent / "weights", ignore_errors=True)
    return online["ZOO_MANIFEST"]


def published(server: Hub, online: dict[str, str], name: str = "judge.mnist") -> bytes:
    """One model's weights on the hub, pinned, and not bundled."""
    file = Path(online["ZOO_MANIFEST"])
    data = (file.parent / "weights" / f"{name}.safetensors").read_bytes()
    commit = server.put("me/x", {FILE: data})
    found = pins.read(file)[name]
    pins.write([replace(found, repo="me/x", commit=commit)], file)
    unbundled(online)
    return data


def test_the_endpoint_may_be_given(zoo: Zoo, server: Hub, online: dict[str, str]) -> None:
    published(server, online)
    dead = {**online, "HF_ENDPOINT": "http://127.0.0.1:9"}
    done = zoo("pull", "judge.mnist", env=dead)
    assert done.returncode == 5 and "me/x" in done.stderr, done.stderr
    assert zoo("pull", "judge.mnist", "--endpoint", server.url, env=dead).returncode == 0
    assert zoo("weights", "verify", "judge.mnist", env=dead).stdout.startswith("judge.mnist  as pinned")


def start(*arguments: str, env: dict[str, str], **how: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "zoo_core", *arguments]
    how = {"preexec_fn": hears_ctrl_c, **how}
    return subprocess.Popen(
        command, env=environment(**env), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **how
    )


def hears_ctrl_c() -> None:
    """A shell starts what runs in its background deaf to Ctrl-C, and children inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_two_at_once_get_one_file(server: Hub, online: dict[str, str], record_property: Any) -> None:
    data = published(server, online)
    server.fault(BODY, "stall", value=1.0)
    both = [start("pull", "judge.mnist", env=online) for _ in range(2)]
    assert [(p.wait(60), p.communicate()[1])[0] for p in both] == [0, 0]
    assert kept(Path(online["HF_HOME"])) == [data]
    record_property("hub", ("two processes at once", "always", "survived"))


def test_ctrl_c_leaves_nothing_that_could_be_loaded(
    zoo: Zoo, server: Hub, online: dict[str, str], record_property: Any
) -> None:
    data = published(server, online)
    server.fault(BODY, "stall", 1, 60.0)  # far longer than a busy machine takes to start a process and to stop it
    patient = {**online, "HF_HUB_DOWNLOAD_TIMEOUT": "120"}  # the client must still be waiting then
    process = start("pull", "judge.mnist", env=patient)
    wait_for(lambda: any(request.startswith("GET /me/x/resolve") for request in server.requests))
    time.sleep(0.3)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130 and process.communicate()[1].strip().startswith("error: stopped\n  next: ")
    assert kept(Path(online["HF_HOME"])) == []
    assert zoo("pull", "judge.mnist", env=online).returncode == 0 and kept(Path(online["HF_HOME"])) == [data]
    record_property("hub", ("Ctrl-C during a pull", "once", "exit 130, nothing kept"))


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(600):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError("it never happened")


def small_files() -> None:
    """As a full disk: no file may grow beyond 100 kB."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


def no_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def test_a_full_disk_and_a_cache_that_cannot_be_written(
    zoo: Zoo, server: Hub, online: dict[str, str], record_property: Any
) -> None:
    published(server, online)
    online["PYTHONDONTWRITEBYTECODE"] = "1"  # else half of a large module would stay compiled for whoever comes next
    process = start("pull", "judge.mnist", env=online, preexec_fn=small_files)
    assert process.wait(60) == 1 and "no room to write" in (said := process.communicate()[1]) and "HF_HOME" in said, (
        said
    )
    assert kept(Path(online["HF_HOME"])) == []
    done = zoo("pull", "judge.mnist", env={**online, "HF_HOME": "/proc/nowhere"})
    assert done.returncode == 2 and "HF_HOME" in done.stderr, done.stderr
    assert zoo("pull", "judge.mnist", env=online).returncode == 0
    quiet = {key: value for key, value in online.items() if key != "PYTHONPATH"}
    process = start("weights", "verify", "judge.mnist", env=quiet, preexec_fn=no_files)  # reading needs no writing
    assert process.wait(60) == 0, process.communicate()
    for fault, outcome in (("a full disk", "refused, exit 1"), ("a cache that cannot be written", "refused, exit 2")):
        record_property("hub", (fault, "always", outcome))


def test_a_plugin_of_another_package_carries_its_own_pins(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path
) -> None:
    """Published, pinned beside its module, fetched by its users; if its manifest is broken, only it is."""
    site = tmp_path / "guard"
    distribution(site, "zoo-mine", "pixels", "zoo_mine:plugin", FACE)
    mine = site / "zoo_mine" / "weights_manifest.toml"
    done = zoo("train", "pixels", "-o", "run", "--device", "cpu", env=online)
    assert done.returncode == 0, done.stderr
    done = zoo("push", "pixels", "run", "--repo", "me/pixels", "--manifest", str(mine), "--dirty", env=online)
    assert done.returncode == 0, done.stderr
    server.requests.clear()
    assert zoo("sample", "pixels", "-o", "x.png", env=online).returncode == 0
    assert server.requests == [], "whoever has published it has it"
    assert "pixels" in zoo("weights", "list", env=online).stdout
    card = server.repos["me/pixels"].commits[-1][1]["README.md"].decode()
    assert "$ pip install zoo-mine\n" in card and "by zoo-mine 1.0" in card
    face = site / "zoo_mine" / "__init__.py"
    face.write_text(changed(changed(FACE, "Budget(epochs=1)", "Train()"), "\nCARD", NEW_RELEASE))
    done = zoo("doctor", env=online)
    assert done.returncode == 3 and "pixels has no option '--" in done.stdout, done.stdout
    assert "release of zoo-mine that made it" in " ".join(done.stdout.split())
    face.write_text(FACE)
    text_before = mine.read_text()
    for text in (text_before.replace("sha256", "sha255"), Path(online["ZOO_MANIFEST"]).read_text()):
        mine.write_text(text)
        assert (
            zoo("list", env=online).returncode == 0
            and zoo("sample", "vae", "-o", "v.png", "--overwrite", env=online).returncode == 0
        )
        done = zoo("sample", "pixels", env=online)
        assert done.returncode == 3 and str(mine) in done.stderr.replace("\n", ""), done.stderr
        assert zoo("doctor", env=online).returncode == 3


def test_prune_removes_what_is_no_longer_pinned(zoo: Zoo, server: Hub, online: dict[str, str]) -> None:
    data = published(server, online)
    assert zoo("pull", "judge.mnist", env=online).returncode == 0
    file = Path(online["ZOO_MANIFEST"])
    later = server.put("me/x", {"README.md": b"later"})
    found = pins.read(file)["judge.mnist"]
    pins.write([replace(found, commit=later)], file)
    assert zoo("pull", "judge.mnist", env=online).returncode == 0
    assert "would remove 1 commits" in zoo("weights", "prune", "--dry-run", env=online).stdout
    assert len(kept(Path(online["HF_HOME"]))) == 2
    assert "removed 1 commits" in zoo("weights", "prune", env=online).stdout
    assert kept(Path(online["HF_HOME"])) == [data]
    assert zoo("weights", "verify", "judge.mnist", env=online).returncode == 0


def test_weights_list_says_where_everything_is(zoo: Zoo, server: Hub, online: dict[str, str]) -> None:
    shown = answered(zoo("weights", "list", "--json", env=online).stdout)["weights"]
    assert {row["where"] for row in shown} == {"bundled"} and len(shown) == len(pinned(online))
    published(server, online)
    shown = {
        row["weights"]: row["where"] for row in answered(zoo("weights", "list", "--json", env=online).stdout)["weights"]
    }
    assert shown.pop("judge.mnist") == "on the Hub" and set(shown.values()) == {"missing"}
    assert zoo("pull", "judge.mnist", env=online).returncode == 0
    assert "cached" in zoo("weights", "list", env=online).stdout
    path = Path(zoo("weights", "path", "judge.mnist", env=online).stdout.strip())
    path.write_bytes(loopback.flipped(path.read_bytes()))
    done = zoo("weights", "verify", env=online)
    assert done.returncode == 3 and "must be" in done.stderr
    done = zoo("weights", "verify", "--json", env=online)
    assert done.returncode == 3 and {row["ok"] for row in answered(done.stdout)["weights"]} == {None, False}
    (row,) = answered(zoo("pull", "judge.mnist", "--json", env=online).stdout)["weights"]
    assert row["path"] == str(path) and row["where"] == "cached" and row["repo"] == "me/x"
    for wrong in (("pull",), ("pull", "judge", "--all"), ("push", "--repo", "me/x"), ("pull", "judge.nothing"),
                  ("push", "vae", "--repo", "a bad name", "--dry-run")):  # fmt: skip
        assert zoo(*wrong, env=online).returncode == 2


# -- weights in several files ----------------------------------------------------------------------


def test_shards_are_published_pulled_and_loaded_by_address(
    zoo: Zoo, server: Hub, online: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A repository has one form of its weights at each commit; one bad shard is fetched again, and only that one."""
    from zoo_core.run.reporter import Silent
    from zoo_core.weights import shards

    small: dict[str, Any] = {"iterations": 2, "width": 16, "data_root": SLICES, "reporter": Silent(), "device": "cpu"}
    zoo_core.train("autoencoder", output=tmp_path / "single", seed=1, **small)
    monkeypatch.setattr(shards, "LARGEST", 20_000)
    zoo_core.train("autoencoder", output=tmp_path / "several", seed=0, **small)
    commits = []
    for folder in ("single", "several"):
        arguments = ["push", "autoencoder", folder, "--repo", "me/ae", "--dirty", "--device", "cpu", "--json"]
        done = zoo(*arguments, env=online)
        assert done.returncode == 0, done.stderr
        commits.append(answered(done.stdout)["weights"][0]["commit"])
    files = [server.repos["me/ae"].files(commit) for commit in commits]
    assert files[0] and files[1]
    assert pins.WEIGHTS in files[0][1] and pins.INDEX not in files[0][1]
    assert pins.INDEX in files[1][1] and pins.WEIGHTS not in files[1][1]
    assert f"`{pins.INDEX}` has the sha256" in files[1][1]["README.md"].decode()
    for commit, seed in zip(commits, (1, 0), strict=True):
        done = zoo(
            "sample", "autoencoder", "--weights", f"me/ae@{commit}", "--show", "plane", "-n", "2", "--json", env=online
        )
        assert done.returncode == 0, done.stderr
        theirs = zoo_core.sample("autoencoder", weights=tmp_path / ("single" if seed else "several"), show="plane", n=2)
        assert answered(done.stdout)["sha256"] == theirs.provenance["weights_sha256"]
    unbundled(online)
    name = "autoencoder.tanh-2d"
    pin = pins.read(Path(online["ZOO_MANIFEST"]))[name]
    assert pin.commit == commits[1] and len(pin.shards) > 1
    assert zoo("pull", name, env=online).returncode == 0
    victim = Path(zoo("weights", "path", name, env=online).stdout.strip()).parent / pin.shards[1].file
    victim.write_bytes(loopback.flipped(victim.read_bytes()))
    assert zoo("weights", "verify", name, env=online).returncode == 3
    server.requests.clear()
    assert zoo("pull", name, env=online).returncode == 0
    bodies = {
        request.split("/")[-1].split(" ")[0] for request in server.requests if request.startswith("GET /me/ae/resolve")
    }
    assert bodies <= {pin.shards[1].file}, "only the damaged one"
    assert zoo("weights", "verify", name, env=online).returncode == 0
