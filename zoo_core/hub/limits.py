"""How much a server may say: every answer is bounded, and a file by its size.

The client library reads a JSON answer to its end, follows lists from page to page, unpacks what is packed, and waits
as long as it is told to. Its sessions call hooks for each request and each answer; here is what they do. Nothing of
the library or of its transport is imported: sessions and answers are used by their public names.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from .answers import FileFacts, Garbage, TooLong

LARGEST = 50_000_000  # bytes of all answers to one call, files apart
MOST = 1000  # answers to one call: pages of a list, parts of a file
RESTARTS = 5  # times that a file may begin anew
PACKED = {"", "identity", "gzip", "deflate"}  # more than one, or a stronger one, turns kilobytes into gigabytes


class Busy(Exception):
    """The server asks to wait; the client library would do so in silence, however long.

    Args:
        response: its answer.
        seconds: how long it asks to wait.
    """

    def __init__(self, response: Any, seconds: float) -> None:
        super().__init__(f"the server answers {response.status_code} and asks to wait {seconds:.0f} s")
        self.response = response
        self.seconds = seconds


def asked_wait(headers: Mapping[str, str]) -> float:
    """How many seconds a server asks to wait; a date counts as none, since it would need two clocks that agree."""
    value = headers.get("Retry-After", "").strip()
    if not re.fullmatch(r"[0-9]+", value):
        spent = re.search(r";\s*r=0+\s*;\s*t=([0-9]+)", headers.get("ratelimit", ""))  # nothing left until then
        value = spent[1] if spent else "0"
    return float(value[:9])


@dataclass
class Call:
    """One call of the client library: what the server has sent, and what it may.

    Args:
        file: the facts of the file that is fetched, if one is.
        length: bytes that file may have.
    """

    file: FileFacts | None = None
    length: int = 0
    answers: int = 0
    spent: int = 0  # bytes of answers
    begun: int = 0  # times that the file began, and some of it came

    def hear(self, response: Any) -> None:
        """Judge the head of an answer, and bound its body.

        Raises:
            Garbage: it is none that a Hub gives.
            Busy: it asks to wait.
        """
        self.answers += 1
        if self.answers > MOST:
            raise Garbage(f"it goes on for more than {MOST} parts")
        packed = response.headers.get("Content-Encoding", "").strip().lower()
        if packed not in PACKED:
            raise Garbage(f"it is packed as '{packed}', which was not asked for")
        status = response.status_code
        if (status in (408, 429) or status >= 500) and (seconds := asked_wait(response.headers)) >= 1:
            raise Busy(response, seconds)
        if self.file and response.request.method == "HEAD":
            _check_same(response, self.file)
            response.headers.pop("X-Xet-Hash", None)  # else files may come by another way, which has no bounds
        if self.file and response.request.method == "GET" and status in (200, 206):
            self._bound_file(response)
        else:
            self._bound_answer(response)

    def _bound_answer(self, response: Any) -> None:
        def count(size: int) -> None:
            self.spent += size
            if self.spent > LARGEST:
                raise Garbage(f"it is longer than {LARGEST:,} bytes")

        _watch(response, count, LARGEST)

    def _bound_file(self, response: Any) -> None:
        """Stop the body where the file must end; a part of it begins where the client asked for it."""
        asked = re.fullmatch(r"bytes=([0-9]+)-.*", response.request.headers.get("Range", ""))
        place = int(asked[1]) if asked and response.status_code == 206 else 0
        announced = response.headers.get("Content-Length", "")
        packed = response.headers.get("Content-Encoding", "identity").lower() != "identity"
        if re.fullmatch(r"[0-9]{1,18}", announced) and not packed and place + int(announced) > self.length:
            raise TooLong(f"the server sends {place + int(announced):,} bytes, must be {self.length:,}")

        def count(size: int) -> None:
            nonlocal place
            self.begun += not place
            if self.begun > RESTARTS:
                raise Garbage("it breaks off and begins the file anew, again and again")
            place += size
            if place > self.length:
                raise TooLong(f"the server sends more than the {self.length:,} bytes that it must have")

        _watch(response, count, self.length - place)


def _watch(response: Any, count: Any, room: int) -> None:
    """Have `count` told of each piece of a body before anyone else gets it; it may raise.

    Args:
        room: bytes that are expected at most; a piece is hardly longer.
    """
    pieces = response.iter_bytes

    def iter_bytes(chunk_size: int | None = None) -> Iterator[bytes]:
        for piece in pieces(min(chunk_size, max(room, 0) + 1) if chunk_size else None):
            count(len(piece))
            yield piece

    response.iter_bytes = iter_bytes


def _check_same(response: Any, file: FileFacts) -> None:
    """Whether the headers of a file still say what they said when they were judged: the client makes paths of them.

    A step to another address of the same server says nothing of the file yet.

    Raises:
        Garbage: they do not.
    """
    headers = response.headers
    if response.status_code >= 400:
        return
    linked = headers.get("X-Linked-Etag")
    if not linked and response.has_redirect_location and _stays(response):
        return
    etag = (linked or headers.get("ETag") or "").lstrip("W/").strip('"')
    commit = headers.get("X-Repo-Commit", file.commit_hash)
    if etag != file.etag or commit != file.commit_hash:
        raise Garbage("it says something else of the same file than a moment ago")


def _stays(response: Any) -> bool:
    """Whether a redirect leads to the same server."""
    target = response.url.join(response.headers["Location"])
    return (target.scheme, target.netloc) == (response.url.scheme, response.url.netloc)


_now: ContextVar[Call | None] = ContextVar("_now", default=None)


def _ask_unpacked(request: Any) -> None:
    request.headers["Accept-Encoding"] = "identity"


def _hear(response: Any) -> None:
    (_now.get() or Call()).hear(response)  # the client's own threads know of no call


@contextlib.contextmanager
def heard(session: Any, call: Call) -> Iterator[None]:
    """Let a session's answers count as those to one call, until the block ends."""
    hooks = session.event_hooks
    if _hear not in hooks["response"]:
        session.event_hooks = {
            "request": [*hooks["request"], _ask_unpacked], "response": [*hooks["response"], _hear]
        }  # fmt: skip
    token = _now.set(call)
    try:
        yield
    finally:
        _now.reset(token)
