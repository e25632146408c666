"""The rule about `export`, which a plugin need not have: as ONNX it computes what it does in torch."""

from __future__ import annotations

from ..api.exporting.verb import exported
from ..errors import UsageError
from .book import NotReached
from .training import Bench, First


def check_export(bench: Bench, first: First) -> None:
    """Look at what runs without the zoo."""
    with bench.book.rule("export"):
        try:
            found = exported(bench.model, first.checkpoint)
            if found is None:
                raise NotReached("nothing of it runs without the zoo")
            from ..api.exporting import graph

            graph.check_libraries()
        except UsageError as error:
            raise NotReached(error.message, error.hint) from error
        graph.made(found, {"versions": {}})
