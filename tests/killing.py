"""Processes that are killed, told to end, or in one another's way: what is left on the disk, and what comes next.

Each function makes a number of such faults with the real command line and judges each; `tests/hostile.py` counts them
together with its own.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conftest import environment
from hostile import SMALL, Tally

from zoo_core.files import sha256

OPTIONS = [
    "--device",
    "cpu",
    *(word for name, value in SMALL.items() for word in (f"--{name.replace('_', '-')}", str(value))),
]
LONG = [word if word != "2" else "60" for word in OPTIONS[:4]] + OPTIONS[
    4:
]  # so many iterations that a kill can hit them
ZOO = [sys.executable, "-m", "zoo_core"]


def start(folder: Path, *arguments: str, **more: Any) -> subprocess.Popen[str]:
    """A command of the zoo that runs by itself."""
    env = environment(**more.pop("env", {}))
    pipe = subprocess.PIPE
    return subprocess.Popen([*ZOO, *once(arguments)], cwd=folder, env=env, stdout=pipe, stderr=pipe, text=True, **more)


def once(words: Sequence[str]) -> list[str]:
    """A command line without what a later flag of the same name says again."""
    kept: list[list[str]] = []
    for word in words:
        if word.startswith("--"):
            kept = [one for one in kept if one[0] != word]
        if word.startswith("-") or not kept or not kept[-1][0].startswith("-") or len(kept[-1]) > 1:
            kept.append([word])
        else:
            kept[-1].append(word)
    return [word for one in kept for word in one]


def ended(process: subprocess.Popen[str], seconds: float = 120) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def call(folder: Path, *arguments: str, **more: Any) -> tuple[int, str, str]:
    """A command of the zoo, from its beginning to its end."""
    return ended(start(folder, *arguments, **more))


@contextmanager
def folder() -> Iterator[Path]:
    """An empty folder."""
    place = Path(tempfile.mkdtemp())
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def parts(place: Path) -> list[str]:
    """The half-written files anywhere in a folder."""
    return [path.name for pattern in ("*.part", "*.new") for path in place.rglob(pattern)]


def noted(tally: Tally, what: str, check: Callable[[], str]) -> None:
    """Count one fault: `check` says what is wrong, or nothing."""
    try:
        wrong = check()
    except Exception as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        tally.bad.append(f"{what}: {wrong}")
    else:
        tally.counts["taken"] += 1


def hearing() -> None:
    """What a shell in the background makes a process deaf to, it hears."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def killed_bundles(number: int, chance: random.Random) -> Tally:
    """``zoo bundle`` killed or stopped at any moment: the weights are those of the manifest, the old or the new."""
    tally = Tally()
    with folder() as place:
        runs = []
        for seed in (0, 1):
            code, _, err = call(place, "train", "ewc", *OPTIONS, "--seed", str(seed), "-o", f"run{seed}")
            assert code == 0, err
            runs.append(f"run{seed}")
        env = {"ZOO_MANIFEST": str(place / "weights_manifest.toml")}
        assert call(place, "bundle", "run0", "--dirty", "--overwrite", env=env)[0] == 0
        began = time.monotonic()
        assert call(place, "bundle", "run1", "--dirty", "--overwrite", env=env)[0] == 0
        takes = time.monotonic() - began
        for turn in range(number):
            process = start(place, "bundle", runs[turn % 2], "--dirty", "--overwrite", env=env, preexec_fn=hearing)
            time.sleep(takes * (0.3 + 0.75 * chance.random()))
            process.send_signal([signal.SIGKILL, signal.SIGTERM, signal.SIGINT][turn % 3])
            ended(process)

            def check() -> str:
                code, _, err = call(place, "weights", "verify", env=env)
                return "" if code == 0 else f"exit {code}: {err}"

            noted(tally, "bundle killed", check)
        assert call(place, "bundle", "run0", "--dirty", "--overwrite", env=env)[0] == 0
        left = [*parts(place), *(path.name for path in (place / "weights").iterdir() if "@" in path.name)]
        noted(tally, "what was left", lambda: str(left) if left else "")
    return tally


def killed_trainings(number: int, chance: random.Random) -> Tally:
    """``zoo train`` killed at any moment and resumed: the end is that of an unbroken run, to the bit."""
    tally = Tally()
    with folder() as place:
        began = time.monotonic()
        arguments = ["train", "ewc", *LONG, "--save-steps", "1", "-o"]
        code, _, err = call(place, *arguments, "whole")
        assert code == 0, err
        takes, end = time.monotonic() - began, sha256((place / "whole" / "model.safetensors").read_bytes())
        for turn in range(number):
            run = f"run{turn}"
            for _ in range(chance.choice([1, 1, 2])):
                process = start(place, *arguments, run, "--resume")
                time.sleep(takes * (0.2 + 0.85 * chance.random()))
                process.kill()
                process.wait()

            def check(run: str = run) -> str:
                record = place / run / "run.json"
                if not record.exists() or json.loads(record.read_text())["state"] != "finished":
                    code, _, err = call(place, *arguments, run, "--resume")
                    if code:
                        return f"exit {code}: {err}"
                if left := parts(place / run):
                    return f"left {left}"
                return "" if sha256((place / run / "model.safetensors").read_bytes()) == end else "another end"

            noted(tally, "training killed", check)
            shutil.rmtree(place / run, ignore_errors=True)
    return tally


def told_to_end(number: int, chance: random.Random) -> Tally:
    """SIGTERM, SIGHUP or SIGINT in a training: exit 130, a message of two lines, and the same command goes on."""
    tally = Tally()
    with folder() as place:
        began = time.monotonic()
        arguments = ["train", "ewc", *LONG, "-o"]
        assert call(place, *arguments, "whole")[0] == 0
        takes, end = time.monotonic() - began, sha256((place / "whole" / "model.safetensors").read_bytes())
        for turn in range(number):
            run, told = f"run{turn}", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT][turn % 3]
            process = start(place, *arguments, run, preexec_fn=hearing)
            time.sleep(takes * (0.1 + 0.85 * chance.random()))  # also while the libraries are imported
            process.send_signal(told)
            code, _, err = ended(process)
            more = ["--resume"] if told == signal.SIGINT else []

            def check(
                run: str = run, code: int = code, err: str = err, told: int = told, more: list[str] = more
            ) -> str:
                begun = code != -told or (place / run).exists()  # else Python itself had not started yet
                if code not in (0, 130) and begun:
                    return f"exit {code}: {err}"
                said = [line for line in err.splitlines() if line.startswith(("error: ", "  next: "))]
                clean = len(said) == 2 and said[0].startswith("error: stopped") and "Traceback" not in err
                if code == 130 and not clean:
                    return f"says {err}"
                if code:
                    code, _, err = call(place, *arguments, run, *more)
                    if code:
                        return f"exit {code} afterwards: {err}"
                return "" if sha256((place / run / "model.safetensors").read_bytes()) == end else "another end"

            noted(tally, f"{told.name} in training", check)
    return tally


def two_trainings(number: int, chance: random.Random) -> Tally:
    """Two trainings in one new folder: one succeeds, the other is refused and told by which process."""
    tally = Tally()
    with folder() as place:
        for turn in range(number):
            both = [
                start(place, "train", "ewc", *LONG, "--seed", str(seed), "-o", f"run{turn}") for seed in (0, 1)
            ]  # fmt: skip
            ends = [ended(process) for process in both]

            def check(ends: list[tuple[int, str, str]] = ends, turn: int = turn) -> str:
                codes = sorted(code for code, _, _ in ends)
                winner = next(seed for seed, (code, _, _) in enumerate(ends) if code == 0)
                said = ends[1 - winner][2]
                if codes != [0, 2] or not ("by process" in said or "exists already" in said):
                    return str(ends)
                record = json.loads((place / f"run{turn}" / "run.json").read_text())
                digest = sha256((place / f"run{turn}" / "model.safetensors").read_bytes())
                return "" if (record["seed"], record["weights"]["sha256"]) == (winner, digest) else "mixed up"

            noted(tally, "two trainings", check)
    return tally


WRITE = """
import sys, time
from zoo_core.files import Taken, write_new
time.sleep(max(0, float(sys.argv[2]) - time.time()))
try:
    write_new(sys.argv[1], sys.argv[3].encode() * 1000)
    print("written")
except Taken:
    print("taken")
"""


def two_writers(number: int, chance: random.Random) -> Tally:
    """Several processes that write one new file at the same moment: one does, the others are told that it is taken."""
    tally = Tally()
    with folder() as place:
        for turn in range(number):
            when = str(time.time() + 1.0)
            writers = [
                subprocess.Popen([sys.executable, "-c", WRITE, f"file{turn}", when, str(i)], cwd=place, text=True,
                                 stdout=subprocess.PIPE)
                for i in range(4)
            ]  # fmt: skip
            said = [writer.communicate(timeout=60)[0].strip() for writer in writers]

            def check(said: list[str] = said, turn: int = turn) -> str:
                text = (place / f"file{turn}").read_text()
                right = said.count("written") == 1 and text == str(said.index("written")) * 1000
                return "" if right and sorted(said)[:3] == ["taken"] * 3 else str(said)

            noted(tally, "several writers", check)
    return tally


KINDS: dict[str, Callable[[int, random.Random], Tally]] = {
    "SIGKILL, SIGTERM, SIGINT in zoo bundle": killed_bundles,
    "SIGKILL in zoo train, then --resume": killed_trainings,
    "SIGTERM, SIGHUP, SIGINT in zoo train": told_to_end,
    "two trainings in one folder": two_trainings,
    "several writers of one file": two_writers,
}
