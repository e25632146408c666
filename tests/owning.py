"""Folders of images such as users have, what the zoo makes of them, and its command line in a warm process."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from conftest import SLICES, environment
from numpy.typing import NDArray
from PIL import Image

from zoo_core.data import images
from zoo_core.data.images import ImageData
from zoo_core.data.own.prepare import Wish, prepare

Levels = NDArray[np.uint8]
PARTS = ("train", "test")


def speckle(seed: int, h: int = 16, w: int = 16, colour: bool = False) -> Levels:
    """An image that looks like no other: uint8 [h, w], or [h, w, 3]."""
    shape = (h, w, 3) if colour else (h, w)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def save(path: Path, levels: Levels, **how: Any) -> Path:
    """Write an image, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(levels).save(path, **how)
    return path


def folder(path: Path, classes: Sequence[str] = ("cat", "dog"), n: int = 12, first: int = 0, size: int = 16) -> Path:
    """``PATH/CLASS/NUMBER.png``: grey images, all of them different; the numbers go through all classes in turn."""
    for number in range(n * len(classes)):
        save(path / classes[number % len(classes)] / f"{number}.png", speckle(first + number, size, size))
    return path


def parted(path: Path, **how: Any) -> Path:
    """The same with a part to train on and one to test on."""
    for part, first in (("train", 0), ("test", 1000)):
        folder(path / part, first=first, **how)
    return path


def written(path: Path, data: bytes | str) -> Path:
    """Write a file, and the folders that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def zipped(source: Path, target: Path) -> Path:
    """A zip of a folder, in another one."""
    return Path(shutil.make_archive(str(target / source.name), "zip", source.parent, source.name))


def write_fashion(target: Path, seed: int) -> None:
    """The slice of Fashion-MNIST as a folder of images, called by whatever numbers."""
    numbers = random.Random(seed).sample(range(10_000), 600)
    for part in PARTS:
        data = images.load("fashion-mnist", part, SLICES)
        for image, label in zip(data.images.numpy(), data.labels.tolist(), strict=True):
            name = data.classes[label].replace("/", "_")
            save(target / part / name / f"{numbers.pop()}.png", image[0])


@dataclass(frozen=True)
class Own:
    """Images that were prepared: their name, both parts, and what was said."""

    name: str
    train: ImageData
    test: ImageData
    told: list[str]

    @property
    def hash(self) -> str:
        return self.name.partition("@")[2]

    @property
    def counts(self) -> dict[str, list[int]]:
        """How many images of each class a part has."""
        k = len(self.train.classes) or 1
        return {part: getattr(self, part).labels.bincount(minlength=k).tolist() for part in PARTS}

    def rows(self) -> set[tuple[bytes, int, str]]:
        """Pixels, label and part of every image."""
        return {
            (image.numpy().tobytes(), int(label), part)
            for part in PARTS
            for image, label in zip(getattr(self, part).images, getattr(self, part).labels, strict=True)
        }


def made(data: Path | str, size: int | None = None, skip_broken: bool = False, root: Path = SLICES) -> Own:
    """Images prepared as `zoo train` does it."""
    told: list[str] = []
    steps: list[tuple[int, int]] = []
    name = prepare(str(data), Wish(size, skip_broken), root, told.append, lambda *step: steps.append(step))
    assert all("\n" not in line for line in told)
    assert not steps or steps[-1][0] == steps[-1][1]
    return Own(name, images.load(name, "train", root), images.load(name, "test", root), told)


def snapshot(path: Path) -> dict[str, tuple[Any, ...]]:
    """Everything below a path: kind, mode, times and content."""
    found = {}
    for each in [path, *sorted(path.rglob("*"))]:
        state = each.lstat()
        content = each.read_bytes() if each.is_file() and not each.is_symlink() else b""
        found[str(each.relative_to(path))] = (state.st_mode, state.st_mtime_ns, state.st_size, content)
    return found


def png(width: int, height: int, depth: int, kind: int, data: bytes) -> bytes:
    """A PNG file, chunk by chunk, of what Pillow cannot write.

    Args:
        kind: 0 grey, 2 RGB. data: of the lines, each after a zero byte.
    """
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes((depth, kind, 0, 0, 0))
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(data)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big") for name, body in chunks
    )


# -- the command line ------------------------------------------------------------------------------

# Imports take seconds, and so does an interpreter's end. The first are made once; each command then is a process of its
# own, forked from that one.
WARM = """
import gc, json, os, sys
import torch, zoo_core.cli, zoo_core.api, zoo_core.results.plots, zoo_core.run.run, zoo_core.data.own.prepare
from zoo_core.__main__ import main
gc.collect()
gc.freeze()
for line in sys.stdin:
    job = json.loads(line)
    child = os.fork()
    if not child:
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(job[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.environ.update(job["env"])
        os.chdir(job["cwd"])
        sys.argv = ["zoo", *job["arguments"]]
        try:
            main()
        except SystemExit as end:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(end.code)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


class Warm:
    """Runs ``zoo ARGUMENTS``, each in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], scratch: Path) -> None:
        self.process, self.scratch = process, scratch

    def __call__(self, *arguments: str, cwd: Path, **env: str) -> Done:
        assert self.process.stdin and self.process.stdout
        place = {name: str(self.scratch / name) for name in ("out", "err")}
        job = {"arguments": arguments, "cwd": str(cwd), "env": env, **place}
        self.process.stdin.write(json.dumps(job) + "\n")
        self.process.stdin.flush()
        code = int(self.process.stdout.readline())
        out, err = ((self.scratch / name).read_text(errors="backslashreplace") for name in place)
        return Done(code, out, err)


@contextmanager
def warm(scratch: Path) -> Iterator[Warm]:
    """A process that commands are forked from."""
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", WARM]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env={**os.environ, **environment()}, text=True)
    try:
        yield Warm(process, scratch)
    finally:
        process.communicate(timeout=60)
