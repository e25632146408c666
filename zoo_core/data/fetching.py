"""Files of data sets, fetched once: whole or not at all, compared with what is published, going on where it broke off.

Several processes may want the same file: one fetches it, the others wait. What has come so far of a file is kept under
a name of its own, so that the next attempt, or the next process, asks for the rest only.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import IntegrityError, NetworkError
from ..files import atomic_write, file_sha256, held, write_parts
from .declare import DataSet, File

SUMS = "SHA256SUMS"  # in the folder: what a verified download was unpacked to
TRIES = 3  # at one address
TIMEOUT = 30.0  # seconds without a byte
BLOCK = 1 << 18
LARGEST = 20_000_000_000  # bytes of a file whose size nobody has published
EXPANDS = 1100  # times; more than gzip can

Tell = Callable[[int, int], None]  # bytes so far, and of all


def fetch(data: DataSet, split: str, root: Path, tell: Tell | None = None) -> None:
    """Fetch what is missing of a split.

    Args:
        tell: is told how far each file is.
    Raises:
        NetworkError: a file cannot be fetched, or must not be, since ``ZOO_OFFLINE`` is set.
        IntegrityError: no address gives the file that is published.
    """
    missing = [file for file in data.files[split] if not os.path.isfile(data.home(root) / file.name)]
    if not missing:
        return
    home = data.home(root)
    remedy = f"put {missing[0].name} into {home}, or set --data-root / ZOO_DATA"
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{data.name} is not in {root}, and ZOO_OFFLINE is set", f"unset it; or {remedy}")
    if not all(file.urls for file in missing):
        raise NetworkError(f"{data.name} is not in {root}, and it cannot be downloaded", remedy)
    made = _made(home)
    try:
        with held(home / ".zoo-data.lock", f"{data.name} is being downloaded", wait=float("inf")):
            for file in missing:
                if not os.path.isfile(home / file.name):  # else another process was here
                    _fetch_file(data, file, home, tell or (lambda done, total: None), remedy)
    finally:
        for folder in made:  # where nothing came, nothing is left
            with contextlib.suppress(OSError):
                (folder / ".zoo-data.lock").unlink(missing_ok=True)
                folder.rmdir()


def _made(home: Path) -> list[Path]:
    """The folders that have to be made for a folder, the innermost first."""
    return [folder for folder in (home, *home.parents) if not folder.exists()]


def _fetch_file(data: DataSet, file: File, home: Path, tell: Tell, remedy: str) -> None:
    """Fetch one file from the first address that gives the right one."""
    part = home / f".{file.name}.incomplete"
    wrong, reason = "", ""
    for url in file.urls:
        for attempt in range(TRIES):
            try:
                _fetch_part(url, part, file, tell)
            except (OSError, http.client.HTTPException, ValueError) as error:  # urllib's errors are OSErrors
                reason = f"{url}: {' '.join(str(error).split()) or type(error).__name__}"
                if not _is_passing(error):
                    break
                time.sleep(attempt)
                continue
            if not (wrong := _difference(part, file, url)):
                _settle(part, file, home)
                return
            part.unlink(missing_ok=True)
            break
    if wrong:
        raise IntegrityError(f"{data.name} is not what is published: {wrong}", f"try again later, or {remedy}")
    raise NetworkError(
        f"{data.name} cannot be downloaded: {reason}", f"connect to the network and try again, or {remedy}"
    )


def _is_passing(error: Exception) -> bool:
    """Whether another attempt may help."""
    return not isinstance(error, urllib.error.HTTPError) or error.code in (408, 425, 429, 500, 502, 503, 504)


def _fetch_part(url: str, part: Path, file: File, tell: Tell) -> None:
    """Fetch a file, or what is missing of it.

    Raises:
        OSError: the connection breaks, or is refused.
        ValueError: the server gives more than there is.
    """
    have = part.stat().st_size if os.path.exists(part) else 0
    if file.size and have >= file.size:
        part.unlink()
        have = 0
    request = urllib.request.Request(url, headers={"User-Agent": "zoo-core", "Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    with _answer(request, part) as answer:
        goes_on = answer.status == 206 and (answer.headers.get("Content-Range") or "").startswith(f"bytes {have}-")
        have = have if goes_on else 0
        announced = int(answer.headers.get("Content-Length") or 0)
        end = have + announced if announced else 0  # 0: it does not say
        total = file.size or end or LARGEST
        if end > total:
            raise ValueError(f"the server offers {end:,} bytes, the file has {total:,}")
        part.parent.mkdir(parents=True, exist_ok=True)
        with open(part, "ab" if goes_on else "wb") as out:
            while block := answer.read(BLOCK):
                have += len(block)
                if have > total:
                    raise ValueError(f"the server sends more than {total:,} bytes")
                out.write(block)
                tell(have, total)
        if have < end:
            raise OSError("the connection broke off")


@contextlib.contextmanager
def _answer(request: urllib.request.Request, part: Path) -> Iterator[http.client.HTTPResponse]:
    """The server's answer; what it cannot go on from is forgotten."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
            yield answer
    except urllib.error.HTTPError as error:
        if error.code == 416:  # the part that is here is longer than the file
            part.unlink(missing_ok=True)
            raise OSError("the server has less of the file than is here") from error
        raise


def _difference(part: Path, file: File, url: str) -> str:
    """What is wrong with a file that has come; empty if nothing is."""
    size, sha256 = file_sha256(part)
    if file.size and size != file.size:
        return f"{url} gives {size:,} bytes, must be {file.size:,}"
    if file.sha256 and sha256 != file.sha256:
        return f"{url} has sha256 {sha256}, must be {file.sha256}"
    if file.md5 and _md5(part) != file.md5:
        return f"{url} has MD5 {_md5(part)}, must be {file.md5}"
    return ""


def _md5(path: Path) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _settle(part: Path, file: File, home: Path) -> None:
    """Give a whole file its name, unpacked if need be, and note what it is."""
    target = home / file.name
    if file.packed:
        write_parts(target, _unpacked(part, EXPANDS * part.stat().st_size))
    else:
        os.replace(part, target)
    if not file.known:
        _note(home, file.name, file_sha256(target)[1])
    part.unlink(missing_ok=True)


def _unpacked(part: Path, most: int) -> Iterator[bytes]:
    """The content of a gzip file, block by block."""
    size = 0
    with gzip.open(part) as file:
        while block := file.read(BLOCK):
            size += len(block)
            if size > most:
                raise OSError("it is larger than such a file can be")
            yield block


def _note(home: Path, name: str, sha256: str) -> None:
    """Note the hash of a file that was made of a verified one."""
    listed = {**noted(home), name: sha256}
    atomic_write(home / SUMS, "".join(f"{digest}  {file}\n" for file, digest in sorted(listed.items())).encode())


def noted(home: Path) -> dict[str, str]:
    """The hashes that were noted, by file name."""
    path = home / SUMS
    if not os.path.isfile(path):
        return {}
    lines = (line.split(maxsplit=1) for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return {line[1].strip(): line[0] for line in lines if len(line) == 2}
