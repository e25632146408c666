"""A Hub on the loopback: the part of its protocol that the client speaks with us, and faults on demand."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

CHANGED = "2026-01-02T03:04:05.000Z"
LARGE = (".safetensors", ".png", ".bin", ".pt", ".pkl")


GUARD = """
import os, socket
connect = socket.socket.connect
def watched(self, address):
    if os.environ.get("NO_SOCKETS"):
        raise OSError("no sockets in this test")
    with open(os.environ["PEERS"], "a") as file:
        print(address[0], address[1], file=file)
    return connect(self, address)
socket.socket.connect = watched
"""  # of a process: a sitecustomize that keeps account of connections, or refuses them


def git_hash(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@dataclass
class Fault:
    """What goes wrong with requests whose ``METHOD path`` matches; ``times`` of them, or all."""

    where: str
    kind: str
    times: int = 10**9
    value: Any = None


@dataclass
class Repo:
    private: bool = False
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    tags: dict[str, str] = field(default_factory=dict)

    def files(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """The commit that a branch, tag or hash means, and its files."""
        if revision == "main":
            return self.commits[-1]
        return next((c for c in self.commits if c[0] == self.tags.get(revision, revision)), None)

    def add(self, files: dict[str, bytes], gone: Collection[str] = ()) -> str:
        """A further commit with these files changed, and others removed."""
        before = self.commits[-1][1] if self.commits else {}
        whole = {name: data for name, data in {**before, **files}.items() if name not in gone}
        content = json.dumps({name: git_hash(data) for name, data in sorted(whole.items())}) + str(len(self.commits))
        self.commits.append((hashlib.sha1(content.encode()).hexdigest(), whole))
        return self.commits[-1][0]


class Hub:
    """Repositories in memory, every request on record."""

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.collections: dict[str, dict[str, Any]] = {}  # by slug
        self.large: dict[str, bytes] = {}
        self.requests: list[str] = []
        self.faults: list[Fault] = []
        self.token = ""
        self.sent = 0  # bytes of bodies that went into the connection
        self.lock = threading.Lock()
        self.url = ""

    def put(self, repo: str, files: dict[str, bytes]) -> str:
        """Commit files directly."""
        return self.repos.setdefault(repo, Repo()).add(files)

    def fault(self, where: str, kind: str, times: int = 10**9, value: Any = None) -> None:
        self.faults.append(Fault(where, kind, times, value))

    def strike(self, request: str) -> Fault | None:
        """The fault that this request meets."""
        with self.lock:
            self.requests.append(request)
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.where, request):
                    fault.times -= 1
                    return fault
        return None


@contextmanager
def running() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


class Lost(Exception):
    """The connection ends without an answer."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *arguments: Any) -> None: ...

    def do_GET(self) -> None:
        self.handle_one()

    do_HEAD = do_POST = do_PUT = do_GET

    def handle_one(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.body = self.read()
        self.struck = self.hub.strike(f"{self.command} {path}")
        kind = self.struck.kind if self.struck else ""
        try:
            if kind == "drop":
                raise Lost
            if self.struck and kind == "status":
                status, headers, *body = self.struck.value
                return self.send(status, body[0] if body else {"error": "a fault of the test"}, headers)
            if kind == "echo":
                said = f"you sent {self.headers.get('Authorization')}"
                return self.send(500, {"error": said}, {"X-Error-Message": said})
            if self.struck and kind == "raw":
                return self.send_bytes(*self.struck.value)
            if self.struck and kind == "endless":
                return self.send_on_and_on(self.struck.value)
            if (
                self.hub.token
                and not path.startswith("/lfs/")
                and self.headers.get("Authorization") != f"Bearer {self.hub.token}"
            ):
                return self.send(401, {"error": "Invalid username or password."})
            self.route(path)
        except (Lost, BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def read(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def send(self, status: int, value: Any, headers: dict[str, str] | None = None) -> None:
        if self.struck and self.struck.kind == "lost":  # it was done, but nobody hears of it
            raise Lost
        data = json.dumps(value).encode()
        self.send_response(status)
        for name, text in {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def send_bytes(self, data: bytes, headers: dict[str, str] | None = None) -> None:
        """Any success at all."""
        self.send_response(200)
        for name, text in {"Content-Length": str(len(data)), **(headers or {})}.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)
            self.hub.sent += len(data)

    def send_on_and_on(self, data: bytes, most: int = 200_000_000) -> None:
        """A body without end, in chunks."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in [data] + [b" " * 100_000] * (most // 100_000):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part))
            self.hub.sent += len(part)
        raise Lost

    def missing(self, code: str) -> None:
        self.send(404, {"error": code}, {"X-Error-Code": code, "X-Error-Message": code})

    def route(self, path: str) -> None:
        if path == "/api/repos/create":
            return self.create()
        if found := re.fullmatch(r"/api/collections(?:/([^/]+/[^/]+?)(/items)?)?", path):
            return self.collect(found[1] or "", bool(found[2]))
        if path == "/api/validate-yaml":
            return self.send(200, {"errors": [], "warnings": []})
        if path.startswith("/lfs/"):
            data = self.body if not (self.struck and self.struck.kind == "flip") else flipped(self.body)
            self.hub.large[path[5:]] = data
            return self.send(200, {})
        if found := re.fullmatch(r"/([^/]+/[^/]+)\.git/info/lfs/objects/batch", path):
            return self.batch()
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            return self.resolve(*found.groups())
        if found := re.fullmatch(r"/api/(models|spaces)/([^/]+/[^/]+)(?:/([a-z-]+)(?:/([^/]+))?)?(?:/)?", path):
            name = found[2] if found[1] == "models" else f"spaces/{found[2]}"
            repo = self.hub.repos.get(name)
            if repo is None:
                return self.missing("RepoNotFound")
            return self.model(name, repo, found[3] or "revision", found[4] or "main")
        self.missing("EntryNotFound")

    def create(self) -> None:
        asked = json.loads(self.body)
        name = "/".join(part for part in (asked.get("organization") or "me", asked["name"]) if part)
        name = f"spaces/{name}" if asked.get("type") == "space" else name
        there = name in self.hub.repos
        if not there:
            self.hub.repos[name] = Repo(bool(asked.get("private")) or asked.get("visibility") == "private")
            self.hub.put(name, {".gitattributes": b"*.safetensors filter=lfs\n"})
        self.send(409 if there else 200, {"url": f"{self.hub.url}/{name}", "name": name, "id": "0"})

    def collect(self, slug: str, is_item: bool) -> None:
        """Make a collection, show it, or put something into it."""
        asked = json.loads(self.body or b"{}")
        if not slug:
            slug = f"{asked['namespace']}/{asked['title'].lower()}-{'0' * 24}"
            if slug in self.hub.collections:
                return self.send(409, {"error": "it exists", "slug": slug})
            self.hub.collections[slug] = {
                "slug": slug, "title": asked["title"], "owner": {"name": asked["namespace"]}, "items": [],
                "lastUpdated": CHANGED, "position": 0, "private": asked["private"], "theme": "green", "upvotes": 0,
                "description": asked.get("description"),
            }  # fmt: skip
        found = self.hub.collections.get(slug)
        if found is None or (is_item and asked["item"]["id"] not in self.hub.repos):
            return self.missing("RepoNotFound")
        if is_item:
            if asked["item"]["id"] in {item["id"] for item in found["items"]}:
                return self.send(409, {"error": "it is in there"})
            item = {"_id": str(len(found["items"])), "position": len(found["items"]), **asked["item"]}
            found["items"].append({**item, "note": {"text": asked.get("note", "")}})
        self.send(200, found)

    def batch(self) -> None:
        objects = []
        for item in json.loads(self.body)["objects"]:
            actions = {"upload": {"href": f"{self.hub.url}/lfs/{item['oid']}", "header": {}}}
            known = item["oid"] in self.hub.large
            objects.append({**item, **({} if known else {"actions": actions})})
        self.send(200, {"transfer": "basic", "objects": objects})

    def model(self, name: str, repo: Repo, verb: str, revision: str) -> None:
        found = repo.files(revision)
        if found is None:
            return self.missing("RevisionNotFound")
        commit, files = found
        if verb == "revision":
            siblings = [{"rfilename": file} for file in files]
            self.send(
                200,
                {
                    "id": name,
                    "modelId": name,
                    "sha": commit,
                    "lastModified": CHANGED,
                    "private": repo.private,
                    "siblings": siblings,
                    "tags": [],
                    "downloads": 0,
                    "likes": 0,
                },
            )
        elif verb in ("paths-info", "tree"):
            asked = parse_qs(self.body.decode())["paths"] if verb == "paths-info" else list(files)
            self.send(200, [entry(file, files[file]) for file in asked if file in files])
        elif verb == "refs":
            tags = [{"name": t, "ref": f"refs/tags/{t}", "targetCommit": c} for t, c in repo.tags.items()]
            self.send(200, {"branches": [], "converts": [], "tags": tags})
        elif verb == "tag":
            repo.tags[json.loads(self.body)["tag"]] = commit
            self.send(200, {})
        elif verb == "preupload":
            asked = json.loads(self.body)["files"]
            modes = {f["path"]: "lfs" if f["path"].endswith(LARGE) else "regular" for f in asked}
            self.send(200, {"files": [{"path": p, "uploadMode": m, "shouldIgnore": False} for p, m in modes.items()]})
        elif verb == "commit":
            self.commit(name, repo, commit)

    def commit(self, name: str, repo: Repo, head: str) -> None:
        lines = [json.loads(line) for line in self.body.splitlines()]
        if (parent := lines[0]["value"].get("parentCommit")) and parent != head:
            return self.send(412, {"error": "the branch has moved"})
        files, gone = {}, set()
        for line in lines[1:]:
            value = line["value"]
            if line["key"] == "deletedFile":
                gone.add(value["path"])
                continue
            large = line["key"] == "lfsFile"
            files[value["path"]] = self.hub.large[value["oid"]] if large else base64.b64decode(value["content"])
        oid = repo.add(files, gone)
        self.send(200, {"success": True, "commitOid": oid, "commitUrl": f"{self.hub.url}/{name}/commit/{oid}"})

    def resolve(self, name: str, revision: str, file: str) -> None:
        repo = self.hub.repos.get(name)
        found = repo.files(revision) if repo else None
        if found is None:
            return self.missing("RevisionNotFound" if repo else "RepoNotFound")
        commit, files = found
        if file not in files:
            return self.missing("EntryNotFound")
        data, kind = files[file], self.struck.kind if self.struck else ""
        etag = sha256(data) if file.endswith(LARGE) else git_hash(data)
        if self.struck and kind in ("etag", "commit"):
            etag, commit = (self.struck.value, commit) if kind == "etag" else (etag, self.struck.value)
        self.body_of(data, kind, {"ETag": f'"{etag}"', "X-Repo-Commit": commit, "X-Linked-Etag": f'"{etag}"',
                                  "X-Linked-Size": str(len(data)), "Accept-Ranges": "bytes",
                                   "Date": "Thu, 01 Jan 1970 00:00:00 GMT"})  # fmt: skip

    def body_of(self, data: bytes, kind: str, headers: dict[str, str]) -> None:
        start = 0
        if asked := re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range") or ""):
            start = int(asked[1])
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.struck and kind == "announce":  # it says another size, or with 0 bytes none
            said = {"X-Linked-Size": str(self.struck.value), "Content-Length": str(max(self.struck.value, len(data)))}
            headers = {**headers, **said} if self.struck.value else {**headers, "X-Linked-Size": ""}
        if self.struck and kind == "pack":
            headers["Content-Encoding"], data = self.struck.value
        data = (flipped(data) if kind == "flip" else data)[start:]
        self.send_response(206 if start else 200)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            if value and not (key == "Content-Length" and not headers["X-Linked-Size"]):
                self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        self.hub.sent += len(data)
        half = len(data) // 2
        self.wfile.write(data[:half])
        self.wfile.flush()
        if kind == "truncate":
            raise Lost
        if self.struck and kind == "stall":
            threading.Event().wait(self.struck.value)
        self.wfile.write(data[half:])


def entry(path: str, data: bytes) -> dict[str, Any]:
    """A file as the Hub lists it."""
    found = {"type": "file", "path": path, "size": len(data), "oid": git_hash(data)}
    if path.endswith(LARGE):
        found["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 130}
    return found


def flipped(data: bytes) -> bytes:
    """One byte in the middle is another."""
    half = len(data) // 2
    return data[:half] + bytes([data[half] ^ 1]) + data[half + 1 :]
