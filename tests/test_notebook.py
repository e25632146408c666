"""The notebook examples/tour.ipynb runs from top to bottom, and shows what it should: tables and pictures, no walls."""

from __future__ import annotations

from typing import Any

import nbformat
import pytest
from conftest import ROOT, environment
from nbclient import NotebookClient

NOTEBOOK = ROOT / "examples" / "tour.ipynb"


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The cells of code, executed."""
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment().items():
            patch.setenv(name, value)
        folder = tmp_path_factory.mktemp("notebook")
        NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
        assert (folder / "runs" / "tour" / "run.json").is_file()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def outputs(cells: list[Any], begins: str) -> list[Any]:
    (cell,) = (cell for cell in cells if begins in cell.source)
    return list(cell.outputs)


def shown(output: Any) -> str:
    """Everything that an output would show, whatever kind it is of."""
    return "".join(map(str, output.get("data", {"text": output.get("text", "")}).values()))


@pytest.mark.parametrize(
    ("cell", "kind", "said"),
    [("zoo.models()", "text/html", "Conditional GAN"), ("sandals = zoo.sample", "image/png", ""),
     ("sandals[:2]", "image/png", ""), ("t5-summarizer", "text/html", "Annotated Dialogue in German"),
     ("run = zoo.train", "text/html", "nelbo"), ('zoo.sample("runs/tour"', "image/png", ""),
     ('zoo.evaluate("runs/tour")', "text/html", "nelbo"), ("zoo.runs()", "text/html", "tour")],
)  # fmt: skip
def test_a_cell_shows_what_it_should(cells: list[Any], cell: str, kind: str, said: str) -> None:
    last = outputs(cells, cell)[-1]
    assert kind in last["data"], last
    assert said in last["data"][kind]
    assert len(last["data"]["text/plain"]) < 400, "a console has no wall of text"


def test_the_notebook_is_committed_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)


def test_a_training_in_a_notebook_has_a_bar_and_errors_name_arguments(cells: list[Any]) -> None:
    told = "".join(map(shown, outputs(cells, "run = zoo.train")))
    assert "training" in told and "60 steps" in told
    assert "did you mean 'sandal'?" in "".join(map(shown, outputs(cells, "sandle")))
