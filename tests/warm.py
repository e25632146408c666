"""Runs ``zoo`` in processes of their own that have imported the libraries already: most of a command's time is that.

A server imports torch, the zoo and what else does not depend on the environment, and nothing of a plugin. For each
command line it forks; the child gets that command's environment, folder and files for its output, and does what
``python -m zoo_core`` does. What it sees is what a new process sees, but for the import of those libraries.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

READ_AT_IMPORT = ("OMP_", "MKL_", "KMP_", "TORCH", "CUDA", "PYTHON", "RANK", "WORLD", "LD_", "MPL")  # by libraries


def may_be_warm(env: Mapping[str, str]) -> bool:
    """Whether nothing in an environment would have to be known before the libraries are imported."""
    here = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    names = {name for name in {*env, *here} if name.startswith(READ_AT_IMPORT) and name != "PYTHONPATH"}
    changed = any(env.get(name) != here.get(name) for name in names - {"PYTHONDONTWRITEBYTECODE"})
    folders = [Path(folder) for folder in env.get("PYTHONPATH", "").split(os.pathsep) if folder]
    return not changed and not any((folder / "sitecustomize.py").exists() for folder in folders)


class Warm:
    """The server of this process, started when it is first needed."""

    def __init__(self) -> None:
        self._address = ""
        self._lock = threading.Lock()

    def run(
        self, arguments: Sequence[str], env: Mapping[str, str], cwd: Path, timeout: float
    ) -> subprocess.CompletedProcess[str]:
        """What `subprocess.run` returns for ``python -m zoo_core ARGUMENTS``."""
        with self._lock:
            self._address = self._address or self._start()
        with socket.socket(socket.AF_UNIX) as line, tempfile.TemporaryDirectory(prefix="zoo-warm-") as folder:
            line.settimeout(timeout)
            line.connect(self._address)
            files = [str(Path(folder) / name) for name in ("out", "err")]
            line.sendall(json.dumps([list(arguments), dict(env), str(cwd), files]).encode() + b"\n")
            try:
                code = int(line.makefile().readline())
            except TimeoutError as error:
                raise subprocess.TimeoutExpired(["zoo", *arguments], timeout) from error
            out, err = (Path(file).read_text(encoding="utf-8") for file in files)
        return subprocess.CompletedProcess(["zoo", *arguments], code, out, err)

    def _start(self) -> str:
        folder = tempfile.mkdtemp(prefix="zoo-warm-")
        server = subprocess.Popen(
            [sys.executable, __file__, f"{folder}/socket"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
        )
        atexit.register(server.kill)
        assert server.stdout and server.stdout.readline() == "ready\n"
        return f"{folder}/socket"


def serve(address: str) -> NoReturn:
    """Fork for each command line until whoever started this is gone."""
    before = dict(os.environ)
    import numpy, PIL.Image, PIL.PngImagePlugin, torch  # noqa: E401, F401, I001

    import zoo_core.cli.doctor, zoo_core.run.run, zoo_core.results.pictures, zoo_core.weights.find  # noqa: E401, F401

    ours = {name: value for name, value in os.environ.items() if name not in before}  # what the zoo itself settles
    parent = os.getppid()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that wait
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(address)
        listener.listen()
        listener.settimeout(2)
        print("ready", flush=True)
        while os.getppid() == parent:
            with contextlib.suppress(TimeoutError):
                connection, _ = listener.accept()
                if os.fork() == 0:
                    listener.close()
                    answer(connection, ours)
                connection.close()
    os._exit(0)


def answer(connection: socket.socket, ours: Mapping[str, str]) -> NoReturn:
    """Run one command line in a child, and say how it ended; kill it when nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(None)
    arguments, env, cwd, files = json.loads(connection.makefile().readline())
    if (child := os.fork()) == 0:
        connection.close()
        become(arguments, {**ours, **env}, cwd, files)
    threading.Thread(target=kill_when_alone, args=(connection, child), daemon=True).start()
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(f"{code}\n".encode())
    os._exit(0)


def kill_when_alone(connection: socket.socket, child: int) -> None:
    """Kill a child whose caller has gone."""
    with contextlib.suppress(OSError):
        connection.recv(1)
        os.kill(child, signal.SIGKILL)


def become(arguments: list[str], env: dict[str, str], cwd: str, files: list[str]) -> NoReturn:
    """Be the process of one command line."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for number, file in enumerate(files, 1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    mine = str(Path(__file__).parent)
    sys.path[:] = [cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep)), *(p for p in sys.path if p != mine)]
    sys.argv = ["zoo", *arguments]
    from zoo_core.__main__ import main
    from zoo_core.cli import screen

    screen.out.__init__()  # type: ignore[misc]  # they ask the environment when they are made
    screen.err.__init__(stderr=True)  # type: ignore[misc]
    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else int(error.code is not None)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking torch apart takes a second


if __name__ == "__main__":
    serve(sys.argv[1])
