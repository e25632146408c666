"""``zoo demo``: a page in the browser for every model, or for one."""

from __future__ import annotations

import sys
import threading
import webbrowser
from collections.abc import Mapping
from pathlib import Path

import click

from ..errors import ZooError
from . import render
from .answers import problem
from .answers_others import Demo
from .groups import Command
from .listing import ModelName, json_flag
from .streams import reserved
from .values import RunPath
from .verbs import PATH


@click.command(cls=Command)
@click.argument("name", metavar="[MODEL]", required=False, type=ModelName())
@click.option(
    "--weights", type=RunPath(path_type=Path), help="A weights file, a run folder or ORG/NAME@COMMIT instead."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen; 0.0.0.0 lets others in.")
@click.option("--port", type=click.IntRange(0, 65535), default=7860, show_default=True, help="0 takes a free one.")
@click.option("--open/--no-open", "opens", default=True, help="Open the page in the browser.  [open]")
@click.option("--max-n", type=click.IntRange(min=1), default=64, show_default=True, help="Most that -n may draw.")
@click.option("--device", default="auto", show_default=True, metavar="DEVICE", help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, else a cache folder]")
@json_flag
def demo(
    name: str | None, weights: Path | None, host: str, port: int, opens: bool, max_n: int, device: str,
    data_root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Draw in a browser: a page for every model, made from its card; or for one MODEL, or run, alone."""
    from ..demo.drawing import Studio
    from ..demo.offers import offers
    from ..demo.serving import is_loopback, page

    with reserved(as_json):
        found = offers(name, weights)
    if not is_loopback(host):
        render.note(f"whoever reaches this machine can use the page: it listens at {host}")
    with page(found, Studio(device, data_root, max_n), host, port) as (address, serve):
        if as_json:
            render.json_out(_answer(address, found))
        else:
            render.line(f"{address}   Ctrl-C ends it")
        sys.stdout.flush()
        if opens:
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()  # some take the terminal
        with reserved(as_json):
            serve()


def _answer(address: str, found: Mapping[str, object]) -> Demo:
    """What a program is told that started a page."""
    broken = {name: problem(one) for name, one in found.items() if isinstance(one, ZooError)}
    models = [name for name in found if name not in broken]
    return {"command": "demo", "address": address, "models": models, "broken": broken}
