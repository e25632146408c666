"""``zoo export``: a trained model as ONNX, or as a page that runs it in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from ..api.handle import Source, open_model
from . import outputs, render, said
from .groups import Command
from .listing import ModelName, json_flag
from .streams import reserved
from .verbs import PATH

if TYPE_CHECKING:
    from ..api.exporting.verb import Format


@click.command(cls=Command, short_help="Write a trained model as ONNX, or as a page that runs it.")
@click.argument("name", metavar="MODEL", type=ModelName())
@click.option("--preset", metavar="NAME", help="Whose pinned weights to use; MODEL.NAME says the same.")
@click.option("--weights", type=PATH, help="A weights file, a run folder or ORG/NAME@COMMIT instead (not pinned).")
@click.option(
    "--format", "kind", metavar="onnx|html",
    help="A model of ONNX, or a page that runs it without a server.  [that of the suffix of -o, else onnx]",
)  # fmt: skip
@click.option("-o", "--output", type=PATH, help="File to write.  [MODEL.PRESET.FORMAT]")
@click.option("--overwrite", is_flag=True, help="Replace the file that is there.")
@click.option(
    "--runtime", type=PATH, metavar="FOLDER",
    help="The npm package onnxruntime-web, unpacked, for a page.  [fetched once]",
)  # fmt: skip
@click.option("--beside", is_flag=True, help="Put the program that runs models beside the page, for several to share.")
@json_flag
def export(
    name: str, preset: str | None, weights: Path | None, kind: str | None, output: Path | None,
    overwrite: bool, runtime: Path | None, beside: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write a trained MODEL, or a run, as ONNX, or as one HTML file that runs it in a browser without a server.

    What is written was compared with torch on random inputs.
    """
    from ..api.exporting.verb import Wanted, export_opened

    wanted = Wanted(cast("Format | None", kind), output, overwrite, runtime, beside)
    with reserved(as_json), outputs.stopped("nothing was written"):
        done = export_opened(
            open_model(name, preset), Source.of(weights, False), wanted, render.TerminalReporter()
        )  # fmt: skip
    if as_json:
        render.json_out(said.export(done))
    else:
        render.exported(done)
