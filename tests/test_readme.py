"""The README quotes figures; they are those of the manifest, and its commands exist."""

from __future__ import annotations

import re

import pytest
from conftest import ROOT

import zoo_core as zoo
from zoo_core import manifest

README = (ROOT / "README.md").read_text()
ROW = re.compile(r"^\| `(?P<name>[\w.-]+)` \| (?P<metric>\w+) \|[^|]*\| \*\*(?P<value>[\d.]+)\*\* \|", re.MULTILINE)


def test_every_figure_is_the_manifests() -> None:
    rows = list(ROW.finditer(README))
    assert {row["name"] for row in rows} == set(manifest.read())
    for row in rows:
        decimals = len(row["value"].partition(".")[2])
        assert f"{manifest.pin(row['name']).metrics[row['metric']]:.{decimals}f}" == row["value"], row[0]


def test_every_main_figure_is_quoted() -> None:
    quoted = {(row["name"], row["metric"]) for row in ROW.finditer(README)}
    for name, pin in manifest.read().items():
        model = zoo.models()[pin.plugin]
        main = [m.name for m in model.card.metrics if m.better]  # type: ignore[union-attr]
        assert {(name, metric) for metric in main} <= quoted


@pytest.mark.parametrize("picture", re.findall(r"!\[[^]]*\]\((docs/[^)]+)\)", README))
def test_pictures_are_there(picture: str) -> None:
    assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
    assert f"-o {picture}`" in README, "the command that draws it stands under it"
