"""Draws docs/screens/*.svg: what a terminal of 80 columns shows after a command. Every command is run for it.

python docs/make_screens.py
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import struct
import sys
import tempfile
import termios
from pathlib import Path

import pyte
from rich.color import ColorParseError
from rich.console import Console
from rich.style import Style
from rich.text import Text

HERE = Path(__file__).parent
SCREENS = HERE / "screens"
COLUMNS, LINES = 80, 120  # of the terminal; empty lines below are cut off
SMALL = "--hidden 32 --iterations 200 --device cpu"
SHOTS = {  # in this order, each in the folder that those before it leave
    "list": "zoo list",
    "info": "zoo info cgan",
    "train": f"zoo train vae.mlp-64d {SMALL} -o runs/small",
    "evaluate": "zoo evaluate runs/small --device cpu",
    "runs-compare": "zoo runs compare runs/small runs/wide",
}
BEFORE = {"runs-compare": f"zoo train vae.mlp-64d --latent 16 {SMALL} -o runs/wide"}  # what a picture needs beside


def shown(command: str, folder: Path) -> pyte.Screen:
    """The terminal after a command that is run in a folder.

    Raises:
        RuntimeError: the command fails.
    """
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.environ |= {
            "TERM": "xterm-256color", "COLORTERM": "truecolor", "ZOO_CACHE": str(folder / "cache"), "ZOO_OFFLINE": "1",
        }  # fmt: skip
        for name in ("COLUMNS", "LINES", "NO_COLOR"):
            os.environ.pop(name, None)
        os.execv(sys.executable, [sys.executable, "-m", "zoo_core", *command.split()[1:]])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, LINES)
    stream = pyte.ByteStream(screen)
    while data := _read(terminal):
        stream.feed(data)
    os.close(terminal)
    if code := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        raise RuntimeError(f"{command} ends with {code}:\n" + "\n".join(screen.display))
    return screen


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # the command has ended
        return b""


def text_of(screen: pyte.Screen) -> list[str]:
    """The lines of a terminal down to the last one that is not empty."""
    lines = [line.rstrip() for line in screen.display]
    return lines[: max((number for number, line in enumerate(lines, 1) if line), default=0)]


def draw(command: str, screen: pyte.Screen) -> str:
    """A picture of a terminal, as SVG."""
    console = Console(width=COLUMNS, record=True, file=io.StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text(f"$ {command}", "bold"))
    for number in range(len(text_of(screen))):
        row, line = screen.buffer[number], Text()
        for cell in (row[column] for column in range(COLUMNS)):
            line.append(
                cell.data, Style.null() if cell.data == " " else _style(cell)
            )  # each word has a place of its own
        line.rstrip()
        console.print(line, no_wrap=True)
    return console.export_svg(title="zoo", unique_id="zoo")


def _style(cell: pyte.screens.Char) -> Style:
    return Style(color=_colour(cell.fg), bgcolor=_colour(cell.bg), bold=cell.bold)


def _colour(name: str) -> str | None:
    """A colour of pyte as rich has it; none for that of the terminal."""
    if name == "default":
        return None
    named = {"brown": "yellow", "brightblack": "bright_black"}.get(name, name)
    try:
        return f"#{named}" if len(named) == 6 and int(named, 16) >= 0 else named
    except (ValueError, ColorParseError):
        return named


def screens() -> dict[str, tuple[str, pyte.Screen]]:
    """Each picture's command, and the terminal after it."""
    made = {}
    with tempfile.TemporaryDirectory() as place:
        for name, command in SHOTS.items():
            if name in BEFORE:
                shown(BEFORE[name], Path(place))
            made[name] = command, shown(command, Path(place))
    return made


if __name__ == "__main__":
    SCREENS.mkdir(exist_ok=True)
    for name, (command, screen) in screens().items():
        (SCREENS / f"{name}.svg").write_text(draw(command, screen), encoding="utf-8")
