"""The program that runs ONNX in a browser, onnxruntime-web: fetched from the npm registry once, and what it must be.

Of the package two files are used: a JavaScript module, and the WebAssembly that computes, with SIMD, in one thread, so
that a page needs no server that isolates it. Both are pinned by their sha256, wherever they come from.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import io
import json
import os
import tarfile
import urllib.request
from pathlib import Path

from ...errors import IntegrityError, NetworkError, UsageError
from ...files import atomic_write, held, read_bytes, sha256
from ...files.places import cache_root

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
SIZE = 33_106_585  # bytes of the package
SHA512 = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="
FILES = {  # of the package's folder dist
    "ort.wasm.bundle.min.mjs": "11e64bd8ffe11bd1a2a2f0d6275fdfbbba7262f0b76b99b53d228a8a22ef3d90",
    "ort-wasm-simd-threaded.wasm": "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
}
REGISTRY = "https://registry.npmjs.org"
TIMEOUT = 30.0  # seconds without a byte
REMEDY = f"or name the package, unpacked: --runtime FOLDER (npm pack {PACKAGE}@{VERSION})"


def script(folder: Path | None = None) -> str:
    """A script that leaves the program in ``onnxruntimeWeb``, packed: for a page, or for a file beside it.

    Args:
        folder: the package, unpacked; the zoo's cache if not said, where it is fetched to.
    Raises:
        UsageError: the folder has no such files.
        IntegrityError: the files are not those of the version that is pinned.
        NetworkError: they must be fetched, and cannot be.
    """
    home = (folder / "dist" if os.path.isdir(folder / "dist") else folder) if folder else _kept()
    module, wasm = (_checked(home / name, digest) for name, digest in FILES.items())
    packed = {"version": VERSION, "module": zipped(module), "wasm": zipped(wasm)}
    notice = f"/*! ONNX Runtime Web {VERSION}. Copyright (c) Microsoft Corporation. MIT License. */"
    return f"{notice}\nglobalThis.onnxruntimeWeb = {json.dumps(packed)};\n"


def zipped(data: bytes) -> str:
    """Bytes as a page has them: gzip in base64, the same for the same bytes."""
    return base64.b64encode(gzip.compress(data, 9, mtime=0)).decode()


def _checked(path: Path, digest: str) -> bytes:
    """The content of a file of the package."""
    data = read_bytes(path, REMEDY)
    if sha256(data) != digest:
        raise IntegrityError(f"{path} is not that of {PACKAGE} {VERSION}", f"remove it, and it is fetched; {REMEDY}")
    return data


def _kept() -> Path:
    """The folder of the zoo's cache with the files; they are fetched where they are not there."""
    home = cache_root() / f"{PACKAGE}-{VERSION}"
    if not all(os.path.isfile(home / name) for name in FILES):
        with held(home / ".lock", f"{PACKAGE} is being downloaded", wait=float("inf")):
            if not all(os.path.isfile(home / name) for name in FILES):
                for name, data in _members(_fetched()).items():
                    atomic_write(home / name, data)
    return home


def _fetched() -> bytes:
    """The package, as the registry has it.

    Raises:
        NetworkError: the registry must not be asked, or does not answer.
        IntegrityError: it is not what is pinned.
    """
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{PACKAGE} {VERSION} is not here, and ZOO_OFFLINE is set", f"unset it; {REMEDY}")
    settings = {name.lower(): value for name, value in os.environ.items()}  # npm reads them in any case
    registry = settings.get("npm_config_registry") or REGISTRY
    url = f"{registry.rstrip('/')}/{PACKAGE}/-/{PACKAGE}-{VERSION}.tgz"
    if not url.startswith(("https://", "http://")):
        raise UsageError(f"npm_config_registry is no address: {registry}", f"{REGISTRY}; {REMEDY}")
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
            data: bytes = answer.read(SIZE + 1)
    except (OSError, http.client.HTTPException, ValueError) as error:  # urllib's errors are OSErrors
        why = f"{PACKAGE} {VERSION} cannot be downloaded: {' '.join(str(error).split())}"
        raise NetworkError(why, f"connect to the network and try again, {REMEDY}") from error
    if base64.b64encode(hashlib.sha512(data).digest()).decode() != SHA512:
        raise IntegrityError(f"the registry gives another {PACKAGE} {VERSION} than is pinned", f"try again, {REMEDY}")
    return data


def _members(package: bytes) -> dict[str, bytes]:
    """The files of a package that is what it must be, so that nothing in it leads anywhere else."""
    with tarfile.open(fileobj=io.BytesIO(package), mode="r:gz") as archive:
        found = {name: archive.extractfile(f"package/dist/{name}") for name in FILES}
        return {name: file.read() for name, file in found.items() if file}
