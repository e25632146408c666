"""Standard streams that are closed, full, or read by nobody: the work is done, and nothing ends in a traceback."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from conftest import environment

COMMANDS = {
    "version": ["version"],
    "list": ["list"],
    "info": ["info", "vae", "--json"],
    "weights": ["weights", "list"],
    "sample": ["sample", "cgan", "--class", "sandal", "--json", "-o", "x.png", "--overwrite"],
    "doctor": ["doctor"],
}
ALL = [c for n in (1, 2, 3) for c in combinations(range(3), n)]
SOME = [(1,), (0, 1, 2)]
CLOSED = [(name, c) for name in COMMANDS for c in (ALL if name in ("version", "list") else SOME)]


def zoo(
    folder: Path, *arguments: str, closed: tuple[int, ...] = (), unbuffered: str = "", out: int = subprocess.PIPE
) -> subprocess.CompletedProcess[str]:
    """Run a command with some of its standard streams closed."""

    def close() -> None:
        for number in closed:
            os.close(number)

    env = environment(PYTHONUNBUFFERED=unbuffered)
    command = [sys.executable, "-m", "zoo_core", *arguments]
    return subprocess.run(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True,
        preexec_fn=close, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(("name", "closed"), CLOSED)
def test_closed_streams_keep_nobody_from_working(name: str, closed: tuple[int, ...], tmp_path: Path) -> None:
    done = zoo(tmp_path, *COMMANDS[name], closed=closed)
    assert done.returncode == 0 and done.stderr == ""
    assert bool(done.stdout) == (1 not in closed)
    if name == "sample":
        assert (tmp_path / "x.png").read_bytes().startswith(b"\x89PNG")


def test_an_error_has_its_code_where_nobody_hears_it(tmp_path: Path) -> None:
    for closed in ALL:
        assert zoo(tmp_path, "sample", "nothing", closed=closed).returncode == 2


PROBE = """
import os
for number in (1, 2):
    os.close(number)
from zoo_core.__main__ import main
from zoo_core.cli import commands

def opened():
    with open("probe", "w") as file:
        file.write(str(file.fileno()))
    os.write(1, b"lost")
    return {}

commands.versions = opened
import sys
sys.argv = ["zoo", "version"]
main()
"""


def test_a_file_that_a_command_opens_is_no_standard_stream(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=tmp_path, env=environment())
    assert done.returncode == 0
    assert int((tmp_path / "probe").read_text()) > 2


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [["list"], ["list", "--json"], ["version", "--json"], ["--help"], ["sample", "vae", "--help"], ["--version"], []],
    ids=" ".join,
)
def test_a_full_disk_is_said_and_a_reader_that_has_gone_is_not(
    arguments: list[str], unbuffered: str, tmp_path: Path
) -> None:
    with open("/dev/full", "w") as full:
        done = zoo(tmp_path, *arguments, unbuffered=unbuffered, out=full.fileno())
    lines = done.stderr.splitlines()
    assert done.returncode == 1 and len(lines) == 2
    assert lines[0] == "error: standard output cannot be written: No space left on device"
    read, write = os.pipe()
    os.close(read)
    done = zoo(tmp_path, *arguments, unbuffered=unbuffered, out=write)
    os.close(write)
    assert done.returncode == 0 and done.stderr == ""


def test_standard_error_that_is_full_or_unread_changes_nothing(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    for unbuffered in ("", "1"):
        with open("/dev/full", "w") as full:
            for stream in (full.fileno(), write):
                command = [sys.executable, "-m", "zoo_core", "sample", "nothing"]
                env = environment(PYTHONUNBUFFERED=unbuffered)
                assert subprocess.run(command, env=env, cwd=tmp_path, stderr=stream).returncode == 2
    os.close(write)
