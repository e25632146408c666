"""One call that writes a trained model as ONNX, or as a page that runs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from ...cards.checkpoint import Checkpoint
from ...cards.exports import Export
from ...cards.options import Options
from ...cards.takes import Takes
from ...errors import PluginError, UsageError, nearest
from ...files import check_free, write_new
from ...plugin.registry import Model
from ..calls import blaming
from ..handle import Handle, Source, find_checkpoint, open_model
from ..spoken import in_python

if TYPE_CHECKING:
    from ...run.reporter import Reporter

Format = Literal["onnx", "html"]


@dataclass(frozen=True)
class Wanted:
    """What is to be written.

    Args:
        format: that of the suffix of `output` if not said, else ``onnx``.
        output: the file; ``MODEL.PRESET.FORMAT`` in this folder if not said.
        overwrite: replace the file that is there.
        runtime: a folder with the npm package onnxruntime-web, unpacked, instead of what is fetched for a page.
        beside: put the program that runs the model into a file beside the page, which several pages share.
    """

    format: Format | None = None
    output: Path | None = None
    overwrite: bool = False
    runtime: Path | None = None
    beside: bool = False

    @property
    def kind(self) -> Format:
        """The format.

        Raises:
            UsageError: there is none such, or the name of the file says another.
        """
        suffix: Any = self.output.suffix.lstrip(".").casefold() if self.output else ""
        kind: Any = self.format or suffix or "onnx"
        if kind not in get_args(Format):
            raise UsageError(f"there is no format '{kind}' to export", nearest(kind, get_args(Format)))
        if suffix != kind and self.output:
            raise UsageError(f"{self.output} is no name of a file of the format {kind}", f"end it in .{kind}")
        if kind == "onnx" and (self.runtime or self.beside):
            raise UsageError("--runtime and --beside are for pages", "--format html")
        return "html" if kind == "html" else "onnx"


@dataclass(frozen=True)
class Exported:
    """A model that was written.

    Args:
        model: ``plugin.preset``.
        weights_sha256: of the weights.
        path: the file.
        format: ``onnx`` or ``html``.
        bytes: its size.
        runtime: the file beside the page with the program that runs it; None where there is none.
        opset: version of ONNX's operators.
        difference: the largest absolute one between torch and ONNX Runtime, over random inputs.
        takes: the inputs, by name.
        gives: the output: ``images``, float [b, c, h, w] in [0, 1], or ``probabilities``, float [b, k].
    """

    model: str
    weights_sha256: str | None
    path: Path
    format: Format
    bytes: int
    runtime: Path | None
    opset: int
    difference: float
    takes: tuple[Takes, ...]
    gives: str


@in_python
def export(
    name: str | Path, *, preset: str | None = None, weights: str | Path | None = None, format: Format | None = None,
    output: str | Path | None = None, overwrite: bool = False, runtime: str | Path | None = None, beside: bool = False,
    reporter: Reporter | None = None,
) -> Exported:  # fmt: skip
    """Write a trained model as ONNX, or as one HTML file that runs it in a browser without a server.

    What is written was compared with torch on random inputs: numbers differ by 1e-4 at most, or it is an error.

    Args:
        name: ``cgan``, or with a preset ``cgan.dcgan``; or a run: ``runs/x``, or ``x``.
        preset: whose pinned weights to use; the model's default one if not said.
        weights: a weights file, a run folder or ``ORG/NAME@COMMIT`` instead.
        format: ``onnx`` or ``html``; that of the suffix of `output` if not said, else ``onnx``.
        output: the file; ``MODEL.PRESET.FORMAT`` in this folder if not said.
        overwrite: replace the file that is there.
        runtime: a folder with the npm package onnxruntime-web, unpacked; it is fetched once if not said.
        beside: put the program that runs the model into a file beside the page, which several pages share.
        reporter: receives warnings; a logger if not said.
    Raises:
        ZooError: the model has nothing to export, libraries are missing, or see the exit codes in the README.
    """
    wanted = Wanted(
        format, Path(output) if output else None, overwrite, Path(runtime) if runtime else None, beside
    )  # fmt: skip
    return export_opened(open_model(str(name), preset), Source.of(weights, False), wanted, reporter)


def export_opened(handle: Handle, source: Source, wanted: Wanted, reporter: Reporter | None) -> Exported:
    """Do what `export` does, with a model that is loaded already."""
    kind = wanted.kind
    if wanted.output:
        check_free(wanted.output, wanted.overwrite)
    checkpoint = find_checkpoint(handle, source, reporter)
    path = wanted.output or Path(f"{checkpoint.name}.{kind}")
    check_free(path, wanted.overwrite)
    from . import graph, page

    graph.check_libraries()
    found = _usable(handle, checkpoint)
    if kind == "html":
        page.check(found, checkpoint.name)
    program = page.program(wanted.runtime) if kind == "html" else None  # a network that is not there is said early
    with blaming(handle.model, "export"):
        made = graph.made(found, _facts(handle, checkpoint))
    data, runtime = made.data, None
    if program:
        runtime = path.parent / program.name if wanted.beside else None
        data = page.written(page.about(handle, source, checkpoint, found), made.data, program, runtime)
    if program and runtime:
        write_new(runtime, program.script.encode(), overwrite=True)
    write_new(path, data, wanted.overwrite)
    return Exported(
        checkpoint.name, checkpoint.sha256, path, kind, len(data), runtime, graph.OPSET, made.difference, found.takes,
        found.gives,
    )  # fmt: skip


def _usable(handle: Handle, checkpoint: Checkpoint[Options]) -> Export:
    """What of a model runs without the zoo.

    Raises:
        UsageError: nothing does.
    """
    found = exported(handle.model, checkpoint)
    if found is None:
        raise UsageError(
            f"{checkpoint.name} has nothing that runs without the zoo",
            f"its plugin has no function 'export'; here it runs: zoo sample {checkpoint.name}",
        )
    return found


def exported(model: Model, checkpoint: Checkpoint[Options]) -> Export | None:
    """What a plugin says that runs without the zoo; None where it says nothing.

    Raises:
        PluginError: it gives something else.
    """
    with blaming(model, "export"):
        found = model.hook.export(checkpoint=checkpoint)
        if not isinstance(found, Export | None):
            raise PluginError(f"it returned {type(found).__name__}, not an Export")
    return found


def _facts(handle: Handle, checkpoint: Checkpoint[Options]) -> dict[str, Any]:
    """What an exported model says of itself."""
    from ...run.environment import versions

    model = handle.model
    return {
        "command": "export", "model": checkpoint.name, "weights_sha256": checkpoint.sha256,
        "licence": model.card.licence,
        "plugin": {"distribution": model.distribution, "version": model.version}, "versions": versions(torch=True),
    }  # fmt: skip
